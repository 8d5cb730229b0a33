"""Many messages at QoS 1 and 2: none is lost or duplicated, and their order is kept. The tests assert counts, not times."""

import struct

import pytest

import packets
from clients import AioQUIC, Kind, WireOverTCP
from packets import Message

WINDOW = 20  # PUBLISHes of the publisher that wait for their acknowledgement
LAG = 500  # messages that the subscriber may be behind: the broker's queue is bounded, and drops beyond it


@pytest.mark.parametrize(
    "publisher, subscriber, count",
    [
        (Kind(WireOverTCP, 5), Kind(WireOverTCP, 5), 20_000),
        (Kind(WireOverTCP, 4), Kind(WireOverTCP, 4), 20_000),
        (Kind(AioQUIC, 5), Kind(WireOverTCP, 5), 5_000),
        (Kind(WireOverTCP, 5), Kind(AioQUIC, 5), 5_000),
    ],
    ids=["tcp-5", "tcp-3.1.1", "quic-to-tcp", "tcp-to-quic"],
)
@pytest.mark.parametrize("qos", [1, 2])
def test_none_lost_none_twice(connect, topic, publisher, subscriber, count, qos):
    """[MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-4.6.0-6]"""
    reader, writer = connect(subscriber), connect(publisher)
    reader.subscribe(topic, qos)
    last = packets.PUBACK if qos == 1 else packets.PUBCOMP
    sent = acknowledged = 0
    received: list[int] = []
    while acknowledged < count or len(received) < count:
        batch = b""
        while sent < count and sent - acknowledged < WINDOW and sent - len(received) < LAG:
            message = Message(topic, struct.pack(">I", sent), qos)
            batch += packets.publish(message, publisher.version, writer.next_identifier())
            sent += 1
        if batch:
            writer.send(batch)
        if acknowledged < sent:
            acknowledged += acknowledgements(writer, last)
        stalled = acknowledged == sent and len(received) < sent and (sent == count or sent - len(received) == LAG)
        received += [struct.unpack(">I", payload)[0] for payload in arrivals(reader, waits=stalled)]
    assert received == list(range(count))
    reader.nothing()


def acknowledgements(writer, last: int) -> int:
    """Reads until at least one PUBLISH is done, and returns how many are."""
    done = 0
    while not done or writer.inbox:
        found = writer.receive() if not done else writer.receive(0)
        if found is None:
            assert done, "no acknowledgement came"
            break
        if found.kind == packets.PUBREC:
            writer.send(packets.acknowledgement(packets.PUBREL, found.identifier))
        done += found.kind == last
    return done


def arrivals(reader, waits: bool) -> list[bytes]:
    """The packets that have arrived; if the test cannot continue without another packet, waits for the next one."""
    found = reader.receive(10 if waits else 0)
    assert found is not None or not waits, "messages are missing"
    while found is not None:
        reader.handle(found)
        found = reader.receive(0)
    payloads = [publish.payload for publish in reader.kept]
    reader.kept.clear()
    return payloads
