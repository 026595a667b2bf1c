#!/usr/bin/env python3
"""Writes the Grafana dashboards, ssh-fleet.json and ssh-host.json, from fleet.py and host.py.

    dashboards/generate.py            writes them
    dashboards/generate.py --check    exits 1 if a file differs

The causes, and the layer of each, come from the exporter's own table: a new cause gets its colour and its state
in the timelines by running this again.
"""
import json
import pathlib
import sys

from fleet import fleet
from host import host

HERE = pathlib.Path(__file__).resolve().parent
DASHBOARDS = [fleet, host]


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    for made in (make() for make in DASHBOARDS):
        text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
        path = HERE / f"{made['uid']}.json"
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{path.name} differs from what generate.py writes: run dashboards/generate.py")


if __name__ == "__main__":
    main()
