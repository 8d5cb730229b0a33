"""Data streams: their packets, their end, and its effect on the other streams. The client is aioquic."""

import pytest

import packets
from clients import AioQUIC, Kind, Options, WireOverTCP
from packets import Message, Will
from servers import PATIENCE, pings_in_time
from transports import QUIC, Closed

pytestmark = pytest.mark.martlet
TCP5, QUIC5 = Kind(WireOverTCP, 5), Kind(AioQUIC, 5)
PING = packets.packet(packets.PINGREQ)


class Stream:
    """A data stream of a client, with packets of packets.py in both directions."""

    def __init__(self, quic: QUIC, version: int = 5):
        self.quic, self.version = quic, version
        self.id = quic.open_stream()
        self.inbox = bytearray()
        quic.quic.send_stream_data(self.id, b"")  # the next one has another number

    def send(self, data: bytes) -> None:
        self.quic.send(data, self.id)

    def receive(self, seconds: float = PATIENCE) -> packets.Received | None:
        """The next packet; None if none arrives in time or the stream has ended."""
        found = packets.cut(self.inbox, self.version)
        while found is None:
            self.quic.wait(lambda: self.quic.arrived.get(self.id) or self.is_over, seconds)
            data = self.quic.arrived.pop(self.id, b"")
            if not data:
                return None
            self.inbox += data
            found = packets.cut(self.inbox, self.version)
        return found

    def expect(self, kind: int) -> packets.Received:
        found = self.receive()
        assert found is not None and found.kind == kind, f"stream {self.id}: {found} instead of type {kind}"
        return found

    def subscribe(self, topic: str, qos: int) -> None:
        self.send(packets.subscribe(1, [(topic, qos)], self.version))
        assert self.expect(packets.SUBACK).reasons == (qos,)

    @property
    def is_over(self) -> bool:
        return self.quic.ended(self.id)

    def wait_over(self) -> None:
        self.quic.wait(lambda: self.is_over, PATIENCE)
        assert self.is_over, f"stream {self.id} goes on"

    def lives(self) -> bool:
        self.send(PING)
        return self.expect(packets.PINGRESP) is not None


@pytest.fixture
def client(connect) -> AioQUIC:
    return connect(QUIC5)


@pytest.fixture
def stream(client) -> Stream:
    return Stream(client.connection)


def lives(client: AioQUIC) -> bool:
    client.send(PING)
    return client.expect(packets.PINGRESP) is not None


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_what_a_stream_carries_stays_on_it(connect, topic, version, qos):
    client = connect(Kind(AioQUIC, version))
    writing, reading = Stream(client.connection, version), Stream(client.connection, version)
    reading.subscribe(topic, 2)
    writing.send(packets.publish(Message(topic, b"x", qos), version, 7 if qos else 0))
    if qos == 1:
        assert writing.expect(packets.PUBACK).identifier == 7
    elif qos == 2:
        assert writing.expect(packets.PUBREC).identifier == 7
        writing.send(packets.acknowledgement(packets.PUBREL, 7))
        assert writing.expect(packets.PUBCOMP).identifier == 7
    received = reading.expect(packets.PUBLISH)
    assert received.message == Message(topic, b"x", qos)
    if qos == 1:
        reading.send(packets.acknowledgement(packets.PUBACK, received.identifier))
    elif qos == 2:
        reading.send(packets.acknowledgement(packets.PUBREC, received.identifier))
        assert reading.expect(packets.PUBREL).identifier == received.identifier
        reading.send(packets.acknowledgement(packets.PUBCOMP, received.identifier))
    assert QUIC.CONTROL not in client.connection.arrived
    assert reading.lives() and writing.lives() and lives(client)


def test_a_filter_on_several_streams_is_as_many_copies(client, connect, topic):
    """Each with a packet identifier of its own stream."""
    streams = [Stream(client.connection) for _ in range(3)]
    for stream in streams:
        stream.subscribe(topic, 1)
    connect(TCP5).publish(Message(topic, b"x", 1))
    assert [stream.expect(packets.PUBLISH).identifier for stream in streams] == [1, 1, 1]


def test_unsubscribe_on_another_stream(client, stream, topic):
    stream.subscribe(topic, 0)
    other = Stream(client.connection)
    other.send(packets.unsubscribe(2, [topic]))
    assert other.expect(packets.UNSUBACK).reasons == (0x11,)
    client.send(packets.unsubscribe(2, [topic]))
    assert client.expect(packets.UNSUBACK).reasons == (0x11,)
    stream.send(packets.unsubscribe(2, [topic]))
    assert stream.expect(packets.UNSUBACK).reasons == (0,)


