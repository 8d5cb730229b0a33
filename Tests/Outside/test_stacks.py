"""MQTT clients on other QUIC stacks, with the features of QUIC that each stack has."""

import pytest

import packets
from clients import PATIENCE, AioQUIC, Kind, Options, Picoquic, WireOverQUIC, WireOverTCP, each_stack
from packets import Message, Will
from servers import Server
from stacks import HAS_PICOQUIC
from transports import QUIC

pytestmark = pytest.mark.martlet
TCP5 = Kind(WireOverTCP, 5)
LARGE = 1 << 20



@pytest.fixture(scope="module")
def wide(start) -> Server:
    """A broker that accepts packets of up to 2 MB."""
    return start('mqtt.max_packet_size = "2MB"')


def ticket_of(stack: type[WireOverQUIC], server: Server, **options) -> object:
    """The ticket and the token of a client's first connection."""
    first = stack(server.addresses["quic"], 5, Options(**options))
    first.connect()
    first.ping()
    ticket = first.connection.take_ticket()
    assert ticket is not None, "the broker gives no tickets"
    return ticket


@each_stack
@pytest.mark.parametrize("version", [4, 5])
def test_messages_both_ways(connect, topic, stack, version):
    client, other = connect(Kind(stack, version)), connect(TCP5)
    client.subscribe(f"{topic}/down", 2)
    other.subscribe(f"{topic}/up", 2)
    for qos in (0, 1, 2):
        client.publish(Message(f"{topic}/up", b"up %d" % qos, qos))
        assert other.next() == Message(f"{topic}/up", b"up %d" % qos, qos)
        other.publish(Message(f"{topic}/down", b"down %d" % qos, qos))
        assert client.next() == Message(f"{topic}/down", b"down %d" % qos, qos)
    client.unsubscribe(f"{topic}/down")
    other.publish(Message(f"{topic}/down", b"unheard", 1))
    client.ping()
    assert not client.kept


