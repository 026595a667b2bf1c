"""The dashboards: the rules of Grafana's dashboard-linter, and that every query is valid and of this exporter."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from exporter_facts import ROOT, causes, known_metrics, metric_names
from panels import DASHBOARDS, all_panels, load, queries, substitute

# The units of Grafana that the dashboards use; dashboard-linter knows them all.
UNITS = {"none", "short", "percent", "percentunit", "s", "ms", "bytes", "cps", "ops", "dateTimeFromNow"}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COUNTER_FUNCTIONS = r"(?:rate|irate|increase)\("

LOADED = {path.stem: load(path) for path in DASHBOARDS}
each_dashboard = pytest.mark.parametrize("dashboard", LOADED.values(), ids=LOADED.keys())
PANELS = {f"{stem}/{panel['title']}".replace(" ", "_"): panel
          for stem, dashboard in LOADED.items() for panel in all_panels(dashboard)}
each_panel = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS.keys())
QUERIES = {f"{stem}/{query.id}": query for stem, dashboard in LOADED.items() for query in queries(dashboard)}
each_query = pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())


def variables(dashboard):
    return {variable["name"]: variable for variable in dashboard["templating"]["list"]}


def selectors(expr):
    """(metric, matchers, what stands before, what stands after) of each selector of a query."""
    for match in re.finditer(r"\b([a-z_]+)\{((?:[^}\"]|\"[^\"]*\")*)\}(\[[^\]]*\])?", expr):
        yield match[1], match[2], expr[:match.start()], match[3] or ""


def test_there_is_one():
    assert "ssh-fleet" in LOADED


def test_written_by_its_generator():
    done = subprocess.run([sys.executable, ROOT / "dashboards" / "generate.py", "--check"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, done.stdout


@each_dashboard
def test_frame(dashboard):
    assert dashboard["schemaVersion"] == 42
    assert dashboard["editable"] is False
    assert re.fullmatch(r"[a-z][a-z-]{2,39}", dashboard["uid"])
    assert dashboard["title"] and dashboard["description"]
    assert "id" not in dashboard, "an id belongs to one Grafana"
    assert any(link["type"] == "dashboards" and set(link["tags"]) <= set(dashboard["tags"])
               for link in dashboard["links"]), "no links between the dashboards"


def test_uids_are_unique():
    uids = [dashboard["uid"] for dashboard in LOADED.values()]
    assert len(set(uids)) == len(uids)


@each_dashboard
def test_template_variables(dashboard):
    found = variables(dashboard)
    source = found["datasource"]
    assert (source["type"], source["query"], source["label"]) == ("datasource", "prometheus", "Data source")
    for name in ("job", "instance"):
        variable = found[name]
        assert variable["label"] == name.title()
        assert (variable["type"], variable["multi"], variable["allValue"]) == ("query", True, ".+")
    for variable in found.values():
        if variable["type"] != "query":
            continue
        assert variable["datasource"] == DATASOURCE
        assert variable["refresh"] == 2, "to be asked again when the time range changes"
        assert re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])


@each_dashboard
def test_variables_of_variables_exist(dashboard):
    names = set(variables(dashboard))
    for variable in variables(dashboard).values():
        if variable["type"] == "query":
            text = variable["query"]["query"]
            assert set(re.findall(r"\$(\w+)", text)) <= names
            assert metric_names(re.fullmatch(r"label_values\((.+), \w+\)", text)[1]) <= known_metrics()


@each_dashboard
def test_layout(dashboard):
    """Ids are unique, and no two panels lie on each other or beyond the 24 columns."""
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken = {}
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] and place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies on {taken[x, y]}"
                taken[x, y] = panel["title"]


@each_panel
def test_panel(panel):
    assert panel["title"]
    assert len(panel["description"]) > 20
    assert panel["datasource"] == DATASOURCE
    assert panel["targets"]
    units = [panel["fieldConfig"]["defaults"]["unit"]]
    for override in panel["fieldConfig"]["overrides"]:
        units += [p["value"] for p in override["properties"] if p["id"] == "unit"]
    assert set(units) <= UNITS
    refs = [target["refId"] for target in panel["targets"]]
    assert len(set(refs)) == len(refs)
    for target in panel["targets"]:
        assert target["datasource"] == DATASOURCE
        assert target["instant"] is not target["range"]


@each_query
def test_selectors(query):
    """Job and instance in every selector; counters and buckets only inside their functions; $__rate_interval."""
    found = list(selectors(query.expr))
    assert {metric for metric, *_ in found} == metric_names(query.expr), "a selector without labels"
    for metric, matchers, before, span in found:
        assert 'job=~"$job"' in matchers
        assert 'instance=~"$instance"' in matchers
        if re.search(r"_(total|bucket)$", metric):
            assert re.search(COUNTER_FUNCTIONS + "$", before), f"{metric} outside rate, irate or increase"
        if re.search(r"\b(?:rate|irate)\($", before):
            assert span == "[$__rate_interval]"
        else:
            assert span in ("", "[$__rate_interval]", "[$__range]")


@each_query
def test_variables_exist(query):
    for stem, dashboard in LOADED.items():
        if f"{stem}/{query.id}" in QUERIES:
            known = set(variables(dashboard)) | {"__rate_interval", "__interval", "__range"}
            assert set(re.findall(r"\$(\w+)", query.expr)) <= known


@each_query
def test_metrics_exist(query):
    assert metric_names(query.expr) <= known_metrics()


def test_queries_parse(tmp_path):
    """promtool's parser is Prometheus': every query as a recording rule."""
    rules = [{"record": f"query:{number}", "expr": substitute(query.expr)}
             for number, query in enumerate(QUERIES.values())]
    path = tmp_path / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", path], text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


@each_dashboard
def test_every_cause_has_a_state(dashboard):
    """A state timeline's numbers: each cause has one, with the name that its query gives it."""
    timelines = [panel for panel in all_panels(dashboard) if panel["type"] == "state-timeline"]
    for panel in timelines:
        states = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
        joined = dict(re.findall(r'vector\((\d+)\), "cause", "(\w+)"', panel["targets"][0]["expr"]))
        assert {number: state["text"] for number, state in states.items() if number != "0"} == joined
        assert sorted(joined.values()) == sorted(causes())


