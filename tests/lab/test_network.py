"""Names, routes, firewalls and closed ports: what the exporter says about each."""

import dataclasses
import socket
import subprocess
import threading

import pytest

from lab.exporter import binary
from lab.expect import SURE, UMBRELLA, Expect, check, check_shape
from lab.peers import ssh_server
from lab.scenes import (all_of, ask, iptables, listeners, lost_syn, names, no_default_route, nothing,
                        polite_ssh, route, routing_loop, rule, sshd)
from lab.topology import FAMILIES, V4, V6

BOTH = (4, 6)


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    families: tuple
    scene: object
    expect: Expect
    address: str = "host"       # the name of the address in lab.a that is probed
    # One control port where two are usual: each takes a second.
    probe: dict = dataclasses.field(default_factory=lambda: {"control_ports": [443]})
    timeout: float = 4


def rejected(cause, icmp, offender, **more):
    role = {"router": "path", "host": "target", "client": "self"}[offender]
    more.setdefault("confidence", SURE)
    return Expect(cause, "connect", "rejected_icmp", icmp=icmp, offender=offender, role=role, **more)


def host_rejects(icmp, **more):
    return rejected("host_firewall_reject", icmp, "host", **more)


def path_rejects(icmp, **more):
    return rejected("path_firewall_reject", icmp, "router", **more)


def no_way(errno):
    return Expect("client_no_route", "connect", "local_error", SURE, errno=errno)


def self_rejects(icmp):
    return Expect("client_blocked", "connect", ("rejected_icmp", "local_error"), SURE, icmp=icmp,
                  offender="client", role="self")


def silent(cause):
    return Expect(cause, "connect", "timeout", UMBRELLA)


OK = Expect("none", "done", "ok")
CLOSED = Expect("port_closed", "connect", "refused_rst", UMBRELLA, errno="ECONNREFUSED",
                role=("target", "unknown"), signal="rst")


def host_input(words):
    return rule("host", "input", f"reject {words}".strip())


def forward(words):
    return rule("router", "forward", f"reject {words}".strip())


def drop(where, hook, match="tcp dport 22"):
    return rule(where, hook, "drop", match)


