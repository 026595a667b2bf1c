"""The queries of a dashboard, with Grafana's variables replaced as Grafana would."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

DASHBOARDS = sorted((Path(__file__).resolve().parents[2] / "dashboards").glob("*.json"))

INTERVALS = {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "1h"}


@dataclass(frozen=True)
class Query:
    panel: str
    kind: str           # the panel's type
    ref: str
    expr: str
    instant: bool

    @property
    def id(self):
        return f"{self.panel}/{self.ref}".replace(" ", "_")


def load(path):
    return json.loads(Path(path).read_text())


def all_panels(dashboard):
    """Every panel that draws something, those inside collapsed rows included."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def queries(dashboard):
    return [Query(panel["title"], panel["type"], target["refId"], target["expr"], target["instant"])
            for panel in all_panels(dashboard) for target in panel["targets"]]


def substitute(expr, intervals=None, **variables):
    """A query as Grafana would send it; variables that are not given are All."""
    for name, value in {**INTERVALS, **(intervals or {})}.items():
        expr = re.sub(re.escape(name) + r"\b", value, expr)
    expr = re.sub(r"\$(\w+)", lambda match: variables.get(match[1], ".+"), expr)
    assert "$" not in expr
    return expr
