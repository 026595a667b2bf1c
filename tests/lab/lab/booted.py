"""Debian hosts that really boot: systemd, sshd, journal and D-Bus of a release, in a namespace of their own.

A host is an overlay over the cached root (its upper layer a tmpfs), in a mount namespace that ends with
systemd-nspawn: nothing is ever mounted where the machine sees it. Its processes are in the lab's network
namespace `host`, which is removed with all that runs in it, and in a cgroup of their own.
One boots in half a second, so every case has its own.
"""

import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import debian
from .netns import PREFIX, is_alive, run
from .topology import FAMILIES, Topology

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Where the program under test and its libraries are, inside.
PROGRAM = Path("/opt/x")
# Measured: 0.5 s; far more on a machine whose cores are all taken.
BOOT_SECONDS = 60

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


def bundle(binary, folder):
    """The program with the whole C library it was built for: that of the host inside may be older or newer."""
    libraries = folder / "lib"
    libraries.mkdir(parents=True)
    shutil.copy(binary, folder / "ssh_refusal_exporter")
    for line in run(["ldd", binary]).stdout.splitlines():
        match = re.search(r"(/\S+) \(0x", line)
        if match:
            shutil.copy(match.group(1), libraries)
    loader = next(libraries.glob("ld-linux*"))
    return [PROGRAM / "lib" / loader.name, "--library-path", PROGRAM / "lib", PROGRAM / "ssh_refusal_exporter"]


class Booted:
    """One host; `topology` leads to it. Without `boot` it has no systemd, only `sleep`."""

    def __init__(self, suite, folder, bind=None, boot=True):
        self.suite, self.folder = suite, Path(folder)
        self.name = f"{PREFIX}-{os.getpid()}-{next(_sequence)}-{suite}"
        self.process = self.leader = self.topology = None
        self.cgroup = cgroup_root() / self.name
        root = debian.boot_root(suite)
        try:
            self.topology = Topology()
            self.client, self.host = self.topology.client, self.topology.host
            self.cgroup.mkdir()
            self._start(root, bind, boot)
            self.leader = self._leader()
            if boot:
                self._wait_booted()
        except BaseException:
            self.close()
            raise

    def _start(self, root, bind, boot):
        mount_point = self.folder / "root"
        mount_point.mkdir()
        nspawn = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--link-journal=no",
                  "--resolv-conf=off", "--timezone=off", "--machine", self.name.replace("_", "-"),
                  f"--network-namespace-path=/run/netns/{self.host.name}", "-D", mount_point]
        if bind:
            nspawn.append(f"--bind-ro={bind}:{PROGRAM}")
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

    def close(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
        remove_cgroup(self.cgroup)
        if self.process:
            self.process.wait(10)
        if self.topology:
            self.topology.close()
