"""Behaviour that only QUIC has, without data streams (test_streams.py): take-over between transports, address changes."""

import socket
import ssl

import pytest

import packets
from clients import AioQUIC, Kind, Options, WireOverTCP
from packets import Message, Will
from servers import PATIENCE
from transports import QUIC, Closed

pytestmark = pytest.mark.martlet
TCP5, QUIC5 = Kind(WireOverTCP, 5), Kind(AioQUIC, 5)


@pytest.fixture
def client(connect, topic) -> AioQUIC:
    """A client that is connected and subscribed to its topic."""
    client = connect(QUIC5)
    client.subscribe(topic, 1)
    return client


def ended(client: AioQUIC) -> int:
    """The error code with which the broker closed the connection."""
    quic = client.connection
    quic.wait(lambda: quic.closed is not None, PATIENCE)
    return quic.closed.code


def works(client: AioQUIC, topic: str) -> bool:
    client.publish(Message(topic, b"works", 1))
    return client.next().payload == b"works"


def test_unidirectional_stream_is_refused_and_the_connection_goes_on(client, topic):
    quic = client.connection
    stream = quic.quic.get_next_available_stream_id(is_unidirectional=True)
    quic.send(b"no MQTT", stream)
    quic.wait(lambda: stream in quic.stopped, PATIENCE)
    assert stream in quic.stopped, "no STOP_SENDING"
    assert works(client, topic)


@pytest.mark.parametrize("first, second", [(TCP5, QUIC5), (QUIC5, TCP5), (QUIC5, QUIC5)], ids=["tcp-quic", "quic-tcp", "quic-quic"])
def test_session_moves_between_transports(connect, topic, first, second):
    older = connect(first, f"{topic}-mover", clean=False, expires=60)
    older.subscribe(topic, 1)
    newer = connect(second, f"{topic}-mover", clean=False, expires=60)
    assert newer.session_present
    assert older.wait_closed() == 0x8E
    connect(TCP5).publish(Message(topic, b"to the new one", 1))
    assert newer.next().payload == b"to the new one"


def test_fin_of_the_control_stream_ends_the_connection(connect, topic):
    watcher = connect(TCP5)
    watcher.subscribe(topic, 1)
    client = connect(QUIC5, will=Will(topic, b"gone", 1))
    client.connection.finish(QUIC.CONTROL)
    client.wait_closed()
    assert ended(client) == 1
    assert watcher.next().payload == b"gone"


def test_reset_of_the_control_stream_ends_the_connection(connect, topic):
    watcher = connect(TCP5)
    watcher.subscribe(topic, 1)
    client = connect(QUIC5, will=Will(topic, b"gone", 1))
    client.connection.abandon(QUIC.CONTROL, 7)
    client.wait_closed()
    assert ended(client) == 1
    assert watcher.next().payload == b"gone"


def test_graceful_disconnect_closes_with_code_0(client):
    client.send(packets.disconnect())
    client.wait_closed()
    assert ended(client) == 0


@pytest.mark.parametrize(
    "configuration",
    ["node.loops = 1", "node.loops = 4", "node.loops = 4\nlisteners.quic.default { kernel_steering = false, connection_id.mode = plain }"],
    ids=["one-loop", "steered", "tossed"],
)
def test_address_change_loses_nothing(start, connect, topic, configuration):
    """RFC 9000 §9: another port of the client, with messages under way in both directions, and mostly another loop that
    is given its packets."""
    broker = start(configuration)
    subscriber, publisher = connect(QUIC5, to=broker), connect(QUIC5, to=broker)
    subscriber.subscribe(topic, 1)
    for number in range(60):
        if number % 20 == 10:
            subscriber.connection.rebind()
            subscriber.send(packets.packet(packets.PINGREQ))  # a client that says nothing cannot be found
        if number % 20 == 15:
            publisher.connection.rebind()
        publisher.publish(Message(topic, b"%d" % number, 1))
        assert subscriber.next().payload == b"%d" % number


def test_unknown_protocol_is_refused(server):
    """ALPN: no_application_protocol, TLS alert 120 (RFC 9001 §8.1)"""
    with pytest.raises(Closed) as closed:
        QUIC(server.addresses["quic"], alpn="h3")
    assert closed.value.code == 0x100 + 120


def test_generated_certificate_is_not_trusted_blindly(server):
    """A client that verifies certificates refuses the generated one, which no known authority has signed."""
    with pytest.raises(Closed):
        QUIC(server.addresses["quic"], verify=ssl.CERT_REQUIRED)


def test_noise_on_the_port(server, connect, topic):
    """Datagrams that are not QUIC, too short, of another version, or of an unknown connection."""
    noise = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for length in (0, 1, 5, 20, 21, 1199, 1200, 1472, 9000):
        for first in (0x00, 0x40, 0x80, 0xC0, 0xFF):
            noise.sendto(bytes([first]) * length, server.addresses["quic"])
    client = connect(QUIC5)
    client.subscribe(topic, 1)
    assert works(client, topic)


def test_unknown_version_is_negotiated(server):
    """RFC 9000 §6.1: Version Negotiation with version 1, and the identifiers swapped."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.settimeout(PATIENCE)
    theirs, ours = b"\x11" * 8, b"\x22" * 8
    initial = b"\xc0" + b"\x1a\x2a\x3a\x4a" + bytes([8]) + theirs + bytes([8]) + ours
    probe.sendto(initial.ljust(1200, b"\0"), server.addresses["quic"])
    answer = probe.recv(2000)
    assert answer[0] & 0x80 and answer[1:5] == bytes(4)
    assert answer[5:23] == bytes([8]) + ours + bytes([8]) + theirs
    assert b"\0\0\0\1" in [answer[at : at + 4] for at in range(23, len(answer), 4)]


def test_client_that_vanishes_is_forgotten(start):
    """The client's keep alive ends the connection, which neither side has closed."""
    broker = start()
    watcher = WireOverTCP(broker.addresses["tcp"], 5, Options("watcher"))
    watcher.connect()
    watcher.subscribe("gone", 1)
    client = AioQUIC(broker.addresses["quic"], 5, Options("vanishing", keep_alive=1, will=Will("gone", b"gone", 1)))
    client.connect()
    client.connection.socket.close()
    assert watcher.next().payload == b"gone"
    assert broker.is_running
    watcher.disconnect()