CASES = [
    # All is well.
    Case("ok", BOTH, sshd, OK),
    Case("lost_syn", BOTH, all_of(polite_ssh, lost_syn), OK),

    # The client itself.
    Case("client_no_route", BOTH, no_default_route("client"), no_way("ENETUNREACH")),
    Case("client_unreachable_route", BOTH, route("client", "unreachable", "all"), no_way("EHOSTUNREACH")),
    Case("client_blackhole_route", BOTH, route("client", "blackhole", "all"), no_way("EINVAL")),
    Case("client_prohibit_route", BOTH, route("client", "prohibit", "all"),
         Expect("client_blocked", "connect", "local_error", SURE, errno="EACCES")),
    Case("client_output_reject", (4,), rule("client", "output", "reject"), self_rejects((3, 3))),
    Case("client_output_reject", (6,), rule("client", "output", "reject"), self_rejects((1, 4))),
    Case("client_output_prohibited", (4,), rule("client", "output", "reject with icmp type admin-prohibited"),
         self_rejects((3, 13))),
    Case("client_output_prohibited", (6,), rule("client", "output",
            "reject with icmpv6 type admin-prohibited"),
         self_rejects((1, 1))),
    Case("source_address_elsewhere", (4,), polite_ssh,
         Expect("client_resource", "connect", "local_error", SURE, errno="EADDRNOTAVAIL"),
         probe={"source_address": "10.99.99.99"}),
    Case("source_address_elsewhere", (6,), polite_ssh,
         Expect("client_resource", "connect", "local_error", SURE, errno="EADDRNOTAVAIL"),
         probe={"source_address": "fd99::99"}),

    # The way.
    Case("neighbour_missing", (4,), nothing,
         Expect("host_down", "connect", ("rejected_icmp", "local_error"), SURE, "EHOSTUNREACH",
                evidence=("{missing_beside_client}",)),
         "missing_beside_client", timeout=5),
    Case("neighbour_missing", (6,), nothing,
         Expect("host_down", "connect", ("rejected_icmp", "local_error"), SURE, "EHOSTUNREACH",
                evidence=("{missing_beside_client}",)),
         "missing_beside_client", timeout=5),
    Case("host_down_behind_router", (4,), nothing,
         rejected("host_down", (3, 1), "router", errno="EHOSTUNREACH"),
         "missing_beside_host", timeout=5),
    Case("host_down_behind_router", (6,), nothing,
         rejected("host_down", (1, 3), "router", errno="EHOSTUNREACH"),
         "missing_beside_host", timeout=5),
    Case("router_without_route", (4,), nothing, rejected("no_route", (3, 0), "router"), "elsewhere"),
    Case("router_without_route", (6,), nothing, rejected("no_route", (1, 0), "router"), "elsewhere"),
    # Linux answers this at once with 3/1, a missing neighbour with 3/1 after three seconds.
    Case("router_unreachable_route", (4,), route("router", "unreachable"),
         rejected("no_route", (3, 1), "router", confidence=("possible", "likely")), "elsewhere"),
    Case("router_unreachable_route", (6,), route("router", "unreachable"),
         rejected("no_route", (1, 0), "router"), "elsewhere"),
    Case("routing_loop", (4,), routing_loop,
         Expect("no_route", "connect", "rejected_icmp", SURE, icmp=(11, 0), role="path",
                evidence=("loop",)), "elsewhere"),
    Case("routing_loop", (6,), routing_loop,
         Expect("no_route", "connect", "rejected_icmp", SURE, icmp=(3, 0), role="path", evidence=("loop",)),
         "elsewhere"),

    # Firewalls on the way.
    Case("path_3_3", (4,), forward(""), path_rejects((3, 3), errno="ECONNREFUSED")),
    Case("path_3_13", (4,), forward("with icmp type admin-prohibited"), path_rejects((3, 13))),
    Case("path_3_10", (4,), forward("with icmp type host-prohibited"), path_rejects((3, 10))),
    Case("path_3_9", (4,), forward("with icmp type net-prohibited"), path_rejects((3, 9))),
    Case("path_1_1", (6,), forward("with icmpv6 type admin-prohibited"),
         path_rejects((1, 1), errno="EACCES")),
    Case("path_1_4", (6,), forward(""), path_rejects((1, 4), errno="ECONNREFUSED")),
    Case("path_1_5", (6,), forward("with icmpv6 type policy-fail"), path_rejects((1, 5))),
    Case("path_prerouting", (4,), rule("router", "prerouting", "reject"), path_rejects((3, 3))),
    Case("path_prerouting", (6,), rule("router", "prerouting", "reject"), path_rejects((1, 4))),
    Case("path_iptables", (4,), iptables("router", "FORWARD", "-j", "REJECT"), path_rejects((3, 3))),
    Case("path_iptables", (6,), iptables("router", "FORWARD", "-j", "REJECT"), path_rejects((1, 4))),
    Case("path_prohibit_route", (4,), route("router", "prohibit"), path_rejects((3, 13)), "elsewhere"),
    Case("path_prohibit_route", (6,), route("router", "prohibit"), path_rejects((1, 1)), "elsewhere"),
    # A router's word about the host, for this port only: other ports answer.
    Case("path_3_1", (4,), forward("with icmp type host-unreachable"),
         path_rejects((3, 1), confidence=UMBRELLA)),
    Case("path_1_3", (6,), forward("with icmpv6 type addr-unreachable"),
         path_rejects((1, 3), confidence=UMBRELLA)),
    # A reset from a router looks like a closed port: only as much may be said.
    Case("path_reset", BOTH, all_of(polite_ssh, forward("with tcp reset")), CLOSED),

    # Firewalls on the host.
    Case("host_3_3", (4,), host_input(""), host_rejects((3, 3), errno="ECONNREFUSED")),
    Case("host_3_13", (4,), host_input("with icmp type admin-prohibited"),
         host_rejects((3, 13), errno="EHOSTUNREACH")),
    Case("host_3_10", (4,), host_input("with icmp type host-prohibited"),
         host_rejects((3, 10), errno="EHOSTUNREACH")),
    Case("host_3_9", (4,), host_input("with icmp type net-prohibited"),
         host_rejects((3, 9), errno="ENETUNREACH")),
    Case("host_1_4", (6,), host_input(""), host_rejects((1, 4), errno="ECONNREFUSED")),
    Case("host_1_1", (6,), host_input("with icmpv6 type admin-prohibited"),
         host_rejects((1, 1), errno="EACCES")),
    Case("host_1_5", (6,), host_input("with icmpv6 type policy-fail"), host_rejects((1, 5), errno="EACCES")),
    Case("host_1_6", (6,), host_input("with icmpv6 type reject-route"), host_rejects((1, 6), errno="EACCES")),
    Case("host_iptables", (4,), iptables("host", "INPUT", "-j", "REJECT"), host_rejects((3, 3))),
    Case("host_iptables", (6,), iptables("host", "INPUT", "-j", "REJECT"), host_rejects((1, 4))),
    Case("host_iptables_host_prohibited", (4,),
         iptables("host", "INPUT", "-j", "REJECT", "--reject-with", "icmp-host-prohibited"),
         host_rejects((3, 10))),
    Case("host_iptables_adm_prohibited", (6,),
         iptables("host", "INPUT", "-j", "REJECT", "--reject-with", "icmp6-adm-prohibited"),
         host_rejects((1, 1))),
    # A host that calls itself unreachable.
    Case("host_3_1", (4,), host_input("with icmp type host-unreachable"),
         host_rejects((3, 1), confidence=UMBRELLA)),
    Case("host_1_0", (6,), host_input("with icmpv6 type no-route"),
         host_rejects((1, 0), confidence=UMBRELLA)),
    # Only this source, and a running sshd behind the rule.
    Case("host_rejects_one_source", (4,), all_of(polite_ssh,
            rule("host", "input", "reject", "ip saddr 10.77.1.0/24 tcp dport 22")),
         host_rejects((3, 3))),
    Case("host_reset", BOTH, all_of(polite_ssh, host_input("with tcp reset")), CLOSED),

    # Silence.
    Case("port_filtered", BOTH, all_of(lambda lab: listeners(lab, 443), drop("host", "input")),
         silent("port_filtered"), timeout=5),
    Case("port_filtered_usual_control_ports", BOTH,
         all_of(lambda lab: listeners(lab, 80), drop("host", "input", "tcp dport { 22, 443 }")),
         silent("port_filtered"), probe={}, timeout=6),
    Case("port_filtered_closed_control_port", BOTH, drop("router", "forward"), silent("port_filtered"),
         timeout=5),
    Case("own_output_drop", BOTH, drop("client", "output"), silent("port_filtered"), timeout=5),
    Case("no_answer", BOTH, drop("host", "input", "meta l4proto tcp"), silent("no_answer"), timeout=5),
    Case("no_answer_blackhole", BOTH, route("router", "blackhole"), silent("no_answer"), "elsewhere",
         timeout=5),
    Case("no_answer_without_control_ports", BOTH, drop("host", "input"), silent("no_answer"),
         probe={"control_ports": []}),
    # Answers are dropped, not questions: still silence.
    Case("no_answer_one_way", BOTH, all_of(polite_ssh, drop("host", "output", "meta l4proto tcp")),
         silent("no_answer"), timeout=5),

    # Nobody listens.
    Case("port_closed", BOTH, nothing, CLOSED),
    Case("port_closed_other_ports_open", BOTH, lambda lab: listeners(lab, 443, 80), CLOSED),
    Case("wrong_port", BOTH, lambda lab: lab.daemons.sshd(lab.host, port=2222),
         Expect("wrong_port", "connect", "refused_rst", SURE, evidence=("2222",)),
         probe={"alternative_ports": [2222]}),
    Case("wrong_port_second_alternative", BOTH, lambda lab: lab.daemons.sshd(lab.host, port=2200),
         Expect("wrong_port", "connect", "refused_rst", SURE, evidence=("2200",)),
         probe={"alternative_ports": [2222, 2200]}, timeout=6),
    Case("alternative_port_is_not_ssh", BOTH, lambda lab: lab.daemons.nginx(lab.host, 2222), CLOSED,
         probe={"alternative_ports": [2222]}, timeout=5),
]


