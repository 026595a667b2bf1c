"""What the kernel says about a refused connection: the facts that the exporter's causes stand on."""

import dataclasses
import time

import pytest

from lab import wire
from lab.scenes import (iptables, lost_syn, no_default_route, nothing, polite_ssh, route,
                        routing_loop, rule)
from lab.topology import FAMILIES

AT_ONCE = (0, 0.5)
NEIGHBOUR = (1.5, 4.5)      # three unanswered requests for the link address
AFTER_LOOP = (0, 1.0)


@dataclasses.dataclass(frozen=True)
class Fact:
    name: str
    scene: object
    families: tuple
    outcome: str
    icmp: tuple = ()            # type and code in the error queue; () for an empty queue
    offender: str = ""          # name of an address of lab.a
    address: str = "host"
    seconds: tuple = AT_ONCE
    at: str = "later"           # "connect": reported by connect() itself


def input_reject(words):
    return rule("host", "input", f"reject {words}".strip())


def forward_reject(words):
    return rule("router", "forward", f"reject {words}".strip())


BOTH = (4, 6)
FACTS = [
    # name                        scene                        families outcome       icmp    offender
    Fact("accepted", polite_ssh, BOTH, "connected"),
    Fact("closed", nothing, BOTH, "ECONNREFUSED"),
    Fact("reset rule", input_reject("with tcp reset"), BOTH, "ECONNREFUSED"),
    Fact("dropped", rule("host", "input", "drop"), BOTH, "timeout", seconds=(2.9, 4)),
    Fact("own output drop", rule("client", "output", "drop"), BOTH, "timeout", seconds=(2.9, 4)),

    Fact("host 3/3", input_reject(""), (4,), "ECONNREFUSED", (3, 3), "host"),
    Fact("host 3/13", input_reject("with icmp type admin-prohibited"), (4,), "EHOSTUNREACH", (3, 13), "host"),
    Fact("host 3/10", input_reject("with icmp type host-prohibited"), (4,), "EHOSTUNREACH", (3, 10), "host"),
    Fact("host 3/9", input_reject("with icmp type net-prohibited"), (4,), "ENETUNREACH", (3, 9), "host"),
    Fact("host 3/2", input_reject("with icmp type prot-unreachable"), (4,), "ENOPROTOOPT", (3, 2), "host"),
    Fact("host 1/4", input_reject(""), (6,), "ECONNREFUSED", (1, 4), "host"),
    Fact("host 1/1", input_reject("with icmpv6 type admin-prohibited"), (6,), "EACCES", (1, 1), "host"),
    Fact("host 1/5", input_reject("with icmpv6 type policy-fail"), (6,), "EACCES", (1, 5), "host"),
    Fact("host 1/6", input_reject("with icmpv6 type reject-route"), (6,), "EACCES", (1, 6), "host"),
    Fact("host 1/0", input_reject("with icmpv6 type no-route"), (6,), "ENETUNREACH", (1, 0), "host"),
    Fact("host 1/3", input_reject("with icmpv6 type addr-unreachable"), (6,), "EHOSTUNREACH", (1, 3), "host"),
    Fact("iptables", iptables("host", "INPUT", "-j", "REJECT"), (4,), "ECONNREFUSED", (3, 3), "host"),
    Fact("ip6tables", iptables("host", "INPUT", "-j", "REJECT"), (6,), "ECONNREFUSED", (1, 4), "host"),
    Fact("iptables host-prohibited",
         iptables("host", "INPUT", "-j", "REJECT", "--reject-with", "icmp-host-prohibited"),
         (4,), "EHOSTUNREACH", (3, 10), "host"),

    Fact("router 3/3", forward_reject(""), (4,), "ECONNREFUSED", (3, 3), "router"),
    Fact("router 3/13", forward_reject("with icmp type admin-prohibited"), (4,), "EHOSTUNREACH", (3, 13),
         "router"),
    Fact("router 1/1", forward_reject("with icmpv6 type admin-prohibited"), (6,), "EACCES", (1, 1), "router"),
    Fact("router 1/4", forward_reject(""), (6,), "ECONNREFUSED", (1, 4), "router"),
    Fact("router prerouting", rule("router", "prerouting", "reject"), (4,), "ECONNREFUSED", (3, 3), "router"),
    Fact("router prerouting", rule("router", "prerouting", "reject"), (6,), "ECONNREFUSED", (1, 4), "router"),
    Fact("router reset", forward_reject("with tcp reset"), BOTH, "ECONNREFUSED"),
    Fact("router prohibit route", route("router", "prohibit"), (4,), "EHOSTUNREACH", (3, 13), "router",
         "elsewhere"),
    Fact("router prohibit route", route("router", "prohibit"), (6,), "EACCES", (1, 1), "router", "elsewhere"),
    Fact("router unreachable route", route("router", "unreachable"), (4,), "EHOSTUNREACH", (3, 1), "router",
         "elsewhere"),
    Fact("router unreachable route", route("router", "unreachable"), (6,), "ENETUNREACH", (1, 0), "router",
         "elsewhere"),
    Fact("router without route", nothing, (4,), "ENETUNREACH", (3, 0), "router", "elsewhere"),
    Fact("router without route", nothing, (6,), "ENETUNREACH", (1, 0), "router", "elsewhere"),
    Fact("router blackhole", route("router", "blackhole"), BOTH, "timeout", (), "", "elsewhere", (2.9, 4)),
    Fact("routing loop", routing_loop, (4,), "EHOSTUNREACH", (11, 0), "?", "elsewhere", AFTER_LOOP),
    Fact("routing loop", routing_loop, (6,), "EHOSTUNREACH", (3, 0), "?", "elsewhere", AFTER_LOOP),

    Fact("neighbour missing", nothing, (4,), "EHOSTUNREACH", (3, 1), "client", "missing_beside_client",
         NEIGHBOUR),
    Fact("neighbour missing", nothing, (6,), "EHOSTUNREACH", (1, 3), "client", "missing_beside_client",
         NEIGHBOUR),
    Fact("missing behind router", nothing, (4,), "EHOSTUNREACH", (3, 1), "router", "missing_beside_host",
         NEIGHBOUR),
    Fact("missing behind router", nothing, (6,), "EHOSTUNREACH", (1, 3), "router", "missing_beside_host",
         NEIGHBOUR),

    Fact("no route", no_default_route("client"), BOTH, "ENETUNREACH", at="connect"),
    Fact("unreachable route", route("client", "unreachable", "all"), BOTH, "EHOSTUNREACH", at="connect"),
    Fact("prohibit route", route("client", "prohibit", "all"), BOTH, "EACCES", at="connect"),
    Fact("blackhole route", route("client", "blackhole", "all"), BOTH, "EINVAL", at="connect"),
    Fact("own output reject", rule("client", "output", "reject"), (4,), "ECONNREFUSED", (3, 3), "client"),
    Fact("own output reject", rule("client", "output", "reject"), (6,), "ECONNREFUSED", (1, 4), "client"),
    Fact("own output prohibited", rule("client", "output", "reject with icmp type admin-prohibited"),
         (4,), "EHOSTUNREACH", (3, 13), "client"),
    Fact("own output prohibited", rule("client", "output", "reject with icmpv6 type admin-prohibited"),
         (6,), "EACCES", (1, 1), "client"),
    Fact("own output reset", rule("client", "output", "reject with tcp reset"), BOTH, "ECONNREFUSED"),
]


