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


def test_they_are_there():
    assert set(LOADED) == {"ssh-fleet", "ssh-host"}
    assert all(dashboard["uid"] == stem for stem, dashboard in LOADED.items())


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


@each_dashboard
def test_links_to_each_other_dashboard(dashboard):
    """With the time and the data source; not with the instance, which is a prober here and a host there."""
    urls = {link["url"].split("?")[0]: link for link in dashboard["links"]}
    assert set(urls) == {f"/d/{other['uid']}" for other in LOADED.values() if other is not dashboard}
    for link in urls.values():
        assert link["type"] == "link" and link["keepTime"] and not link["includeVars"]
        carried = set(re.findall(r"\$\{(\w+):queryparam\}", link["url"]))
        assert "datasource" in carried and "instance" not in carried
        assert carried <= set(variables(dashboard))


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


# What systemd calls the states of a unit, as sshd_unit_state has them.
UNIT_STATES = {"active", "reloading", "inactive", "failed", "activating", "deactivating"}
# A label that a query turns into a number → its values.
NUMBERED = {"cause": set(causes()), "state": UNIT_STATES}


def numbers_of(expr):
    """(label, name → number) of a query that turns a label into a number; None if it does not."""
    found = re.findall(r'vector\((\d+)\), "(\w+)", "(\w+)"', expr)
    if not found:
        return None
    label, = {label for _, label, _ in found}
    return label, {name: number for number, _, name in found}


@each_panel
def test_every_name_has_a_state(panel):
    """The numbers that stand for a label: each value has one, with the name that the query gives it."""
    numbered = numbers_of(panel["targets"][0]["expr"])
    if numbered is None:
        assert panel["type"] != "state-timeline" or "_success{" in panel["targets"][0]["expr"]
        return
    label, numbers = numbered
    states = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert {state["text"]: number for number, state in states.items() if number != "0"} == numbers
    assert states["0"]["text"] == "other"
    assert set(numbers) == NUMBERED[label]


