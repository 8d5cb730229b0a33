"""Bytes to the broker and back: over TCP by a socket, over QUIC by aioquic. Nothing runs in the background: time passes
for a connection while the test waits for it."""

import select
import socket
import ssl
import time

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StopSendingReceived, StreamDataReceived, StreamReset
from aioquic.tls import SessionTicket

from servers import Address


class Closed(Exception):
    """The broker ended the connection. `code` is QUIC's error code, where there is one."""

    def __init__(self, code: int | None = None):
        super().__init__(f"closed by the broker, code {code}")
        self.code = code


class TCP:
    name = "tcp"

    def __init__(self, address: Address):
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (ConnectionError, TimeoutError) as error:
            raise Closed from error

    def receive(self, timeout: float) -> bytes:
        """What has arrived, or nothing when the time is over."""
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
        """Ends the connection without a word of MQTT."""
        self.socket.close()


class QUIC:
    """MQTT on the client's bidirectional stream 0; further streams stand beside it."""

    name = "quic"
    CONTROL = 0

    def __init__(
        self, address: Address, alpn: str = "mqtt", verify: ssl.VerifyMode = ssl.CERT_NONE, ticket: SessionTicket | None = None, early: bytes = b""
    ):
        """With a ticket it resumes, and sends `early` in the first flight."""
        configuration = QuicConfiguration(is_client=True, alpn_protocols=[alpn], verify_mode=verify, server_name="localhost")
        configuration.session_ticket = ticket
        self.tickets: list[SessionTicket] = []
        self.quic = QuicConnection(configuration=configuration, session_ticket_handler=self.tickets.append)
        self.address = address
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.arrived: dict[int, bytearray] = {}
        self.reset: dict[int, int] = {}
        self.stopped: dict[int, int] = {}
        self.finished: set[int] = set()
        self.established = False
        self.closed: Closed | None = None
        self.quic.connect(address, now=time.monotonic())
        self.first_flight: list[bytes] = []
        if early:
            self.quic.send_stream_data(self.CONTROL, early)
            self.first_flight = [datagram for datagram, _ in self.quic.datagrams_to_send(now=time.monotonic())]
            return
        self.complete()

    def complete(self) -> None:
        """Lets the handshake come to its end."""
        self.wait(lambda: self.established, 10)
        assert self.established, "no QUIC handshake within 10 seconds"

    def wait(self, condition, seconds: float) -> None:
        """Lets the connection live until something holds, or the time is over. Raises Closed when the broker closed it."""
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

    def first_answer(self) -> None:
        """Sends the first flight, and takes what comes back without a further word: one round trip."""
        for datagram in self.first_flight:
            self.socket.sendto(datagram, self.address)
        deadline = time.monotonic() + 10
        while self.CONTROL not in self.arrived and (left := deadline - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                self.read()
                self.take_events()

    def transmit(self) -> None:
        for datagram, _ in self.quic.datagrams_to_send(now=time.monotonic()):
            self.socket.sendto(datagram, self.address)

    def read(self) -> None:
        for _ in range(64):
            try:
                datagram, source = self.socket.recvfrom(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            self.quic.receive_datagram(datagram, source, now=time.monotonic())

    def take_events(self) -> None:
        while (event := self.quic.next_event()) is not None:
            match event:
                case HandshakeCompleted():
                    self.established = True
                case StreamDataReceived():
                    self.arrived.setdefault(event.stream_id, bytearray()).extend(event.data)
                    if event.end_stream:
                        self.finished.add(event.stream_id)
                case StreamReset():
                    self.reset[event.stream_id] = event.error_code
                case StopSendingReceived():
                    self.stopped[event.stream_id] = event.error_code
                case ConnectionTerminated():
                    self.closed = Closed(event.error_code)

    def send(self, data: bytes, stream: int = CONTROL) -> None:
        if self.closed:
            raise self.closed
        self.quic.send_stream_data(stream, data)
        self.transmit()

    def receive(self, timeout: float) -> bytes:
        over = lambda: self.arrived.get(self.CONTROL) or self.CONTROL in self.finished or self.CONTROL in self.reset
        self.wait(over, timeout)
        data = bytes(self.arrived.pop(self.CONTROL, b""))
        if not data and over():
            raise Closed(self.reset.get(self.CONTROL))
        return data

    def open_stream(self) -> int:
        """The next stream; what is sent on it first opens it."""
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
        """The broker's side of the stream is over."""
        return stream in self.finished or stream in self.reset

    def rebind(self) -> None:
        """Goes on from another port, as a client does whose network changed."""
        self.socket.close()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    def abort(self) -> None:
        self.quic.close()
        self.transmit()
        self.socket.close()
