"""Ways to break the SSH server of a booted host, what a new connection then meets, and why.

What is met was measured on Debian 12 (OpenSSH 9.2, systemd 252) and Debian 13 (OpenSSH 10.0, systemd 257);
the cases measure it again before they ask the exporter.
"""

import dataclasses

from .expect import SURE

SUITES = ("bookworm", "trixie")

RESTART = "\nsystemctl restart ssh"
ACTIVATED = "systemctl disable --now ssh\nsystemctl enable --now ssh.socket"
LIBWRAP = "/usr/lib/x86_64-linux-gnu/libwrap.so.0*"


@dataclasses.dataclass(frozen=True)
class Breakage:
    """Where the suites differ, `seen`, `cause` and `up` are pairs: of Debian 12, of Debian 13."""
    name: str
    do: str                     # shell, inside; its exit status does not matter
    seen: str | tuple           # refused, silent, mute, text, closed, dropped, asked: Booted.meets()
    cause: str | tuple | set    # a set: any of these
    evidence: tuple = ()        # each of these is somewhere in the evidence; of a tuple, any of them
    up: int | tuple | set = 0
    confidence: tuple = SURE
    seen6: str = ""             # over IPv6, where it differs
    undo: str = ""              # shell, before mend()
    suites: tuple = SUITES
    mendable: bool = True       # by undo and Booted.mend()
    config_valid: int | None = None
    foreseen: bool = False      # the cause is known before anybody has tried to connect

    def of(self, field, suite):
        value = getattr(self, field)
        return value[SUITES.index(suite)] if isinstance(value, tuple) else value

    def any_of(self, field, suite):
        value = self.of(field, suite)
        return value if isinstance(value, set) else {value}


def config(line, restart=True):
    return f"printf '{line}\\n' >>/etc/ssh/sshd_config" + (RESTART if restart else "")


def drop_in(unit, lines, then=RESTART):
    return (f"mkdir -p /etc/systemd/system/{unit}.d\n"
            f"printf '{lines}' >/etc/systemd/system/{unit}.d/lab.conf\nsystemctl daemon-reload{then}")


def replaced(content):
    """Another file in the place of sshd, as a package manager puts it there."""
    return f"{content} >/usr/sbin/sshd.new\nchmod 755 /usr/sbin/sshd.new\nmv /usr/sbin/sshd.new /usr/sbin/sshd"


# netcat without -6 takes IPv4 only if its socket is an IPv4 one.
TAKE4 = "(nc -lk4 22 </dev/null >/dev/null 2>&1 & echo $! >/run/nc4)\n"
TAKE6 = "(nc -lk6 22 </dev/null >/dev/null 2>&1 & echo $! >/run/nc6)\n"
GIVE = "for f in /run/nc4 /run/nc6; do [ ! -e $f ] || kill $(cat $f); rm -f $f; done"
TAKEN = "until ss -Hltn 'sport = 22' | grep -q .; do sleep 0.05; done\n"

BINARY = ("/usr/sbin/sshd",)
WELL = [
    Breakage("healthy", "true", "asked", "none", up=1, config_valid=1),
    Breakage("switched_off_while_up", "touch /etc/ssh/sshd_not_to_be_run", "asked", "none", up=1),
    Breakage("masked_while_up", "systemctl mask ssh", "asked", "none", up=1),
    Breakage("disabled_while_up", "systemctl disable ssh", "asked", "none", up=1),
    Breakage("bad_option_while_up", config("PermitRotLogin no", restart=False), "asked", "none", up=1,
             config_valid=0),
    # ExecReload= asks `sshd -t` first, so the running one stays.
    Breakage("reload_of_a_bad_option", config("PermitRotLogin no", restart=False) + "\nsystemctl reload ssh",
             "asked", "none", up=1, config_valid=0),
    Breakage("some_host_keys_open", "chmod 644 /etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_ecdsa_key" + RESTART,
             "asked", "none", up=1, config_valid=1),
    Breakage("same_binary_again", "cp -p /usr/sbin/sshd /usr/sbin/sshd.new\n"
             "mv /usr/sbin/sshd.new /usr/sbin/sshd", "asked", "none", up=1),
    # 9.2 says "rexec of /usr/sbin/sshd failed" and goes on without; 10.0 only starts sshd-session.
    Breakage("binary_removed_while_up", "rm /usr/sbin/sshd", "asked", "none", up=1),
    Breakage("binary_garbage_while_up", replaced("echo nonsense"), "asked", "none", up=1),
    Breakage("killed_and_restarted", "systemctl kill -s KILL --kill-who=main ssh\nsleep 0.5", "asked", "none",
             up=1),
    Breakage("nologin", "echo closed >/run/nologin", "asked", "none", up=1, undo="rm /run/nologin"),
    Breakage("socket_idle", ACTIVATED, "asked", "none", up=1, foreseen=True),
]

