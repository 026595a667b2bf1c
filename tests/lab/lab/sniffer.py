"""Every new TCP connection attempt that reaches an interface, with the kernel's own time."""

import socket
import struct
import threading
from dataclasses import dataclass

ETH_P_ALL = 0x0003
SO_TIMESTAMPNS = 35


@dataclass(frozen=True)
class Syn:
    at: float           # seconds, wall clock, from the kernel
    source: str
    source_port: int
    address: str
    port: int


class SynSniffer:
    """Collects SYNs until stopped. `attempts()` leaves retransmissions out."""

    def __init__(self, namespace, interface="eth0"):
        self._seen = []
        self._stopping = threading.Event()
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind((interface, ETH_P_ALL))
        self._socket.settimeout(0.1)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._stopping.is_set():
            try:
                frame, ancillary, _, sender = self._socket.recvmsg(256, 64)
            except TimeoutError:
                continue
            except OSError:
                return
            if sender[2] == socket.PACKET_OUTGOING:
                continue
            seconds, nanoseconds = struct.unpack("ll", ancillary[0][2]) if ancillary else (0, 0)
            syn = self._parse(frame, seconds + nanoseconds / 1e9)
            if syn:
                self._seen.append(syn)

    @staticmethod
    def _parse(frame, at):
        kind = struct.unpack_from(">H", frame, 12)[0]
        if kind == 0x0800 and frame[23] == socket.IPPROTO_TCP:
            source, address = (socket.inet_ntop(socket.AF_INET, frame[o:o + 4]) for o in (26, 30))
            tcp = 14 + (frame[14] & 15) * 4
        elif kind == 0x86DD and frame[20] == socket.IPPROTO_TCP:
            source, address = (socket.inet_ntop(socket.AF_INET6, frame[o:o + 16]) for o in (22, 38))
            tcp = 54
        else:
            return None
        source_port, port = struct.unpack_from(">HH", frame, tcp)
        if frame[tcp + 13] & 0x12 != 0x02:      # SYN without ACK
            return None
        return Syn(at, source, source_port, address, port)

    def attempts(self):
        """One entry for each connection attempt, in the order of time."""
        first = {}
        for syn in self._seen:
            first.setdefault((syn.source, syn.source_port, syn.address, syn.port), syn)
        return sorted(first.values(), key=lambda syn: syn.at)

    def stop(self):
        self._stopping.set()
        self._thread.join(2)
        self._socket.close()