@pytest.mark.parametrize(
    "case,family", [pytest.param(c, n, id=f"{c.name}-v{n}") for c in CASES for n in c.families])
def test_cause(case, family, lab, exporter):
    lab.a = FAMILIES[family]
    case.scene(lab)
    target = lab.a.target(22, getattr(lab.a, case.address))
    result, = exporter.diagnose(lab.client, target, probe=case.probe, timeout=case.timeout)
    print(result)
    check_shape(result, case.timeout)
    assert result["target"] == target
    assert result["ip_protocol"] == family
    check(result, case.expect, lab.a)


def checks_of(result, role):
    return [c for c in result.get("checks", []) if c["role"] == role]


@pytest.mark.parametrize("family", BOTH)
def test_follow_ups_are_told(family, lab, exporter):
    """What was tried after the refusal, and what came of it."""
    lab.a = FAMILIES[family]
    lab.daemons.peer(lab.host, ssh_server(), 2222)
    listeners(lab, 443)
    drop("host", "input", "tcp dport 80")(lab)
    result, = exporter.diagnose(lab.client, lab.a.host, timeout=8, probe={
        "control_ports": [443], "alternative_ports": [2222]})
    check_shape(result, 8)
    assert result["target"] == lab.a.target(22)
    found = {c["port"]: c for c in result["checks"]}
    assert found[2222]["outcome"] == "accepted" and found[2222]["ssh"] is True
    assert found[2222]["role"] == "alternative"
    assert found[2222]["address"] == lab.a.host
    assert 443 not in found or (found[443]["role"], found[443]["ssh"]) == ("control", False)


