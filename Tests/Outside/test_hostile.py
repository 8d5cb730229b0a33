"""Ten thousand connections with random octets, incomplete packets and packets with changed octets. Afterwards the broker
serves clients as before, and its memory has not grown."""

import random
import re
import socket
from pathlib import Path

import pytest

import packets
from clients import Kind, WireOverTCP
from packets import Message
from servers import PATIENCE, wait_until

CONNECTIONS = 10_000
WARM_UP = 2_000
# Octets that the resident memory may be larger afterwards: heaps keep some room.
GROWTH = 24 * 1024 * 1024
READER = Kind(WireOverTCP, 5)

GOOD = [
    packets.connect("hostile", session_expiry=1, user_property=("a", "b")),
    packets.subscribe(1, [("h/+", 1), ("#", 2)]),
    packets.publish(Message("h/n", b"payload" * 50, 2), identifier=3, user_property=("key", "value")),
    packets.acknowledgement(packets.PUBREL, 3),
    packets.unsubscribe(4, ["h/+"]),
    packets.disconnect(5, 0x04),
]


def noise(source: random.Random) -> bytes:
    return source.randbytes(source.randrange(1, 600))


def broken_off(source: random.Random) -> bytes:
    data = b"".join(GOOD)
    return data[: source.randrange(1, len(data))]


def changed(source: random.Random) -> bytes:
    data = bytearray(b"".join(GOOD))
    for _ in range(source.randrange(1, 5)):
        data[source.randrange(len(data))] = source.randrange(256)
    return bytes(data)


def assail(address, count: int, source: random.Random) -> None:
    kept: list[socket.socket] = []
    for _ in range(count):
        try:
            connection = socket.create_connection(address, PATIENCE)
            connection.sendall(source.choice([noise, broken_off, changed])(source))
            kept.append(connection)
        except OSError:
            pass  # the broker may close first
        # Some are closed at once, some stay a while with what they have begun.
        while kept and (len(kept) > 100 or source.random() < 0.5):
            kept.pop(source.randrange(len(kept))).close()
    for connection in kept:
        connection.close()


def resident(server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


@pytest.mark.martlet
def test_ten_thousand_connections(start, connect, topic, record_property):
    broker = start()
    source = random.Random(20260103)
    assail(broker.addresses["tcp"], WARM_UP, source)
    before = resident(broker)
    assail(broker.addresses["tcp"], CONNECTIONS, source)
    wait_until(lambda: resident(broker) <= before, 10)
    after = resident(broker)
    record_property("resident before", before)
    record_property("resident after", after)
    print(f"resident before {before // 1024} KiB, after {after // 1024} KiB")

    subscriber, publisher = (connect(READER, f"{topic}-{name}", to=broker) for name in ("subscriber", "publisher"))
    subscriber.subscribe(topic, 2)
    publisher.publish(Message(topic, b"as before", 2))
    assert subscriber.next().payload == b"as before"
    assert after <= before + GROWTH
