"""The exporter on an SSH host that is broken in every way: hosts really boot Debian 12 and 13.

Each case breaks sshd, looks from outside what a new connection meets, and only then asks the exporter why:
what was met is measured, so the expected cause cannot be wrong about the host.
"""

import json
import subprocess
import time
from pathlib import Path

import pytest

from lab import booted, debian, netns
from lab.booted import AsUnit
from lab.breakages import ALL, SUITES
from lab.exporter import ROOT, Exporter
from lab.expect import LAYERS, SURE
from lab.topology import V4, V6

CONFIG = {"targets": [], "local": {"interval": "1s"}}
# libwrap sleeps 5 s before it closes, and systemd 1.2 s until it gives up a socket's service.
PATIENCE = {"closed": 7.0, "mute": 1.0, "silent": 1.0}
# The interval, a collection in which `sshd -t` runs, and a machine whose cores are taken.
SECONDS = 8
STATES = {"active", "reloading", "inactive", "failed", "activating", "deactivating"}


@pytest.fixture(params=SUITES)
def host(request, boot):
    return boot(request.param)


@pytest.fixture
def agent(host):
    """The exporter on the host; None if it is not built: then a case ends at judge()."""
    return host.exporter(CONFIG) if host.bundle else None


def cause_of(samples):
    found = samples.all("sshd_cause")
    assert len(found) <= 1, f"more than one cause: {found}"
    return found[0][0] if found else {"cause": None}


def meets(host, seen, **where):
    """Assert what a new connection from outside meets."""
    found = host.meets(patience=PATIENCE.get(seen, 5.0), **where)
    assert found == seen, f"{found} instead of {seen}\n" + host.run(
        "ss -ltnp; systemctl --no-pager status ssh ssh.socket; journalctl -n 20 --no-pager", check=False).stdout


def judge(host, agent, causes, confidence=SURE, evidence=()):
    """Wait for one of the causes, then assert all that must agree with it; the samples."""
    host.program()

    def agree(samples):
        # The page and the answer may be of two collections.
        found = cause_of(samples)
        if found["cause"] not in causes:
            return False
        answer = answer_of(agent)
        return all(found[k] == answer[k] for k in ("cause", "layer", "confidence"))
    samples = agent.wait_for(agree, SECONDS)
    check_samples(samples)
    check_answer(answer_of(agent), causes, confidence, evidence)
    check_answer(host.inspect(), causes, confidence, evidence)
    return samples


def answer_of(agent, **query):
    words = "&".join(f"{k}={v}" for k, v in query.items())
    answer = agent.get(f"/api/v1/evidence?{words}")
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


def check_answer(answer, causes, confidence, evidence=()):
    cause = answer["cause"]
    told = f"{cause}, {answer['confidence']}: " + "\n".join(answer["evidence"])
    assert cause in causes, told
    assert answer["layer"] == LAYERS[cause]
    assert answer["confidence"] in (confidence if cause != "none" else SURE), told
    assert all(isinstance(e, str) and e.strip() for e in answer["evidence"])
    if cause != "none":
        assert answer["evidence"] and answer["fix"].strip()
        for words in evidence:
            options = words if isinstance(words, tuple) else (words,)
            assert any(o.lower() in told.lower() for o in options), f"{words!r} is not in the evidence: {told}"


def check_samples(samples):
    """What holds on every host, whatever is broken."""
    labels, value = samples.all("sshd_cause")[0]
    assert value == 1 and labels["layer"] == LAYERS[labels["cause"]]
    up = samples.value("sshd_up")
    listeners = {(l["address"], l["port"]) for l, _ in samples.all("sshd_listener")}
    assert up == (1 if listeners else 0)
    wanted = {(l["address"], l["port"]) for l, _ in samples.all("sshd_config_listen_info")}
    missing = {(l["address"], l["port"]) for l, _ in samples.all("sshd_listener_missing")}
    assert missing <= wanted and not missing & listeners
    for labels, _ in samples.all("sshd_unit_state", state="active"):
        states = {l["state"]: v for l, v in samples.all("sshd_unit_state", unit=labels["unit"])}
        assert set(states) == STATES and sum(states.values()) == 1, states
    assert all(v in (0, 1) for _, v in samples.all("sshd_host_key_usable"))
    assert samples.all("sshd_collector_success")