# Names.

def dns_case(lab, exporter, target, timeout=4, probe=None, addresses=V4):
    result, = exporter.diagnose(lab.client, target, timeout=timeout, probe=probe)
    print(result)
    check_shape(result, timeout)
    lab.a = addresses
    return result


@pytest.mark.parametrize("name", ["nobody.lab.test", "host.lab.test:2222"], ids=["no_name", "with_port"])
def test_dns_not_found(name, lab, exporter):
    names(lab, {"other": ["10.77.2.2"]})
    result = dns_case(lab, exporter, name)
    check(result, Expect("dns_not_found", "resolve", "dns_not_found", SURE), V4)
    assert name.split(":")[0] in "\n".join(result["evidence"])


@pytest.mark.parametrize("family,address", [(4, "fd77:0:0:2::2"), (6, "10.77.2.2")])
def test_dns_has_no_address_of_the_family(family, address, lab, exporter):
    names(lab, {"host": [address]})
    result = dns_case(lab, exporter, "host.lab.test", probe={"ip_protocol": f"ipv{family}"})
    check(result, Expect("dns_not_found", "resolve", "dns_not_found", SURE), V4)


def test_dns_refused(lab, exporter):
    """A resolver that does not want to serve us."""
    names(lab, {})
    result = dns_case(lab, exporter, "host.example.org")
    check(result, Expect("dns_failed", "resolve", "dns_failed", SURE), V4)


def udp_server(lab, answer):
    """A scripted upstream on the router's port 5300: answer(query) gives the reply's bytes, or None."""
    sock = lab.router.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("10.77.1.1", 5300))
    sock.settimeout(30)

    def run():
        while True:
            try:
                query, caller = sock.recvfrom(4096)
            except OSError:
                return
            if (reply := answer(query)) is not None:
                sock.sendto(reply, caller)
    threading.Thread(target=run, daemon=True).start()
    return sock


def test_dns_servfail(lab, exporter):
    def servfail(query):
        return query[:2] + b"\x81\x82" + query[4:6] + bytes(6) + query[12:]
    with udp_server(lab, servfail):
        lab.daemons.dnsmasq(lab.router, "10.77.1.1", "--server=/broken.test/10.77.1.1#5300")
        ask(lab, "10.77.1.1")
        result = dns_case(lab, exporter, "host.broken.test")
    check(result, Expect("dns_failed", "resolve", "dns_failed", SURE), V4)


