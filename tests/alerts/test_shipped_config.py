"""The shipped configuration of Prometheus, Alertmanager and systemd, by those programs' own checkers."""

import re
import shutil
import subprocess

import pytest
import yaml

from exporter_facts import ROOT, causes, impossible

CONFIG = ROOT / "config"
PROMETHEUS = CONFIG / "prometheus.yml"
ALERTMANAGER = CONFIG / "alertmanager.yml"
UNIT = CONFIG / "ssh_refusal_exporter.service"
MOST_EXPOSURE = 1.7

RULES = [rule for group in yaml.safe_load((ROOT / "alerts/ssh-refusal.rules.yml").read_text())["groups"]
         for rule in group["rules"]]
INHIBITIONS = yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]


def run(*argv, ok=True):
    done = subprocess.run([str(a) for a in argv], text=True, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert not ok or done.returncode == 0, f"{argv}\n{done.stdout}"
    return done.stdout


def matches(matchers, labels):
    """Whether Alertmanager's matchers, as the shipped file writes them, fit an alert's labels."""
    for matcher in matchers:
        name, operator, value = re.fullmatch(r'(\w+)\s*(=~|!~|!=|=)\s*"?([^"]*)"?', matcher).groups()
        found = labels.get(name, "")
        fits = bool(re.fullmatch(value, found)) if "~" in operator else value == found
        if fits == operator.startswith("!"):
            return False
    return True


def silenced(source, target):
    """Whether one alert (its labels) silences another."""
    return any(matches(rule["source_matchers"], source) and matches(rule["target_matchers"], target)
               and all(source.get(label, "") == target.get(label, "") for label in rule["equal"])
               for rule in INHIBITIONS)


def test_prometheus():
    assert "1 rule files found" in run("promtool", "check", "config", PROMETHEUS)


def test_alertmanager():
    run("amtool", "check-config", ALERTMANAGER)


def test_the_three_agree():
    """Job name of the rules, port of the exporter, address of Alertmanager."""
    config = yaml.safe_load(PROMETHEUS.read_text())
    job = config["scrape_configs"][0]
    assert [job["job_name"]] == ["ssh_refusal"]
    named = {name for rule in RULES for name in re.findall(r'\bjob="([^"]+)"', rule["expr"])}
    assert named == {"ssh_refusal"}
    assert job["static_configs"] == [{"targets": ["localhost:10062"]}]
    assert config["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["localhost:9093"]}]}]


@pytest.mark.parametrize("severity,receiver", [
    ("critical", "pager"), ("warning", "tickets"), ("info", "page_only")])
def test_routes(severity, receiver):
    out = run("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"severity={severity}")
    assert out.splitlines()[-1] == receiver


EXPORTER = {"job": "ssh_refusal", "instance": "prober:10062"}


def refused(alert, cause, host="bastion", port=22):
    return {**EXPORTER, "alertname": alert, "cause": cause, "host": host, "target": f"{host}:{port}"}


HOST_DOWN = refused("SshRefusedByNetwork", "host_down")
SERVICE = refused("SshRefusedByService", "port_closed", port=2222)
EXPORTER_DOWN = {**EXPORTER, "alertname": "SshExporterDown"}
QUIET = {**EXPORTER, "alertname": "SshProberQuiet"}
AGENT = {"job": "ssh_refusal", "instance": "bastion:10062", "host": "bastion"}


def host(alert, **labels):
    """An alert of the exporter on the bastion about its own host."""
    return {**AGENT, "alertname": alert, **labels}


AGENT_DOWN = host("SshExporterDown")
CONFIG_INVALID = host("SshHostRefusesByService", cause="sshd_config_invalid")
FILTERED = host("SshHostRefusesByFirewall", cause="port_filtered")
MAX_STARTUPS = host("SshHostRefusesByOverload", cause="max_startups")
NODE_DOWN = {"alertname": "NodeDown", "host": "bastion", "job": "node"}
NOT_PROBED = {**EXPORTER, "alertname": "SshTargetNotProbed", "host": "bastion", "target": "bastion:22"}


@pytest.mark.parametrize("source,target,expected", [
    (HOST_DOWN, SERVICE, True),
    (SERVICE, HOST_DOWN, False),
    (HOST_DOWN, HOST_DOWN, False),
    (HOST_DOWN, {**HOST_DOWN, "target": "bastion:2222"}, False),
    (HOST_DOWN, refused("SshRefusedByService", "port_closed", "other"), False),
    ({"alertname": "NodeDown", "host": "bastion", "job": "node"}, SERVICE, True),
    ({"alertname": "NodeDown", "host": "other", "job": "node"}, SERVICE, False),
    ({"alertname": "NodeDown", "job": "node"}, SERVICE, False),
    (EXPORTER_DOWN, SERVICE, True),
    (EXPORTER_DOWN, QUIET, True),
    (EXPORTER_DOWN, EXPORTER_DOWN, False),
    (EXPORTER_DOWN, {**SERVICE, "instance": "another:10062"}, False),
    ({"alertname": "SshExporterAbsent", "job": "ssh_refusal"}, SERVICE, True),
    ({"alertname": "SshExporterAbsent", "job": "ssh_refusal"}, EXPORTER_DOWN, True),
    (QUIET, NOT_PROBED, True),
    (QUIET, SERVICE, False),
    (SERVICE, refused("SshRefusedByChangingCauses", "", port=2222), True),
    (SERVICE, refused("SshRefusedByChangingCauses", ""), False),
    (HOST_DOWN, CONFIG_INVALID, True),
    (HOST_DOWN, host("SshHostKeyUnusable", path="/etc/ssh/ssh_host_rsa_key"), True),
    (HOST_DOWN, AGENT_DOWN, True),
    (HOST_DOWN, {**AGENT_DOWN, "host": "other", "instance": "other:10062"}, False),
    (NODE_DOWN, CONFIG_INVALID, True),
    (NODE_DOWN, AGENT_DOWN, True),
    ({"alertname": "NodeDown", "job": "node"}, CONFIG_INVALID, False),
    (AGENT_DOWN, CONFIG_INVALID, True),
    (AGENT_DOWN, host("SshHostListenerMissing", address="::", port="22"), True),
    (AGENT_DOWN, SERVICE, False),
    (CONFIG_INVALID, SERVICE, True),
    (CONFIG_INVALID, refused("SshRefusedByService", "port_closed", "other"), False),
    (CONFIG_INVALID, refused("SshRefusedByNetwork", "port_filtered"), False),
    (CONFIG_INVALID, refused("SshRefusedByService", "sshd_config_invalid"), True),
    (CONFIG_INVALID, refused("SshRefusedByService", "sshd_not_running"), False),
    (CONFIG_INVALID, HOST_DOWN, False),
    (FILTERED, SERVICE, False),
    (FILTERED, refused("SshRefusedByNetwork", "port_filtered"), True),
    (SERVICE, CONFIG_INVALID, False),
    (MAX_STARTUPS, refused("SshRefusedByAccessPolicy", "turned_away"), True),
    (MAX_STARTUPS, host("SshHostStartupsNearLimit"), True),
    (MAX_STARTUPS, host("SshHostListenOverflows"), True),
    (MAX_STARTUPS, host("SshHostConfigurationInvalid"), False),
    (MAX_STARTUPS, {**host("SshHostStartupsNearLimit"), "instance": "other:10062"}, False),
    (CONFIG_INVALID, host("SshHostKeepsRestarting", unit="ssh.service"), True),
    (CONFIG_INVALID, host("SshHostStartupsNearLimit"), False),
    (CONFIG_INVALID, host("SshHostRefusesForChangingCauses"), True),
    (host("SshHostRefusesForChangingCauses"), CONFIG_INVALID, False),
    (host("SshHostRefusesForChangingCauses"), host("SshHostRefusesForChangingCauses"), False),
])
def test_inhibition(source, target, expected):
    assert silenced(source, target) is expected


def test_inhibition_names_alerts_that_exist():
    names = {rule["alert"] for rule in RULES}
    written = set(re.findall(r"\bSsh[A-Z]\w+", ALERTMANAGER.read_text()))
    # Patterns, of which these are the beginnings.
    patterns = {"SshRefused", "SshRefusedBy", "SshHost", "SshHostRefuses", "SshHostRefusesBy"}
    assert written - patterns <= names
    for ending in re.findall(r"SshHost\(([^)]+)\)", ALERTMANAGER.read_text()):
        assert {f"SshHost{name}" for name in ending.split("|")} <= names


def test_inhibition_names_causes_that_exist():
    written = re.findall(r'cause (?:=|!=|=~) "?([\w|]+)', ALERTMANAGER.read_text())
    assert written
    assert {cause for value in written for cause in value.split("|")} <= set(causes())


def test_unit_is_valid(tmp_path):
    if not shutil.which("systemd-analyze"):
        impossible("there is no systemd-analyze")
    program = shutil.which("true")
    text = UNIT.read_text()
    assert "ExecStart=/usr/bin/ssh_refusal_exporter serve" in text
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/usr/bin/ssh_refusal_exporter", program))
    out = run("systemd-analyze", "verify", copy)
    assert UNIT.name not in out, out


def test_unit_is_hardened():
    if not shutil.which("systemd-analyze"):
        impossible("there is no systemd-analyze")
    out = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    exposure = float(re.search(r"Overall exposure level[^:]*: ([\d.]+)", out)[1])
    assert exposure <= MOST_EXPOSURE
