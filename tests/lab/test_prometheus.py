"""Real Prometheus and Alertmanager beside the exporter, with the shipped rules, routes and dashboards."""

import http.client
import http.server
import importlib.util
import json
import math
import shutil
import threading
import time
import urllib.parse
from types import SimpleNamespace

import pytest
import yaml

from lab.exporter import ROOT
from lab.peers import ssh_server
from lab.skip import impossible
from lab.topology import V4

PATIENCE = 30
AWAITED = {"SshRefusedByService", "SshRefusedByFirewall", "SshExporterDown"}
CLOSED = V4.target(address=V4.host)                 # nothing listens, until the case mends it
REJECTED = V4.target(address=V4.host_second)        # a reject rule on the host
WELL = V4.target(address=V4.host_third)


def load_panels():
    """tests/dashboards/panels.py: the queries of the dashboards."""
    spec = importlib.util.spec_from_file_location("panels", ROOT / "tests" / "dashboards" / "panels.py")
    panels = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(panels)
    return panels


panels = load_panels()
# The dashboard of what is probed; tests/dashboards has data for that of hosts, with their faults.
FLEET = next(path for path in panels.DASHBOARDS if path.stem == "ssh-fleet")


class Api:
    """JSON over HTTP to a server inside a namespace."""

    def __init__(self, namespace, port):
        self.namespace, self.port = namespace, port

    def call(self, path, form=None):
        """GET, or POST with a form: (status, JSON or text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.sock = self.namespace.connect("127.0.0.1", self.port, 20)
        try:
            if form is None:
                connection.request("GET", path)
            else:
                connection.request("POST", path, urllib.parse.urlencode(form),
                                   {"Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith(("{", "[")) else text

    def is_ready(self):
        try:
            return self.call("/-/ready")[0] == 200
        except OSError:
            return False

    def data(self, path, form=None):
        status, answer = self.call(path, form)
        assert status == 200 and answer["status"] == "success", f"{path} {form}: {answer}"
        return answer["data"]

    def instant(self, expr):
        return self.data("/api/v1/query", {"query": expr})["result"]

    def over_time(self, expr, seconds=30, step=1):
        now = time.time()
        return self.data("/api/v1/query_range", {"query": expr, "start": now - seconds, "end": now,
                                                 "step": step})["result"]


class Webhook:
    """What Alertmanager's webhook sends: every alert with its receiver, in the order of arrival."""

    def __init__(self, namespace, port):
        self.arrived = []
        self._changed = threading.Condition()
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()
                with webhook._changed:
                    webhook.arrived += [{**alert, "receiver": body["receiver"]} for alert in body["alerts"]]
                    webhook._changed.notify_all()

            def log_message(self, *words):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = namespace.socket()
        self._server.server_bind()
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def wait_for(self, status, alertname, target=None):
        """The first alert of that kind that has arrived or does so in time."""
        def found():
            for alert in self.arrived:
                labels = alert["labels"]
                if (alert["status"], labels["alertname"]) == (status, alertname) and target in (
                        None, labels.get("target")):
                    return alert
            return None
        with self._changed:
            assert self._changed.wait_for(found, PATIENCE), (
                f"{status} {alertname} {target} has not come; arrived: {json.dumps(self.arrived, indent=1)}")
            return found()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def quick(rules):
    """The shipped rules; those that the cases wait for have a `for` of a second instead of minutes."""
    for group in rules["groups"]:
        for rule in group["rules"]:
            if rule["alert"] in AWAITED:
                rule["for"] = "1s"
    return rules