def test_dns_server_drops_aaaa(lab, exporter):
    """The A record is answered, the AAAA question never: the address that is known is probed."""
    def only_a(query):
        end = query.index(b"\0", 12) + 5
        if query[end - 4:end - 2] != b"\0\1":
            return None
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("10.77.2.2")
        return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + answer
    polite_ssh(lab)
    with udp_server(lab, only_a):
        lab.daemons.dnsmasq(lab.router, "10.77.1.1", "--server=/slow.test/10.77.1.1#5300")
        ask(lab, "10.77.1.1")
        result = dns_case(lab, exporter, "host.slow.test", timeout=8)
    check(result, OK, V4)
    assert result["phases"]["resolve"] < 4


def test_dns_silent(lab, exporter):
    """The server takes the question and never answers; the deadline holds all the same."""
    sock = lab.router.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.bind(("10.77.1.1", 53))
        ask(lab, "10.77.1.1")
        result = dns_case(lab, exporter, "host.lab.test", timeout=4)
    check(result, Expect("dns_failed", "resolve", "dns_failed", SURE), V4)


def test_dns_server_is_not_there(lab, exporter):
    ask(lab, "10.77.1.1")
    result = dns_case(lab, exporter, "host.lab.test")
    check(result, Expect("dns_failed", "resolve", "dns_failed", SURE), V4)


def test_dns_first_server_is_dead(lab, exporter):
    """The second resolver answers: the name is fine."""
    names(lab, {"host": ["10.77.2.2"]})
    ask(lab, "10.77.9.9", "10.77.1.1")
    drop("client", "output", "ip daddr 10.77.9.9")(lab)
    polite_ssh(lab)
    result = dns_case(lab, exporter, "host.lab.test", timeout=9)
    check(result, OK, V4)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.5.5.5", "0.0.0.0", "198.18.0.7", "::1", "::"])
def test_dns_bogus_address(address, lab, exporter):
    names(lab, {"host": [address]})
    result = dns_case(lab, exporter, "host.lab.test")
    check(result, Expect("dns_bogus_address", evidence=(address,)), V4)


def test_own_name_is_not_bogus(lab, exporter):
    """Debian gives the machine's own name 127.0.1.1; localhost is loopback by right."""
    ask(lab, "10.77.1.1")
    own = socket.gethostname()
    lab.client.write_etc("hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {own}\n")
    for result in exporter.diagnose(lab.client, "localhost", own, "127.0.0.1", "[::1]", timeout=4):
        print(result)
        check_shape(result, 4)
        check(result, Expect("port_closed", "connect", "refused_rst", UMBRELLA), V4)


def test_name_from_the_hosts_file(lab, exporter):
    ask(lab, "10.77.1.1")
    lab.client.write_etc("hosts", "10.77.2.2 bastion\n")
    polite_ssh(lab)
    check(dns_case(lab, exporter, "bastion"), OK, V4)


@pytest.mark.parametrize("name", ["HOST.Lab.Test", "host.lab.test.", "alias.lab.test"])
def test_spellings_of_a_name(name, lab, exporter):
    names(lab, {"host": ["10.77.2.2"], "alias": ["10.77.2.2"]})
    polite_ssh(lab)
    check(dns_case(lab, exporter, name), OK, V4)


# Names with several addresses.

def by_address(result):
    return {a["address"]: a for a in result["addresses"]}


@pytest.mark.parametrize("family", BOTH)
def test_wrong_address(family, lab, exporter):
    lab.a = a = FAMILIES[family]
    names(lab, {"host": [a.host, a.host_second]})
    lab.daemons.sshd(lab.host, listen=(a.host,))
    result = dns_case(lab, exporter, "host.lab.test", addresses=a)
    check(result, Expect("wrong_address", "connect", "refused_rst",
                         evidence=("{host_second}", "{host}")), a)
    found = by_address(result)
    assert found[a.host]["outcome"] == "ok" and found[a.host]["cause"] == "none"
    assert found[a.host_second]["outcome"] == "refused_rst"


