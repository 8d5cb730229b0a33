"""QUIC stacks other than aioquic: qh3, which is written in Rust, and picoquic, which runs in a thread of its own."""

import contextlib
import select
import socket
import tempfile
import threading
import time
from pathlib import Path

import qh3.quic.events
from qh3.quic.configuration import QuicConfiguration
from qh3.quic.connection import QuicConnection
from qh3.tls import Group

from servers import Address
from transports import QUIC, Closed, Moved, bound, rebound

try:
    import aiopquic.quic.configuration
    import aiopquic.quic.connection
    import aiopquic.quic.events

    HAS_PICOQUIC = True
except ImportError:
    HAS_PICOQUIC = False  # it has no build for this Python


class Slender(QuicConnection):
    """A connection of qh3. Its ClientHello has room for either a ticket or a post-quantum key share."""

    def _create_tls(self, **names):
        made = super()._create_tls(**names)
        if self.configuration.session_ticket:
            self.tls._supported_groups = [group for group in self.tls._supported_groups if group != Group.X25519ML768]
        return made


class QH3(QUIC):
    Configuration, Connection, events = QuicConfiguration, Slender, qh3.quic.events

    def send(self, data: bytes, stream: int = QUIC.CONTROL) -> None:
        """qh3 paces its packets, so a packet may be held back for a moment, and calls must be short."""
        super().send(data, stream)
        timer = self.quic.get_timer()
        if timer is not None and (delay := timer - time.monotonic()) < 0.01:
            with contextlib.suppress(Closed):
                self.wait(lambda: False, max(0.0, delay) + 0.001)

    def change_identifier(self) -> bool:
        try:
            self.quic.change_connection_id()
        except ValueError:
            return False
        return True


class Picoquic(QUIC):
    """picoquic owns its socket, which cannot be replaced. A NAT in front of the client changes its address instead."""

    if HAS_PICOQUIC:
        Configuration, Connection, events = aiopquic.quic.configuration.QuicConfiguration, aiopquic.quic.connection.QuicConnection, aiopquic.quic.events

    def make(self, ticket: object, **settings):
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name, "tickets")
        if ticket:
            self.file.write_bytes(ticket)
        self.nat = NAT(self.address, self.HOST)
        return self.Connection(configuration=self.Configuration(session_ticket_file=str(self.file), ip_family=socket.AF_INET, **settings))

    def begin(self, early: bytes) -> None:
        self.quic.connect(self.nat.address)
        assert self.quic.get_next_available_stream_id() == self.CONTROL  # here that takes it
        if early:
            # As soon as its thread has made the connection.
            while not self.quic._created.is_set():
                select.select([self.quic.eventfd], [], [], 10)
                self.quic._drain_and_convert()
            self.quic.send_stream_data(self.CONTROL, early)

    def wait(self, condition, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.take_events()
            if condition():
                return
            if self.closed:
                raise self.closed
            if (left := deadline - time.monotonic()) <= 0:
                return
            select.select([self.quic.eventfd], [], [], left)

    def take_events(self) -> None:
        super().take_events()
        self.took_early = None  # it always says no

    def transmit(self) -> None:
        pass

    def rebind(self, host: str = "", keep_port: bool = False) -> None:
        self.moved = self.nat.move(host, keep_port)

    def take_ticket(self) -> bytes | None:
        self.wait(lambda: False, 0.2)  # it does not tell when it has one, and writes it when it stops
        self.stop_thread()
        ticket = self.file.read_bytes() if self.file.exists() else b""
        self.folder.cleanup()
        return ticket or None

    def abort(self) -> None:
        self.stop_thread()
        self.folder.cleanup()

    def stop_thread(self) -> None:
        self.quic.close()
        self.quic.stop()
        self.nat.close()
        self.socket.close()


class NAT:
    """A NAT in a thread, which forwards one client's datagrams from an address that a test can change."""

    def __init__(self, broker: Address, host: str):
        self.broker = broker
        self.inside, self.outside = bound(), bound(host)
        self.address: Address = self.inside.getsockname()
        self.client: Address | None = None
        self.moved: Moved | None = None
        self.lock = threading.Lock()
        self.wake, self.woken = socket.socketpair()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def move(self, host: str, keep_port: bool) -> Moved:
        with self.lock:
            self.outside, self.moved = rebound(self.outside, host, keep_port), Moved()
        self.wake.send(b"x")
        return self.moved

    def carry(self) -> None:
        while True:
            try:
                readable = select.select([self.inside, self.outside, self.woken], [], [])[0]
            except (OSError, ValueError):
                continue  # it has just moved, and its old socket is closed
            with self.lock:
                if self.woken in readable and not self.woken.recv(100):
                    return
                for _ in range(64):
                    if not (self.forth() | self.back()):
                        break

    def forth(self) -> bool:
        try:
            datagram, self.client = self.inside.recvfrom(65536, socket.MSG_DONTWAIT)
        except OSError:
            return False
        if self.moved and self.moved.sent is None:
            self.moved.sent = time.monotonic()
        self.outside.sendto(datagram, self.broker)
        return True

    def back(self) -> bool:
        try:
            datagram, source = self.outside.recvfrom(65536, socket.MSG_DONTWAIT)
        except OSError:
            return False
        # Filters by address and port, as most do (RFC 4787 §5).
        if self.client and source == self.broker:
            self.inside.sendto(datagram, self.client)
        return True

    def close(self) -> None:
        self.wake.close()
        self.thread.join(5)
        for each in (self.inside, self.outside, self.woken):
            each.close()
