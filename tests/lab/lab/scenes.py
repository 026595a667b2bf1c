"""What stands between client and server in a case. A scene is a function of the lab; `lab.a` has the addresses."""

from .peers import says, ssh_server


def listeners(lab, *ports):
    """Something answers on these ports of the host: a control port, say."""
    for port in ports:
        lab.daemons.peer(lab.host, says(then="hold"), port)


def rule(where, hook, verdict, match="tcp dport 22"):
    """An nft rule in the namespace called `where` (client, router or host)."""
    def scene(lab):
        getattr(lab, where).nft(
            f"table inet lab {{ chain {hook} {{\ntype filter hook {hook} priority 0;\n{match} {verdict}\n}}\n}}\n")
    return scene


def iptables(where, chain, *verdict):
    def scene(lab):
        program = "iptables" if lab.a.family == 4 else "ip6tables"
        getattr(lab, where).run([program, "-w", "5", "-A", chain, "-p", "tcp", "--dport", "22", *verdict])
    return scene


def route(where, kind, network="elsewhere"):
    """A route of a kind (unreachable, prohibit, blackhole) to the network of `lab.a.elsewhere`, or to all."""
    def scene(lab):
        destination = lab.a.elsewhere_network if network == "elsewhere" else lab.a.default
        getattr(lab, where).ip("route", "replace", kind, destination)
    return scene


def no_default_route(where):
    def scene(lab):
        getattr(lab, where).ip("route", "delete", lab.a.default)
    return scene


def routing_loop(lab):
    lab.topology.second_router()
    for network, via in (("10.77.9.0/24", "10.77.3.2"), ("fd77:0:0:9::/64", "fd77:0:0:3::2")):
        lab.router.ip("route", "add", network, "via", via)


def sshd(lab):
    lab.daemons.sshd(lab.host)


def polite_ssh(lab):
    """A scripted server that is well, where a real one would only cost time."""
    lab.daemons.peer(lab.host, ssh_server())


def nothing(lab):
    """No one listens, nothing filters."""


def all_of(*scenes):
    def scene(lab):
        for each in scenes:
            each(lab)
    return scene


lost_syn = rule("host", "input", "numgen inc mod 1000 0 drop", "tcp dport 22 tcp flags & (syn|ack) == syn")


def names(lab, hosts):
    """A real DNS server on the router, which the client asks: {name under lab.test: [addresses]}."""
    lines = [f"{address} {name}.lab.test" for name, addresses in hosts.items() for address in addresses]
    path = lab.folder / "dns-hosts"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o644)
    lab.dns = lab.daemons.dnsmasq(lab.router, "10.77.1.1", f"--addn-hosts={path}")
    ask(lab, "10.77.1.1")


def ask(lab, *servers):
    """The client's resolver asks these servers."""
    lab.client.write_etc("resolv.conf", "".join(f"nameserver {server}\n" for server in servers))
    lab.client.write_etc("hosts", "127.0.0.1 localhost\n::1 localhost\n")
