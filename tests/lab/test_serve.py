"""The exporter as a service: its pages, reload, file_sd, /probe, hostile callers, start and end."""

import crypt
import json
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from lab.exporter import Samples, binary
from lab.peers import says, ssh_server
from lab.scenes import names, rule
from lab.sniffer import SynSniffer
from lab.topology import V4, V6

QUICK = {"interval": "2s", "timeout": "2s", "control_ports": []}


def config(*targets, probe=None, **more):
    return {"probe": {**QUICK, **(probe or {})},
            "targets": [{"target": t} if isinstance(t, str) else t for t in targets], **more}


def probes(samples, target):
    return samples.value("ssh_probes_total", target=target)


def failures(samples, target):
    return sum(value for _, value in samples.all("ssh_probe_failures_total", target=target))


def targets_of(samples):
    return {labels["target"] for labels, _ in samples.all("ssh_probes_total")}


def promtool(page):
    done = subprocess.run(["promtool", "check", "metrics"], input=page, text=True, capture_output=True)
    assert done.returncode == 0 and not done.stdout.strip() and not done.stderr.strip(), \
        f"{done.returncode}\n{done.stdout}{done.stderr}\n{page[:3000]}"


# Pages.

FLEET = {
    # target: cause
    "host.lab.test:22": "none",
    "10.77.2.2:22": "none",
    "[fd77:0:0:2::2]:22": "none",
    "10.77.2.2:23": "port_closed",
    "10.77.2.2:24": "host_firewall_reject",
    "10.77.2.2:25": "not_ssh",
    "10.77.2.2:26": "closed_before_banner",
    "10.77.2.2:27": "turned_away",
    "[fd77:0:0:2::2]:24": "host_firewall_reject",
    "nobody.lab.test:22": "dns_not_found",
    "two.lab.test:22": "wrong_address",
    "10.77.9.9:22": "no_route",
    "10.77.2.4:22": "port_filtered",
    "10.77.2.2:28": "kex_mismatch",
}


@pytest.fixture
def fleet(lab, exporter):
    """A mixed fleet, probed at least once."""
    names(lab, {"host": [V4.host], "two": [V4.host, V4.host_second]})
    lab.daemons.sshd(lab.host, listen=(V4.host, V6.host))
    for port, script in ((25, says(b"220 mail ESMTP\r\n", then="hold")), (26, says()),
                         (27, says(b"Not now\r\n")), (28, ssh_server(kex="diffie-hellman-group1-sha1"))):
        lab.daemons.peer(lab.host, script, port)
    lab.host.nft("table inet lab { chain input {\ntype filter hook input priority 0;\n"
                 "tcp dport 24 reject\nip daddr 10.77.2.4 tcp dport 22 drop\n}\n}\n")
    fleet_config = {
        "probe": {"interval": "20s", "timeout": "15s", "control_ports": [443]},
        "targets": [{"target": t, "labels": {"site": "ams"}} for t in FLEET]}
    running = exporter.serve(lab.client, fleet_config)
    running.wait_for_causes(*FLEET, seconds=45)
    return running


def test_fleet(fleet):
    answer = fleet.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    promtool(answer.text)
    samples = Samples.parse(answer.text)
    seen = {t: samples.cause(t) for t in FLEET}
    assert seen == FLEET
    keys = [(name, tuple(sorted(labels.items()))) for name, labels, _ in samples]
    assert len(keys) == len(set(keys)), "a series twice"
    for target in FLEET:
        cause = samples.labels("ssh_probe_cause", target=target)
        assert samples.value("ssh_probe_cause", target=target) == 1
        assert set(cause) == {"target", "cause", "layer", "confidence", "site"}
        assert cause["site"] == "ams"
        outcome = samples.labels("ssh_probe_outcome", target=target)
        assert set(outcome) == {"target", "outcome", "stage", "site"}
        success = samples.value("ssh_probe_success", target=target)
        assert success == (1 if cause["cause"] == "none" else 0)
        assert (cause["layer"] == "none") == (cause["cause"] == "none")
        assert probes(samples, target) >= 1
        assert (failures(samples, target) > 0) == (success == 0)
        assert samples.value("ssh_probe_duration_seconds", target=target) <= 15.5
        at = samples.value("ssh_probe_last_completed_timestamp_seconds", target=target)
        assert abs(time.time() - at) < 60
    assert samples.value("ssh_probe_ip_protocol", target="[fd77:0:0:2::2]:22") == 6
    assert samples.value("ssh_probe_ip_protocol", target="10.77.2.2:22") == 4
    # Only names with several addresses have series by address.
    by_address = {labels["target"] for labels, _ in samples.all("ssh_probe_address_success")}
    assert by_address == {"two.lab.test:22"}
    assert {labels["address"]: value for labels, value in samples.all("ssh_probe_address_success")} == \
        {V4.host: 1, V4.host_second: 0}
    rejected = samples.labels("ssh_probe_responder_info", target="10.77.2.2:24")
    assert (rejected["responder"], rejected["role"], rejected["signal"]) == (V4.host, "target", "icmp_3_3")
    rejected = samples.labels("ssh_probe_responder_info", target="[fd77:0:0:2::2]:24")
    assert (rejected["responder"], rejected["role"], rejected["signal"]) == (V6.host, "target", "icmp6_1_4")
    gone = samples.labels("ssh_probe_responder_info", target="10.77.9.9:22")
    assert (gone["responder"], gone["role"], gone["signal"]) == (V4.router, "path", "icmp_3_0")
    server = samples.labels("ssh_probe_server_info", target="10.77.2.2:22")
    assert server["protocol"] == "2.0" and server["software"].startswith("OpenSSH_9.2")
    for phase in ("connect", "banner", "kexinit"):
        assert samples.value("ssh_probe_phase_seconds", target="10.77.2.2:22", phase=phase) < 5
    assert samples.all("ssh_probe_phase_seconds", target="10.77.2.2:23", phase="banner") == []
    assert samples.value("ssh_probe_phase_seconds", target="host.lab.test:22", phase="resolve") < 5
    # Over the fleet.
    assert sum(v for _, v in samples.all("ssh_targets")) == len(FLEET)
    for labels, value in samples.all("ssh_targets"):
        assert value == sum(1 for t in FLEET if samples.cause(t) == labels["cause"])
    assert {l["phase"] for l, _ in samples.all("ssh_probe_phase_duration_seconds_count")} >= {"connect",
            "banner", "kexinit"}
    # The exporter itself.
    assert samples.value("ssh_refusal_exporter_config_last_reload_successful") == 1
    assert abs(time.time() - samples.value("ssh_refusal_exporter_config_last_reload_success_timestamp_seconds")) < 90
    assert set(samples.labels("ssh_refusal_exporter_build_info")) >= {"version", "revision", "compiler"}
    for name in ("ssh_refusal_exporter_probes_in_flight", "ssh_refusal_exporter_scrape_duration_seconds",
                 "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
                 "process_max_fds",
                 "process_start_time_seconds", "process_virtual_memory_bytes"):
        assert samples.value(name) >= 0
    assert samples.all("ssh_refusal_exporter_scheduler_lag_seconds_bucket", le="+Inf")
    # The pages for people and programs know the same.
    page = fleet.get("/")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    for target, cause in seen.items():
        assert target in page.text and cause in page.text
    listed = json.loads(fleet.get("/api/v1/targets").text)
    text = json.dumps(listed)
    assert all(t in text for t in FLEET) and "evidence" in text


