"""client – router – host, over veth pairs, IPv4 and IPv6, each tried with a ping before a case begins."""

from dataclasses import dataclass

from .netns import Namespace, veth


@dataclass(frozen=True)
class Addresses:
    """The lab's addresses of one family."""
    family: int             # 4 or 6
    client: str
    router: str             # the router's, towards the client
    router_inside: str      # the router's, towards the host
    host: str
    host_second: str
    host_third: str
    missing_beside_client: str
    missing_beside_host: str
    elsewhere: str          # in a network behind the router that only some cases route
    elsewhere_network: str
    default: str

    @property
    def bits(self):
        return 24 if self.family == 4 else 64

    def target(self, port=22, address=None):
        address = address or self.host
        return f"[{address}]:{port}" if self.family == 6 else f"{address}:{port}"


V4 = Addresses(4, "10.77.1.2", "10.77.1.1", "10.77.2.1", "10.77.2.2", "10.77.2.3", "10.77.2.4",
               "10.77.1.99", "10.77.2.99", "10.77.9.9", "10.77.9.0/24", "0.0.0.0/0")
V6 = Addresses(6, "fd77:0:0:1::2", "fd77:0:0:1::1", "fd77:0:0:2::1", "fd77:0:0:2::2",
               "fd77:0:0:2::3", "fd77:0:0:2::4", "fd77:0:0:1::99", "fd77:0:0:2::99",
               "fd77:0:0:9::9", "fd77:0:0:9::/64", "::/0")
FAMILIES = {4: V4, 6: V6}


class Topology:
    """client eth0 – eth0 router eth1 – eth0 host. `second_router()` adds one behind the router."""

    def __init__(self):
        self.namespaces = []
        try:
            self.client = self._namespace("client")
            self.router = self._namespace("router")
            self.host = self._namespace("host")
            veth(self.client, "eth0", self.router, "eth0")
            veth(self.router, "eth1", self.host, "eth0")
            for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
                self.router.sysctl(key, 1)
            for a in FAMILIES.values():
                self.add_address(self.client, "eth0", a.client, a)
                self.add_address(self.router, "eth0", a.router, a)
                self.add_address(self.router, "eth1", a.router_inside, a)
                for address in (a.host, a.host_second, a.host_third):
                    self.add_address(self.host, "eth0", address, a)
                self.client.ip("route", "add", a.default, "via", a.router)
                self.host.ip("route", "add", a.default, "via", a.router_inside)
            for a in FAMILIES.values():
                self.client.ping(a.host)
        except BaseException:
            self.close()
            raise

    def _namespace(self, role):
        made = Namespace(role)
        self.namespaces.append(made)
        return made

    @staticmethod
    def add_address(namespace, interface, address, addresses):
        extra = ["nodad"] if addresses.family == 6 else []
        namespace.ip("address", "add", f"{address}/{addresses.bits}", "dev", interface, *extra)

    def second_router(self):
        """A router behind the router (10.77.3.2, fd77:0:0:3::2) whose default route leads back."""
        second = self._namespace("router2")
        veth(self.router, "eth2", second, "eth0")
        for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            second.sysctl(key, 1)
        for a, near, far in ((V4, "10.77.3.1", "10.77.3.2"), (V6, "fd77:0:0:3::1", "fd77:0:0:3::2")):
            self.add_address(self.router, "eth2", near, a)
            self.add_address(second, "eth0", far, a)
            second.ip("route", "add", a.default, "via", near)
            self.router.ping(far)
        return second

    def close(self):
        for namespace in reversed(self.namespaces):
            namespace.remove()
        self.namespaces.clear()