@each_stack
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_large_payload_both_ways(connect, wide, topic, stack, qos):
    """A payload that is larger than any window, datagram or buffer."""
    client, other = connect(Kind(stack, 5), to=wide), connect(TCP5, to=wide)
    payload = bytes(range(256)) * (LARGE // 256)
    client.subscribe(f"{topic}/down", 2)
    other.subscribe(f"{topic}/up", 2)
    client.publish(Message(f"{topic}/up", payload, qos))
    client.ping()
    assert other.next() == Message(f"{topic}/up", payload, qos)
    other.publish(Message(f"{topic}/down", payload, qos))
    assert client.next() == Message(f"{topic}/down", payload, qos)


@each_stack
def test_graceful_disconnect(connect, topic, stack):
    client = connect(Kind(stack, 5))
    client.send(packets.disconnect())
    assert client.wait_closed() is None
    client.connection.wait(lambda: client.connection.closed is not None, PATIENCE)
    assert client.connection.closed.code == 0


@each_stack
def test_lost_client_has_a_will(connect, topic, stack):
    watcher = connect(TCP5)
    watcher.subscribe(topic, 1)
    connect(Kind(stack, 5), will=Will(topic, b"gone", 1)).drop()
    assert watcher.next() == Message(topic, b"gone", 1)


@each_stack
def test_keys_are_renewed(server, topic, stack):
    """RFC 9001 §6: by the client, in the middle of its messages; the broker follows."""
    own = {"key_update_interval": 20} if stack is Picoquic else {}
    client = stack(server.addresses["quic"], 5, Options(topic), **own)
    client.connect()
    client.subscribe(topic, 1)
    for number in range(60):
        if number % 20 == 10 and stack is not Picoquic:
            client.connection.quic.request_key_update()
        client.publish(Message(topic, b"%d" % number, 1))
        assert client.next().payload == b"%d" % number
    client.disconnect()


@each_stack
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_data_streams_keep_to_themselves(connect, topic, stack, qos):
    """Acknowledgements and deliveries are sent on their own stream, and nothing on the control stream."""
    client, other = connect(Kind(stack, 5)), connect(TCP5)
    writing, reading = client.open(), client.open()
    other.subscribe(f"{topic}/up", 2)
    assert reading.subscribe(f"{topic}/down", 2) == 2
    for number in range(5):
        message = Message(f"{topic}/up", b"%d" % number, qos)
        writing.publish(message)
        assert other.next() == message
        message = Message(f"{topic}/down", b"%d" % number, qos)
        other.publish(message)
        assert reading.next() == message
    assert QUIC.CONTROL not in client.connection.arrived
    for each in (client, writing, reading):
        each.ping()


@each_stack
def test_large_payloads_on_data_streams(connect, wide, topic, stack):
    client, other = connect(Kind(stack, 5), to=wide), connect(TCP5, to=wide)
    writing, reading = client.open(), client.open()
    other.subscribe(f"{topic}/up", 2)
    reading.subscribe(f"{topic}/down", 2)
    for sender, reader, way in ((writing, other, "up"), (other, reading, "down")):
        message = Message(f"{topic}/{way}", bytes(LARGE), 1)
        sender.publish(message)
        assert reader.next() == message
    client.ping()


@each_stack
def test_finished_stream_ends_alone(connect, topic, stack):
    """With its subscriptions; what came before is answered."""
    client, other = connect(Kind(stack, 5)), connect(TCP5)
    first, second = client.open(), client.open()
    for each in (first, second):
        each.subscribe(topic, 1)
    first.connection.finish()
    first.connection.wait_over()
    assert first.connection.id in client.connection.finished
    other.publish(Message(topic, b"for one", 1))
    assert second.next().payload == b"for one"
    client.ping()
    assert not client.kept


@each_stack
def test_reset_stream_ends_alone(connect, topic, stack):
    """The broker ends its side with the same code."""
    client = connect(Kind(stack, 5))
    stream, other = client.open(), client.open()
    for each in (stream, other):
        each.ping()
    stream.connection.abandon(7)
    stream.connection.wait_over()
    assert client.connection.reset[stream.connection.id] == 7
    other.ping()
    client.ping()
    client.open().ping()


@each_stack
def test_stopped_stream_ends_alone(connect, topic, stack):
    """RFC 9000 §3.5: STOP_SENDING is answered with RESET_STREAM of its code; and what the client still sends there is not
    wanted."""
    client = connect(Kind(stack, 5))
    quic = client.connection
    stream, other = client.open(), client.open()
    for each in (stream, other):
        each.ping()
    stream.connection.stop(9)
    stream.connection.wait_over()
    assert quic.reset[stream.connection.id] == 9
    quic.wait(lambda: stream.connection.id in quic.stopped, PATIENCE)
    assert stream.connection.id in quic.stopped
    other.ping()
    client.ping()


@each_stack
def test_streams_are_given_back(connect, stack):
    """More streams, one after another, than may be open at once."""
    client = connect(Kind(stack, 5))
    for _ in range(30):
        stream = client.open()
        stream.ping()
        stream.connection.finish()
        stream.connection.wait_over()


@each_stack
def test_resumption(server, topic, stack):
    """The handshake without a certificate, and the session of the client."""
    options = {"identifier": f"{topic}-{stack.__name__}", "clean": False, "expires": 60}
    ticket = ticket_of(stack, server, **options)
    second = stack(server.addresses["quic"], 5, Options(**options), ticket=ticket)
    assert second.connection.resumed
    assert second.connect(), "no session"
    second.ping()
    second.disconnect()


@pytest.fixture(scope="module")
def wary(start) -> Server:
    """A listener that sends Retry to every client."""
    return start("listeners.quic.default.retry.mode = always")


@each_stack
def test_early_data(connect, server, topic, stack):
    """CONNECT and a message in the first flight: executed once, whether it was taken early or sent again."""
    early_data(connect, server, topic, stack)


@pytest.mark.skipif(not HAS_PICOQUIC, reason="no picoquic here")
def test_early_data_after_a_retry(connect, wary, topic):
    """The first flight comes twice, the second time with the Retry's token. Of these stacks picoquic sends it again."""
    early_data(connect, wary, topic, Picoquic)


def early_data(connect, server: Server, topic: str, stack: type[WireOverQUIC]) -> None:
    watcher = connect(TCP5, to=server)
    watcher.subscribe(topic, 2)
    options = {"identifier": f"{topic}-{stack.__name__}"}
    ticket = ticket_of(stack, server, **options)
    greeting = packets.connect(options["identifier"]) + packets.publish(Message(topic, b"early", 1), identifier=1)
    second = stack(server.addresses["quic"], 5, Options(**options), ticket=ticket, early=greeting)
    assert not second.connected()
    assert second.expect(packets.PUBACK).identifier == 1
    assert watcher.next() == Message(topic, b"early", 1)
    second.ping()
    assert not watcher.kept
    taken = second.connection.took_early
    second.disconnect()
    assert taken is not False, "the broker takes no early data: it was sent again"