def breakages():
    for suite in SUITES:
        for breakage in ALL:
            if suite in breakage.suites:
                yield pytest.param(suite, breakage, id=f"{suite}-{breakage.name}")


@pytest.mark.parametrize("suite,breakage", breakages())
def test_broken(suite, breakage, boot):
    host = boot(suite)
    agent = host.exporter(CONFIG) if host.bundle else None
    causes = breakage.any_of("cause", suite)
    host.run(breakage.do, check=False)
    if breakage.foreseen and agent:
        judge(host, agent, causes, breakage.confidence, breakage.evidence)
    seen = breakage.of("seen", suite)
    meets(host, seen)
    if breakage.seen6:
        meets(host, breakage.seen6, family=6)
    samples = judge(host, agent, causes, breakage.confidence, breakage.evidence)
    assert samples.value("sshd_up") in breakage.any_of("up", suite)
    if breakage.config_valid is not None:
        assert samples.value("sshd_config_valid") == breakage.config_valid
    if breakage.mendable:
        host.mend(breakage.undo)
        judge(host, agent, {"none"})
        meets(host, "asked")


# What the table cannot say.

def test_healthy_metrics(host, agent):
    samples = judge(host, agent, {"none"})
    bound = host.run("ss -Hltn 'sport = 22' | awk '{print $4}'").stdout.split()
    assert {(l["address"], l["port"]) for l, _ in samples.all("sshd_listener", process="sshd")} == \
        {(b.rsplit(":", 1)[0].strip("[]"), "22") for b in bound}
    assert samples.value("sshd_up") == samples.value("sshd_config_valid") == 1
    assert samples.value("sshd_unit_state", unit="ssh.service", state="active") == 1
    assert samples.value("sshd_unit_enabled", unit="ssh.service", state="enabled") == 1
    assert abs(samples.value("sshd_unit_start_time_seconds", unit="ssh.service") - time.time()) < 120
    assert {l["type"] for l, v in samples.all("sshd_host_key_usable") if v == 1} == {"rsa", "ecdsa", "ed25519"}
    assert [samples.value("sshd_config_max_startups", bound=b) for b in ("begin", "rate", "full")] == \
        [10, 30, 100]
    assert samples.value("sshd_config_login_grace_seconds") == 120
    assert samples.value("sshd_startups") == samples.value("sshd_sessions") == 0
    assert [l for l, v in samples.all("sshd_collector_success") if v != 1] == []
    assert not samples.all("sshd_listener_missing") and not samples.all("sshd_port_conflict_info")
    for address, limit in samples.all("sshd_listener_queue_limit"):
        assert limit == 128, address


def test_socket_activation_before_and_after_the_first_connection(host, agent):
    host.run("systemctl disable --now ssh\nsystemctl enable --now ssh.socket")
    if agent:
        agent.wait_for(lambda s: {l["process"] for l, _ in s.all("sshd_listener")} == {"systemd"})
        before = judge(host, agent, {"none"})
        assert before.value("sshd_unit_state", unit="ssh.service", state="active") == 0
        assert before.value("sshd_up") == 1
    meets(host, "asked")
    meets(host, "asked", family=6)
    host.program()
    agent.wait_for(lambda s: s.value("sshd_unit_state", unit="ssh.service", state="active") == 1)
    after = judge(host, agent, {"none"})
    assert after.value("sshd_up") == 1
    assert after.value("sshd_unit_state", unit="ssh.socket", state="active") == 1
    # sshd ends and the socket goes on waiting for the next connection.
    host.run("systemctl stop ssh.service", check=False)
    agent.wait_for(lambda s: s.value("sshd_unit_state", unit="ssh.service", state="active") == 0)
    judge(host, agent, {"none"})
    meets(host, "asked")


def hold(host, count, address=V4.host):
    return [host.client.connect(address, 22) for _ in range(count)]


def let_go(held):
    for connection in held:
        connection.close()