def run_promtool(tmp_path, series, checks):
    """Series → values; (query, time) → labels → value."""
    test = {"evaluation_interval": "1m", "tests": [{
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": substitute(expr), "eval_time": when,
             "exp_samples": [{"labels": labels, "value": float(value)} for labels, value in samples.items()]}
            for (expr, when), samples in checks.items()],
    }]}
    path = tmp_path / "test.yml"
    path.write_text(json.dumps(test))
    done = subprocess.run(["promtool", "test", "rules", path], text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def of_host(metric, instance="i", **labels):
    labels = {"job": "j", "instance": instance, **labels}
    return f"{metric}{{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


@pytest.mark.parametrize("panel", ["Cause_over_time", "Cause_now"])
def test_a_host_s_cause_is_one_series(tmp_path, panel):
    query = QUERIES[f"ssh-host/{panel}/A"]
    _, numbers = numbers_of(query.expr)

    def cause(instance, name):
        return of_host("sshd_cause", instance, cause=name, layer="x", confidence="certain")
    run_promtool(tmp_path, {
        cause("a", "max_startups"): "1 1 stale", cause("a", "none"): "_ _ 1 1",
        cause("new", "not_in_the_table"): "1 1 1 1",
    }, {
        (query.expr, "1m"): {'{instance="a"}': numbers["max_startups"], '{instance="new"}': 0},
        (query.expr, "3m"): {'{instance="a"}': numbers["none"], '{instance="new"}': 0},
    })


def test_a_unit_s_state_is_one_series(tmp_path):
    query = QUERIES["ssh-host/Units_over_time/A"]
    _, numbers = numbers_of(query.expr)

    def unit(name, state):
        return of_host("sshd_unit_state", unit=name, state=state)
    run_promtool(tmp_path, {
        unit("ssh.service", "active"): "1 0", unit("ssh.service", "failed"): "0 1",
        unit("ssh.socket", "inactive"): "1 1", unit("ssh.socket", "active"): "0 0",
        unit("new.service", "maintenance"): "1 1",
    }, {
        (query.expr, when): {
            '{instance="i", unit="ssh.service"}': numbers[state],
            '{instance="i", unit="ssh.socket"}': numbers["inactive"],
            '{instance="i", unit="new.service"}': 0}
        for when, state in (("0m", "active"), ("1m", "failed"))})


def test_endpoints_have_their_state(tmp_path):
    """The table of listeners: each state, and no endpoint with two."""
    query = QUERIES["ssh-host/Listeners_against_configuration/A"]

    def series(metric, address, port, **labels):
        return of_host(metric, address=address, port=port, **labels)

    def row(address, port, state, **labels):
        labels = {"address": address, "instance": "i", "port": port, **labels, "state": state}
        return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
    wanted = [("0.0.0.0", 22), ("::", 22), ("192.0.2.7", 2222), ("192.0.2.8", 22)]
    run_promtool(tmp_path, {
        **{series("sshd_config_listen_info", *endpoint): "1" for endpoint in wanted},
        series("sshd_listener", "::", 22, process="sshd"): "1",
        series("sshd_listener", "127.0.0.1", 6010, process="sshd"): "1",
        series("sshd_listener_missing", "0.0.0.0", 22): "0",
        series("sshd_listener_missing", "192.0.2.7", 2222): "1",
        series("sshd_listener_missing", "192.0.2.8", 22): "1",
        series("sshd_port_conflict_info", "192.0.2.8", 22, process="nginx"): "1",
    }, {(query.expr, "0m"): {
        row("::", 22, "bound as configured", process="sshd"): 1,
        row("127.0.0.1", 6010, "bound, not configured as such", process="sshd"): 1,
        row("0.0.0.0", 22, "configured, served by another listener"): 1,
        row("192.0.2.7", 2222, "missing"): 1,
        row("192.0.2.8", 22, "taken by another program", process="nginx"): 1,
    }})


@pytest.mark.parametrize("panel,metric", [
    ("Missing_listeners", "sshd_listener_missing"), ("Port_conflicts", "sshd_port_conflict_info")])
def test_nothing_missing_is_0(tmp_path, panel, metric):
    """One number for each host, 0 where the exporter has nothing to say; and none without an exporter."""
    expr = QUERIES[f"ssh-host/{panel}/A"].expr
    run_promtool(tmp_path, {
        of_host("sshd_up", "well"): "1", of_host("sshd_up", "ill"): "1",
        of_host(metric, "ill", address="::", port=22): "1", of_host(metric, "ill", address="::", port=23): "1",
    }, {(expr, "0m"): {'{instance="well"}': 0, '{instance="ill"}': 2}})


def test_the_timeline_is_one_series_per_target(tmp_path):
    """Its query by Prometheus itself: label → number, unknown cause → 0, never failed → left out."""
    query = QUERIES["ssh-fleet/Cause_by_target/A"]
    _, numbers = numbers_of(query.expr)

    def series(metric, target, **labels):
        return of_host(metric, target=target, **labels)

    def cause(target, name):
        return series("ssh_probe_cause", target, cause=name, layer="x", confidence="certain")
    run_promtool(tmp_path, {
        cause("a:22", "port_closed"): "1 1 stale", cause("a:22", "none"): "_ _ 1 1",
        series("ssh_probe_success", "a:22"): "0 0 1 1",
        cause("new:22", "not_in_the_table"): "1 1 1 1", series("ssh_probe_success", "new:22"): "0 0 0 0",
        cause("well:22", "none"): "1 1 1 1", series("ssh_probe_success", "well:22"): "1 1 1 1",
    }, {
        (query.expr, when): {'{instance="i", target="a:22"}': numbers[name], '{instance="i", target="new:22"}': 0}
        for when, name in (("1m", "port_closed"), ("3m", "none"))})


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