def test_aliases_are_each_streams_own(client, connect, topic):
    watcher = connect(TCP5)
    watcher.subscribe(f"{topic}/#", 0)
    for number in range(2):
        stream = Stream(client.connection)
        stream.send(packets.publish(Message(f"{topic}/{number}", b"named"), topic_alias=1))
        stream.send(packets.publish(Message("", b"short"), topic_alias=1))
        assert [watcher.next().topic for _ in range(2)] == [f"{topic}/{number}"] * 2


def test_half_a_packet_holds_up_no_other_stream(client, connect, topic):
    watcher = connect(TCP5)
    watcher.subscribe(topic, 0)
    slow, quick = Stream(client.connection), Stream(client.connection)
    data = packets.publish(Message(topic, b"slow"))
    slow.send(data[:5])
    quick.send(packets.publish(Message(topic, b"quick")))
    assert watcher.next().payload == b"quick"
    slow.send(data[5:])
    assert watcher.next().payload == b"slow"


def test_pings_on_a_data_stream_keep_the_client_alive(server, topic):
    for number in range(10):
        client = AioQUIC(server.addresses["quic"], 5, Options(f"{topic}-pinging-{number}", keep_alive=1))
        client.connect()
        stream = Stream(client.connection)
        if pings_in_time(stream.lives, count=8, every=0.5, allowed=1.4):
            assert client.wait_closed() == 0x8D
            return
    pytest.skip("the machine is too busy for a keep alive of a second")


@pytest.mark.parametrize(
    "data, reason",
    [
        (packets.connect("second"), 0x82), (packets.packet(packets.AUTH), 0x82), (b"\x00\x00", 0x81),
        (b"\x30\xff\xff\xff\x7f", 0x95), (packets.packet(packets.CONNACK, b"\0\0\0"), 0x82),
    ],
    ids=["connect", "auth", "malformed", "too-large", "connack"],
)
def test_a_violation_ends_its_stream_alone(connect, topic, data, reason):
    watcher = connect(TCP5)
    watcher.subscribe(topic, 1)
    client = connect(QUIC5, will=Will(topic, b"gone", 1))
    other, stream = Stream(client.connection), Stream(client.connection)
    assert other.lives()
    stream.send(data)
    stream.wait_over()
    client.connection.wait(lambda: stream.id in client.connection.stopped, PATIENCE)
    assert client.connection.reset[stream.id] == reason and client.connection.stopped[stream.id] == reason
    assert not client.connection.arrived.get(stream.id), "no CONNACK, no DISCONNECT"
    assert other.lives() and lives(client) and Stream(client.connection).lives()
    watcher.nothing()


def test_disconnect_on_a_data_stream_ends_it_alone(connect, topic):
    watcher = connect(TCP5)
    watcher.subscribe(topic, 1)
    client = connect(QUIC5, will=Will(topic, b"gone", 1))
    stream = Stream(client.connection)
    stream.send(packets.disconnect(reason=4))
    stream.wait_over()
    assert stream.id in client.connection.finished
    assert lives(client)
    watcher.nothing()


def test_the_end_of_a_stream_ends_its_subscriptions(client, connect, topic):
    first, second = Stream(client.connection), Stream(client.connection)
    for stream in (first, second):
        stream.subscribe(topic, 0)
    first.send(packets.publish(Message(f"{topic}/other", b"x", 1), identifier=3))
    client.connection.finish(first.id)
    assert first.expect(packets.PUBACK).identifier == 3, "what came before is answered"
    first.wait_over()
    assert first.id in client.connection.finished
    connect(TCP5).publish(Message(topic, b"x"))
    assert second.expect(packets.PUBLISH).payload == b"x"
    assert first.receive(0.2) is None


def test_a_half_that_is_abandoned_takes_the_other_along(client):
    quic = client.connection
    reset, stopped = Stream(quic), Stream(quic)
    assert reset.lives() and stopped.lives()
    quic.abandon(reset.id, 7)
    reset.wait_over()
    assert quic.reset[reset.id] == 7
    quic.stop(stopped.id, 9)
    quic.wait(lambda: stopped.id in quic.stopped, PATIENCE)
    assert stopped.id in quic.stopped and quic.reset[stopped.id] == 9
    assert lives(client)


def test_streams_are_given_back(client):
    """More streams, one after another, than may be open at once."""
    for _ in range(40):
        stream = Stream(client.connection)
        assert stream.lives()
        client.connection.finish(stream.id)
        stream.wait_over()