def test_max_startups(host, agent):
    host.append("/etc/ssh/sshd_config", "MaxStartups 2:100:2\n")
    host.run("systemctl restart ssh")
    held = hold(host, 2)
    host.wait_until(lambda: "2 of 2-2" in host.run("ps ax -o args").stdout, what="the second connection")
    meets(host, "text")
    meets(host, "text", family=6)
    samples = judge(host, agent, {"max_startups"}, evidence=("2",))
    assert samples.value("sshd_startups") == 2
    assert samples.value("sshd_config_max_startups", bound="full") == 2
    assert samples.value("sshd_up") == 1
    let_go(held)
    # Lines of a minute ago say nothing about now.
    samples = judge(host, agent, {"none"})
    assert samples.value("sshd_startups") == 0
    meets(host, "asked")


def test_startups_of_one_source_are_no_trouble_to_others(host, agent):
    host.append("/etc/ssh/sshd_config", "PerSourceMaxStartups 1\n")
    host.run("systemctl restart ssh")
    held = hold(host, 1)
    host.wait_until(lambda: "1 of 10-100" in host.run("ps ax -o args").stdout, what="the connection")
    meets(host, "text")
    # No second connection at once: the first may still count.
    assert host.look(family=6) == "banner"
    judge(host, agent, {"none"})
    assert answer_of(agent, source=V6.client, port=22)["cause"] == "none"
    assert answer_of(agent, source=V4.client, port=22)["cause"] in ("none", "max_startups")
    let_go(held)


def test_accept_queue_full(host, agent):
    host.run("systemctl kill -s STOP --kill-who=main ssh")
    held = []
    for _ in range(135):
        held.append(host.client.socket())
        held[-1].setblocking(False)
        held[-1].connect_ex((V4.host, 22))
    # The second family's socket has a queue of its own.
    meets(host, "silent")
    meets(host, "mute", family=6)
    samples = judge(host, agent, {"accept_queue_full"}, evidence=("128",))
    queue = {l["address"]: v for l, v in samples.all("sshd_listener_queue_length")}
    assert queue["0.0.0.0"] > samples.value("sshd_listener_queue_limit", address="0.0.0.0", port="22") == 128
    assert samples.value("sshd_tcp_listen_overflows_total") > 0
    let_go(held)
    # Restarted, because 10.0 would penalise the client for its 135 connections.
    host.run("systemctl kill -s CONT --kill-who=main ssh\nsystemctl restart ssh")
    judge(host, agent, {"none"})
    meets(host, "asked")


def test_tcp_wrappers_of_one_source(host, agent):
    host.write("/etc/hosts.deny", f"sshd: {V4.client}\n")
    meets(host, "closed")
    meets(host, "asked", family=6)
    judge(host, agent, {"none"})
    denied = answer_of(agent, source=V4.client, port=22)
    check_answer(denied, {"tcp_wrappers_denied"}, SURE, ("/etc/hosts.deny", V4.client))
    assert answer_of(agent, source=V4.router, port=22)["cause"] == "none"
    # hosts.allow comes first.
    host.write("/etc/hosts.allow", "sshd: 10.77.\n")
    host.write("/etc/hosts.deny", "ALL: ALL\n")
    meets(host, "asked")
    # Some are let in, as it is meant: that is no trouble of the host's.
    agent.wait_for(lambda s: cause_of(s) == {"cause": "none", "layer": "none", "confidence": "possible"})
    agent.wait_for(lambda _: answer_of(agent, source=V4.client, port=22)["cause"] == "none")
    assert answer_of(agent, source=V6.client, port=22)["cause"] == "tcp_wrappers_denied"


def test_source_penalty(boot):
    host = boot("trixie")
    agent = host.exporter(CONFIG) if host.bundle else None
    seen = [host.look() for _ in range(25)]
    assert seen[0] == "banner" and seen[-1] == "text", seen
    meets(host, "asked", family=6)
    judge(host, agent, {"none"})
    agent.wait_for(lambda _: answer_of(agent, source=V4.client, port=22)["cause"] == "source_penalty")
    check_answer(answer_of(agent, source=V4.client, port=22), {"source_penalty"}, SURE, ("penalty",))
    assert answer_of(agent, source=V6.client, port=22)["cause"] == "none"


