"""Plain clients: what the kernel itself says about a connection, without the exporter."""

import errno
import select
import socket
import struct
import time
from dataclasses import dataclass, field

IP_RECVERR = 11
IPV6_RECVERR = 25
ORIGINS = {1: "local", 2: "icmp", 3: "icmp6"}
CLIENT_LINE = b"SSH-2.0-LabClient_1.0\r\n"


@dataclass
class QueuedError:
    errno: str
    origin: str
    type: int
    code: int
    offender: str


@dataclass
class Attempt:
    outcome: str                    # connected, timeout, or an errno name
    at: str                         # connect: at once; later: reported by poll
    seconds: float
    queue: list = field(default_factory=list)


def name_of(number):
    return errno.errorcode.get(number, str(number))


def read_error_queue(sock):
    """The first entry of the error queue, or None."""
    try:
        _, ancillary, _, _ = sock.recvmsg(512, 512, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    for level, kind, data in ancillary:
        if (level, kind) not in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
            continue
        number, origin, icmp_type, icmp_code = struct.unpack_from("=IBBB", data)
        offender = ""
        family = struct.unpack_from("=H", data, 16)[0] if len(data) >= 18 else 0
        if family == socket.AF_INET:
            offender = socket.inet_ntop(socket.AF_INET, data[20:24])
        elif family == socket.AF_INET6:
            offender = socket.inet_ntop(socket.AF_INET6, data[24:40])
        return QueuedError(name_of(number), ORIGINS.get(origin, str(origin)), icmp_type, icmp_code, offender)
    return None


def try_connect(namespace, address, port=22, timeout=6.0, source=None):
    """One non-blocking connect() with the error queue on; the queue is read before SO_ERROR."""
    v6 = ":" in address
    sock = namespace.socket(socket.AF_INET6 if v6 else socket.AF_INET)
    try:
        sock.setsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP,
                        IPV6_RECVERR if v6 else IP_RECVERR, 1)
        sock.setblocking(False)
        if source:
            sock.bind((source, 0))
        start = time.monotonic()
        number = sock.connect_ex((address, port))
        if number not in (0, errno.EINPROGRESS):
            queued = read_error_queue(sock)
            return Attempt(name_of(number), "connect", time.monotonic() - start, [queued] if queued else [])
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        deadline = start + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                return Attempt("timeout", "later", time.monotonic() - start)
            queue = []
            while (queued := read_error_queue(sock)) is not None:
                queue.append(queued)
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if queue and not number:
                return Attempt(queue[0].errno, "later", time.monotonic() - start, queue)
            outcome = name_of(number) if number else "connected"
            return Attempt(outcome, "later", time.monotonic() - start, queue)
    finally:
        sock.close()


def ssh_packet(payload):
    """An SSH binary packet before any keys (RFC 4253 section 6)."""
    padding = 8 - (len(payload) + 5) % 8
    if padding < 4:
        padding += 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


MODERN = {
    "kex": "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256",
    "host_key": "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
    "cipher": "chacha20-poly1305@openssh.com,aes128-ctr,aes256-gcm@openssh.com",
    "mac": "hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
    "compression": "none,zlib@openssh.com",
}


def kexinit(**changes):
    """A KEXINIT packet (RFC 4253 section 7.1) with the given lists instead of modern ones."""
    lists = {**MODERN, **changes}
    payload = bytes([20]) + bytes(range(16))
    for kind in ("kex", "host_key", "cipher", "cipher", "mac", "mac", "compression", "compression"):
        payload += struct.pack(">I", len(lists[kind])) + lists[kind].encode()
    return ssh_packet(payload + struct.pack(">II", 0, 0) + bytes(5))


def disconnect(reason=11, text="bye"):
    return ssh_packet(struct.pack(">BI", 1, reason) + struct.pack(">I", len(text)) + text.encode()
                      + struct.pack(">I", 0))


def read_until(sock, end, timeout=10.0, limit=65536):
    """Bytes up to and including `end`, or what came before the peer closed, reset or went silent; and how."""
    got = b""
    deadline = time.monotonic() + timeout
    while end not in got and len(got) < limit:
        sock.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            chunk = sock.recv(4096)
        except TimeoutError:
            return got, "timeout"
        except ConnectionResetError:
            return got, "reset"
        if not chunk:
            return got, "closed"
        got += chunk
    return got, "ok"
