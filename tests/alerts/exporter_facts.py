"""What the exporter says of itself, for tests of what builds on it: its metrics, causes and layers."""

import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_BINARY = ROOT / "build" / "release" / "ssh_refusal_exporter"
HOST_RULES = ROOT / "exporter" / "diagnose" / "host_rules.cc"
CAUSE_TABLE = ROOT / "exporter" / "model" / "cause.cc"

# Prometheus' own, on every scrape.
SCRAPE_METRICS = {"up", "scrape_duration_seconds", "ALERTS"}

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_LABELS_OR_RANGE = re.compile(r"\{[^}]*\}|\[[^\]]*\]")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w.:$])([a-zA-Z_:][\w:]*)\b(?!\s*\()")
_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "inf", "nan",
          "group_left", "group_right", "start", "end", "atan2"}


def metric_names(expr):
    """Names of the metrics that a PromQL expression selects."""
    bare = _GROUPING.sub(" ", _LABELS_OR_RANGE.sub(" ", _STRING.sub(" ", expr)))
    # An aggregation may have its grouping after its name: `sum by (x) (y)`.
    bare = re.sub(r"\b(sum|min|max|avg|count|topk|bottomk|quantile|count_values|stddev)\s*(?=\()", " ", bare)
    return {name for name in _NAME.findall(bare) if name.lower() not in _WORDS}


def impossible(reason):
    """Skip; but where everything must run (CI=true) a skip is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CANNOT RUN: {reason}", pytrace=False)
    pytest.skip(f"CANNOT RUN: {reason}")


def binary():
    path = Path(os.environ.get("SSH_REFUSAL_EXPORTER", DEFAULT_BINARY))
    if not path.exists():
        impossible(f"there is no {path}; build it, or set SSH_REFUSAL_EXPORTER")
    return path


@lru_cache
def known_metrics():
    """Every series name that the exporter can publish, from its own reference."""
    table = subprocess.run([binary(), "reference", "metrics"], check=True, text=True, timeout=60,
                           stdout=subprocess.PIPE).stdout
    names = set()
    for line in table.splitlines():
        row = re.match(r"\|\s*`([a-zA-Z_:][\w:]*)`\s*\|(.*)", line)
        if row:
            names.add(row[1])
            if "histogram" in row[2]:
                names |= {row[1] + suffix for suffix in ("_bucket", "_sum", "_count")}
    assert len(names) > 10, f"no table of metrics:\n{table}"
    return names


@lru_cache
def causes():
    """Cause → layer, from the exporter's own table."""
    rows = dict(re.findall(r'\{Cause::\w+,\s*"(\w+)",\s*Layer::(\w+),', CAUSE_TABLE.read_text()))
    assert rows.get("none") == "none" and len(rows) > 10, f"{CAUSE_TABLE} has changed its form"
    return rows


@lru_cache
def host_causes():
    """Those of the causes that a host can say of itself: what the rules about its facts conclude."""
    concluded = set(re.findall(r"\.cause = Cause::(\w+)", HOST_RULES.read_text()))
    assert "none" in concluded and len(concluded) > 10, f"{HOST_RULES} has changed its form"
    return {cause: layer for cause, layer in causes().items() if cause in concluded}
