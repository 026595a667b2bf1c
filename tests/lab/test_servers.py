"""What an accepted connection meets: real servers, overload, other protocols, hostile peers."""

import dataclasses
import json
import threading
import time

import pytest

from lab import wire
from lab.expect import SURE, UMBRELLA, Expect, check, check_shape
from lab.peers import flood, one_byte_at_a_time, says, ssh_server
from lab.scenes import rule
from lab.topology import FAMILIES, V4, V6

BOTH = (4, 6)
BANNER = b"SSH-2.0-LabServer_1.0\r\n"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    scene: object               # a function of the lab, or a peer's script for port 22
    expect: Expect
    families: tuple = (4,)
    probe: dict = dataclasses.field(default_factory=dict)
    timeout: float = 4
    server: str = ""            # how the software of the banner begins
    text: str = ""              # a line that the server said
    is_script: bool = False


def peer(name, script, expect, **more):
    return Case(name, script, expect, is_script=True, **more)


def real(kind, **options):
    def scene(lab):
        return getattr(lab.daemons, kind)(lab.host, **options)
    return scene


def full(kind):
    """A server whose one place for beginners is taken."""
    def scene(lab):
        getattr(lab.daemons, kind)(lab.host, config="MaxStartups 1:100:1")
        lab.held = lab.router.connect(lab.a.host, 22)
        wire.read_until(lab.held, b"\n")
    return scene


def penalised(lab):
    """The client has left without authentication before: OpenSSH 9.8 and later hold that against it."""
    server = lab.daemons.sshd10(lab.host, config="PerSourcePenalties noauth:60 min:1")
    with lab.client.connect(lab.a.host, 22) as sock:
        sock.sendall(wire.CLIENT_LINE + wire.kexinit() + wire.disconnect())
        wire.read_until(sock, b"no such thing", 3)
    server.wait_for_log("penalty")


def stopped(lab):
    lab.daemons.sshd(lab.host).freeze()


def wrapped(lab):
    lab.host.write_etc("hosts.deny", "sshd: ALL\n")
    lab.daemons.sshd(lab.host)


def offers(**lists):
    """A real sshd that offers only these algorithms."""
    names = {"kex": "KexAlgorithms", "host_key": "HostKeyAlgorithms", "cipher": "Ciphers", "mac": "MACs"}
    return real("sshd", config="\n".join(f"{names[kind]} {value}" for kind, value in lists.items()))


OK = Expect("none", "done", "ok")
NOT_SSH = Expect("not_ssh", "banner", "not_ssh", SURE)
MALFORMED = Expect("kex_failed", "kexinit", "malformed")


def closed_early(outcome):
    return Expect("closed_before_banner", "banner", outcome, UMBRELLA)


def no_common(*words):
    return Expect("kex_mismatch", "kexinit", "no_common_algorithm", ("certain",), evidence=words)


TURNED_AWAY = Expect("turned_away", "banner", "turned_away", UMBRELLA)
# Bytes come, but no line of SSH: it must end at the deadline; which cause it gets is a matter of taste,
# but nobody proved a hanging sshd.
TARPIT = Expect(("not_ssh", "sshd_hung", "unknown"), "banner", ("timeout", "not_ssh"),
                confidence=("possible", "likely"))

