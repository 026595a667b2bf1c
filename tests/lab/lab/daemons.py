"""Real servers inside a namespace: OpenSSH of Debian 12 and 13, dropbear, tinyssh, dnsmasq, nginx, …"""

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from . import debian
from .netns import run
from .peers import Peer


class Daemon:
    def __init__(self, process, log_path, argv):
        self.process, self.log_path, self.argv = process, log_path, argv

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_for_log(self, text, seconds=10.0, times=1):
        """Wait until the log has the text so many times; the log."""
        deadline = time.monotonic() + seconds
        while True:
            log = self.log()
            if log.count(text) >= times:
                return log
            assert self.process.poll() is None, f"{self.argv} ended with {self.process.returncode}:\n{log}"
            assert time.monotonic() < deadline, f"{text!r} not in the log of {self.argv}:\n{log}"
            time.sleep(0.02)

    def signal(self, number):
        self.process.send_signal(number)

    def freeze(self):
        """SIGSTOP, and wait until it is stopped."""
        self.signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.process.pid}/stat")
        while stat.read_text().rsplit(")", 1)[1].split()[0] != "T":
            time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait(10)


class Daemons:
    """A factory; everything it has started ends with `close()`."""

    def __init__(self, folder, keys):
        self.folder = Path(folder)
        self.keys = keys
        self._running = []
        self._peers = []
        self._folders = []

    def start(self, namespace, argv, ready=None, seconds=10.0, times=1, **options):
        """Start a program there. `ready`: a text of its output to wait for, or a callable."""
        log_path = self.folder / f"daemon-{len(self._running)}.log"
        with open(log_path, "wb") as log:
            process = namespace.popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **options)
        daemon = Daemon(process, log_path, argv)
        self._running.append(daemon)
        if isinstance(ready, str):
            daemon.wait_for_log(ready, seconds, times)
        elif ready is not None:
            deadline = time.monotonic() + seconds
            while not ready():
                assert process.poll() is None, f"{argv} ended:\n{daemon.log()}"
                assert time.monotonic() < deadline, f"{argv} not ready:\n{daemon.log()}"
                time.sleep(0.05)
        return daemon

    def peer(self, namespace, script, port=22, address=None, **options):
        """A scripted peer (peers.py)."""
        peer = Peer(namespace, script, port, address, **options)
        self._peers.append(peer)
        return peer

    def sshd(self, namespace, port=22, listen=("0.0.0.0", "::"), config="", keys=("ed25519", "rsa")):
        """This machine's OpenSSH. Extra configuration lines come first, so they win."""
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        folder = self.folder / f"sshd-{len(self._running)}"
        folder.mkdir(mode=0o700)
        path = self._sshd_config(folder, folder, port, listen, config, keys)
        return self.start(namespace, ["/usr/sbin/sshd", "-D", "-e", "-f", path],
                          ready="Server listening on", times=len(listen))

    def sshd10(self, namespace, port=22, listen=("0.0.0.0", "::"), config="", keys=("ed25519", "rsa")):
        """OpenSSH 10 of Debian 13, in its own root."""
        root = debian.root("trixie")
        inside = Path("/tmp") / f"lab-{os.getpid()}-{len(self._running)}-{self.folder.name}"
        outside = root / inside.relative_to("/")
        outside.mkdir(mode=0o700)
        self._folders.append(outside)
        path = self._sshd_config(outside, inside, port, listen, config, keys)
        return self.start(namespace, ["chroot", root, "/usr/sbin/sshd", "-D", "-e", "-f", path],
                          ready="Server listening on", times=len(listen))

    def _sshd_config(self, outside, inside, port, listen, config, keys):
        lines = [config, f"Port {port}", *(f"ListenAddress {a}" for a in listen),
                 "PidFile none", "UsePAM no", "UseDNS no", "LogLevel VERBOSE"]
        for kind in keys:
            shutil.copy(self.keys.path(kind), outside / f"host_{kind}")
            (outside / f"host_{kind}").chmod(0o600)
            lines.append(f"HostKey {inside}/host_{kind}")
        (outside / "sshd_config").write_text("\n".join(lines) + "\n")
        return inside / "sshd_config"

    def dropbear(self, namespace, port=22):
        key = self.folder / f"dropbear-{len(self._running)}.key"
        run(["dropbearkey", "-t", "ed25519", "-f", key])
        return self.start(namespace, ["dropbear", "-F", "-E", "-r", key, "-P", self.folder / "dropbear.pid",
                                      "-p", port], ready="Not backgrounding")

    def tinysshd(self, namespace, port=22):
        """tinysshd speaks on its standard input, so something has to accept for it."""
        keys = self.folder / "tinyssh-keys"
        run(["tinysshd-makekey", keys])

        def script(connection):
            connection.sock.setblocking(True)
            server = subprocess.Popen(["tinysshd", "-v", keys], stdin=connection.sock, stdout=connection.sock,
                                      stderr=subprocess.DEVNULL)
            try:
                server.wait(30)
            finally:
                server.kill()
                server.wait()
        return self.peer(namespace, script, port)

    def paramiko(self, namespace, port=22):
        """A server of python3-paramiko."""
        import paramiko
        key = paramiko.RSAKey(filename=str(self.keys.path("rsa")))

        def script(connection):
            transport = paramiko.Transport(connection.sock)
            transport.add_server_key(key)
            try:
                transport.start_server(event=threading.Event(), server=paramiko.ServerInterface())
                transport.join(30)
            finally:
                transport.close()
        return self.peer(namespace, script, port)

    def dnsmasq(self, namespace, address, *options):
        """A DNS server; names under lab.test that no option gives do not exist."""
        argv = ["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--log-queries",
                "--conf-file=/dev/null",
                "--no-resolv", "--no-hosts", "--bind-interfaces", "--except-interface=lo",
                f"--listen-address={address}", "--local=/lab.test/", "--user=root", "--pid-file=", *options]
        return self.start(namespace, argv, ready="started, version")

    def nginx(self, namespace, port=22, tls=False):
        folder = self.folder / f"nginx-{len(self._running)}"
        folder.mkdir()
        ssl = ""
        if tls:
            ssl = f"ssl_certificate {self.keys.certificate}; ssl_certificate_key {self.keys.path('tls')};"
        path = folder / "nginx.conf"
        path.write_text(f"""daemon off; master_process off; pid {folder}/pid; error_log stderr notice;
events {{}}
http {{ access_log off; {ssl}
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen {port} {'ssl' if tls else ''}; listen [::]:{port} {'ssl' if tls else ''};
            return 200 "hello"; }} }}
""")
        return self.start(namespace, ["nginx", "-e", "stderr", "-c", path], ready="nginx/")

    def tls_server(self, namespace, port=22, v6=False):
        """OpenSSL's own server: it hangs up on anything that is not TLS."""
        return self.start(namespace, ["openssl", "s_server", "-www", "-accept",
                                      f"{'[::]' if v6 else '0.0.0.0'}:{port}",
                                      "-cert", self.keys.certificate, "-key", self.keys.path("tls")],
                          ready="ACCEPT")

    def endlessh(self, namespace, port=22, v6=False):
        return self.start(namespace, ["endlessh", "-v", "-d", "1000", "-6" if v6 else "-4", "-p", port],
                          ready="Port")

    def close(self):
        for peer in self._peers:
            peer.stop()
        for daemon in reversed(self._running):
            daemon.kill()
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)


class Keys:
    """Host keys and a certificate, made once."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.certificate = self.folder / "tls.crt"

    def path(self, kind):
        path = self.folder / kind
        if not path.exists():
            if kind == "tls":
                run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                     "-nodes", "-days", "30", "-subj", "/CN=host.lab.test", "-keyout", path,
                     "-out", self.certificate])
            else:
                bits = ["-b", "2048"] if kind == "rsa" else []
                run(["ssh-keygen", "-q", "-m", "PEM", "-t", kind, *bits, "-N", "", "-f", path])
        return path