@pytest.mark.parametrize(
    "fact,family", [pytest.param(f, n,
                                 id=f"{f.name.replace(' ', '_')}-v{n}") for f in FACTS for n in f.families])
def test_connect(fact, family, lab):
    lab.a = FAMILIES[family]
    fact.scene(lab)
    patience = 3.0 if fact.outcome == "timeout" else 6.0
    seen = wire.try_connect(lab.client, getattr(lab.a, fact.address), timeout=patience)
    print(seen)
    assert seen.outcome == fact.outcome
    assert seen.at == fact.at
    assert [(q.type, q.code) for q in seen.queue[:1]] == ([fact.icmp] if fact.icmp else [])
    if fact.offender and fact.offender != "?":
        assert seen.queue[0].offender == getattr(lab.a, fact.offender)
    assert fact.seconds[0] <= seen.seconds <= fact.seconds[1]


def talk(namespace, address, line=wire.CLIENT_LINE, timeout=8.0, port=22):
    """Connect, send a line, read to the end: the bytes, how it ended, and after how many seconds."""
    with namespace.connect(address, port) as sock:
        start = time.monotonic()
        if line:
            sock.sendall(line)
        got, end = wire.read_until(sock, b"no such thing", timeout)
        return got, end, time.monotonic() - start


HELD = "MaxStartups 1:100:1"