def test_sessions_are_counted(host, agent):
    host.run("mkdir -p -m 700 /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/key;"
             "cp /root/key.pub /root/.ssh/authorized_keys")
    key = host.folder / "key"
    key.write_bytes(host.path("/root/key").read_bytes())
    key.chmod(0o600)
    session = host.client.popen(
        ["ssh", "-F", "/dev/null", "-T", "-i", key, "-o", "StrictHostKeyChecking=no",
         "-o", "UserKnownHostsFile=/dev/null", f"root@{V4.host}", "echo in; sleep 60"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert session.stdout.readline() == b"in\n"
    held = hold(host, 1)
    host.program()
    samples = agent.wait_for(lambda s: s.value("sshd_startups") == 1 and s.value("sshd_sessions") == 1)
    assert cause_of(samples)["cause"] == "none"
    session.kill()
    session.wait()
    let_go(held)
    agent.wait_for(lambda s: s.value("sshd_startups") == 0 and s.value("sshd_sessions") == 0)


# The program is replaced while it runs.

def put_binary(host, suite):
    """sshd of that release, renamed into place as dpkg does it."""
    to = host.path("/usr/sbin/sshd.new")
    to.write_bytes((debian.boot_root(suite) / "usr/sbin/sshd").read_bytes())
    to.chmod(0o755)
    host.run("mv /usr/sbin/sshd.new /usr/sbin/sshd")


def test_upgraded_without_restart(boot):
    """9.2 starts its successor with -R; 10.0 knows no -R."""
    host = boot("trixie")
    put_binary(host, "bookworm")
    host.run("systemctl restart ssh")
    agent = host.exporter(CONFIG) if host.bundle else None
    meets(host, "asked")
    if agent:
        judge(host, agent, {"none"})
    put_binary(host, "trixie")
    meets(host, "closed")
    judge(host, agent, {"sshd_upgrade_skew"}, evidence=("/usr/sbin/sshd",))
    host.run("systemctl restart ssh")
    meets(host, "asked")
    judge(host, agent, {"none"})


def test_downgraded_without_restart(boot):
    """10.0 starts sshd-session and does not care for sshd any more."""
    host = boot("trixie")
    agent = host.exporter(CONFIG) if host.bundle else None
    put_binary(host, "bookworm")
    meets(host, "asked")
    judge(host, agent, {"none"})


def test_replaced_by_one_that_needs_newer_libraries(boot):
    host = boot("bookworm")
    agent = host.exporter(CONFIG) if host.bundle else None
    put_binary(host, "trixie")
    meets(host, "closed")
    judge(host, agent, {"sshd_binary_broken", "sshd_upgrade_skew"}, evidence=("GLIBC_2.38",))


# Other hosts, other places for the agent.

def test_unit_of_another_name(host, agent):
    host.run("systemctl disable --now ssh", check=False)
    host.write("/etc/systemd/system/my-ssh.service",
               "[Service]\nRuntimeDirectory=sshd\nExecStart=/usr/sbin/sshd -D\n")
    host.run("systemctl daemon-reload; systemctl start my-ssh; sleep 0.2")
    meets(host, "asked")
    agent.wait_for(lambda s: s.all("sshd_unit_state", unit="my-ssh.service", state="active"))
    samples = judge(host, agent, {"none"})
    assert samples.value("sshd_unit_state", unit="my-ssh.service", state="active") == 1


def test_dropbear(host, agent):
    host.run("systemctl disable --now ssh; mkdir /etc/dropbear; dropbear -R -P /run/dropbear.pid; sleep 0.2")
    meets(host, "asked")
    if agent:
        agent.wait_for(lambda s: {l["process"] for l, _ in s.all("sshd_listener")} == {"dropbear"})
    samples = judge(host, agent, {"none"})
    assert samples.value("sshd_up") == 1
    host.run("kill -STOP $(cat /run/dropbear.pid)")
    meets(host, "mute")
    judge(host, agent, {"sshd_hung"}, evidence=("dropbear",))


@pytest.mark.parametrize("suite", SUITES)
def test_no_systemd(suite, boot):
    host = boot(suite, boot=False)
    host.run("mkdir -p /run/sshd && /usr/sbin/sshd")
    agent = host.exporter(CONFIG) if host.bundle else None
    meets(host, "asked")
    if agent:
        samples = judge(host, agent, {"none"})
        assert samples.value("sshd_up") == 1 and not samples.all("sshd_unit_state")
    host.run("kill $(cat /run/sshd.pid)")
    host.wait_until(lambda: host.look() == "refused")
    judge(host, agent, {"sshd_not_running"})


def test_not_root(host):
    """It knows less, says so, and is not wrong for that."""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    host.program()
    agent = host.exporter(CONFIG, prefix=nobody)
    samples = agent.wait_for(lambda s: s.all("sshd_cause"), SECONDS)
    assert cause_of(samples)["cause"] in ("none", "unknown")
    assert samples.value("sshd_up") == 1
    assert [l for l, v in samples.all("sshd_collector_success") if v == 0], "nothing was denied"
    host.run("systemctl stop ssh")
    samples = agent.wait_for(lambda s: s.value("sshd_up") == 0, SECONDS)
    samples = agent.wait_for(lambda s: cause_of(s)["cause"] in ("sshd_not_running", "port_closed"), SECONDS)
    assert host.inspect(nobody)["cause"] in ("sshd_not_running", "port_closed")


def test_as_its_unit(host):
    """The sandboxed unit with the drop-in for agents: no root, and yet all is seen."""
    unit = "ssh_refusal_exporter.service"
    argv = " ".join(map(str, host.program()))
    host.write(f"/etc/systemd/system/{unit}", (ROOT / "config" / unit).read_text())
    host.write(f"/etc/systemd/system/{unit}.d/agent.conf", (ROOT / "config" / "agent.conf").read_text())
    flags = "--config.file=/etc/exporter.yml"
    host.write(f"/etc/systemd/system/{unit}.d/lab.conf", f"[Service]\nExecStart=\nExecStart={argv} serve {flags}\n")
    host.write("/etc/exporter.yml", json.dumps(CONFIG))
    host.run("useradd --system ssh_refusal_exporter")
    agent = AsUnit(host, unit)
    agent.start()
    samples = agent.wait_for(lambda s: s.all("sshd_cause") and cause_of(s)["cause"] == "none", SECONDS)
    check_samples(samples)
    assert [l for l, v in samples.all("sshd_collector_success") if v != 1] == [], agent.log()
    assert samples.value("sshd_config_valid") == 1
    assert answer_of(agent)["configuration"]["source"] == "effective"
    host.append("/etc/ssh/sshd_config", "PermitRotLogin no\n")
    host.run("systemctl restart ssh", check=False)
    samples = agent.wait_for(lambda s: cause_of(s)["cause"] == "sshd_config_invalid", SECONDS)
    check_answer(answer_of(agent), {"sshd_config_invalid"}, SURE, ("/etc/ssh/sshd_config", "PermitRotLogin"))

    # mend() would remove the unit as well.
    host.run("sed -i /PermitRotLogin/d /etc/ssh/sshd_config; systemctl reset-failed ssh; systemctl start ssh")
    agent.wait_for(lambda s: cause_of(s)["cause"] == "none", SECONDS)
    # Its own `sshd -t` does not mind: the keys are root's.
    host.run("chmod 644 /etc/ssh/ssh_host_*_key; systemctl restart ssh", check=False)
    agent.wait_for(lambda s: cause_of(s)["cause"] == "sshd_host_keys_unusable", SECONDS)
    host.run("chmod 600 /etc/ssh/ssh_host_*_key")

    # Its place in the log is kept: what was said while it was away is counted, and nothing twice.
    def said():
        return host.journal("-t", "sshd").count("Bad configuration option")

    def counted(samples):
        return samples.value("sshd_log_events_total", event="cfg_bad")
    agent.wait_for(lambda s: counted(s) == said() > 0, SECONDS)
    agent.stop()
    before = said()
    host.append("/etc/ssh/sshd_config", "PermitRotLogin no\n")
    host.run("systemctl reset-failed ssh; systemctl restart ssh; sleep 0.5", check=False)
    assert said() > before
    agent.start()
    agent.wait_for(lambda s: s.all("sshd_log_events_total") and counted(s) == said() - before, SECONDS)


def test_hung_dbus(host):
    host.run("kill -STOP $(pidof dbus-daemon)")
    agent = host.exporter(CONFIG) if host.bundle else None
    # systemctl has a socket of its own.
    host.run("systemctl stop ssh")
    meets(host, "refused")
    host.program()
    slowest = 0.0

    def page(samples):
        nonlocal slowest
        started = time.monotonic()
        agent.metrics()
        slowest = max(slowest, time.monotonic() - started)
        failed = samples.all("sshd_collector_success", collector="systemd")
        return samples.all("sshd_cause") and failed and cause_of(samples)["cause"] != "none"
    samples = agent.wait_for(page, 20)
    assert slowest < 1, "a scrape waited for D-Bus"
    # Nothing listens; who stopped it, only systemd could tell.
    assert cause_of(samples)["cause"] in ("sshd_not_running", "port_closed", "unknown")
    assert samples.value("sshd_collector_success", collector="systemd") == 0
    assert sum(v for _, v in samples.all("sshd_collector_success")) >= 3, "others have stopped as well"
    host.run("kill -CONT $(pidof dbus-daemon)")
    agent.wait_for(lambda s: s.value("sshd_collector_success", collector="systemd") == 1, 20)


def test_moved_root(host, exporter_outside):
    """The exporter in a container of its own that sees the host's files under another root."""
    agent = exporter_outside(host)
    samples = agent.wait_for(lambda s: cause_of(s)["cause"] == "none", SECONDS)
    check_samples(samples)
    assert samples.value("sshd_unit_state", unit="ssh.service", state="active") == 1
    host.append("/etc/ssh/sshd_config", "PermitRotLogin no\n")
    host.run("systemctl restart ssh", check=False)
    samples = agent.wait_for(lambda s: cause_of(s)["cause"] == "sshd_config_invalid", SECONDS)
    check_answer(answer_of(agent), {"sshd_config_invalid"}, SURE, ("/etc/ssh/sshd_config",))


@pytest.fixture
def exporter_outside(tmp_path):
    """The program on this machine, in a host's network namespace, with `local.root` leading into the host."""
    folder = tmp_path / "outside"
    folder.mkdir()
    made = Exporter(folder)

    def start(host):
        host.program()
        return made.serve(host.host, {"targets": [], "local": {"interval": "1s", "root": str(host.path("/"))}})
    yield start
    made.close()


def test_stale_hosts_are_removed(bootable, tmp_path):
    """A run that is killed in the middle of a case leaves nothing that the next does not remove."""
    code = (f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            "from lab.booted import Booted; import os, signal, tempfile\n"
            f"host = Booted('bookworm', {str(tmp_path)!r}); print(host.name, host.leader, flush=True)\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n")
    done = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == -9, done.stderr
    name, leader = done.stdout.split()
    netns.remove_stale()
    booted.remove_stale()
    deadline = time.monotonic() + 5
    while netns.is_alive(int(leader)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not netns.is_alive(int(leader))
    assert not (booted.cgroup_root() / name).exists()
    assert not list(netns.RUN_NETNS.glob(name.rsplit("-", 2)[0] + "-*"))


# The prober's own host.

def test_a_target_that_is_this_host(host):
    """What the probe meets is explained by what this host knows, from the first failed probe on."""
    targets = ["127.0.0.1:22", f"{V4.host}:22", f"[{V6.host}]:22"]
    host.program()
    agent = host.exporter({"targets": [{"target": t} for t in targets], "probe": {"interval": "1s"},
                           "local": {"interval": "1s"}})
    agent.wait_for(lambda s: all(s.cause(t) == "none" for t in targets))
    said = set()

    def all_say(cause):
        def agree(samples):
            said.update(samples.cause(t) for t in targets)
            return all(samples.cause(t) == cause for t in targets)
        return agree
    host.run("systemctl stop ssh")
    samples = agent.wait_for(all_say("sshd_not_running"), SECONDS, every=0.05)
    assert said == {"none", "sshd_not_running"}, "a probe was explained by itself first"
    for target in targets:
        labels = samples.labels("ssh_probe_cause", target=target)
        assert (labels["layer"], labels["confidence"]) == ("service", "certain")
    found = host.run([*host.program(), "diagnose", "--json", V4.host], check=False).stdout
    assert json.loads(found)["cause"] == "sshd_not_running", found
    host.mend()
    agent.wait_for(all_say("none"), SECONDS)
    host.run("systemctl kill -s STOP --kill-who=main ssh")
    agent.wait_for(all_say("sshd_hung"), 20)