CASES = [
    # Real servers that are well.
    Case("openssh_9", real("sshd"), OK, BOTH, server="OpenSSH_9"),
    Case("openssh_10", real("sshd10"), OK, BOTH, server="OpenSSH_10"),
    Case("dropbear", real("dropbear"), OK, BOTH, server="dropbear_"),
    Case("tinyssh", real("tinysshd"), OK, server="tinyssh_"),
    Case("paramiko", real("paramiko"), OK, server="paramiko_"),
    Case("depth_banner", real("sshd"), OK, probe={"depth": "banner"}, server="OpenSSH_9"),
    Case("depth_connect", real("sshd"), OK, probe={"depth": "connect"}),
    Case("depth_connect_stopped", stopped, OK, probe={"depth": "connect"}),

    # Overload and policy of real servers.
    Case("max_startups_9", full("sshd"), Expect("max_startups", "banner", "turned_away", SURE), BOTH,
         text="Exceeded MaxStartups"),
    Case("max_startups_10", full("sshd10"), TURNED_AWAY, BOTH, text="Not allowed at this time"),
    Case("source_penalty_10", penalised, TURNED_AWAY, BOTH, text="Not allowed at this time"),
    Case("tcp_wrappers_denied", wrapped, Expect("tcp_wrappers_denied", "banner", ("closed", "reset"),
            ("likely",)), BOTH, timeout=8),
    Case("sshd_hung", stopped, Expect("sshd_hung", "banner", "timeout", ("likely", "possible")), BOTH,
         timeout=7),

    # Real servers without an algorithm that a current client takes.
    Case("kex_group1", offers(kex="diffie-hellman-group1-sha1"),
         no_common("key exchange", "diffie-hellman-group1-sha1"), BOTH),
    Case("kex_group14_sha1", offers(kex="diffie-hellman-group14-sha1"), no_common("key exchange")),
    Case("kex_host_key", offers(host_key="ssh-rsa"), no_common("host key", "ssh-rsa")),
    Case("kex_cipher_3des", offers(cipher="3des-cbc"), no_common("cipher", "3des-cbc")),
    Case("kex_cipher_cbc", offers(cipher="aes128-cbc,aes256-cbc"), no_common("cipher")),
    Case("kex_mac_md5", offers(cipher="aes128-ctr", mac="hmac-md5"), no_common("mac", "hmac-md5")),
    Case("kex_old_profile", real("sshd"), no_common("key exchange"),
         probe={"kex_algorithms": ["diffie-hellman-group1-sha1"]}),

    # Other protocols.
    Case("nginx", real("nginx"), NOT_SSH, BOTH),
    Case("nginx_tls", real("nginx", tls=True), NOT_SSH),
    # OpenSSL hangs up on us without a byte.
    Case("openssl_tls", real("tls_server"), closed_early(("closed", "reset"))),
    peer("tls_alert", says(0.05, b"\x15\x03\x01\x00\x02\x02\x46"), NOT_SSH),
    peer("smtp", says(b"220 mail.example.net ESMTP Postfix\r\n", then="hold"), NOT_SSH, timeout=5),
    peer("smtp_talks", lambda c: (c.send(b"220 mail ESMTP\r\n"), c.read_line(),
                                  c.send(b"502 5.5.2 Error\r\n"), c.hold()), NOT_SSH, timeout=5),
    peer("ftp", says(b"220 (vsFTPd 3.0.3)\r\n", then="hold"), NOT_SSH, timeout=5),
    peer("imap", says(b"* OK [CAPABILITY IMAP4rev1] ready\r\n", then="hold"), NOT_SSH, timeout=5),
    peer("mysql", says(b"\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00", then="hold"), NOT_SSH,
         timeout=5),
    peer("http_200", lambda c: (c.read_line(), c.send(b"HTTP/1.0 200 OK\r\n\r\nhi"), ), NOT_SSH),
    peer("telnet", says(b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23", then="hold"), NOT_SSH, timeout=5),
    peer("rdp", says(b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x124\x00\x02\x0f\x08\x00\x02\x00\x00\x00"), NOT_SSH),
    peer("echo", lambda c: (c.send(c.read_line()), c.hold()),
         Expect(("kex_failed", "not_ssh"), ("kexinit", "banner"))),

    # Versions.
    peer("ssh_1_5", says(b"SSH-1.5-OpenSSH_1.2.27\n", then="hold"),
         Expect("protocol_version", "banner", "unsupported_version", SURE, evidence=("1.5",)), families=BOTH),
    peer("ssh_1_99", ssh_server(b"SSH-1.99-Cisco-1.25\r\n"), OK, server="Cisco-1.25"),
    peer("ssh_2_0_bare_newline", ssh_server(b"SSH-2.0-OpenSSH_3.4\n"), OK, server="OpenSSH_3.4"),
    peer("ssh_2_0_comment", ssh_server(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"), OK,
         server="OpenSSH_9.2p1"),

    # Before and around the banner.
    peer("lines_before_banner", ssh_server(before=b"Authorised users only.\r\n" * 20), OK),
    peer("banner_byte_by_byte", one_byte_at_a_time(BANNER + wire.kexinit(), 0.002), OK, families=BOTH),
    peer("late_banner", lambda c: (c.pause(2), ssh_server()(c)), OK, timeout=5),
    peer("text_then_close", says(b"Go away, we are full.\r\n"), TURNED_AWAY, families=BOTH,
         text="Go away, we are full."),
    peer("text_then_reset", says(b"Too many users\r\n", then="reset"), TURNED_AWAY),
    peer("text_without_newline_then_close", says(b"denied"), TURNED_AWAY, text="denied"),
    peer("not_allowed", says(b"Not allowed at this time\r\n"), TURNED_AWAY, text="Not allowed at this time"),
    peer("exceeded", says(b"Exceeded MaxStartups\r\n"),
         Expect("max_startups", "banner", "turned_away", SURE)),
    peer("accept_fin", says(), closed_early("closed"), families=BOTH),
    peer("accept_reset", says(then="reset"), closed_early("reset"), families=BOTH),
    peer("fin_after_our_line", says(then="close_after_line"), closed_early("closed")),
    peer("fin_after_1_second", says(1), closed_early(("closed", "reset"))),
    peer("half_a_banner_then_close", says(b"SSH-2.0-Open"),
         Expect(("closed_before_banner", "turned_away", "not_ssh"), "banner",
                ("closed", "turned_away", "not_ssh"))),
    peer("silent", says(then="hold"), Expect("sshd_hung", "banner", "timeout", ("likely", "possible")),
         timeout=7),

    # After the banner.
    peer("kex_silent", says(BANNER, then="hold"), Expect("kex_failed", "kexinit", "timeout"), families=BOTH),
    peer("kex_closed", says(BANNER, then="close_after_line"),
         Expect("kex_failed", "kexinit", ("closed", "reset"))),
    peer("kex_reset", says(BANNER, 0.2, then="reset"), Expect("kex_failed", "kexinit", "reset")),
    peer("kex_garbage", says(BANNER, bytes(range(256)) * 8, then="hold"), MALFORMED, families=BOTH),
    peer("kex_zero_length", says(BANNER, bytes(64), then="hold"), MALFORMED),
    peer("kex_huge_length", says(BANNER, b"\x7f\xff\xff\xff\x04\x14" + bytes(64), then="hold"), MALFORMED),
    peer("kex_other_message", says(BANNER, wire.ssh_packet(bytes([21])), then="hold"), MALFORMED),
    peer("kex_truncated_lists", says(BANNER,
                                     wire.ssh_packet(bytes([20]) + bytes(16) + b"\0\0\0\xff" + b"a"),
                                     then="hold"), MALFORMED),
    peer("kex_ignore_first", says(BANNER, wire.ssh_packet(bytes([2]) + b"\0\0\0\x03abc"), wire.kexinit(),
                                  then="hold"),
         Expect(("none", "kex_failed"))),
    peer("kex_disconnect", says(BANNER, wire.disconnect(2, "go away"), then="close_after_line"),
         Expect("kex_failed", "kexinit", ("closed", "malformed", "reset"))),
    peer("kex_http_after_banner", says(BANNER, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
         Expect("kex_failed", "kexinit", ("malformed", "closed"))),
    peer("kex_no_compression", ssh_server(compression="zlib"), no_common("compression")),
    peer("kex_empty_lists", ssh_server(kex="", host_key="", cipher="", mac="", compression=""),
         Expect("kex_mismatch", "kexinit", "no_common_algorithm")),
    peer("kex_hostile_names", ssh_server(kex="\x1b[31mevil\x07,\x00\x01,<b>"), no_common("key exchange")),

    # Hostile banners.
    peer("control_characters", says(b"\x1b[2J\x1b[31mpwned\x07\x08\r\n"),
         Expect(("turned_away", "not_ssh"), "banner", ("turned_away", "not_ssh"))),
    peer("control_characters_in_banner", ssh_server(b"SSH-2.0-\x1b[31mEvil\x07\r\n"),
         Expect(("none", "not_ssh"))),
    peer("invalid_utf8", says(b"\xff\xfe\xc3\x28\xed\xa0\x80 bye\r\n"),
         Expect(("turned_away", "not_ssh"), "banner", ("turned_away", "not_ssh"))),
    peer("invalid_utf8_in_banner", ssh_server(b"SSH-2.0-\xc3\x28\xff\xf0\r\n"), Expect(("none", "not_ssh"))),
    peer("quotes_and_newlines_in_banner", ssh_server(b'SSH-2.0-a"b\\c{d="e"}\r\n'), OK),
    peer("nul_in_banner", says(b"SSH-2.0-Open\0SSH\r\n", wire.kexinit(), then="hold"), NOT_SSH),
    peer("nuls", says(bytes(4096), then="hold"), NOT_SSH),
    peer("long_software", ssh_server(b"SSH-2.0-" + b"A" * 200 + b"\r\n"), OK),
    peer("oversize_banner", says(b"SSH-2.0-" + b"A" * 20000 + b"\r\n", wire.kexinit(), then="hold"), NOT_SSH),
    peer("oversize_line_before_banner", says(b"x" * 20000 + b"\r\n", BANNER, wire.kexinit(), then="hold"),
         NOT_SSH),
    peer("endless_short_lines", flood(b"hello, have a line\r\n", 4), NOT_SSH),
    peer("megabyte_without_newline", flood(b"A" * 65536, 1), NOT_SSH, families=BOTH),
    peer("megabyte_then_close", lambda c: (c.send(b"A" * 1048576)), NOT_SSH),

    # Tarpits.
    peer("byte_a_second", one_byte_at_a_time(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 1), TARPIT,
         families=BOTH),
    Case("endlessh", real("endlessh"), TARPIT),
    peer("kex_byte_a_second", lambda c: (c.send(BANNER), c.send_slowly(wire.kexinit(), 1)),
         Expect("kex_failed", "kexinit", "timeout")),
]


@pytest.mark.parametrize(
    "case,family", [pytest.param(c, n, id=f"{c.name}-v{n}") for c in CASES for n in c.families])
def test_cause(case, family, lab, exporter):
    lab.a = FAMILIES[family]
    if case.is_script:
        scripted = lab.daemons.peer(lab.host, case.scene)
    else:
        case.scene(lab)
    result, = exporter.diagnose(lab.client, lab.a.target(), probe=case.probe, timeout=case.timeout)
    print(result)
    check_shape(result, case.timeout)
    check(result, case.expect, lab.a)
    assert not (case.is_script and scripted.errors)
    if case.server:
        assert result["server"]["software"].startswith(case.server)
        assert result["server"]["protocol"] in ("2.0", "1.99")
    if case.text:
        assert case.text in "\n".join(result["evidence"])
        assert case.text in result["addresses"][0]["text"]
    if case.expect is OK:
        reached = {"connect": ["connect"], "banner": ["connect", "banner"]}.get(
            case.probe.get("depth"), ["connect", "banner", "kexinit"])
        assert [p for p in ("connect", "banner", "kexinit") if p in result["phases"]] == reached
        assert result["duration_seconds"] < 3.5


@pytest.mark.parametrize("depth", ["banner", "kexinit"])
@pytest.mark.parametrize("server", ["sshd", "sshd10"])
def test_it_leaves_quietly(server, depth, lab, exporter):
    """The server's log has a normal disconnect and nothing else about us."""
    server = getattr(lab.daemons, server)(lab.host)
    result, = exporter.diagnose(lab.client, V4.host, probe={"depth": depth}, timeout=4)
    assert result["cause"] == "none"
    log = server.wait_for_log("Disconnected from")
    print(log)
    assert log.count("Connection from") == 1
    assert "Received disconnect from 10.77.1.2" in log and ":11:" in log
    for noise in ("error", "fatal", "kex_exchange_identification", "Connection closed", "Connection reset",
                  "Unable to negotiate", "Bad packet", "banner exchange", "invalid"):
        assert noise not in log


@pytest.mark.parametrize("server", ["sshd", "sshd10"])
def test_it_leaves_quietly_also_without_agreement(server, lab, exporter):
    """No common algorithm: sshd may say so, but not that we vanished or broke the protocol."""
    server = getattr(lab.daemons, server)(lab.host, config="KexAlgorithms diffie-hellman-group14-sha1")
    result, = exporter.diagnose(lab.client, V4.host, timeout=4)
    assert result["cause"] == "kex_mismatch"
    time.sleep(0.5)
    log = server.log()
    print(log)
    for noise in ("kex_exchange_identification", "Bad packet", "banner exchange", "Connection reset"):
        assert noise not in log


def test_no_penalty_for_a_patient_prober(lab, exporter):
    """OpenSSH 10 charges each visit a second of penalty; a visit a second must never be turned away."""
    server = lab.daemons.sshd10(lab.host)
    running = exporter.serve(lab.client, {
        "probe": {"interval": "1s", "timeout": "1s"}, "targets": [{"target": V4.host}]})
    target = V4.target()
    deadline = time.monotonic() + 25
    seen = set()
    while time.monotonic() < deadline:
        seen.add(running.metrics().cause(target))
        time.sleep(0.5)
    samples = running.metrics()
    assert seen <= {None, "none"}, server.log()[-2000:]
    assert samples.value("ssh_probes_total", target=target) >= 18
    assert samples.all("ssh_probe_failures_total", target=target) == [] or \
        sum(v for _, v in samples.all("ssh_probe_failures_total", target=target)) == 0


@pytest.mark.parametrize("family", BOTH)
def test_known_rejection_never_turns_to_silence(family, lab, exporter):
    """The kernel sends a caller few ICMP errors a second, and somebody else uses them up; a probe that
    gets none still knows."""
    lab.a = FAMILIES[family]
    rule("host", "input", "reject", "tcp dport 22-40")(lab)
    targets = [lab.a.target(port) for port in (22, 23)]
    running = exporter.serve(lab.client, {
        "probe": {"interval": "2s", "timeout": "1s", "control_ports": []},
        "targets": [{"target": t} for t in targets]})
    running.wait_for(lambda s: all(s.cause(t) == "host_firewall_reject" for t in targets))
    limited = threading.Event()
    stop = threading.Event()

    def others():
        while not stop.wait(0.1):
            if wire.try_connect(lab.client, lab.a.host, 40, timeout=0.2).outcome == "timeout":
                limited.set()
    thread = threading.Thread(target=others)
    thread.start()
    try:
        seen = set()
        before = running.metrics()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            samples = running.metrics()
            seen |= {samples.cause(target) for target in targets}
            time.sleep(0.25)
    finally:
        stop.set()
        thread.join()
    assert limited.is_set(), "the kernel did not limit"
    assert seen == {"host_firewall_reject"}
    for target in targets:
        done = [s.value("ssh_probes_total", target=target) for s in (before, samples)]
        assert done[1] >= done[0] + 5


def test_everyone_gets_a_turn(lab, exporter):
    """More targets behind one address than a connection a second serves: all are late, none is left out."""
    ports = range(1000, 1012)
    for port in ports:
        lab.daemons.peer(lab.host, ssh_server(), port)
    targets = [V4.target(port) for port in ports]
    running = exporter.serve(lab.client, {
        "probe": {"interval": "4s", "timeout": "2s"}, "targets": [{"target": t} for t in targets]})
    samples = running.wait_for(lambda s: all(s.cause(t) for t in targets), seconds=40)
    assert {samples.cause(t) for t in targets} == {"none"}


def gaps(attempts):
    """The shortest time between two connection attempts to one address."""
    shortest = {}
    last = {}
    for syn in attempts:
        if syn.address in last:
            gap = syn.at - last[syn.address]
            shortest[syn.address] = min(gap, shortest.get(syn.address, gap))
        last[syn.address] = syn.at
    return shortest


def test_one_connection_a_second_to_an_address(lab, exporter, sniffer):
    """Many targets, names and follow-ups; one host behind them all."""
    lab.client.write_etc("hosts", "127.0.0.1 localhost\n10.77.2.2 one two three\n")
    lab.client.write_etc("resolv.conf", "nameserver 10.77.1.1\n")
    for port in (22, 2222):
        lab.daemons.peer(lab.host, ssh_server(), port)
    targets = ["one", "two:2222", "three:23", V4.target(24), V4.target(22), V6.target(22), V6.target(25),
               V4.target(22, V4.host_second)]
    running = exporter.serve(lab.client, {
        "probe": {"interval": "12s", "timeout": "10s", "alternative_ports": [2222]},
        "targets": [{"target": t} for t in targets]})
    running.wait_for_causes(*(t if ":" in t else f"{t}:22" for t in targets), seconds=24)
    attempts = sniffer.attempts()
    print([(round(s.at - attempts[0].at, 3), s.address, s.port) for s in attempts])
    assert len(attempts) >= len(targets)
    assert all(gap >= 0.9 for gap in gaps(attempts).values()), gaps(attempts)


def test_diagnose_keeps_the_pace_too(lab, exporter, sniffer):
    lab.daemons.peer(lab.host, ssh_server())
    lab.daemons.peer(lab.host, ssh_server(), 2222)
    results = exporter.diagnose(lab.client, V4.target(22), V4.target(2222), V4.target(23), timeout=8)
    assert [r["cause"] for r in results] == ["none", "none", "port_closed"]
    assert all(gap >= 0.9 for gap in gaps(sniffer.attempts()).values())


def test_hostile_text_stays_text(lab, exporter):
    """What a peer says is never markup, never another label, never a colour."""
    evil = b'SSH-2.0-<script>alert(1)</script>"}\\\x1b[31m\r\n'
    lab.daemons.peer(lab.host, ssh_server(evil))
    lab.daemons.peer(lab.host, says(b'<img src=x onerror=alert(2)>"\x1b[31m\n'), 23)
    targets = [V4.target(22), V4.target(23)]
    running = exporter.serve(lab.client, {
        "probe": {"interval": "5s", "timeout": "4s"}, "targets": [{"target": t} for t in targets]})
    running.wait_for_causes(*targets)
    page = running.get("/").text
    assert "<script>alert" not in page and "<img" not in page
    for text in (page, running.get("/metrics").text, running.get("/api/v1/targets").text):
        assert "\x1b" not in text
    json.loads(running.get("/api/v1/targets").text)


def test_a_pile_of_hostile_peers_stops_nobody(lab, exporter):
    """One prober thread, many bad peers: the good target next to them is on time."""
    scripts = [flood(b"A" * 65536, 4), one_byte_at_a_time(b"x" * 60, 0.5), says(then="hold"),
               says(then="reset"),
               flood(b"a\n" * 1000, 1)]
    for number, script in enumerate(scripts):
        lab.daemons.peer(lab.host, script, 1000 + number, V4.host_second)
    lab.daemons.peer(lab.host, ssh_server())
    targets = [V4.target(1000 + n, V4.host_second) for n in range(len(scripts))]
    running = exporter.serve(lab.client, {
        "probe": {"interval": "6s", "timeout": "5s", "control_ports": []},
        "targets": [{"target": t} for t in [*targets, V4.host]]})
    running.wait_for_causes(V4.target(), *targets, seconds=20)
    samples = running.metrics()
    assert samples.cause(V4.target()) == "none"
    assert samples.value("ssh_probe_duration_seconds", target=V4.target()) < 1
    assert all(samples.cause(t) != "none" for t in targets)


def test_out_of_descriptors(lab, exporter):
    """More at once than the process may open: that is the client's trouble, not the targets'."""
    for number in range(40):
        lab.topology.add_address(lab.host, "eth0", f"10.77.2.{100 + number}", V4)
    lab.daemons.peer(lab.host, says(then="hold"), 22)
    targets = [f"10.77.2.{100 + n}" for n in range(40)]
    results = exporter.diagnose(lab.client, *targets, timeout=7, probe={"control_ports": []},
                                prefix=("prlimit", "--nofile=24:24"))
    causes = {r["cause"] for r in results}
    assert causes <= {"client_resource", "sshd_hung"}, causes
    for result in results:
        check_shape(result, 7)
        if result["cause"] == "client_resource":
            assert result["addresses"][0]["errno"] == "EMFILE"
