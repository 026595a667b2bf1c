"""Debian hosts that really boot: systemd, sshd, journal and D-Bus of a release, in a namespace of their own.

A host is an overlay over the cached root (its upper layer a tmpfs), in a mount namespace that ends with
systemd-nspawn: nothing is ever mounted where the machine sees it. Its processes are in the lab's network
namespace `host`, which is removed with all that runs in it, and in a cgroup of their own.
One boots in half a second, so every case has its own.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import debian
from .exporter import Running
from .netns import PREFIX, is_alive, run
from .skip import impossible
from .topology import FAMILIES, V4, Topology

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Where the program under test and its libraries are, inside.
PROGRAM = Path("/opt/x")
# Measured: 0.5 s; far more on a machine whose cores are all taken.
BOOT_SECONDS = 60

# What `mend()` restores. A folder is replaced whole.
RESTORED = ("/etc/ssh", "/etc/systemd/system", "/etc/default/ssh", "/etc/hosts.allow", "/etc/hosts.deny",
            "/etc/passwd", "/usr/sbin/sshd", "/usr/lib/openssh")

_sequence = itertools.count(1)


def cgroup_root():
    """Where the unified hierarchy is, alone or beside the old ones; None if there is none."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind = line.split()[:3]
        if kind == "cgroup2":
            return Path(where)
    return None


def why_impossible():
    """Why this machine cannot boot a Debian, or None."""
    for program in ("systemd-nspawn", "debootstrap", "nsenter", "unshare"):
        if shutil.which(program) is None:
            return f"a booted host needs {program}: see packages.txt"
    if cgroup_root() is None:
        return "a booted host needs the unified cgroup hierarchy"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "a booted host needs overlayfs"
    return None


def remove_cgroup(path):
    """Kill what is in it and below, and remove it."""
    with contextlib.suppress(OSError):
        (path / "cgroup.kill").write_text("1")
    deadline = time.monotonic() + 5
    while path.exists() and time.monotonic() < deadline:
        for inner in sorted(path.glob("**/"), key=lambda p: len(p.parts), reverse=True):
            with contextlib.suppress(OSError):
                inner.rmdir()
        time.sleep(0.02)


def remove_stale():
    """Remove the cgroups, with their processes, of runs that are gone."""
    root = cgroup_root()
    for path in root.glob(f"{PREFIX}-*") if root else ():
        match = re.match(rf"{PREFIX}-(\d+)-", path.name)
        if match and not is_alive(int(match.group(1))):
            remove_cgroup(path)


class Bundle:
    """The program with the whole C library it was built for: the host's own may be older or newer.

    Its loader is called by name, so that no environment reaches the programs which it runs.
    """

    def __init__(self, binary, folder):
        self.folder = Path(folder)
        libraries = self.folder / "lib"
        libraries.mkdir()
        # Also for whoever is not root inside.
        self.folder.chmod(0o755)
        shutil.copy(binary, self.folder / binary.name)
        for line in run(["ldd", binary]).stdout.splitlines():
            if match := re.search(r"(/\S+) \(0x", line):
                shutil.copy(match.group(1), libraries)
        loader = next(libraries.glob("ld-linux*"))
        self.argv = [PROGRAM / "lib" / loader.name, "--library-path", PROGRAM / "lib", PROGRAM / binary.name]