def test_before_the_first_probe_only_counters_exist(lab, exporter):
    rule("host", "input", "drop", "meta l4proto tcp")(lab)
    running = exporter.serve(lab.client, config(V4.target(), probe={"interval": "30s", "timeout": "20s"}))
    samples = running.metrics()
    promtool(running.get("/metrics").text)
    if not samples.all("ssh_probe_cause"):
        assert probes(samples, V4.target()) == 0
        for name in ("ssh_probe_success", "ssh_probe_outcome", "ssh_probe_duration_seconds"):
            assert samples.all(name) == []


def test_pages_by_method_and_path(lab, exporter):
    running = exporter.serve(lab.client, config())
    for path, kind in (("/", "text/html"), ("/metrics", "text/plain"),
                       ("/api/v1/targets", "application/json"),
                       ("/-/healthy", ""), ("/-/ready", "")):
        answer = running.get(path)
        assert answer.status == 200, path
        assert answer.headers["Content-Type"].startswith(kind)
        head = running.request("HEAD", path)
        assert head.status == 200 and head.body == b""
    for path in ("/nothing", "/metrics/foo", "/metricsfoo", "/-/", "/api/v1/", "/%2e%2e/etc/passwd",
                 "/../etc/passwd",
                 "/-/healthy/x"):
        assert running.get(path).status == 404, path
    assert running.get("/-/reload").status == 405
    assert running.request("DELETE", "/metrics").status in (405, 501)
    zipped = running.get("/metrics", {"Accept-Encoding": "gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    Samples.parse(zipped.text)
    assert "Content-Encoding" not in running.get("/metrics").headers
    assert "Content-Encoding" not in running.get("/metrics", {"Accept-Encoding": "gzip;q=0"}).headers
    promtool(running.get("/metrics").text)


def test_listens_where_it_is_told(lab, exporter):
    running = exporter.serve(lab.client, config(), port=10063, address="::1")
    assert running.get("/-/healthy").status == 200
    with pytest.raises(ConnectionRefusedError):
        lab.client.connect("127.0.0.1", 10063)
    running = exporter.serve(lab.client, config(), port=10064,
                             flags=["--web.listen-address=127.0.0.1:10065", "--web.telemetry-path=/m"])
    assert running.get("/m").status == 200
    assert running.get("/metrics").status == 404
    lab.client.connect("127.0.0.1", 10065).close()


def test_default_port_is_open_for_both_families(lab, exporter):
    path = exporter.write_config(config())
    lab.daemons.start(lab.client, [binary(), f"--config.file={path}"],
                      ready=lambda: port_open(lab, "127.0.0.1"))
    assert port_open(lab, "::1")
    for url in ((), ("http://127.0.0.1:10062/-/healthy",)):
        assert lab.client.run([binary(), "healthcheck", *url], check=False).returncode == 0
    assert lab.client.run([binary(), "healthcheck", "http://127.0.0.1:1/-/healthy"],
                          check=False).returncode != 0


def port_open(lab, address, port=10062):
    try:
        lab.client.connect(address, port, 1).close()
    except OSError:
        return False
    return True


# Reload.

def test_reload_keeps_counters(lab, exporter):
    lab.daemons.peer(lab.host, ssh_server())
    stays, goes, comes = V4.target(23), V4.target(22), V6.target(22)
    running = exporter.serve(lab.client, config(stays, goes))
    before = running.wait_for(lambda s: probes(s, stays) >= 2 and probes(s, goes) >= 1)
    first_time = before.value("ssh_refusal_exporter_config_last_reload_success_timestamp_seconds")
    exporter_file = running.config
    exporter_file.write_text(json.dumps(config(stays, comes)))
    running.reload()
    after = running.wait_for(lambda s: targets_of(s) == {stays, comes})
    assert probes(after, stays) >= probes(before, stays)
    assert failures(after, stays) >= failures(before, stays)
    assert not [1 for _, labels, _ in after if labels.get("target") == goes]
    assert after.value("ssh_refusal_exporter_config_last_reload_success_timestamp_seconds") >= first_time
    running.wait_for_causes(comes)
    # The same by HTTP, back again: the target that was away begins anew.
    exporter_file.write_text(json.dumps(config(stays, goes)))
    assert running.request("POST", "/-/reload").status == 200
    again = running.wait_for(lambda s: targets_of(s) == {stays, goes})
    assert probes(again, stays) >= probes(after, stays)
    assert running.request("PUT", "/-/reload").status == 200


def test_changed_settings_of_a_target_are_used(lab, exporter):
    lab.daemons.peer(lab.host, ssh_server(kex="diffie-hellman-group1-sha1"))
    running = exporter.serve(lab.client, config(V4.target()))
    running.wait_for(lambda s: s.cause(V4.target()) == "kex_mismatch")
    running.config.write_text(json.dumps(config({"target": V4.target(), "depth": "banner",
            "labels": {"rack": "x"}})))
    running.reload()
    samples = running.wait_for(lambda s: s.cause(V4.target()) == "none")
    assert samples.labels("ssh_probe_cause", target=V4.target())["rack"] == "x"


@pytest.mark.parametrize("bad", ["targets: [", "probe: {intervall: 5s}", "", None],
                         ids=["malformed", "unknown_key", "empty", "gone"])
def test_a_bad_file_changes_nothing(bad, lab, exporter):
    lab.daemons.peer(lab.host, ssh_server())
    target = V4.target()
    running = exporter.serve(lab.client, config(target))
    before = running.wait_for(lambda s: probes(s, target) >= 1)
    if bad is None:
        running.config.unlink()
    else:
        running.config.write_text(bad)
    running.reload()
    if bad == "":
        # An empty file is a valid one: everything has a default.
        running.wait_for(lambda s: target not in targets_of(s))
        return
    samples = running.wait_for(lambda s: s.value("ssh_refusal_exporter_config_last_reload_successful") == 0)
    assert samples.value("ssh_refusal_exporter_config_last_reload_success_timestamp_seconds") == \
        before.value("ssh_refusal_exporter_config_last_reload_success_timestamp_seconds")
    running.wait_for(lambda s: probes(s, target) > probes(before, target))
    answer = running.request("POST", "/-/reload")
    assert answer.status == 500
    assert running.config.name in answer.text
    assert running.config.name in running.log()
    running.config.write_text(json.dumps(config(target)))
    assert running.request("POST", "/-/reload").status == 200
    assert running.metrics().value("ssh_refusal_exporter_config_last_reload_successful") == 1


def test_many_reloads_in_a_row(lab, exporter):
    lab.daemons.peer(lab.host, ssh_server())
    running = exporter.serve(lab.client, config(V4.target()))
    for _ in range(50):
        running.reload()
    for _ in range(10):
        assert running.request("POST", "/-/reload").status == 200
    running.wait_for_causes(V4.target())
    assert running.stop() == 0


# file_sd.

def sd_config(folder, pattern="targets/*"):
    return {"probe": QUICK, "file_sd": [{"files": [pattern]}]}


@pytest.fixture
def sd(exporter):
    folder = exporter.folder / "targets"
    folder.mkdir()
    return folder


def replace(path, text):
    """As a careful tool writes it: beside, then renamed over."""
    beside = path.parent.parent / f"{path.name}.new"
    beside.write_text(text)
    beside.rename(path)


@pytest.mark.parametrize("write", [replace, lambda path, text: path.write_text(text)],
                         ids=["renamed", "in_place"])
def test_file_sd_is_watched(write, lab, exporter, sd):
    lab.daemons.peer(lab.host, ssh_server())
    one, two = V4.target(22), V6.target(22)
    path = sd / "hosts.yml"
    path.write_text(f"- targets: ['{one}']\n  labels: {{site: ams, rack: \"7\"}}\n")
    running = exporter.serve(lab.client, sd_config(sd))
    before = running.wait_for_causes(one)
    assert before.labels("ssh_probe_cause", target=one)["rack"] == "7"
    write(path, json.dumps([{"targets": [one, two], "labels": {"site": "ams", "rack": "7"}}]))
    after = running.wait_for(lambda s: targets_of(s) == {one, two}, seconds=8)
    assert probes(after, one) >= probes(before, one)
    more = sd / "more.json"
    write(more, json.dumps([{"targets": ["10.77.2.2:23"]}]))
    running.wait_for(lambda s: targets_of(s) == {one, two, "10.77.2.2:23"}, seconds=8)
    more.unlink()
    running.wait_for(lambda s: targets_of(s) == {one, two}, seconds=8)
    write(path, "[]")
    running.wait_for(lambda s: targets_of(s) == set(), seconds=8)
    promtool(running.get("/metrics").text)


BAD_LISTS = {
    "malformed": "[{targets: [",
    "not_a_list": "targets: {a: b}",
    "wrong_type": "- targets: 7\n",
    "bad_target": "- targets: ['host:notaport']\n",
    "bad_label": "- targets: ['10.77.2.2']\n  labels: {'0bad': x}\n",
    "own_label": "- targets: ['10.77.2.2']\n  labels: {cause: x}\n",
    "binary": "\x00\x01\x02\xff",
    "is_a_folder": None,
}


@pytest.mark.parametrize("kind", BAD_LISTS)
def test_a_bad_list_keeps_the_last_good_one(kind, lab, exporter, sd):
    lab.daemons.peer(lab.host, ssh_server())
    target = V4.target()
    path = sd / "hosts.yml"
    path.write_text(json.dumps([{"targets": [target]}]))
    running = exporter.serve(lab.client, sd_config(sd, "targets/hosts.yml"))
    before = running.wait_for_causes(target)
    if BAD_LISTS[kind] is None:
        path.unlink()
        path.mkdir()
    else:
        replace(path, BAD_LISTS[kind])
    time.sleep(2.5)
    samples = running.wait_for(lambda s: probes(s, target) > probes(before, target))
    assert targets_of(samples) == {target}
    assert "hosts.yml" in running.log(), "it does not say so"


def test_an_unreadable_list_keeps_the_last_good_one(lab, exporter, sd):
    """As an ordinary user, for whom a file can be unreadable."""
    target = V4.target()
    lab.daemons.peer(lab.host, ssh_server())
    path = sd / "hosts.yml"
    path.write_text(json.dumps([{"targets": [target]}]))
    for folder in [sd, *sd.parents]:
        if str(folder).count("/") > 1:
            folder.chmod(0o755)
    if subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "test", "-x", binary()]).returncode:
        pytest.skip("an ordinary user cannot reach the binary here")
    running = exporter.serve(lab.client, sd_config(sd, "targets/hosts.yml"),
                             prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
    before = running.wait_for_causes(target)
    path.chmod(0)
    path.touch()
    time.sleep(2.5)
    samples = running.wait_for(lambda s: probes(s, target) > probes(before, target))
    assert targets_of(samples) == {target}
    assert "hosts.yml" in running.log()


def test_a_missing_list_is_no_obstacle(lab, exporter, sd):
    """The folder is empty at the start; the list comes later."""
    running = exporter.serve(lab.client, sd_config(sd))
    lab.daemons.peer(lab.host, ssh_server())
    (sd / "late.yml").write_text(json.dumps([{"targets": [V4.target()]}]))
    running.wait_for_causes(V4.target())


def test_a_target_in_two_lists_is_probed_once(lab, exporter, sd):
    peer = lab.daemons.peer(lab.host, ssh_server())
    for name in ("a.yml", "b.yml"):
        (sd / name).write_text(json.dumps([{"targets": [V4.target()]}]))
    running = exporter.serve(lab.client, sd_config(sd))
    running.wait_for(lambda s: probes(s, V4.target()) >= 2)
    promtool(running.get("/metrics").text)
    times = [a.at for a in peer.accepted]
    assert all(later - earlier > 0.9 for earlier, later in zip(times, times[1:]))


def test_a_list_of_100_000(lab, exporter, sd):
    """Taken, or refused with a clear word while the old list stays; it never goes silent or dies."""
    lab.daemons.peer(lab.host, ssh_server())
    good = V4.target()
    path = sd / "hosts.yml"
    path.write_text(json.dumps([{"targets": [good]}]))
    running = exporter.serve(lab.client,
                             sd_config(sd) | {"probe": {"interval": "60s", "timeout": "2s",
                                     "control_ports": []}})
    running.wait_for_causes(good)
    lab.client.ip("route", "add", "unreachable", "10.128.0.0/9")
    many = [f"10.{128 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}" for n in range(100_000)]
    assert len(set(many)) == len(many)
    replace(path, json.dumps([{"targets": [good, *many]}]))
    deadline = time.monotonic() + 40
    while True:
        start = time.monotonic()
        assert running.get("/-/healthy", timeout=10).status == 200
        assert time.monotonic() - start < 5
        page = running.get("/metrics", timeout=30)
        count = page.text.count("\nssh_probes_total{")
        if count > 1:
            assert count == 100_001
            break
        if "hosts.yml" in running.log() and re.search(r"100[,_ ]?001|too many|at most|limit", running.log()):
            assert count == 1 and good in page.text
            break
        assert time.monotonic() < deadline, f"neither taken nor refused: {running.log()[-2000:]}"
        time.sleep(1)
    replace(path, json.dumps([{"targets": [good]}]))
    running.wait_for(lambda s: targets_of(s) == {good}, seconds=40, every=1)
    assert running.stop() == 0


# /probe.

def test_probe(lab, exporter):
    lab.daemons.peer(lab.host, ssh_server())
    rule("host", "input", "reject", "tcp dport 23")(lab)
    running = exporter.serve(lab.client, config(modules={
        "default": {}, "banner": {"depth": "banner"}, "slow": {"timeout": "9s", "interval": "10s"}}))
    answer = running.get(f"/probe?target={V4.host}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    promtool(answer.text)
    samples = Samples.parse(answer.text)
    assert samples.value("ssh_probe_success") == 1
    assert samples.labels("ssh_probe_cause") == {"cause": "none", "layer": "none",
            "confidence": samples.labels("ssh_probe_cause")["confidence"]}
    assert not [1 for _, labels, _ in samples if "target" in labels]
    assert samples.value("ssh_probe_phase_seconds", phase="kexinit") < 2
    samples = Samples.parse(running.get(f"/probe?target={V4.host}:22&module=banner").text)
    assert samples.all("ssh_probe_phase_seconds", phase="kexinit") == []
    answer = running.get(f"/probe?target={V4.host}%3A23&module=slow")
    assert answer.status == 200
    promtool(answer.text)
    assert Samples.parse(answer.text).labels("ssh_probe_cause")["cause"] == "host_firewall_reject"
    answer = running.get(f"/probe?target={V4.host}:23&debug=true")
    assert answer.status == 200 and "host_firewall_reject" in answer.text and V4.host in answer.text
    assert Samples.parse(running.get("/probe?target=%5Bfd77:0:0:2::2%5D:22").text).value("ssh_probe_ip_protocol") == 6
    # A target probed by request leaves nothing behind.
    assert targets_of(running.metrics()) == set()


@pytest.mark.parametrize("query", ["", "?target=", "?module=default", "?target=host:0",
                                   "?target=host:99999", "?target=%00",
                                   "?target=a%20b", "?target=10.77.2.2&module=none", "?target=http://x/",
                                   "?target=%ff%fe",
                                   "?target=[::1", "?target=" + "a" * 5000])
def test_probe_refuses_nonsense(query, lab, exporter):
    running = exporter.serve(lab.client, config())
    answer = running.get(f"/probe{query}")
    assert answer.status == 400 or (len(query) > 4000 and answer.status in (413, 414, 431)), answer.text
    assert answer.text.strip()


def test_probe_keeps_to_the_allowed_networks(lab, exporter, sniffer):
    lab.daemons.peer(lab.host, ssh_server())
    names(lab, {"inside": [V4.host], "outside": [V4.host_second], "both": [V4.host, V4.host_second]})
    running = exporter.serve(lab.client, config(probe_endpoint={
        "enabled": True, "allowed_networks": ["10.77.2.2/32"]}))
    assert running.get(f"/probe?target={V4.host}").status == 200
    assert running.get("/probe?target=inside.lab.test").status == 200
    for target in (V4.host_second, "outside.lab.test", "127.0.0.1", "%5Bfd77:0:0:2::2%5D",
                   "%5B::ffff:10.77.2.3%5D"):
        assert running.get(f"/probe?target={target}").status == 403, target
    assert running.get("/probe?target=both.lab.test").status in (200, 403)
    assert {s.address for s in sniffer.attempts()} == {V4.host}


def test_probe_can_be_switched_off(lab, exporter):
    running = exporter.serve(lab.client, config(probe_endpoint={"enabled": False}))
    assert running.get(f"/probe?target={V4.host}").status in (403, 404)


def test_probe_is_done_before_prometheus_gives_up(lab, exporter):
    rule("host", "input", "drop", "meta l4proto tcp")(lab)
    running = exporter.serve(lab.client, config(probe={"interval": "20s", "timeout": "20s"},
                                                modules={"short": {"timeout": "2s"}}))
    start = time.monotonic()
    answer = running.get(f"/probe?target={V4.host}", {"X-Prometheus-Scrape-Timeout-Seconds": "3"})
    took = time.monotonic() - start
    assert answer.status == 200
    assert Samples.parse(answer.text).labels("ssh_probe_cause")["cause"] == "no_answer"
    assert 1.5 < took < 2.9
    for silly in ("0", "-1", "nan", "inf", "1e99", "abc", ""):
        start = time.monotonic()
        answer = running.get(f"/probe?target=%5B{V6.host}%5D:23&module=short",
                             {"X-Prometheus-Scrape-Timeout-Seconds": silly}, timeout=25)
        assert answer.status in (200, 400), silly
        assert time.monotonic() - start < 3.5


def test_probes_by_request_keep_the_pace(lab, exporter):
    peer = lab.daemons.peer(lab.host, ssh_server())
    running = exporter.serve(lab.client, config(probe={"interval": "10s", "timeout": "8s"}))
    found = []

    def ask():
        found.append(running.get(f"/probe?target={V4.host}", timeout=15))
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.status for a in found] == [200] * 4
    times = sorted(a.at for a in peer.accepted)
    assert all(later - earlier >= 0.9 for earlier, later in zip(times, times[1:])), times


def test_too_many_probes_are_refused_not_queued(lab, exporter):
    """A crowd of requests for silent hosts: some get 503 at once, /metrics still answers."""
    rule("host", "input", "drop", "meta l4proto tcp")(lab)
    running = exporter.serve(lab.client, config(probe={"interval": "6s", "timeout": "5s"}))
    statuses = []

    def ask(n):
        try:
            statuses.append(running.get(f"/probe?target={V4.host}:{1000 + n}", timeout=20).status)
        except OSError:
            statuses.append(0)
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(100)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    start = time.monotonic()
    assert running.get("/metrics").status == 200
    took = time.monotonic() - start
    for thread in threads:
        thread.join()
    assert took < 2, f"/metrics took {took:.1f} s"
    assert 503 in statuses and 200 in statuses
    assert set(statuses) <= {200, 503}


# Hostile callers.

def test_half_open_connections(lab, exporter):
    """Two hundred callers who never finish their request; a scrape is answered all the same."""
    running = exporter.serve(lab.client, config())
    held = []
    try:
        for number in range(200):
            sock = running.open()
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Part"[:5 + number % 40])
            held.append(sock)
        start = time.monotonic()
        answer = running.get("/metrics", timeout=10)
        took = time.monotonic() - start
        assert answer.status == 200
        print(f"{took:.2f} s")
        assert took < 10
    finally:
        for sock in held:
            sock.close()
    assert running.get("/metrics").status == 200


def raw(running, data, timeout=8):
    """The answer's first bytes; empty if it hung up."""
    with running.open() as sock:
        sock.settimeout(timeout)
        got = b""
        try:
            sock.sendall(data)
            while chunk := sock.recv(4096):
                got += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
        except TimeoutError:
            got += b"TIMEOUT"
        return got


def test_hostile_requests(lab, exporter):
    running = exporter.serve(lab.client, config())
    lines = [
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Huge: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600),
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"\x00" * 10_000 + b"\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /%00%0d%0a%0d%0a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ]
    for line in lines:
        got = raw(running, line)
        print(line[:40], got[:60])
        status = re.match(rb"HTTP/1\.\d (\d+)", got)
        assert status is None or status[1] != b"200", line[:60]
        assert not got.endswith(b"TIMEOUT") or status, f"no end: {line[:60]}"
        assert running.get("/metrics").status == 200
    assert running.process.poll() is None


def test_a_caller_that_never_reads(lab, exporter):
    """Its window is full; others are served and the end is clean."""
    targets = [f"10.77.2.2:{p}" for p in range(1000, 1400)]
    running = exporter.serve(lab.client, config(*targets, probe={"interval": "600s", "timeout": "5s"}))
    held = []
    for _ in range(40):
        sock = lab.client.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.connect(("127.0.0.1", running.port))
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        held.append(sock)
    start = time.monotonic()
    assert running.get("/metrics", timeout=12).status == 200
    assert time.monotonic() - start < 10
    assert running.stop(6) == 0
    for sock in held:
        sock.close()


# Start and end.

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(number, lab, exporter):
    """In the middle of probes, scrapes and half requests."""
    rule("host", "input", "drop", "meta l4proto tcp")(lab)
    running = exporter.serve(lab.client, config(*(V4.target(1000 + n) for n in range(20)),
                                                probe={"interval": "30s", "timeout": "30s"}))
    held = [running.open() for _ in range(5)]
    for sock in held:
        sock.sendall(b"GET /metr")
    scrape = threading.Thread(target=lambda: swallow(lambda: running.get(f"/probe?target={V4.host}:9",
            timeout=20)))
    scrape.start()
    time.sleep(0.5)
    start = time.monotonic()
    running.process.send_signal(number)
    assert running.process.wait(10) == 0
    assert time.monotonic() - start < 5
    for sock in held:
        sock.close()
    scrape.join(5)


def swallow(action):
    try:
        return action()
    except OSError:
        return None


def start_expecting_failure(lab, path, *flags, expected=1):
    done = lab.client.run([binary(), f"--config.file={path}", "--web.listen-address=127.0.0.1:10062", *flags],
                          check=False, timeout=15)
    assert done.returncode == expected, (done.returncode, done.stdout)
    return done.stdout


BAD_FILES = {
    # name: (text, line, what the message has to name)
    "malformed": ("probe:\n  interval: [5s\ntargets: []\n", None, ()),
    "tab": ("probe:\n\tinterval: 5s\n", 2, ()),
    "unknown_key": ("probe:\n  intervall: 5s\n", 2, ("intervall", "interval")),
    "unknown_section": ("probes:\n  interval: 5s\n", 1, ("probes", "probe")),
    "unknown_key_of_a_target": ("targets:\n  - target: host\n    label: {a: b}\n", 3, ("label", "labels")),
    "unknown_key_of_a_module": ("modules:\n  slow:\n    time_out: 5s\n", 3, ("time_out", "timeout")),
    "key_twice": ("probe:\n  timeout: 5s\n  timeout: 6s\n", 3, ("timeout",)),
    "bad_duration": ("probe:\n  interval: soon\n", 2, ("soon",)),
    "duration_without_unit": ("probe:\n  interval: 60\n", 2, ("60",)),
    "negative_duration": ("probe:\n  interval: -5s\n", 2, ("-5s",)),
    "interval_too_short": ("probe:\n  interval: 100ms\n", 2, ("interval",)),
    "timeout_longer_than_interval": ("probe:\n  interval: 5s\n  timeout: 10s\n", None,
                                     ("timeout", "interval")),
    "huge_duration": ("probe:\n  interval: 99999999999999999999s\n", 2, ()),
    "bad_depth": ("probe:\n  depth: deep\n", 2, ("deep", "kexinit")),
    "bad_protocol": ("probe:\n  ip_protocol: ipv5\n", 2, ("ipv5", "ipv4")),
    "bad_port": ("probe:\n  control_ports: [443, 70000]\n", 2, ("70000",)),
    "port_zero": ("probe:\n  alternative_ports: [0]\n", 2, ("0",)),
    "bad_source_address": ("probe:\n  source_address: host\n", 2, ("host",)),
    "duplicate_target": ("targets:\n  - target: host\n  - target: host:22\n", 3, ("host:22",)),
    "target_missing": ("targets:\n  - labels: {a: b}\n", 2, ("target",)),
    "bad_target": ("targets:\n  - target: 'host:ssh'\n", 2, ("host:ssh",)),
    "bad_label_name": ("targets:\n  - target: host\n    labels: {0bad: x}\n", 3, ("0bad",)),
    "reserved_label": ("targets:\n  - target: host\n    labels: {cause: x}\n", 3, ("cause",)),
    "reserved_label_target": ("targets:\n  - target: host\n    labels: {target: x}\n", 3, ("target",)),
    "bad_network": ("probe_endpoint:\n  allowed_networks: [10.0.0.0/33]\n", 2, ("10.0.0.0/33",)),
    "list_for_map": ("probe: [a, b]\n", 1, ("probe",)),
    "map_for_list": ("targets: {a: b}\n", 1, ("targets",)),
    "text_for_all": ("just words\n", 1, ()),
    "binary": ("\x00\x01\x02", None, ()),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_at_start(name, lab, exporter):
    text, line, words = BAD_FILES[name]
    path = exporter.write_config(text, "bad.yml")
    out = start_expecting_failure(lab, path)
    print(out)
    where = re.search(re.escape(str(path)) + r":(\d+):(\d+): (.+)", out)
    assert where, f"no FILE:LINE:COLUMN in {out!r}"
    if line:
        assert int(where[1]) == line
    for word in words:
        assert word in where[3]
    check = start_expecting_failure(lab, path, "--config.check")
    assert str(path) in check


def test_other_bad_starts(lab, exporter):
    missing = exporter.folder / "none.yml"
    assert "none.yml" in start_expecting_failure(lab, missing)
    good = exporter.write_config(config())
    taken = lab.client.socket()
    with taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 10062))
        taken.listen()
        assert "10062" in start_expecting_failure(lab, good)
    for flags in (["--no-such-flag"], ["--web.listen-address=nowhere:port"], ["--log.level=loud"],
                  ["nonsense"]):
        done = lab.client.run([binary(), f"--config.file={good}", *flags], check=False, timeout=15)
        assert done.returncode not in (0, -6, -11), flags
        assert done.stdout.strip()