STOPPED = [
    Breakage("stopped", "systemctl stop ssh", "refused", "sshd_not_running", ("ssh.service",)),
    Breakage("terminated", "systemctl kill -s TERM --kill-who=main ssh\nsleep 0.2", "refused",
             "sshd_not_running", ("ssh.service",)),
    Breakage("masked", "systemctl mask --now ssh", "refused", "sshd_disabled", ("ssh.service", "masked")),
    Breakage("disabled", "systemctl disable --now ssh", "refused", "sshd_disabled",
             ("ssh.service", "disabled")),
    Breakage("switched_off", "touch /etc/ssh/sshd_not_to_be_run" + RESTART, "refused", "sshd_disabled",
             ("/etc/ssh/sshd_not_to_be_run",)),
    Breakage("switched_off_and_reloaded", "touch /etc/ssh/sshd_not_to_be_run" + RESTART +
             "\nsystemctl daemon-reload", "refused", "sshd_disabled", ("/etc/ssh/sshd_not_to_be_run",)),
    Breakage("socket_idle_switched_off", ACTIVATED + "\ntouch /etc/ssh/sshd_not_to_be_run", "closed",
             "sshd_disabled", ("/etc/ssh/sshd_not_to_be_run",), up={0, 1}, foreseen=True),
    Breakage("starting", drop_in("ssh.service", "[Service]\\nExecStartPre=/bin/sleep 60\\n",
                                 "\nsystemctl restart --no-block ssh\nsleep 0.3"),
             "refused", "sshd_starting", ("ssh.service",)),
    Breakage("crash_loop", drop_in("ssh.service", "[Service]\\nType=simple\\nRestart=always\\nRestartSec=1\\n"
                                   "ExecStart=\\nExecStart=/bin/sh -c \"sleep 0.2; exit 1\"\\n"
                                   "[Unit]\\nStartLimitIntervalSec=0\\n", RESTART + "\nsleep 0.5"),
             "refused", "sshd_failed", ("ssh.service",)),
    Breakage("crashed_too_often", drop_in("ssh.service", "[Service]\\nType=simple\\nRestart=always\\n"
                                          "ExecStart=\\nExecStart=/bin/false\\n", RESTART + "\nsleep 1.5"),
             "refused", "sshd_failed", ("ssh.service",)),
    Breakage("other_unit_stopped",
             "systemctl disable --now ssh\n"
             "printf '[Service]\\nRuntimeDirectory=sshd\\nExecStart=/usr/sbin/sshd -D\\n"
             "[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/my-ssh.service\n"
             "systemctl daemon-reload\nsystemctl enable --now my-ssh\nsleep 0.2\nsystemctl stop my-ssh",
             "refused", {"sshd_not_running"}, ("my-ssh.service",)),
    Breakage("purged", "dpkg --purge --force-depends --force-unsafe-io openssh-server", "refused",
             "sshd_not_installed", mendable=False),
    Breakage("removed", "dpkg --remove --force-depends --force-unsafe-io openssh-server", "refused",
             "sshd_not_installed", mendable=False),
]

CONFIGURATION = [
    # 12 and 13 differ in the number of the line.
    Breakage("bad_option", config("PermitRotLogin no"), "refused", "sshd_config_invalid",
             ("/etc/ssh/sshd_config", "PermitRotLogin", ("123", "125")), config_valid=0),
    Breakage("bad_option_in_an_included_file",
             "printf '# ours\\nMaxSessions many\\n' >/etc/ssh/sshd_config.d/50-own.conf" + RESTART, "refused",
             "sshd_config_invalid", ("/etc/ssh/sshd_config.d/50-own.conf", "2", "MaxSessions"), config_valid=0),
    Breakage("no_configuration", "rm /etc/ssh/sshd_config" + RESTART, "refused", "sshd_config_invalid",
             ("/etc/ssh/sshd_config",), config_valid=0),
    # Without systemd's ExecReload the signal kills it: exit status 255, which Restart= leaves alone.
    Breakage("hangup_with_a_bad_option", config("PermitRotLogin no", restart=False) +
             "\nsystemctl kill -s HUP --kill-who=main ssh\nsleep 0.3", "refused", "sshd_config_invalid",
             ("/etc/ssh/sshd_config", "PermitRotLogin"), config_valid=0),
    Breakage("socket_idle_bad_option", ACTIVATED + "\n" + config("PermitRotLogin no", restart=False),
             "closed", "sshd_config_invalid", ("/etc/ssh/sshd_config", "PermitRotLogin"), up={0, 1},
             config_valid=0, foreseen=True),
]

