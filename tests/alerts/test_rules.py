"""The alert rules, their promtool tests and their runbooks: each complete, and true to the exporter."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from exporter_facts import ROOT, SCRAPE_METRICS, causes, host_causes, known_metrics, metric_names

ALERTS = ROOT / "alerts"
RULES_FILE = ALERTS / "ssh-refusal.rules.yml"
RULES = [rule for group in yaml.safe_load(RULES_FILE.read_text())["groups"] for rule in group["rules"]]
NAMES = [rule["alert"] for rule in RULES]
TEST_FILES = sorted((ALERTS / "tests").glob("*.yml"))
RUNBOOKS = sorted((ALERTS / "runbooks").glob("*.md"))
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]

each_rule = pytest.mark.parametrize("rule", RULES, ids=NAMES)


def run(*argv):
    done = subprocess.run([str(a) for a in argv], text=True, timeout=120, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{argv}\n{done.stdout}"
    return done.stdout


def minutes(duration):
    number, unit = re.fullmatch(r"(\d+)([smh])", duration).groups()
    return int(number) * {"s": 1 / 60, "m": 1, "h": 60}[unit]


# What a target's cause and a host's own cause are published as.
BY_TARGET, BY_HOST = "ssh_probe_cause", "sshd_cause"


def possible(metric):
    """Cause → layer of what may be published when something is refused."""
    table = host_causes() if metric == BY_HOST else causes()
    return {cause: layer for cause, layer in table.items() if layer != "none"}


def layers_of(rule):
    """(metric, layers): what a rule that begins with a selection of causes by layer selects, or no layers."""
    match = re.match(rf'({BY_TARGET}|{BY_HOST})\{{layer(=|=~|!~)"([^"]+)"\}} == 1', rule["expr"])
    if not match:
        return None, set()
    metric, operator, value = match.groups()
    if operator == "=":
        value = re.escape(value)
    return metric, {layer for layer in set(possible(metric).values())
                    if bool(re.fullmatch(value, layer)) is not operator.startswith("!")}


def speaks_of_the_host(rule):
    """Whether it is about the SSH of the exporter's own host."""
    return any(name.startswith("sshd_") for name in metric_names(rule["expr"]))


def test_rules_are_valid():
    run("promtool", "check", "rules", "--lint-fatal", RULES_FILE)


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda p: p.stem)
def test_promtool(path):
    run("promtool", "test", "rules", path)


def test_names_are_unique_and_camel_case():
    assert len(set(NAMES)) == len(NAMES)
    assert all(re.fullmatch(r"Ssh([A-Z][a-z]+)+", name) for name in NAMES)


@each_rule
def test_labels_and_annotations(rule):
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert minutes(rule["for"]) >= 1
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert len(rule["annotations"]["summary"]) < 120
    assert rule["annotations"]["description"].endswith(".")
    assert rule["annotations"]["runbook_url"] == f"alerts/runbooks/{rule['alert']}.md"
    metric, layers = layers_of(rule)
    if layers:
        for label in ("instance", "cause", "layer", "confidence", *(["target"] if metric == BY_TARGET else [])):
            assert f"$labels.{label}" in rule["annotations"]["description"], label


@each_rule
def test_host_is_of_what_the_alert_is_about(rule):
    """The target's, or the exporter's own; promtool's tests show that the port is cut off."""
    host = rule["labels"].get("host", "")
    if speaks_of_the_host(rule) or rule["expr"].startswith("up{"):
        assert host.endswith("$labels.instance }}")
    elif layers_of(rule)[1]:
        assert host.endswith("$labels.target }}")
    assert speaks_of_the_host(rule) == rule["alert"].startswith("SshHost"), "inhibition goes by the name"


@each_rule
def test_metrics_exist(rule):
    used = metric_names(rule["expr"])
    assert used
    assert used - SCRAPE_METRICS <= known_metrics()