def test_what_comes_before_connack_waits(server, connect, topic):
    """Four streams beside the control stream, opened first, as deployed clients do; one is larger than its window."""
    watcher = connect(TCP5)
    watcher.subscribe(f"{topic}/#", 0)
    quic = QUIC(server.addresses["quic"])
    quic.quic.send_stream_data(QUIC.CONTROL, b"")
    streams = [Stream(quic) for _ in range(4)]
    for number, stream in enumerate(streams):
        payload = b"x" * (200_000 if number == 0 else 10)
        stream.send(packets.publish(Message(f"{topic}/{number}", payload, 1), identifier=1))
    watcher.nothing()
    assert not quic.arrived and not quic.reset and not quic.stopped
    quic.send(packets.connect(f"{topic}-early"))
    assert packets.cut(bytearray(quic.receive(PATIENCE)), 5).kind == packets.CONNACK
    for stream in streams:
        assert stream.expect(packets.PUBACK).identifier == 1
    assert sorted(len(watcher.next().payload) for _ in streams) == [10, 10, 10, 200_000]
    quic.abort()


def test_control_stream_is_stream_0_whatever_comes_first(server, topic):
    """CONNECT on stream 4 is not answered there, and the one on stream 0 is; then the other is a second one."""
    quic = QUIC(server.addresses["quic"])
    quic.quic.send_stream_data(QUIC.CONTROL, b"")
    side = Stream(quic)
    side.send(packets.connect(f"{topic}-side"))
    assert side.receive(0.3) is None and not side.is_over
    quic.send(packets.connect(f"{topic}-main"))
    assert packets.cut(bytearray(quic.receive(PATIENCE)), 5).kind == packets.CONNACK
    side.wait_over()
    assert quic.reset[side.id] == 0x82
    quic.abort()


def test_take_over_ends_all_streams(connect, topic):
    """DISCONNECT on the control stream, and its code; nothing on the others."""
    client = connect(QUIC5, f"{topic}-taken", clean=False, expires=60)
    stream = Stream(client.connection)
    stream.subscribe(topic, 1)
    connect(TCP5, f"{topic}-taken", clean=False, expires=60)
    assert client.wait_closed() == 0x8E
    client.connection.wait(lambda: client.connection.closed is not None, PATIENCE)
    assert client.connection.stopped[QUIC.CONTROL] == 0x8E
    assert client.connection.closed.code == 0
    assert not client.connection.arrived.get(stream.id)


def test_what_a_stream_owes_goes_out_on_the_control_stream(client, connect, topic):
    stream = Stream(client.connection)
    stream.subscribe(topic, 1)
    publisher = connect(TCP5)
    for number in range(3):
        publisher.publish(Message(topic, b"%d" % number, 1))
    received = [stream.expect(packets.PUBLISH) for _ in range(3)]
    stream.send(packets.acknowledgement(packets.PUBACK, received[1].identifier))
    client.connection.finish(stream.id)
    stream.wait_over()
    assert [client.next().payload for _ in range(2)] == [b"0", b"2"]
    assert lives(client)


@pytest.mark.parametrize("ends", ["finished", "reset", "connection"])
def test_qos_2_of_an_ended_stream_is_recognised(connect, topic, ends):
    """A repeated PUBLISH and PUBREL on the control stream; it is delivered once."""
    watcher = connect(TCP5)
    watcher.subscribe(topic, 0)
    client = connect(QUIC5, f"{topic}-sender", clean=False, expires=60)
    stream = Stream(client.connection)
    stream.send(packets.publish(Message(topic, b"once", 2), identifier=9))
    assert stream.expect(packets.PUBREC).identifier == 9
    if ends == "finished":
        client.connection.finish(stream.id)
        stream.wait_over()
    elif ends == "reset":
        client.connection.abandon(stream.id, 1)
        stream.wait_over()
    else:
        client.drop()
        client = connect(QUIC5, f"{topic}-sender", clean=False, expires=60)
        assert client.session_present
    client.send(packets.publish(Message(topic, b"once", 2), identifier=9, duplicate=True))
    assert client.expect(packets.PUBREC).identifier == 9
    for reason in (0, 0x92):
        client.send(packets.acknowledgement(packets.PUBREL, 9))
        assert client.expect(packets.PUBCOMP).reason == reason
    assert watcher.next().payload == b"once"
    watcher.nothing()


def test_a_stream_that_is_not_read_delays_no_other(client, connect, topic):
    """aioquic gives credit for all that it has received, so it is kept from doing so."""
    stuck, quick = Stream(client.connection), Stream(client.connection)
    stuck.subscribe(f"{topic}/stuck", 0)
    quick.subscribe(f"{topic}/quick", 0)
    quic = client.connection.quic
    give_credit = quic._write_stream_limits
    quic._write_stream_limits = lambda stream, **rest: None if stream.stream_id == stuck.id else give_credit(stream=stream, **rest)
    publisher = connect(TCP5)
    for number in range(200):
        publisher.publish(Message(f"{topic}/stuck", bytes(20_000)))
        publisher.publish(Message(f"{topic}/quick", b"%d" % number))
        assert quick.expect(packets.PUBLISH).payload == b"%d" % number
    assert lives(client)