def prometheus_config(rules_path):
    """The shipped configuration at a test's speed, its relative path of the rules apart."""
    config = yaml.safe_load((ROOT / "config" / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    assert config["rule_files"] == ["../alerts/*.rules.yml"]
    config["rule_files"] = [str(rules_path)]
    return config


def alertmanager_config(webhook_port):
    """The shipped configuration at a test's speed, with a webhook in its receivers."""
    config = yaml.safe_load((ROOT / "config" / "alertmanager.yml").read_text())
    config["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    for receiver in config["receivers"]:
        receiver["webhook_configs"] = [{"url": f"http://127.0.0.1:{webhook_port}/"}]
    return config


@pytest.fixture
def monitoring(lab, exporter, tmp_path):
    """Exporter, Prometheus, Alertmanager and a webhook on the client, on the shipped ports."""
    for program in ("prometheus", "prometheus-alertmanager"):
        if shutil.which(program) is None:
            impossible(f"there is no {program}: see packages.txt")
    lab.host.nft("table inet lab { chain input {\ntype filter hook input priority 0;\n"
                 f"ip daddr {V4.host_second} tcp dport 22 reject\n}}\n}}\n")
    lab.daemons.peer(lab.host, ssh_server(), address=V4.host_third)
    running = exporter.serve(lab.client, {
        "probe": {"interval": "2s", "timeout": "2s", "control_ports": [], "alternative_ports": []},
        "targets": [{"target": target} for target in (CLOSED, REJECTED, WELL)]})

    folder = tmp_path / "monitoring"
    folder.mkdir()
    rules = yaml.safe_load((ROOT / "alerts" / "ssh-refusal.rules.yml").read_text())

    def write(name, config):
        path = folder / name
        path.write_text(json.dumps(config))         # JSON is YAML
        return path

    def start(program, port, *flags):
        api = Api(lab.client, port)
        lab.daemons.start(lab.client, [program, f"--web.listen-address=127.0.0.1:{port}", *flags],
                          ready=api.is_ready, seconds=PATIENCE)
        return api

    webhook = Webhook(lab.client, 8080)
    try:
        alertmanager = start(
            "prometheus-alertmanager", 9093, "--cluster.listen-address=", "--log.level=warn",
            f"--config.file={write('alertmanager.yml', alertmanager_config(8080))}",
            f"--storage.path={folder / 'alertmanager'}")
        prometheus = start(
            "prometheus", 9090, "--log.level=warn", f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--config.file={write('prometheus.yml', prometheus_config(write('quick.rules.yml', quick(rules))))}")
        yield SimpleNamespace(exporter=running, prometheus=prometheus, alertmanager=alertmanager, webhook=webhook)
    finally:
        webhook.close()


def test_a_refusal_reaches_the_receiver_and_is_resolved(monitoring, lab):
    refused = monitoring.webhook.wait_for("firing", "SshRefusedByService", CLOSED)
    assert refused["receiver"] == "pager"
    labels = refused["labels"]
    assert (labels["cause"], labels["layer"]) == ("port_closed", "service")
    assert labels["confidence"] in ("certain", "likely", "possible")
    assert (labels["job"], labels["instance"]) == ("ssh_refusal", "localhost:10062")
    assert (labels["severity"], labels["host"]) == ("critical", V4.host)
    assert CLOSED in refused["annotations"]["summary"]
    for text in ("port_closed", "layer service", f"confidence {labels['confidence']}"):
        assert text in refused["annotations"]["description"]
    assert refused["annotations"]["runbook_url"] == "alerts/runbooks/SshRefusedByService.md"

    rejected = monitoring.webhook.wait_for("firing", "SshRefusedByFirewall", REJECTED)
    assert rejected["receiver"] == "tickets"
    assert rejected["labels"]["cause"] == "host_firewall_reject"

    lab.daemons.peer(lab.host, ssh_server(), address=V4.host)
    mended = monitoring.webhook.wait_for("resolved", "SshRefusedByService", CLOSED)
    assert mended["labels"] == labels
    others = {(a["labels"]["alertname"], a["labels"].get("target")) for a in monitoring.webhook.arrived}
    assert others == {("SshRefusedByService", CLOSED), ("SshRefusedByFirewall", REJECTED)}


def test_an_exporter_that_is_down_is_one_alert(monitoring):
    monitoring.webhook.wait_for("firing", "SshRefusedByService", CLOSED)
    monitoring.exporter.process.kill()
    down = monitoring.webhook.wait_for("firing", "SshExporterDown")
    assert down["receiver"] == "pager"
    deadline = time.monotonic() + PATIENCE
    while True:
        _, alerts = monitoring.alertmanager.call("/api/v2/alerts?active=true&inhibited=false&silenced=false")
        names = [alert["labels"]["alertname"] for alert in alerts]
        if names == ["SshExporterDown"]:
            break
        assert time.monotonic() < deadline, names
        time.sleep(0.5)


def has_numbers(result):
    """At least one sample that is a number."""
    values = [value for series in result for _, value in series.get("values", [series.get("value")])]
    return any(not math.isnan(float(value)) for value in values)


def test_every_panel_has_data(monitoring):
    running, prometheus = monitoring.exporter, monitoring.prometheus
    running.wait_for_causes(CLOSED, REJECTED, WELL)
    intervals = {"$__rate_interval": "10s", "$__interval": "1s", "$__range": "30s"}
    queries = panels.queries(panels.load(FLEET))
    assert queries

    def empty():
        """The queries without data; any that Prometheus refuses ends the test."""
        found = []
        for query in queries:
            expr = panels.substitute(query.expr, intervals)
            result = prometheus.instant(expr) if query.instant else prometheus.over_time(expr)
            if not has_numbers(result):
                found.append(f"{query.id}: {expr}")
        return found

    deadline = time.monotonic() + PATIENCE
    while empty():
        assert time.monotonic() < deadline, "no data:\n" + "\n".join(empty())
        time.sleep(1)


def test_what_the_panels_show(monitoring):
    """One series in the timeline, its value a cause, and one row in the table for each failing target."""
    running, prometheus = monitoring.exporter, monitoring.prometheus
    running.wait_for_causes(CLOSED, REJECTED, WELL)
    dashboard = panels.load(FLEET)
    timeline = next(p for p in panels.all_panels(dashboard) if p["type"] == "state-timeline")
    table = next(p for p in panels.all_panels(dashboard) if p["type"] == "table")
    states = timeline["fieldConfig"]["defaults"]["mappings"][0]["options"]

    def instant(panel):
        return prometheus.instant(panels.substitute(panel["targets"][0]["expr"]))

    deadline = time.monotonic() + PATIENCE
    while len(instant(timeline)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    seen = {series["metric"]["target"]: states[series["value"][1]]["text"] for series in instant(timeline)}
    assert seen == {CLOSED: "port_closed", REJECTED: "host_firewall_reject"}

    rows = {series["metric"]["target"]: series["metric"] for series in instant(table)}
    assert set(rows) == {CLOSED, REJECTED}
    assert rows[CLOSED]["outcome"] == "refused_rst"
    assert rows[REJECTED]["outcome"] == "rejected_icmp"
    assert (rows[REJECTED]["responder"], rows[REJECTED]["role"]) == (V4.host_second, "target")
    assert rows[REJECTED]["signal"] == "icmp_3_3"


def test_variables_have_values(monitoring):
    running, prometheus = monitoring.exporter, monitoring.prometheus
    running.wait_for_causes(CLOSED, REJECTED, WELL)

    def values(variable):
        expr, label = variable["query"]["query"].removeprefix("label_values(").rstrip(")").rsplit(", ", 1)
        query = urllib.parse.urlencode({"match[]": panels.substitute(expr)})
        return prometheus.data(f"/api/v1/label/{label}/values?{query}")

    deadline = time.monotonic() + PATIENCE
    for variable in panels.load(FLEET)["templating"]["list"]:
        if variable["type"] != "query":
            continue
        while not values(variable):
            assert time.monotonic() < deadline, f"${variable['name']} has no values"
            time.sleep(0.5)
