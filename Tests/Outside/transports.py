"""Transports of bytes to the broker and back: TCP with a socket, QUIC with aioquic. Nothing runs in the background: timers
of a connection run only while the test waits for it."""

import select
import socket
import ssl
import time
from dataclasses import dataclass

import aioquic.quic.events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from servers import PATIENCE, Address


class Closed(Exception):
    """The broker ended the connection. `code` is QUIC's error code, where there is one."""

    def __init__(self, code: int | None = None):
        super().__init__(f"closed by the broker, code {code}")
        self.code = code


class TCP:
    name = "tcp"

    def __init__(self, address: Address):
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (ConnectionError, TimeoutError) as error:
            raise Closed from error

    def receive(self, timeout: float) -> bytes:
        """The octets that have arrived; none if the time is over."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return b""
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionError as error:
            raise Closed from error
        if not data:
            raise Closed
        return data

    def abort(self) -> None:
        """Ends the connection without DISCONNECT."""
        self.socket.close()


class QUIC:
    """MQTT on the client's bidirectional stream 0; further streams stand beside it. The stack is aioquic; others that are
    used alike put theirs in its place.

    With a `ticket` of an earlier connection the handshake resumes its session; then `early` leaves on the control stream
    with the first flight."""

    name = "quic"
    CONTROL = 0
    HOST = "127.0.0.1"  # of the client; empty for whichever leads to the broker
    Configuration, Connection, events = QuicConfiguration, QuicConnection, aioquic.quic.events

    def __init__(
        self, address: Address, alpn: str = "mqtt", verify: ssl.VerifyMode = ssl.CERT_NONE, ticket: object = None, early: bytes = b"", **settings
    ):
        self.address = address
        self.socket = bound(self.HOST)
        self.moved: Moved | None = None
        self.tickets: list = []
        self.resumed = False
        self.took_early: bool | None = None  # stays None where a stack does not tell
        self.arrived: dict[int, bytearray] = {}
        self.reset: dict[int, int] = {}
        self.stopped: dict[int, int] = {}
        self.finished: set[int] = set()
        self.established = False
        self.closed: Closed | None = None
        self.quic = self.make(ticket, alpn_protocols=[alpn], verify_mode=verify, server_name="localhost", **settings)
        self.begin(early)
        self.complete()

    def complete(self) -> None:
        """Waits until the handshake is complete."""
        self.wait(lambda: self.established, PATIENCE)
        assert self.established, f"no QUIC handshake within {PATIENCE} seconds"

    def make(self, ticket: object, **settings):
        configuration = self.Configuration(is_client=True, session_ticket=ticket, **settings)
        return self.Connection(configuration=configuration, session_ticket_handler=self.tickets.append)

    def begin(self, early: bytes) -> None:
        self.quic.connect(self.address, now=time.monotonic())
        if early:
            self.quic.send_stream_data(self.CONTROL, early)

    def wait(self, condition, seconds: float) -> None:
        """Runs the connection until a condition holds or the time is over. Raises Closed if the broker closed the connection."""
        deadline = time.monotonic() + seconds
        while True:
            self.transmit()
            if condition():
                return
            if self.closed:
                raise self.closed
            now = time.monotonic()
            if now >= deadline:
                return
            timer = self.quic.get_timer()
            until = deadline if timer is None else min(deadline, timer)
            if select.select([self.socket], [], [], max(0.0, until - now))[0]:
                self.read()
            elif timer is not None and time.monotonic() >= timer:
                self.quic.handle_timer(now=time.monotonic())
            self.take_events()

    def transmit(self) -> None:
        for datagram, _ in self.quic.datagrams_to_send(now=time.monotonic()):
            if self.moved and self.moved.sent is None:
                self.moved.sent = time.monotonic()
            self.socket.sendto(datagram, self.address)

    def read(self) -> None:
        for _ in range(64):
            try:
                datagram, source = self.socket.recvfrom(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            if source != self.address:
                continue  # as of a client on its own (RFC 9000 §9); not each stack sees to that
            self.quic.receive_datagram(datagram, source, now=time.monotonic())

    def take_events(self) -> None:
        while (event := self.quic.next_event()) is not None:
            match event:
                case self.events.HandshakeCompleted():
                    self.established = True
                    self.resumed = event.session_resumed
                    self.took_early = event.early_data_accepted
                case self.events.StreamDataReceived():
                    self.arrived.setdefault(event.stream_id, bytearray()).extend(event.data)
                    if event.end_stream:
                        self.finished.add(event.stream_id)
                case self.events.StreamReset():
                    self.reset[event.stream_id] = event.error_code
                case self.events.StopSendingReceived():
                    self.stopped[event.stream_id] = event.error_code
                case self.events.ConnectionTerminated():
                    self.closed = Closed(event.error_code)

    def send(self, data: bytes, stream: int = CONTROL) -> None:
        if self.closed:
            raise self.closed
        self.quic.send_stream_data(stream, data)
        self.transmit()

    def receive(self, timeout: float, stream: int = CONTROL) -> bytes:
        over = lambda: self.arrived.get(stream) or self.ended(stream)
        self.wait(over, timeout)
        data = bytes(self.arrived.pop(stream, b""))
        if not data and over():
            raise Closed(self.reset.get(stream))
        return data

    def open_stream(self) -> int:
        """The next stream, which is opened by the first octets sent on it."""
        return self.quic.get_next_available_stream_id()

    def finish(self, stream: int) -> None:
        self.quic.send_stream_data(stream, b"", end_stream=True)
        self.transmit()

    def abandon(self, stream: int, code: int) -> None:
        self.quic.reset_stream(stream, code)
        self.transmit()

    def stop(self, stream: int, code: int) -> None:
        self.quic.stop_stream(stream, code)
        self.transmit()

    def ended(self, stream: int) -> bool:
        """True if the broker has ended its side of the stream."""
        return stream in self.finished or stream in self.reset

    def rebind(self, host: str = "", keep_port: bool = False) -> None:
        """Goes on from another port, or address, or both, as a client does whose network changed: the old socket is closed
        at once."""
        self.socket, self.moved = rebound(self.socket, host, keep_port), Moved()

    def migrate(self, host: str = "", keep_port: bool = False) -> None:
        """As `rebind`, by a client that knows of it and takes another connection identifier along (RFC 9000 §9.5)."""
        self.wait(self.change_identifier, PATIENCE)
        self.rebind(host, keep_port)

    def change_identifier(self) -> bool:
        """Begins to use another of the broker's connection identifiers. False if the broker has issued none."""
        has = bool(self.quic._peer_cid_available)
        self.quic.change_connection_id()
        return has

    def take_ticket(self) -> object:
        """Ends the connection, and returns the ticket with which another one can resume; None if the broker has sent none."""
        self.wait(lambda: self.tickets, PATIENCE)
        self.abort()
        return self.tickets[-1] if self.tickets else None

    def abort(self) -> None:
        self.quic.close()
        self.transmit()
        self.socket.close()


class Stream:
    """A data stream of a connection."""

    def __init__(self, quic: QUIC):
        self.quic = quic
        self.id = quic.open_stream()
        assert self.id != quic.CONTROL
        quic.quic.send_stream_data(self.id, b"")  # the next one has another number

    def send(self, data: bytes) -> None:
        self.quic.send(data, self.id)

    def receive(self, timeout: float) -> bytes:
        return self.quic.receive(timeout, self.id)

    def finish(self) -> None:
        self.quic.finish(self.id)

    def abandon(self, code: int) -> None:
        self.quic.abandon(self.id, code)

    def stop(self, code: int) -> None:
        self.quic.stop(self.id, code)

    def wait_over(self) -> None:
        self.quic.wait(lambda: self.quic.ended(self.id), PATIENCE)
        assert self.quic.ended(self.id), f"stream {self.id} goes on"


@dataclass
class Moved:
    """A change of a client's address."""

    sent: float | None = None  # when the first datagram left from the new one


def bound(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, port))
    return made


def rebound(old: socket.socket, host: str, keep_port: bool) -> socket.socket:
    before, port = old.getsockname()
    old.close()
    return bound(host or before, port if keep_port else 0)