def test_max_startups_of_9_2(lab):
    lab.daemons.sshd(lab.host, config=HELD)
    with lab.router.connect(lab.a.host, 22) as held:
        wire.read_until(held, b"\n")
        for line in (b"", wire.CLIENT_LINE):
            got, end, seconds = talk(lab.client, lab.a.host, line)
            print(got, end, seconds)
            assert got == b"Exceeded MaxStartups\r\n"
            assert end in ("closed", "reset")


def test_max_startups_of_10(lab):
    lab.daemons.sshd10(lab.host, config=HELD)
    with lab.router.connect(lab.a.host, 22) as held:
        wire.read_until(held, b"\n")
        for line in (b"", wire.CLIENT_LINE):
            got, end, seconds = talk(lab.client, lab.a.host, line)
            print(got, end, seconds)
            assert got == b"Not allowed at this time\r\n"
            assert end in ("closed", "reset")


def test_source_penalty_of_10(lab):
    server = lab.daemons.sshd10(lab.host, config="PerSourcePenalties noauth:30 min:1")
    talk(lab.client, lab.a.host, wire.CLIENT_LINE + wire.kexinit() + wire.disconnect())
    server.wait_for_log("penalty")
    got, end, _ = talk(lab.client, lab.a.host)
    assert got == b"Not allowed at this time\r\n"
    assert end in ("closed", "reset")


@pytest.mark.parametrize("line", [b"", wire.CLIENT_LINE], ids=["silent", "greeting"])
def test_tcp_wrappers_close_after_five_seconds(line, lab):
    lab.host.write_etc("hosts.deny", "sshd: ALL\n")
    server = lab.daemons.sshd(lab.host, config="LogLevel DEBUG1")
    got, end, seconds = talk(lab.client, lab.a.host, line)
    assert got == b""
    assert end == ("reset" if line else "closed")       # what was not read turns the end into a reset
    assert 4.8 < seconds < 6
    server.wait_for_log("refused by tcp wrapper")


def test_a_stopped_server_is_silent(lab):
    lab.daemons.sshd(lab.host).freeze()
    assert talk(lab.client, lab.a.host, timeout=3)[:2] == (b"", "timeout")


def test_http_server_waits_for_our_line(lab):
    lab.daemons.nginx(lab.host)
    assert talk(lab.client, lab.a.host, b"", 2)[:2] == (b"", "timeout")
    assert talk(lab.client, lab.a.host)[0].startswith(b"HTTP/1.1 400")


def test_tls_servers(lab):
    lab.daemons.tls_server(lab.host)
    lab.daemons.nginx(lab.host, 443, tls=True)
    print(talk(lab.client, lab.a.host, b"", 2), talk(lab.client, lab.a.host),
          talk(lab.client, lab.a.host, port=443))
    assert talk(lab.client, lab.a.host)[0] == b""
    assert talk(lab.client, lab.a.host, port=443)[0].startswith(b"HTTP/1.1 400")


def test_the_first_syn_alone_is_lost(lab):
    lost_syn(lab)
    polite_ssh(lab)
    seen = wire.try_connect(lab.client, lab.a.host)
    assert seen.outcome == "connected"
    assert 0.9 < seen.seconds < 2


@pytest.mark.parametrize("family", [4, 6])
def test_icmp_errors_are_rate_limited(family, lab):
    """A prober that calls every 0.3 s sees a reject, and then mostly silence."""
    lab.a = FAMILIES[family]
    rule("host", "input", "reject")(lab)
    outcomes = [wire.try_connect(lab.client, lab.a.host, timeout=0.3).outcome for _ in range(20)]
    print(outcomes)
    assert outcomes[0] == "ECONNREFUSED"
    assert "timeout" in outcomes


@pytest.mark.parametrize("server", ["sshd", "sshd10"])
def test_a_disconnect_is_all_that_the_log_says(server, lab):
    server = getattr(lab.daemons, server)(lab.host)
    with lab.client.connect(lab.a.host, 22) as sock:
        sock.sendall(wire.CLIENT_LINE)
        wire.read_until(sock, b"\n")
        sock.sendall(wire.kexinit() + wire.disconnect())
        wire.read_until(sock, b"no such thing", 3)
    log = server.wait_for_log("Disconnected from")
    assert "Received disconnect from" in log and ":11: bye" in log
    assert "error" not in log and "kex_exchange_identification" not in log