@each_rule
def test_has_promtool_tests(rule):
    """Before its wait is over, firing with exact labels and annotations, resolved, stale, absent."""
    path = ALERTS / "tests" / f"{rule['alert']}.yml"
    tests = yaml.safe_load(path.read_text())["tests"]
    moments = set()
    for test in tests:
        values = " ".join(series["values"] for series in test["input_series"])
        checks = sorted(test["alert_rule_test"], key=lambda check: minutes(check["eval_time"]))
        assert {check["alertname"] for check in checks} == {rule["alert"]}
        firing = [bool(check.get("exp_alerts")) for check in checks]
        if any(firing):
            first, last = firing.index(True), len(firing) - 1 - firing[::-1].index(True)
            moments.add("firing")
            if first > 0:
                moments.add("before")
            if last < len(checks) - 1:
                moments.add("stale" if values.split()[-1] == "stale" else "resolved")
        else:
            moments.add("absent")
        for check in checks:
            for alert in check.get("exp_alerts") or []:
                assert alert["exp_labels"]["severity"] == rule["labels"]["severity"]
                assert set(alert["exp_annotations"]) == {"summary", "description", "runbook_url"}
    wanted = {"firing", "before", "resolved", "stale", "absent"}
    if rule["expr"].startswith("absent("):
        wanted.remove("stale")          # a series that goes stale is what makes it fire
    assert moments >= wanted


def test_no_test_without_an_alert():
    assert {path.stem for path in TEST_FILES} == set(NAMES)


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda p: p.stem)
def test_runbook(path):
    assert path.stem in NAMES, "a runbook without an alert"
    text = path.read_text()
    assert text.startswith(f"# {path.stem}\n")
    parts = re.split(r"^## (.+)\n", text, flags=re.M)
    assert parts[1::2] == SECTIONS
    for section, body in zip(parts[1::2], parts[2::2]):
        assert len(body.split()) > 8, f"{section} says too little"


@each_rule
def test_runbook_explains_each_cause_of_the_layer(rule):
    """Its table by cause has exactly the causes that the alert can have."""
    text = (ALERTS / "runbooks" / f"{rule['alert']}.md").read_text()
    metric, layers = layers_of(rule)
    if not layers:
        return
    table = re.search(r"^\| cause \|.*\n\|[-| ]+\n((?:\|.*\n)+)", text, flags=re.M)
    assert table, "no table by cause"
    rows = [re.match(r"\| `(\w+)` \|", line)[1] for line in table[1].splitlines()]
    assert sorted(rows) == sorted(c for c, layer in possible(metric).items() if layer in layers)


@pytest.mark.parametrize("metric", [BY_TARGET, BY_HOST])
def test_every_layer_has_an_alert(metric):
    covered = [layer for of, layers in map(layers_of, RULES) if of == metric for layer in layers]
    assert sorted(covered) == sorted(set(possible(metric).values()))


def test_a_host_s_layer_without_an_alert_of_its_own_has_one_too():
    """Even a layer that no cause of a host has yet: the last of them selects by what it is not."""
    others = [re.match(r'sshd_cause\{layer!~"([^"]+)"\}', rule["expr"]) for rule in RULES]
    excluded, = [match[1].split("|") for match in others if match]
    named = [re.match(r'sshd_cause\{layer=~?"([^"]+)"\}', rule["expr"]) for rule in RULES]
    layers = [layer for match in named if match for layer in match[1].split("|")]
    assert sorted(excluded) == sorted(["none", *layers])


def test_links_between_runbooks():
    for path in RUNBOOKS:
        for name, link in re.findall(r"\[(\w+)\]\(([^)]+)\)", path.read_text()):
            assert link == f"{name}.md" and name in NAMES, f"{path.name}: {link}"


def test_runbooks_speak_of_real_metrics_and_causes():
    files = {"sshd_config", "sshd_not_to_be_run"}
    known = known_metrics() | set(causes()) | files
    for path in RUNBOOKS:
        for name in re.findall(r"\b(?:ssh_probe|ssh_refusal_exporter_|sshd_)\w+\b", path.read_text()):
            assert name in known, f"{path.name}: {name}"


def test_prefix_for_runbook_links(tmp_path):
    """The command of the README, as it stands there."""
    readme = (ALERTS / "README.md").read_text()
    command = re.search(r"```sh\n(sed .*?)```", readme, flags=re.S)[1]
    source, target = command.replace("\\\n", "").split(">")
    made = tmp_path / "made.rules.yml"
    script = f"cd {ROOT} && {source} > {made}"
    assert target.strip().startswith("/")
    run("sh", "-euc", script)
    run("promtool", "check", "rules", made)
    rules = [rule for group in yaml.safe_load(made.read_text())["groups"] for rule in group["rules"]]
    for rule in rules:
        url = rule["annotations"]["runbook_url"]
        assert url.startswith("https://")
        assert Path(url.split("/ssh/", 1)[1]) == Path(f"alerts/runbooks/{rule['alert']}.md")
