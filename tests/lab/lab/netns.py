"""Network namespaces: made under names that carry this process's id, removed with all that runs in them.

Sockets for scripted peers and plain clients are made by entering the namespace with this thread only; the
socket stays there when the thread has left. Programs are started with `ip netns exec`, which also mounts
/etc/netns/NAME/* over /etc.
"""

import contextlib
import ctypes
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PREFIX = "srelab"
CLONE_NEWNET = 0x40000000
ETC_NETNS = Path("/etc/netns")
RUN_NETNS = Path("/run/netns")

_libc = ctypes.CDLL(None, use_errno=True)
_sequence = itertools.count(1)


def _enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def run(argv, check=True, text=True, **options):
    """Run a program to its end; its output is part of the exception if it fails."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.STDOUT)
    options.setdefault("timeout", 60)
    done = subprocess.run([str(a) for a in argv], text=text, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n{done.stdout}")
    return done


class Namespace:
    def __init__(self, role):
        self.name = f"{PREFIX}-{os.getpid()}-{next(_sequence)}-{role}"
        self.etc = ETC_NETNS / self.name
        run(["ip", "netns", "add", self.name])
        # Duplicate address detection would keep new IPv6 addresses unusable for a second.
        for scope in ("all", "default"):
            self.sysctl(f"net.ipv6.conf.{scope}.accept_dad", 0)
            self.sysctl(f"net.ipv6.conf.{scope}.accept_ra", 0)
        self.ip("link", "set", "lo", "up")

    @contextlib.contextmanager
    def entered(self):
        """This thread, and only it, is in the namespace within the block."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(RUN_NETNS / self.name, os.O_RDONLY)
        try:
            _enter(there)
            try:
                yield self
            finally:
                _enter(home)
        finally:
            os.close(there)
            os.close(home)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        with self.entered():
            return socket.socket(family, kind, protocol)

    def connect(self, address, port, timeout=5.0):
        """A connected TCP socket from this namespace to a numeric address."""
        made = self.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        made.settimeout(timeout)
        try:
            made.connect((address, port))
        except BaseException:
            made.close()
            raise
        return made

    def sysctl(self, key, value):
        with self.entered():
            Path("/proc/sys", *key.split(".")).write_text(f"{value}\n")

    def ip(self, *words):
        return run(["ip", "-n", self.name, *words]).stdout

    def nft(self, rules):
        """Load nft commands, one a line, or a file-style block."""
        return self.run(["nft", "-f", "-"], input=rules).stdout

    def argv(self, argv):
        return ["ip", "netns", "exec", self.name, *map(str, argv)]

    def run(self, argv, **options):
        return run(self.argv(argv), **options)

    def popen(self, argv, **options):
        """Start a program here. It is killed when this process ends, however that happens."""
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.argv(argv)], **options)

    def write_etc(self, name, text):
        """A file that programs in this namespace see as /etc/NAME. The machine must have one by that name."""
        self.etc.mkdir(parents=True, exist_ok=True)
        path = self.etc / name
        path.write_text(text)
        path.chmod(0o644)

    def ping(self, address):
        self.run(["ping", "-n", "-q", "-c", "1", "-i", "0.2", "-W", "2", address])

    def remove(self):
        remove_namespace(self.name)


def veth(one, one_name, other, other_name):
    """Join two namespaces by a pair of interfaces, both up."""
    run(["ip", "-n", one.name, "link", "add", one_name, "type", "veth",
         "peer", "name", other_name, "netns", other.name])
    one.ip("link", "set", one_name, "up")
    other.ip("link", "set", other_name, "up")


def _pids_in(name):
    done = run(["ip", "netns", "pids", name], check=False, stderr=subprocess.DEVNULL)
    return [int(word) for word in done.stdout.split()] if done.returncode == 0 else []


def remove_namespace(name):
    for _ in range(20):
        pids = _pids_in(name)
        if not pids:
            break
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    run(["ip", "netns", "delete", name], check=False)
    shutil.rmtree(ETC_NETNS / name, ignore_errors=True)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def remove_stale():
    """Remove what a killed run has left: namespaces and /etc/netns folders of processes that are gone."""
    pattern = re.compile(rf"{PREFIX}-(\d+)-")
    for folder in (RUN_NETNS, ETC_NETNS):
        for path in folder.glob(f"{PREFIX}-*"):
            match = pattern.match(path.name)
            if match and not is_alive(int(match.group(1))):
                remove_namespace(path.name)


def why_impossible():
    """Why this machine cannot have the lab, or None."""
    if os.geteuid() != 0:
        return "the lab needs root for network namespaces"
    for program in ("ip", "nft", "ping", "setpriv"):
        if shutil.which(program) is None:
            return f"the lab needs {program}: see packages.txt"
    try:
        made = Namespace("can")
    except (OSError, RuntimeError) as error:
        return f"the lab cannot make network namespaces: {error}"
    try:
        made.nft("add table inet lab_check")
    except RuntimeError as error:
        return f"the lab cannot load firewall rules: {error}"
    finally:
        made.remove()
    return None
