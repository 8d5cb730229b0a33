"""Streams of JetStream that are full: who is refused with 0x97 or waits, and what goes on as ever."""

import pytest

import packets
from clients import Options, WireOverTCP
from machines import Machines
from packets import Message

PATIENCE = 60  # seconds
FOR_LONG = 100_000  # seconds
QUOTA_EXCEEDED = 0x97
# What brokers log.
FULL, SPACE = "a stream of JetStream is full", "JetStream has space again"
LARGE = b"x" * 20_000

pytestmark = pytest.mark.martlet


def client(address, name: str, version: int = 5, clean: bool = False, expires: int = FOR_LONG) -> WireOverTCP:
    return WireOverTCP(address, version, Options(name, clean=clean, expires=expires))


def fill(publisher: WireOverTCP, topic: str) -> list[bytes]:
    """Publishes until a message is refused. Returns the payloads that were taken."""
    taken: list[bytes] = []
    for number in range(1, 5_000):
        payload = b"%d " % number + LARGE
        publisher.send(packets.publish(Message(topic, payload, 1 + number % 2), 5, number))
        answer = publisher.expect(packets.PUBREC if number % 2 else packets.PUBACK, PATIENCE)
        if answer.reason == QUOTA_EXCEEDED:
            return taken
        assert answer.reason == 0
        taken.append(payload)
        if number % 2:
            publisher.send(packets.acknowledgement(packets.PUBREL, number))
            publisher.expect(packets.PUBCOMP, PATIENCE)
    raise AssertionError("nothing is refused")


def refuses_sessions(address, name: str) -> bool:
    """True if a new durable session is refused for want of space."""
    device = client(address, name)
    device.send(device.greeting)
    answer = device.expect(packets.CONNACK, PATIENCE)
    device.drop()
    assert answer.reason in (0, QUOTA_EXCEEDED)
    return answer.reason == QUOTA_EXCEEDED


def publish(publisher: WireOverTCP, message: Message, identifier: int) -> None:
    """At QoS 1, and it is taken."""
    publisher.send(packets.publish(message, 5, identifier))
    answer = publisher.expect(packets.PUBACK, PATIENCE)
    assert (answer.identifier, answer.reason) == (identifier, 0)


def test_a_full_stream_drains(machines: Machines):
    machines.serve()
    machines.bound_streams(octets=16 << 20)
    places = machines.places
    away = client(places[0], "away")
    away.connect()
    away.subscribe("orders/#", 2)
    away.disconnect()
    old = client(places[1], "old", version=4, clean=True)
    old.connect()
    publisher = client(places[2], "publisher", clean=True, expires=0)
    publisher.connect()
    expected = fill(publisher, "orders/1")
    assert len(expected) * len(LARGE) > 8 << 20
    machines.wait_for(FULL)
    for number in range(6):
        assert refuses_sessions(places[number % 3], f"new {number}")
    # MQTT 3 knows no refusal: the message waits.
    old.send(packets.publish(Message("orders/1", b"withheld", 1), 4, 9))
    # What nobody keeps goes on.
    listener = client(places[0], "listener", clean=True, expires=0)
    listener.connect()
    listener.subscribe("news/#", 1)
    for number in range(10):
        publisher.publish(Message("news/1", b"%d" % number, 1))
        assert listener.next(PATIENCE).payload == b"%d" % number

    # The session is there, and its client empties the stream.
    away = client(places[1], "away")
    assert away.connect()
    found = [away.next(PATIENCE).payload for _ in expected]
    for qos in (0, 1):
        assert [payload for payload in found if int(payload.split()[0]) % 2 == qos] == [payload for payload in expected if int(payload.split()[0]) % 2 == qos]
    assert old.expect(packets.PUBACK, PATIENCE).identifier == 9
    assert away.next(PATIENCE).payload == b"withheld"
    machines.wait_for(SPACE)
    for number in range(6):
        assert not refuses_sessions(places[number % 3], f"later {number}")
    last = Message("orders/1", b"last", 2)
    publisher.send(packets.publish(last, 5, 6_000))
    assert publisher.expect(packets.PUBREC, PATIENCE).reason == 0
    publisher.send(packets.acknowledgement(packets.PUBREL, 6_000))
    assert away.next(PATIENCE).payload == b"last"


def test_a_stream_that_takes_nothing(machines: Machines):
    """Without even the space that is reserved, appends wait, and go on by themselves when somebody gives the stream more."""
    machines.serve()
    places = machines.places
    away = client(places[0], "away")
    away.connect()
    away.subscribe("orders/#", 2)
    away.disconnect()
    publisher = client(places[2], "publisher", clean=True, expires=0)
    publisher.connect()
    publish(publisher, Message("orders/1", b"before", 1), 1)
    machines.bound_streams(beyond=100)
    # A CONNECT that came before the nodes know would wait.
    machines.wait_for(FULL)
    assert refuses_sessions(places[2], "new")
    publisher.send(packets.publish(Message("orders/1", b"refused", 1), 5, 500))
    assert publisher.expect(packets.PUBACK, PATIENCE).reason == QUOTA_EXCEEDED
    machines.bound_streams(octets=1 << 30)
    machines.wait_for(SPACE)
    assert not refuses_sessions(places[2], "later")
    publish(publisher, Message("orders/1", b"after", 1), 501)
    away = client(places[1], "away")
    assert away.connect()
    assert away.next(PATIENCE).payload == b"before"
    assert away.next(PATIENCE).payload == b"after"
    away.nothing()