class Booted:
    """One host; `topology` leads to it. Without `boot` it has no systemd, only `sleep`."""

    def __init__(self, suite, folder, bundle=None, boot=True):
        self.suite, self.folder, self.bundle = suite, Path(folder), bundle
        self.name = f"{PREFIX}-{os.getpid()}-{next(_sequence)}-{suite}"
        self.process = self.leader = self.topology = None
        self.cgroup = cgroup_root() / self.name
        root = debian.boot_root(suite)
        try:
            self.topology = Topology()
            self.client, self.host = self.topology.client, self.topology.host
            self.cgroup.mkdir()
            self._start(root, boot)
            self.leader = self._leader()
            if boot:
                self._wait_booted()
                self._save()
        except BaseException:
            self.close()
            raise

    def _start(self, root, boot):
        mount_point = self.folder / "root"
        mount_point.mkdir()
        nspawn = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--link-journal=no",
                  "--resolv-conf=off", "--timezone=off", "--machine", self.name.replace("_", "-"),
                  f"--network-namespace-path=/run/netns/{self.host.name}", "-D", mount_point]
        if self.bundle:
            nspawn.append(f"--bind-ro={self.bundle.folder}:{PROGRAM}")
        nspawn += ["--boot"] if boot else ["--as-pid2", "/bin/sleep", "infinity"]
        script = ('echo $$ >"$1/cgroup.procs" && mount -t tmpfs -o mode=755 none "$2" &&'
                  ' mkdir "$2/upper" "$2/work" && '
                  ' mount -t overlay -o "lowerdir=$3,upperdir=$2/upper,workdir=$2/work" none "$2" &&'
                  ' shift 3 && exec "$@"')
        argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private",
                "sh", "-c", script, "sh", self.cgroup, mount_point, root, *nspawn]
        self.log_path = self.folder / "nspawn.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})

    def _leader(self):
        """The process 1 of the host, as the machine numbers it."""
        deadline = time.monotonic() + BOOT_SECONDS
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"systemd-nspawn ended:\n{self.log()}"
            with contextlib.suppress(OSError):
                for word in children.read_text().split():
                    status = Path(f"/proc/{word}/status").read_text()
                    # In two process namespaces, and 1 in the inner one.
                    if re.search(r"^NSpid:\s+\d+\s+1$", status, re.M):
                        return int(word)
            time.sleep(0.02)
        raise AssertionError(f"systemd-nspawn has started nothing:\n{self.log()}")

    def _wait_booted(self):
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            done = self.run("systemctl is-system-running --wait", check=False)
            if done.stdout.strip() in ("running", "degraded"):
                break
            assert time.monotonic() < deadline, f"not booted: {done.stdout}\n{self.log()}"
            time.sleep(0.05)
        assert done.stdout.strip() == "running", self.run("systemctl --failed", check=False).stdout

    def log(self):
        return self.log_path.read_text(errors="replace")

    # Inside.

    def path(self, inside):
        """A path of the host as this machine sees it."""
        return Path(f"/proc/{self.leader}/root") / str(inside).lstrip("/")

    def argv(self, argv):
        return ["nsenter", "-t", str(self.leader), "-a", "env", "-i", f"PATH={PATH}", "LC_ALL=C",
                *map(str, argv)]

    def run(self, command, **options):
        """A shell command line, or words, to its end."""
        return run(self.argv(["sh", "-c", command] if isinstance(command, str) else command), **options)

    def popen(self, command, **options):
        argv = self.argv(["sh", "-c", command] if isinstance(command, str) else command)
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv], **options)

    def write(self, path, text, mode=0o644):
        to = self.path(path)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text)
        to.chmod(mode)

    def append(self, path, text):
        self.write(path, self.path(path).read_text() + text)

    def systemctl(self, *words, check=True):
        return self.run(["systemctl", *words], check=check)

    def show(self, unit, *names):
        """Properties of a unit."""
        done = self.run(["systemctl", "show", unit, f"--property={','.join(names)}"])
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def main_pid(self, unit="ssh.service"):
        """A unit's main process as the host numbers it, 0 if there is none."""
        return int(self.show(unit, "MainPID")["MainPID"])

    def journal(self, *words):
        return self.run(["journalctl", "--no-pager", "-o", "cat", *words]).stdout

    def wait_until(self, condition, seconds=10, what="what was to happen"):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
            time.sleep(0.05)

    # From outside.

    def look(self, port=22, family=4, address=None, patience=2.0):
        """What a new connection from the client meets: refused, silent, banner, text, closed, mute."""
        address = address or FAMILIES[family].host
        try:
            connection = self.client.connect(address, port, timeout=patience)
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silent"
        except ConnectionResetError:
            # Whoever listened was gone before connect() returned.
            return "closed"
        with connection:
            connection.settimeout(patience)
            try:
                data = connection.recv(256)
            except TimeoutError:
                return "mute"
            except ConnectionResetError:
                return "closed"
        if not data:
            return "closed"
        return "banner" if data.startswith(b"SSH-") else "text"

    def meets(self, port=22, family=4, address=None, patience=2.0):
        """As look(), but a banner is only the beginning: asked (to log in), or dropped."""
        seen = self.look(port, family, address, patience)
        if seen != "banner":
            return seen
        said = self.client.run(
            ["ssh", "-F", "/dev/null", "-T", "-p", port, "-o", "BatchMode=yes", "-o", "IdentityFile=/dev/null",
             "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=8",
             f"nobody@{address or FAMILIES[family].host}", "true"],
            check=False, stdin=subprocess.DEVNULL).stdout
        return "asked" if "Permission denied" in said else "dropped"

    # The program under test, inside.

    def program(self):
        """The words that start it; the case ends here if it is not built."""
        if not self.bundle:
            impossible("there is no program to test; build it, or set SSH_REFUSAL_EXPORTER")
        return self.bundle.argv

    def exporter(self, config, name="agent", prefix=()):
        """`serve`, reachable from the client."""
        running = Inside(self, [*prefix, *self.program()], config, name)
        running.wait_ready(20)
        return running

    def inspect(self, prefix=()):
        """`inspect --json`: this host's state as a program that has just started sees it."""
        done = self.run([*prefix, *self.program(), "inspect", "--json"], check=False, stderr=subprocess.PIPE)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"inspect: exit {done.returncode}\n{done.stdout}{done.stderr}") from None

    # After a case.

    def _save(self):
        self.run("set -e; mkdir /saved\n" + "\n".join(
            f"[ ! -e {p} ] || {{ mkdir -p /saved{os.path.dirname(p)}; cp -a {p} /saved{p}; }}"
            for p in RESTORED))

    def mend(self, first=""):
        """Files and units as they were when it had booted, and sshd started anew."""
        restore = "\n".join(
            f"if [ -e /saved{p} ]; then rm -rf {p}; cp -a /saved{p} {p}; else rm -rf {p}; fi"
            for p in RESTORED)
        # Stopped first: systemd 257 loses a running unit whose alias comes back with a reload.
        self.run(f"{first}\nsystemctl stop ssh.socket ssh.service\n{restore}\nsystemctl daemon-reload\n"
                 "systemctl reset-failed\n"
                 "systemctl start ssh.service || { journalctl --no-pager -n 30; exit 1; }")

    def close(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
        remove_cgroup(self.cgroup)
        if self.process:
            self.process.wait(10)
        if self.topology:
            self.topology.close()


class Inside(Running):
    """The program as a process of a booted host, spoken to from the client."""

    def __init__(self, host, argv, config, name):
        self.namespace, self.port, self.address = host.client, 10062, V4.host
        self.host, self.log_path, self.pid_file = host, host.folder / f"{name}.log", f"/run/{name}.pid"
        host.write(f"/run/{name}.yml", json.dumps(config))
        self.argv = [*argv, "serve", f"--config.file=/run/{name}.yml"]
        with open(self.log_path, "wb") as log:
            self.process = host.popen(["sh", "-c", f'echo $$ >{self.pid_file}; exec "$@"', "sh", *self.argv],
                                      stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def signal(self, name):
        self.host.run(f"kill -s {name} $(cat {self.pid_file})")

    def reload(self):
        self.signal("HUP")

    def stop(self, seconds=5.0):
        self.signal("TERM")
        return self.process.wait(seconds)

    def kill(self):
        with contextlib.suppress(RuntimeError):
            self.signal("KILL")
        self.process.wait(10)


class AsUnit(Running):
    """The program as a unit of a booted host's systemd, spoken to from the client."""

    def __init__(self, host, unit):
        self.host, self.unit = host, unit
        self.namespace, self.port, self.address = host.client, 10062, V4.host

    def log(self):
        return self.host.journal("-u", self.unit)

    def start(self):
        self.host.run(f"systemctl daemon-reload; systemctl start {self.unit} || journalctl -u {self.unit}")

    def stop(self):
        self.host.systemctl("stop", self.unit)