HOST_KEYS = [
    Breakage("no_host_keys", "rm /etc/ssh/ssh_host_*" + RESTART, "refused", "sshd_host_keys_missing",
             (("/etc/ssh/ssh_host_", "host key"),)),
    # 9.2 reads its keys for each connection; 10.0's listener hands them on.
    Breakage("host_keys_removed_while_up", "rm /etc/ssh/ssh_host_*", ("closed", "asked"),
             ("sshd_host_keys_missing", "none"), up=1),
    Breakage("open_host_keys", "chmod 644 /etc/ssh/ssh_host_*_key" + RESTART, "refused",
             "sshd_host_keys_unusable", ("/etc/ssh/ssh_host_ed25519_key", "644")),
    Breakage("host_keys_opened_while_up", "chmod 644 /etc/ssh/ssh_host_*_key", ("closed", "asked"),
             ("sshd_host_keys_unusable", "none"), up=1),
    Breakage("empty_host_keys", "for k in /etc/ssh/ssh_host_*_key; do : >$k; done" + RESTART, "refused",
             "sshd_host_keys_unusable", ("/etc/ssh/ssh_host_ed25519_key",)),
    Breakage("socket_idle_no_host_keys", ACTIVATED + "\nrm /etc/ssh/ssh_host_*", "closed",
             "sshd_host_keys_missing", up={0, 1}, foreseen=True),
]

PROGRAM = [
    Breakage("binary_removed", "rm /usr/sbin/sshd" + RESTART, "refused", "sshd_binary_broken", BINARY),
    Breakage("binary_garbage", replaced("echo nonsense") + RESTART, "refused", "sshd_binary_broken", BINARY),
    Breakage("binary_not_executable", "chmod 644 /usr/sbin/sshd" + RESTART, "refused", "sshd_binary_broken",
             BINARY),
    # 13's sshd itself is not linked with libwrap, its sshd-session is: it starts, and `sshd -t` is content.
    Breakage("library_missing", f"mv {LIBWRAP} /root/" + RESTART, ("refused", "closed"), "sshd_binary_broken",
             ("libwrap.so.0",), up=(0, 1), undo="mv /root/libwrap.so.0* /usr/lib/x86_64-linux-gnu/"),
    Breakage("library_gone_while_up", f"mv {LIBWRAP} /root/", "closed", "sshd_binary_broken",
             ("libwrap.so.0",), up=1, undo="mv /root/libwrap.so.0* /usr/lib/x86_64-linux-gnu/"),
    Breakage("session_helper_gone_while_up", "rm /usr/lib/openssh/sshd-session", "closed",
             {"sshd_binary_broken"}, ("/usr/lib/openssh/sshd-session",), up=1, suites=("trixie",)),
    Breakage("session_helper_gone", "rm /usr/lib/openssh/sshd-session" + RESTART, "refused",
             "sshd_binary_broken", ("/usr/lib/openssh/sshd-session",), suites=("trixie",)),
    # The banner is sshd-session's; sshd-auth takes over at the key exchange.
    Breakage("auth_helper_gone_while_up", "rm /usr/lib/openssh/sshd-auth", "dropped", {"sshd_binary_broken"},
             ("/usr/lib/openssh/sshd-auth",), up=1, suites=("trixie",)),
    Breakage("auth_helper_gone", "rm /usr/lib/openssh/sshd-auth" + RESTART, "refused", "sshd_binary_broken",
             ("/usr/lib/openssh/sshd-auth",), suites=("trixie",)),
    # 10.0 misses it only when its sshd-auth wants to chroot, in the middle of the key exchange.
    Breakage("runtime_directory_gone", "rm -r /run/sshd", ("closed", "dropped"), "sshd_runtime_dir_missing",
             ("/run/sshd",), up=1),
    Breakage("runtime_directory_open", "chmod 777 /run/sshd", ("closed", "asked"),
             ("sshd_runtime_dir_missing", "none"), up=1),
    Breakage("no_user_sshd", "sed -i /^sshd:/d /etc/passwd", "closed",
             {"sshd_binary_broken", "closed_before_banner", "sshd_failed"}, up=1,
             confidence=("certain", "likely", "possible")),
]