@pytest.mark.parametrize("family", BOTH)
def test_address_family(family, lab, exporter):
    """sshd serves one family only, the name has both."""
    good, bad = FAMILIES[family], FAMILIES[10 - family]
    names(lab, {"host": [good.host, bad.host]})
    lab.daemons.sshd(lab.host, listen=(good.host,))
    result = dns_case(lab, exporter, "host.lab.test", addresses=bad)
    check(result, Expect("address_family", "connect", "refused_rst", SURE, evidence=("{host}",)), bad)
    assert result["ip_protocol"] == bad.family
    assert by_address(result)[good.host]["cause"] == "none"
    assert by_address(result)[bad.host]["outcome"] == "refused_rst"


def test_both_families_are_well(lab, exporter):
    names(lab, {"host": [V4.host, V6.host]})
    lab.daemons.sshd(lab.host)
    result = dns_case(lab, exporter, "host.lab.test")
    check(result, OK, V4)
    assert {a["cause"] for a in result["addresses"]} == {"none"} and len(result["addresses"]) == 2


def test_one_family_is_filtered(lab, exporter):
    """The firewall was written for IPv4 and forgot IPv6, the other way round."""
    names(lab, {"host": [V4.host, V6.host]})
    polite_ssh(lab)
    rule("host", "input", "reject", "meta nfproto ipv6 tcp dport 22")(lab)
    result = dns_case(lab, exporter, "host.lab.test", addresses=V6)
    check(result, host_rejects((1, 4)), V6)
    assert result["ip_protocol"] == 6
    assert by_address(result)[V4.host]["cause"] == "none"


def test_one_address_is_silent(lab, exporter):
    names(lab, {"host": [V4.host, V4.host_second]})
    polite_ssh(lab)
    drop("host", "input", "ip daddr 10.77.2.3 meta l4proto tcp")(lab)
    result = dns_case(lab, exporter, "host.lab.test", timeout=6)
    check(result, silent("no_answer"), V4)
    assert by_address(result)[V4.host]["cause"] == "none"


def test_all_addresses_are_refused(lab, exporter):
    names(lab, {"host": [V4.host, V4.host_second, V6.host]})
    result = dns_case(lab, exporter, "host.lab.test")
    check(result, CLOSED, V4)
    assert {a["cause"] for a in result["addresses"]} == {"port_closed"}


def test_the_first_address_is_silent_another_is_not(lab, exporter):
    names(lab, {"host": [V4.host, V4.host_second]})
    polite_ssh(lab)
    probe = {"addresses": "first"}
    first = dns_case(lab, exporter, "host.lab.test", probe=probe)["addresses"][0]["address"]
    other = ({V4.host, V4.host_second} - {first}).pop()
    drop("host", "input", f"ip daddr {first} meta l4proto tcp")(lab)
    seen = set()
    for _ in range(6):  # dnsmasq turns the order of its answers round
        result = dns_case(lab, exporter, "host.lab.test", timeout=6, probe=probe)
        found = by_address(result)
        seen.add(len(found))
        if len(found) == 2:
            assert found[first]["outcome"] == "timeout" and found[other]["cause"] == "none"
            break
    assert 2 in seen


def test_only_the_first_address(lab, exporter, sniffer):
    names(lab, {"host": [V4.host, V4.host_second]})
    polite_ssh(lab)
    result = dns_case(lab, exporter, "host.lab.test", probe={"addresses": "first"})
    check(result, OK, V4)
    assert len(sniffer.attempts()) == 1


@pytest.mark.parametrize("family", BOTH)
def test_ip_protocol(family, lab, exporter, sniffer):
    names(lab, {"host": [V4.host, V6.host]})
    polite_ssh(lab)
    result = dns_case(lab, exporter, "host.lab.test", probe={"ip_protocol": f"ipv{family}"})
    check(result, OK, V4)
    assert {s.address for s in sniffer.attempts()} == {FAMILIES[family].host}


def no_default_route_v6(lab):
    lab.client.ip("route", "delete", "::/0")


def test_no_ipv6_here_is_no_fault_of_the_target(lab, exporter):
    """The name has an AAAA record; the prober has no IPv6 route: that address is skipped, and it says so."""
    names(lab, {"host": [V4.host, V6.host]})
    lab.daemons.sshd(lab.host)
    no_default_route_v6(lab)
    result = dns_case(lab, exporter, "host.lab.test")
    check(result, OK, V4)
    assert V6.host in "\n".join(result["evidence"])


