"""Scripted peers: listeners inside a namespace whose every byte, pause and end is decided by the case."""

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass

from . import wire


@dataclass(frozen=True)
class Accepted:
    at: float           # time.monotonic()
    address: str        # the peer's own address that was called
    port: int
    caller: str


class Connection:
    """What a script may do with one accepted connection."""

    def __init__(self, sock, stopping):
        self.sock = sock
        self._stopping = stopping

    def send(self, data):
        self.sock.sendall(data)

    def send_slowly(self, data, seconds_a_byte):
        for byte in data:
            self.sock.sendall(bytes([byte]))
            if self.pause(seconds_a_byte):
                return

    def pause(self, seconds):
        """True if the peer is being stopped."""
        return self._stopping.wait(seconds)

    def read_line(self, timeout=10.0):
        return wire.read_until(self.sock, b"\n", timeout)[0]

    def hold(self, timeout=60.0):
        """Read and ignore until the caller leaves."""
        deadline = time.monotonic() + timeout
        self.sock.settimeout(0.2)
        while not self._stopping.is_set() and time.monotonic() < deadline:
            try:
                if not self.sock.recv(65536):
                    return
            except TimeoutError:
                continue

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Peer:
    """Accepts on one port, on all addresses of both families or on one; `accepted` lists every connection."""

    def __init__(self, namespace, script, port=22, address=None, backlog=128):
        self.accepted = []
        self.errors = []
        self._script = script
        self._stopping = threading.Event()
        self._listeners = []
        self._threads = []
        self._connections = []
        for bind_to in ([address] if address else ["0.0.0.0", "::"]):
            v6 = ":" in bind_to
            listener = namespace.socket(socket.AF_INET6 if v6 else socket.AF_INET)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if v6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((bind_to, port))
            listener.listen(backlog)
            self._listeners.append(listener)
            thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _accept(self, listener):
        listener.settimeout(0.1)
        while not self._stopping.is_set():
            try:
                sock, caller = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            own = sock.getsockname()
            self.accepted.append(Accepted(time.monotonic(), own[0], own[1], caller[0]))
            self._connections.append(sock)
            thread = threading.Thread(target=self._talk, args=(sock,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _talk(self, sock):
        sock.settimeout(30)
        try:
            self._script(Connection(sock, self._stopping))
        except OSError:
            pass                    # the caller left in the middle: its right
        except Exception as error:  # shown by whoever inspects the peer
            self.errors.append(error)
        finally:
            with contextlib.suppress(OSError):
                sock.close()

    def stop(self):
        self._stopping.set()
        for listener in self._listeners:
            listener.close()
        for sock in self._connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(2)


# Scripts.

def says(*parts, then="close"):
    """Send the parts (bytes, or seconds to wait), then close, reset or hold."""
    def script(connection):
        for part in parts:
            if isinstance(part, (int, float)):
                connection.pause(part)
            else:
                connection.send(part)
        if then == "hold":
            connection.hold()
        elif then == "reset":
            connection.reset()
        elif then == "close_after_line":
            connection.read_line()
    return script


def ssh_server(banner=b"SSH-2.0-LabServer_1.0\r\n", before=b"", **lists):
    """A whole polite server up to KEXINIT."""
    return says(before + banner, wire.kexinit(**lists), then="hold")


def one_byte_at_a_time(data, seconds_a_byte, then=b""):
    def script(connection):
        connection.send_slowly(data, seconds_a_byte)
        connection.send(then)
        connection.hold()
    return script


def flood(block, megabytes):
    """Sends a lot without ever a newline, then holds."""
    def script(connection):
        for _ in range(megabytes * 1024 * 1024 // len(block)):
            connection.send(block)
        connection.hold()
    return script