BINDING = [
    Breakage("port_taken", "systemctl stop ssh\n" + TAKE4 + TAKEN + TAKE6 + "sleep 0.2" + RESTART, "mute",
             "port_conflict", ("nc", "22"), undo=GIVE),
    Breakage("port_taken_on_one_family", "systemctl stop ssh\n" + TAKE4 + TAKEN + RESTART, "mute",
             "port_conflict", ("nc", "22"), up=1, seen6="asked", undo=GIVE),
    Breakage("address_absent", config("ListenAddress 192.0.2.7"), "refused", "address_missing",
             ("192.0.2.7",)),
    Breakage("address_one_of_two_absent", config("ListenAddress 192.0.2.7\\nListenAddress 10.77.2.2"), "asked",
             "address_missing", ("192.0.2.7",), up=1, seen6="refused"),
    Breakage("address_came_too_late", "ip address delete 10.77.2.3/24 dev eth0\n" +
             config("ListenAddress 10.77.2.3") + "\nip address add 10.77.2.3/24 dev eth0", "refused",
             "address_missing", ("10.77.2.3",)),
    Breakage("address_gone_while_up", config("ListenAddress 10.77.2.3") +
             "\nip address delete 10.77.2.3/24 dev eth0", "refused", "address_missing", ("10.77.2.3",), up=1,
             undo="ip address add 10.77.2.3/24 dev eth0"),
    Breakage("loopback_only", config("ListenAddress 127.0.0.1\\nListenAddress ::1"), "refused",
             "loopback_only", ("127.0.0.1",), up=1),
    Breakage("ipv4_only", config("AddressFamily inet"), "asked", "address_family", ("0.0.0.0:22", "fd77:0:0:2::2"), up=1,
             seen6="refused"),
    Breakage("ipv6_only", config("AddressFamily inet6"), "refused", "address_family", ("[::]:22", "10.77.2.2"),
             up=1, seen6="asked"),
    Breakage("port_changed_without_restart", config("Port 2222", restart=False), "asked", "wrong_port",
             ("22", "2222"), up=1),
    Breakage("port_changed", config("Port 2222") + "\nsleep 0.1", "refused", "none", up=1),
    Breakage("bind_denied", drop_in("ssh.service", "[Service]\\nCapabilityBoundingSet=~CAP_NET_BIND_SERVICE\\n"),
             "refused", "port_bind_denied", ("Permission denied",)),
    Breakage("socket_on_another_port", drop_in("ssh.socket", "[Socket]\\nListenStream=\\nListenStream=2222\\n",
                                               "\n" + ACTIVATED), "refused", "socket_port_mismatch",
             ("2222", "22"), up=1),
    Breakage("socket_without_the_new_port", config("Port 2222", restart=False) + "\n" + ACTIVATED, "asked",
             "socket_port_mismatch", ("2222", "22"), up=1),
    # systemd closes what the unit no longer names, opens nothing, and still calls it listening.
    Breakage("socket_changed_without_restart", ACTIVATED + "\n" +
             drop_in("ssh.socket", "[Socket]\\nListenStream=\\nListenStream=2222\\n", ""), "refused",
             {"socket_port_mismatch", "socket_unit_failed"}, ("ssh.socket",)),
    Breakage("socket_trigger_limit",
             drop_in("ssh.socket", "[Socket]\\nTriggerLimitBurst=2\\nTriggerLimitIntervalSec=60s\\n", "\n") +
             ACTIVATED + "\nfor i in 1 2 3 4; do echo | nc -w1 127.0.0.1 22; systemctl stop ssh.service; done\n"
             "sleep 0.3", "refused", "socket_unit_failed", ("ssh.socket", "trigger-limit-hit")),
]

OVERLOAD = [
    Breakage("stopped_process", "systemctl kill -s STOP --kill-who=main ssh", "mute", "sshd_hung",
             (("stopped", "state T", "SIGSTOP"),), up=1,
             undo="systemctl kill -s CONT --kill-who=main ssh"),
    # The fewest descriptors with which it starts are too few for a connection, and it says so.
    Breakage("few_descriptors_12", drop_in("ssh.service", "[Service]\\nLimitNOFILE=9\\n"), "closed",
             "resource_exhausted", (("Too many open files", "descriptor"),), up=1, suites=("bookworm",)),
    Breakage("few_descriptors_13", drop_in("ssh.service", "[Service]\\nLimitNOFILE=10\\n"), "closed",
             "resource_exhausted", (("Too many open files", "descriptor"),), up=1, suites=("trixie",)),
    Breakage("tcp_wrappers", "echo 'sshd: ALL' >/etc/hosts.deny", "closed", "tcp_wrappers_denied",
             ("/etc/hosts.deny",), up=1),
]

ALL = [*WELL, *STOPPED, *CONFIGURATION, *HOST_KEYS, *PROGRAM, *BINDING, *OVERLOAD]