def test_only_an_address_that_cannot_be_routed(lab, exporter):
    names(lab, {"host": [V6.host]})
    no_default_route_v6(lab)
    result = dns_case(lab, exporter, "host.lab.test", addresses=V6)
    check(result, no_way("ENETUNREACH"), V6)


@pytest.mark.parametrize("family", BOTH)
def test_at_most_eight_addresses(family, lab, exporter, sniffer):
    a = FAMILIES[family]
    many = [a.host.rsplit(":" if family == 6 else ".", 1)[0] + (":" if family == 6 else ".") + str(50 + n)
            for n in range(10)]
    for address in many:
        lab.topology.add_address(lab.host, "eth0", address, a)
    names(lab, {"host": many})
    polite_ssh(lab)
    result = dns_case(lab, exporter, "host.lab.test", timeout=6)
    assert result["cause"] == "none"
    assert len({s.address for s in sniffer.attempts()}) == 8


# The client's own means.

@pytest.mark.parametrize("family", BOTH)
def test_source_address(family, lab, exporter):
    """The host lets one address in: the one that the prober is told to use."""
    lab.a = a = FAMILIES[family]
    source = "10.77.1.7" if family == 4 else "fd77:0:0:1::7"
    lab.topology.add_address(lab.client, "eth0", source, a)
    lab.client.ip("address", "change", f"{source}/{a.bits}", "dev", "eth0", "preferred_lft", "0")
    polite_ssh(lab)
    word = "ip" if family == 4 else "ip6"
    rule("host", "input", "reject", f"{word} saddr != {source} tcp dport 22")(lab)
    results = [exporter.diagnose(lab.client, a.host, timeout=4, probe=p)[0] for p in ({},
            {"source_address": source})]
    assert [r["cause"] for r in results] == ["host_firewall_reject", "none"]


def test_no_local_port_left(lab, exporter):
    """The one port that may be used is taken by a connection to the same address and port."""
    polite_ssh(lab)
    lab.client.sysctl("net.ipv4.ip_local_port_range", "40000 40000")
    with lab.client.connect(V4.host, 22):
        result, = exporter.diagnose(lab.client, V4.host, timeout=4)
    print(result)
    check_shape(result, 4)
    check(result, Expect("client_resource", "connect", "local_error", SURE, errno="EADDRNOTAVAIL"), V4)


# Several targets.

def test_many_targets_at_once(lab, exporter):
    """One line each, in the order asked; one slow target holds nobody up."""
    names(lab, {"host": [V4.host], "gone": ["10.77.2.99"]})
    polite_ssh(lab)
    listeners(lab, 2222)
    targets = ["gone.lab.test", "host.lab.test", "nobody.lab.test", V4.target(24, V4.host_second),
               V6.target()]
    results = exporter.diagnose(lab.client, *targets, timeout=5)
    for result in results:
        check_shape(result, 5)
    assert [r["target"] for r in results] == ["gone.lab.test:22", "host.lab.test:22", "nobody.lab.test:22",
                                              V4.target(24, V4.host_second), V6.target()]
    assert [r["cause"] for r in results] == ["host_down", "none", "dns_not_found", "port_closed", "none"]


@pytest.mark.parametrize("target", ["", ":22", "host:", "host:0", "host:65536", "host:ssh", "[::1",
                                    "host name", "user@host", "ssh://host", "host:22:22"])
def test_targets_that_are_none(target, lab, exporter):
    """Exit 2 and a word about it, nothing on the standard output."""
    done = lab.client.run([binary(), "diagnose", "--json", "--", target], check=False, stderr=subprocess.PIPE)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    assert done.stderr.strip()


def test_a_person_reads_it(lab, exporter):
    """Without --json: cause, evidence and fix in words; no colour where there is no terminal."""
    host_input("")(lab)
    done = lab.client.run([binary(), "diagnose", V4.host], check=False)
    assert done.returncode == 1
    assert "host_firewall_reject" in done.stdout
    assert V4.host in done.stdout
    assert "\x1b" not in done.stdout
