"""QUIC session tickets and early data with aioquic (RFC 9001 §4.5, §4.6), and certificates that are shown or change."""

import select
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import packets
from clients import AioQUIC, Kind, Options, WireOverTCP
from packets import Message
from servers import PATIENCE, Server, wait_until
from transports import QUIC

pytestmark = pytest.mark.martlet
TCP5 = Kind(WireOverTCP, 5)


def ticket(broker: Server):
    """The ticket of a client that has connected and disconnected."""
    client = AioQUIC(broker.addresses["quic"], 5, Options("ticket"))
    client.connect()
    quic = client.connection
    quic.wait(lambda: quic.tickets, PATIENCE)
    assert len(quic.tickets) == 1, "one ticket for a connection"
    client.send(packets.disconnect())
    return quic.tickets[0]


class FirstFlight(QUIC):
    """A resuming client that records its first flight instead of sending it, so that a test can send it from anywhere."""

    def begin(self, early: bytes) -> None:
        super().begin(early)
        self.datagrams = [datagram for datagram, _ in self.quic.datagrams_to_send(now=time.monotonic())]

    def complete(self) -> None:
        """Not before it is sent."""

    def send(self) -> None:
        """Sends it, and takes what comes back without a further word: one round trip."""
        for datagram in self.datagrams:
            self.socket.sendto(datagram, self.address)
        deadline = time.monotonic() + PATIENCE
        while self.CONTROL not in self.arrived and (left := deadline - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                self.read()
                self.take_events()


def test_connack_takes_one_round_trip(server, connect, topic):
    subscriber = connect(TCP5)
    subscriber.subscribe(topic, 0)
    early = packets.connect(f"{topic}-early") + packets.publish(Message(topic, b"in the first flight"))
    quic = FirstFlight(server.addresses["quic"], ticket=ticket(server), early=early)
    quic.send()
    assert packets.cut(quic.arrived[QUIC.CONTROL], 5).kind == packets.CONNACK
    assert quic.quic.tls.early_data_accepted
    assert subscriber.next().payload == b"in the first flight"
    quic.wait(lambda: quic.tickets, PATIENCE)
    assert quic.tickets, "and there is a ticket for the next time"
    quic.abort()


def play(flight: list[bytes], broker: Server, times: int = 20) -> None:
    """The first flight is sent from another port each time, and so reaches any of the event loops."""
    for _ in range(times):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            for datagram in flight:
                elsewhere.sendto(datagram, broker.addresses["quic"])
    time.sleep(0.3)


def test_replayed_first_flight_is_acted_upon_once(start, connect, topic):
    broker = start("node.loops = 4")
    subscriber = connect(TCP5, to=broker)
    subscriber.subscribe(topic, 0)
    early = packets.connect(f"{topic}-early") + packets.publish(Message(topic, b"once"))
    flight = FirstFlight(broker.addresses["quic"], ticket=ticket(broker), early=early).datagrams
    play(flight, broker)
    assert subscriber.next().payload == b"once"
    connect(TCP5, to=broker).publish(Message(topic, b"end", 1))
    assert subscriber.next().payload == b"end"


class RetriedFlight(QUIC):
    """A client that resumes, answers the broker's Retry, and keeps its answer. Early data goes with that, since aioquic does
    not send again what it had sent before."""

    def begin(self, early: bytes) -> None:
        self.flight: list[bytes] = []
        super().begin(b"")
        self.transmit()
        while not self.quic._retry_source_connection_id:
            assert select.select([self.socket], [], [], PATIENCE)[0], "no Retry"
            self.read()
        self.quic.send_stream_data(self.CONTROL, early)
        self.flight = [datagram for datagram, _ in self.quic.datagrams_to_send(now=time.monotonic())]
        for datagram in self.flight:
            self.socket.sendto(datagram, self.address)


def test_retried_first_flight_is_acted_upon_once(start, connect, topic):
    """The token of a Retry spares nobody the check whether early data was there before (RFC 9001 §9.2)."""
    broker = start('node.loops = 4\nlisteners.quic.default.retry.mode = always')
    subscriber = connect(TCP5, to=broker)
    subscriber.subscribe(topic, 0)
    early = packets.connect(f"{topic}-early") + packets.publish(Message(topic, b"once"))
    quic = RetriedFlight(broker.addresses["quic"], ticket=ticket(broker), early=early)
    assert quic.took_early
    assert subscriber.next().payload == b"once"
    play(quic.flight, broker)
    quic.abort()
    connect(TCP5, to=broker).publish(Message(topic, b"end", 1))
    assert subscriber.next().payload == b"end"


def test_first_flight_of_before_the_restart_is_not_acted_upon(start, connect, topic):
    """Ticket keys are only in memory: another process cannot decrypt a ticket, whether it has the same node secret or not."""
    before = start()
    early = packets.connect(f"{topic}-early") + packets.publish(Message(topic, b"once"))
    flight = FirstFlight(before.addresses["quic"], ticket=ticket(before), early=early).datagrams
    before.stop()
    after = start()
    subscriber = connect(TCP5, to=after)
    subscriber.subscribe(topic, 0)
    play(flight, after, 1)
    connect(TCP5, to=after).publish(Message(topic, b"end", 1))
    assert subscriber.next().payload == b"end"


def test_levels(start):
    """0: no tickets; 1: tickets without early data."""
    client = AioQUIC(start("listeners.quic.default.server_resumption_level = 0").addresses["quic"], 5, Options("none"))
    client.connect()
    client.connection.wait(lambda: client.connection.tickets, 0.3)
    assert not client.connection.tickets
    assert ticket(start("listeners.quic.default.server_resumption_level = 1")).max_early_data_size is None
    assert ticket(start("listeners.quic.default.early_data = off")).max_early_data_size is None
    assert ticket(start()).max_early_data_size == 0xFFFFFFFF


def pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", key, "-out", certificate]
        + ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture
def publishes(binary):
    """True if `martlet pub` delivers its message, with a client certificate or without one."""

    def publishes(broker: Server, *words: object) -> bool:
        address = ["-h", "localhost", "-p", str(broker.addresses["quic"][1]), "--quic"]
        done = subprocess.run([binary, "pub", "-t", "t", "-m", "m", "-q", "1", *address, *map(str, words)], capture_output=True, timeout=PATIENCE)
        return done.returncode == 0

    return publishes


def test_clients_must_show_a_certificate(start, publishes, tmp_path):
    (car, key), (stranger, other) = pair(tmp_path, "car"), pair(tmp_path, "stranger")
    broker = start(f'listeners.quic.default.ssl_options {{ verify = verify_peer, cacertfile = "{car}" }}')
    assert publishes(broker, "--insecure", "--cert", car, "--key", key)
    assert not publishes(broker, "--insecure")
    assert not publishes(broker, "--insecure", "--cert", stranger, "--key", other)


def test_hang_up_reads_the_certificate_again(start, publishes, tmp_path, topic):
    (old, old_key), (new, new_key) = pair(tmp_path, "old"), pair(tmp_path, "new")
    used, used_key = tmp_path / "used.pem", tmp_path / "used-key.pem"
    used.write_bytes(old.read_bytes())
    used_key.write_bytes(old_key.read_bytes())
    broker = start(f'listeners.quic.default.ssl_options {{ certfile = "{used}", keyfile = "{used_key}" }}')
    standing = AioQUIC(broker.addresses["quic"], 5, Options("standing"))
    standing.connect()
    standing.subscribe(topic, 1)
    assert publishes(broker, "--cafile", old)
    used.write_bytes(new.read_bytes())
    used_key.write_bytes(new_key.read_bytes())
    broker.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: publishes(broker, "--cafile", new))
    assert not publishes(broker, "--cafile", old)
    standing.publish(Message(topic, b"still here", 1))
    assert standing.next().payload == b"still here"


def test_secrets_are_written_where_the_configuration_says_only(start, tmp_path):
    asked, configured = tmp_path / "by-environment", tmp_path / "by-configuration"
    for configuration in ("", f'listeners.quic.default.sslkeylogfile = "{configured}"'):
        broker = start(configuration, environment={"SSLKEYLOGFILE": str(asked)})
        AioQUIC(broker.addresses["quic"], 5, Options("c")).connect()
    assert not asked.exists()
    assert configured.stat().st_mode & 0o777 == 0o600
    assert {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"} <= {line.split()[0] for line in configured.read_text().splitlines()}
