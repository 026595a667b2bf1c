"""What the kernel says about a refused connection: the facts that the exporter's causes stand on."""

import dataclasses

import pytest

from lab import wire
from lab.scenes import (all_of, iptables, listeners, no_default_route, nothing, polite_ssh, route,
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
    Fact("router 3/13", forward_reject("with icmp type admin-prohibited"), (4,), "EHOSTUNREACH", (3, 13), "router"),
    Fact("router 1/1", forward_reject("with icmpv6 type admin-prohibited"), (6,), "EACCES", (1, 1), "router"),
    Fact("router 1/4", forward_reject(""), (6,), "ECONNREFUSED", (1, 4), "router"),
    Fact("router prerouting", rule("router", "prerouting", "reject"), (4,), "ECONNREFUSED", (3, 3), "router"),
    Fact("router prerouting", rule("router", "prerouting", "reject"), (6,), "ECONNREFUSED", (1, 4), "router"),
    Fact("router reset", forward_reject("with tcp reset"), BOTH, "ECONNREFUSED"),
    Fact("router prohibit route", route("router", "prohibit"), (4,), "EHOSTUNREACH", (3, 13), "router", "elsewhere"),
    Fact("router prohibit route", route("router", "prohibit"), (6,), "EACCES", (1, 1), "router", "elsewhere"),
    Fact("router unreachable route", route("router", "unreachable"), (4,), "EHOSTUNREACH", (3, 1), "router", "elsewhere"),
    Fact("router unreachable route", route("router", "unreachable"), (6,), "ENETUNREACH", (1, 0), "router", "elsewhere"),
    Fact("router without route", nothing, (4,), "ENETUNREACH", (3, 0), "router", "elsewhere"),
    Fact("router without route", nothing, (6,), "ENETUNREACH", (1, 0), "router", "elsewhere"),
    Fact("router blackhole", route("router", "blackhole"), BOTH, "timeout", (), "", "elsewhere", (2.9, 4)),
    Fact("routing loop", routing_loop, (4,), "EHOSTUNREACH", (11, 0), "?", "elsewhere", AFTER_LOOP),
    Fact("routing loop", routing_loop, (6,), "EHOSTUNREACH", (3, 0), "?", "elsewhere", AFTER_LOOP),

    Fact("neighbour missing", nothing, (4,), "EHOSTUNREACH", (3, 1), "client", "missing_beside_client", NEIGHBOUR),
    Fact("neighbour missing", nothing, (6,), "EHOSTUNREACH", (1, 3), "client", "missing_beside_client", NEIGHBOUR),
    Fact("missing behind router", nothing, (4,), "EHOSTUNREACH", (3, 1), "router", "missing_beside_host", NEIGHBOUR),
    Fact("missing behind router", nothing, (6,), "EHOSTUNREACH", (1, 3), "router", "missing_beside_host", NEIGHBOUR),

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
    "fact,family", [pytest.param(f, n, id=f"{f.name.replace(' ', '_')}-v{n}") for f in FACTS for n in f.families])
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