def test_the_timeline_is_one_series_per_target(tmp_path):
    """Its query by Prometheus itself: label → number, unknown cause → 0, never failed → left out."""
    query = next(q for q in QUERIES.values() if q.kind == "state-timeline")
    numbers = {name: number for number, name in re.findall(r'vector\((\d+)\), "cause", "(\w+)"', query.expr)}

    def series(metric, target, values, labels=""):
        return {"series": f'{metric}{{job="j", instance="i", target="{target}"{labels}}}', "values": values}

    def cause(target, name, values):
        return series("ssh_probe_cause", target, values, f', cause="{name}", layer="x", confidence="certain"')
    test = {
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": [
                cause("a:22", "port_closed", "1 1 stale"), cause("a:22", "none", "_ _ 1 1"),
                series("ssh_probe_success", "a:22", "0 0 1 1"),
                cause("new:22", "not_in_the_table", "1 1 1 1"), series("ssh_probe_success", "new:22", "0 0 0 0"),
                cause("well:22", "none", "1 1 1 1"), series("ssh_probe_success", "well:22", "1 1 1 1"),
            ],
            "promql_expr_test": [
                {"expr": substitute(query.expr), "eval_time": when, "exp_samples": [
                    {"labels": '{instance="i", target="a:22"}', "value": float(numbers[name])},
                    {"labels": '{instance="i", target="new:22"}', "value": 0.0}]}
                for when, name in (("1m", "port_closed"), ("3m", "none"))],
        }],
    }
    path = tmp_path / "timeline.yml"
    path.write_text(json.dumps(test))
    done = subprocess.run(["promtool", "test", "rules", path], text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def test_provisioning():
    folder = ROOT / "dashboards" / "provisioning"
    source = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())
    assert source["apiVersion"] == 1
    assert [s["type"] for s in source["datasources"]] == ["prometheus"]
    scrape = yaml.safe_load((ROOT / "config" / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert source["datasources"][0]["jsonData"]["timeInterval"] == scrape
    provider = yaml.safe_load((folder / "dashboards" / "ssh-refusal.yml").read_text())
    assert provider["apiVersion"] == 1
    assert provider["providers"][0]["type"] == "file"