def test_config_check_prints_a_fixpoint(lab, exporter):
    path = exporter.write_config(config("host.lab.test",
                                        {"target": "b:2222", "depth": "banner", "labels": {"a": 'q"\\x'}},
                                        modules={"slow": {"timeout": "9s", "interval": "10s"}}))
    once = lab.client.run([binary(), f"--config.file={path}", "--config.check"],
                          stderr=subprocess.DEVNULL).stdout
    again = exporter.write_config(once)
    twice = lab.client.run([binary(), f"--config.file={again}", "--config.check"],
                           stderr=subprocess.DEVNULL).stdout
    assert once == twice and "host.lab.test" in once


def test_without_a_file_it_probes_localhost(lab, exporter):
    """The built-in configuration; nothing listens on the client's own port 22."""
    with open(exporter.folder / "log", "wb") as log:
        process = lab.client.popen([binary(), "--web.listen-address=127.0.0.1:10062"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while True:
            done = lab.client.run(["curl", "-s", "http://127.0.0.1:10062/metrics"], check=False)
            samples = Samples.parse(done.stdout)
            if samples.all("ssh_probe_cause"):
                break
            assert time.monotonic() < deadline, (exporter.folder / "log").read_text()
            time.sleep(0.2)
        # Which of the causes of a closed port it is depends on this machine's own sshd.
        assert samples.labels("ssh_probe_cause")["cause"] in ("port_closed", samples.labels("sshd_cause")["cause"])
    finally:
        process.kill()
        process.wait()


def test_version_and_help(lab, exporter):
    version = lab.client.run([binary(), "--version"]).stdout
    assert "ssh_refusal_exporter" in version
    text = lab.client.run([binary(), "--help"]).stdout
    for word in ("--config.file", "--config.check", "--web.listen-address", "--web.telemetry-path",
                 "--log.level",
                 "--log.format", "diagnose", "healthcheck"):
        assert word in text


def test_logs_as_json(lab, exporter):
    running = exporter.serve(lab.client, config(V4.target()),
                             flags=["--log.format=json", "--log.level=debug"])
    running.wait_for_causes(V4.target())
    running.stop()
    lines = running.log().splitlines()
    assert lines
    for line in lines:
        json.loads(line)


# Over time.

def test_a_change_is_seen_and_counted(lab, exporter):
    """Up, rejected, up again: causes follow, counters count each."""
    lab.daemons.peer(lab.host, ssh_server())
    target = V4.target()
    running = exporter.serve(lab.client, config(target))
    running.wait_for(lambda s: s.cause(target) == "none")
    rule("host", "input", "reject with icmp type admin-prohibited")(lab)
    running.wait_for(lambda s: s.cause(target) == "host_firewall_reject")
    lab.host.nft("flush ruleset")
    samples = running.wait_for(lambda s: s.cause(target) == "none")
    assert samples.value("ssh_probe_failures_total", target=target, cause="host_firewall_reject",
                         layer="host_firewall") >= 1
    assert samples.all("ssh_probe_responder_info", target=target) == []


def test_a_rejection_that_became_a_drop_is_told(lab, exporter):
    """Memory of a reject must not hide for ever that the firewall has changed to silence."""
    target = V4.target()
    rule("host", "input", "reject")(lab)
    running = exporter.serve(lab.client, config(target,
            probe={"interval": "1s", "timeout": "1s", "control_ports": [443]}))
    running.wait_for(lambda s: s.cause(target) == "host_firewall_reject")
    lab.host.nft("flush ruleset")
    rule("host", "input", "drop")(lab)
    running.wait_for(lambda s: s.cause(target) in ("port_filtered", "no_answer"), seconds=40)


def test_starts_are_spread(lab, exporter):
    """Twenty targets do not all start in the same instant."""
    for n in range(20):
        lab.topology.add_address(lab.host, "eth0", f"10.77.2.{100 + n}", V4)
    lab.daemons.peer(lab.host, ssh_server())
    sniffer = SynSniffer(lab.router)
    try:
        running = exporter.serve(lab.client, config(*(f"10.77.2.{100 + n}" for n in range(20)),
                                                    probe={"interval": "3s", "timeout": "3s"}))
        running.wait_for(lambda s: all(probes(s, f"10.77.2.{100 + n}:22") >= 3 for n in range(20)),
                         seconds=20)
        attempts = sniffer.attempts()
    finally:
        sniffer.stop()
    starts = {}
    for syn in attempts:
        starts.setdefault(syn.address, []).append(syn.at)
    for times in starts.values():       # the first is early, so that a new target is soon known
        assert all(2.7 < later - earlier < 3.3 for earlier, later in zip(times[1:], times[2:])), times
    seconds = sorted(times[1] % 3 for times in starts.values())
    pauses = [later - earlier for earlier, later in zip(seconds, [*seconds[1:], seconds[0] + 3])]
    assert max(pauses) < 1.5, seconds


def test_a_new_resolver_is_used(lab, exporter):
    """resolv.conf is rewritten while the exporter runs, as DHCP does."""
    lab.client.write_etc("hosts", "127.0.0.1 localhost\n")
    lab.client.write_etc("resolv.conf", "nameserver 10.77.1.77\n")
    lab.daemons.peer(lab.host, ssh_server())
    running = exporter.serve(lab.client, config("host.lab.test"))
    running.wait_for(lambda s: s.cause("host.lab.test:22") == "dns_failed")
    names(lab, {"host": [V4.host]})
    running.wait_for(lambda s: s.cause("host.lab.test:22") == "none", seconds=20)


def test_a_name_that_moves(lab, exporter):
    """The next probe goes where the name points now."""
    names(lab, {"host": [V4.host]})
    lab.daemons.peer(lab.host, ssh_server(), address=V4.host_second)
    running = exporter.serve(lab.client, config("host.lab.test"))
    running.wait_for(lambda s: s.cause("host.lab.test:22") == "port_closed")
    (lab.folder / "dns-hosts").write_text(f"{V4.host_second} host.lab.test\n")
    lab.dns.signal(signal.SIGHUP)
    samples = running.wait_for(lambda s: s.cause("host.lab.test:22") == "none", seconds=10)
    assert samples.all("ssh_probe_address_success") == []


def test_a_name_that_loses_an_address(lab, exporter):
    """Series by address go with the address."""
    names(lab, {"host": [V4.host, V4.host_second]})
    lab.daemons.peer(lab.host, ssh_server())
    running = exporter.serve(lab.client, config("host.lab.test"))
    running.wait_for(lambda s: len(s.all("ssh_probe_address_success")) == 2)
    (lab.folder / "dns-hosts").write_text(f"{V4.host} host.lab.test\n")
    lab.dns.signal(signal.SIGHUP)
    running.wait_for(lambda s: s.all("ssh_probe_address_success") == [], seconds=10)
    (lab.folder / "dns-hosts").write_text("")
    lab.dns.signal(signal.SIGHUP)
    samples = running.wait_for(lambda s: s.cause("host.lab.test:22") == "dns_not_found", seconds=10)
    for name in ("ssh_probe_server_info", "ssh_probe_ip_protocol", "ssh_probe_responder_info"):
        assert samples.all(name) == [], name
    promtool(running.get("/metrics").text)


# TLS and users.

def web_config(exporter, keys, users=None, **tls):
    """A web configuration file in the format of the exporter toolkit."""
    made = {"tls_server_config": {"cert_file": str(keys.certificate), "key_file": str(keys.path("tls")),
                                  **tls}}
    if users:
        made["basic_auth_users"] = users
    path = exporter.folder / "web.yml"
    path.write_text(json.dumps(made))
    assert subprocess.run(["promtool", "check", "web-config", path], capture_output=True).returncode == 0
    return path


def curl(lab, *words):
    done = lab.client.run(["curl", "-sk", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", *words],
                          check=False)
    return int(done.stdout or 0)


def test_tls_and_users(lab, exporter, keys):
    secret = crypt.crypt("pass word", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=2**5))
    path = web_config(exporter, keys, {"scraper": secret})
    running = exporter.serve(lab.client, config(), flags=[f"--web.config.file={path}"], ready=False)
    deadline = time.monotonic() + 10
    while not port_open(lab, "127.0.0.1"):
        assert time.monotonic() < deadline, running.log()
        time.sleep(0.1)
    url = "https://127.0.0.1:10062/metrics"
    assert curl(lab, "-u", "scraper:pass word", url) == 200
    assert curl(lab, "-u", "scraper:wrong", url) == 401
    assert curl(lab, "-u", "nobody:pass word", url) == 401
    assert curl(lab, url) == 401
    assert curl(lab, "-X", "POST", "https://127.0.0.1:10062/-/reload") == 401
    assert curl(lab, "http://127.0.0.1:10062/metrics") != 200
    assert curl(lab, "--tls-max", "1.1", "-u", "scraper:pass word", url) == 0
    # A TLS hello that never ends holds nobody up.
    held = [running.open() for _ in range(50)]
    for sock in held:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
    assert curl(lab, "-u", "scraper:pass word", url) == 200
    for sock in held:
        sock.close()
    assert running.stop() == 0


@pytest.mark.parametrize("text", ["tls_server_config: {cert_file: /nonexistent, key_file: /nonexistent}",
                                  "tls_server_confg: {}", "basic_auth_users: {a: plain}", "[", "just words"])
def test_a_bad_web_file_at_start(text, lab, exporter):
    path = exporter.folder / "web.yml"
    path.write_text(text)
    out = start_expecting_failure(lab, exporter.write_config(config()), f"--web.config.file={path}")
    print(out)
    assert "web.yml" in out or "/nonexistent" in out
