"""Roots of Debian releases, kept in the user's cache folder and made once, also by parallel workers."""

import fcntl
import hashlib
import os
import shutil
from pathlib import Path

from .netns import is_alive, run
from .skip import impossible

INCLUDE = "openssh-server"

# What a host has that boots: netcat takes ports, dropbear is the other SSH server.
BOOT_INCLUDE = ("systemd,systemd-sysv,dbus,openssh-server,openssh-client,iproute2,nftables,procps,"
                "libwrap0,netcat-openbsd,dropbear-bin,util-linux")
# They would work, and write to the journal, in the middle of cases.
BOOT_MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer",
               "e2scrub_all.timer", "e2scrub_reap.service", "console-getty.service", "getty@.service")


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ssh_refusal_exporter"


def mirror():
    """The first Debian archive that this machine's own apt uses."""
    done = run(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(CODENAME)|$(REPO_URI)",
                "Created-By: Packages"], check=False)
    for line in done.stdout.splitlines():
        origin, codename, uri = (line.split("|") + ["", ""])[:3]
        if origin == "Debian" and "-" not in codename:
            return uri
    impossible("apt has no index of a Debian archive; run apt-get update")


def remove_stale(folder, made):
    """Remove what killed runs have left: unfinished roots, and folders of cases inside a root."""
    for path in [*folder.glob("*-*.unfinished"), *made.glob("tmp/lab-*")]:
        pid = path.stem.split("-")[1]
        if pid.isdigit() and not is_alive(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _once(suite, name, include, finish):
    """The folder of a root with these packages, made unless it is there."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{suite}-{name}"
    with open(folder / f"{suite}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_stale(folder, made)
        if not made.exists():
            unfinished = folder / f"{suite}-{os.getpid()}.unfinished"
            # In a mount namespace of its own, so that nothing stays mounted in what may be removed.
            try:
                run(["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={include}",
                     suite, unfinished, mirror()], timeout=900)
                shutil.rmtree(unfinished / "var/cache/apt/archives", ignore_errors=True)
                finish(unfinished)
                unfinished.rename(made)
            except (RuntimeError, OSError) as error:
                shutil.rmtree(unfinished, ignore_errors=True)
                impossible(f"no root of {suite}: {str(error)[-2000:]}")
    return made


def root(suite):
    """The folder of a minimal root with OpenSSH in it."""
    return _once(suite, INCLUDE, INCLUDE,
                 lambda folder: (folder / "run/sshd").mkdir(mode=0o755, exist_ok=True))


def boot_root(suite):
    """The folder of a root with systemd and OpenSSH. Never written to: it is the lower layer of overlays."""
    # The name stands for the packages: a root with others is another one.
    name = f"boot-{hashlib.sha256(BOOT_INCLUDE.encode()).hexdigest()[:8]}"
    return _once(suite, name, BOOT_INCLUDE, _quiet)


def _quiet(folder):
    for unit in BOOT_MASKED:
        (folder / "etc/systemd/system" / unit).symlink_to("/dev/null")
    # For its sake `systemctl disable ssh` would run Perl scripts for half a second.
    (folder / "etc/init.d/ssh").unlink(missing_ok=True)
