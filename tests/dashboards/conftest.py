import sys
from pathlib import Path

# exporter_facts.py, the exporter's own tables, is shared with the alerts' tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "alerts"))
