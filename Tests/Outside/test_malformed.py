"""Bytes that no client should send: the connection is closed with the right reason, and the broker goes on."""

import contextlib
import random
import struct

import pytest

import packets
from clients import AioQUIC, Kind, Options, Wire, WireOverTCP
from packets import Message, packet, string
from transports import QUIC, TCP, Closed

TRANSPORTS = pytest.mark.parametrize("transport", [TCP, QUIC], ids=lambda t: t.name)
MALFORMED, PROTOCOL_ERROR, TOPIC_INVALID, TOO_LARGE = 0x81, 0x82, 0x90, 0x95


def connect_body(name: bytes = b"MQTT", level: int = 5, flags: int = 2, properties: bytes = b"\0", payload: bytes = b"\0\1a") -> bytes:
    return packet(packets.CONNECT, string(name) + bytes([level, flags, 0, 60]) + properties + payload)


# name: what is sent, and the reason codes one of which a CONNACK may carry; it may also be absent.
BEFORE_CONNECT = {
    "PINGREQ first [MQTT-3.1.0-1]": (packet(packets.PINGREQ), ()),
    "PUBLISH first [MQTT-3.1.0-1]": (packets.publish(Message("a", b"b")), ()),
    "unknown protocol name [MQTT-3.1.2-1]": (connect_body(b"MQTX"), (0x84, MALFORMED, PROTOCOL_ERROR, 1)),
    "protocol level 6 [MQTT-3.1.2-2]": (connect_body(level=6), (0x84, 1)),
    "reserved connect flag [MQTT-3.1.2-3]": (connect_body(flags=3), (MALFORMED, PROTOCOL_ERROR)),
    "will QoS 3 [MQTT-3.1.2-12]": (connect_body(flags=0x1E, payload=b"\0\1a\0\0\1w\0\1p"), (MALFORMED, PROTOCOL_ERROR)),
    "will QoS without will [MQTT-3.1.2-11]": (connect_body(flags=0x0A), (MALFORMED, PROTOCOL_ERROR)),
    "password without user name in 3.1.1 [MQTT-3.1.4-1]": (  # which wants no CONNACK then
        packet(packets.CONNECT, string(b"MQTT") + bytes([4, 0x42, 0, 60]) + b"\0\1a\0\1p"), ()),
    "U+0000 in the identifier [MQTT-1.5.4-2]": (connect_body(payload=b"\0\3a\0b"), (MALFORMED, 0x85)),
    "ill-formed UTF-8 in the identifier [MQTT-1.5.4-1]": (connect_body(payload=b"\0\2\xc3\x28"), (MALFORMED, 0x85)),
    "surrogate in the identifier [MQTT-1.5.4-1]": (connect_body(payload=b"\0\3\xed\xa0\x80"), (MALFORMED, 0x85)),
    "empty identifier of a lasting session in 3.1.1 [MQTT-3.1.3-8]": (
        packet(packets.CONNECT, string(b"MQTT") + bytes([4, 0, 0, 60]) + b"\0\0"), (2,)),
    "octets after the payload": (connect_body(payload=b"\0\1axyz"), (MALFORMED, PROTOCOL_ERROR)),
    "identifier longer than the packet": (connect_body(payload=b"\0\xffa"), (MALFORMED,)),
    "property twice": (connect_body(properties=b"\x0a\x11\0\0\0\1\x11\0\0\0\1"), (MALFORMED, PROTOCOL_ERROR)),
    "receive maximum 0": (connect_body(properties=b"\3\x21\0\0"), (PROTOCOL_ERROR, MALFORMED)),
    "maximum packet size 0": (connect_body(properties=b"\5\x27\0\0\0\0"), (PROTOCOL_ERROR, MALFORMED)),
    "property of PUBLISH": (connect_body(properties=b"\3\x23\0\1"), (MALFORMED, PROTOCOL_ERROR)),
    "authentication data without method": (connect_body(properties=b"\4\x16\0\1x"), (PROTOCOL_ERROR, MALFORMED)),
    "length of five octets": (b"\x10\xff\xff\xff\xff\x7f", (MALFORMED,)),
    "length of 256 MiB": (b"\x10\xff\xff\xff\x7f\0\4MQTT", (TOO_LARGE, MALFORMED)),
    "a request of another protocol": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ()),
    "a TLS ClientHello": (bytes.fromhex("16030100a5010000a10303") + bytes(range(32)), ()),
}

# name: what is sent after CONNECT with MQTT 5.0, and the reason codes one of which the DISCONNECT carries.
AFTER_CONNECT = {
    "CONNECT again [MQTT-3.1.0-2]": (packets.connect("again"), (PROTOCOL_ERROR,)),
    "packet type 0": (b"\0\0", (MALFORMED, PROTOCOL_ERROR)),
    "CONNACK from a client": (packet(packets.CONNACK, b"\0\0\0"), (PROTOCOL_ERROR, MALFORMED)),
    "SUBACK from a client": (packet(packets.SUBACK, b"\0\1\0\0"), (PROTOCOL_ERROR, MALFORMED)),
    "PINGREQ with content": (b"\xc0\1a", (MALFORMED, PROTOCOL_ERROR)),
    "PINGREQ with flags [MQTT-2.1.3-1]": (b"\xc1\0", (MALFORMED,)),
    "PUBLISH of QoS 3 [MQTT-3.3.1-4]": (packet(packets.PUBLISH, b"\0\1a\0\1\0", flags=6), (MALFORMED,)),
    "DUP at QoS 0 [MQTT-3.3.1-2]": (packet(packets.PUBLISH, b"\0\1a\0", flags=8), (MALFORMED, PROTOCOL_ERROR)),
    "PUBLISH with identifier 0 [MQTT-2.2.1-3]": (packet(packets.PUBLISH, b"\0\1a\0\0\0", flags=2), (MALFORMED, PROTOCOL_ERROR)),
    "wildcard in a topic [MQTT-3.3.2-2]": (packets.publish(Message("a/+", b"")), (TOPIC_INVALID, MALFORMED)),
    "ill-formed UTF-8 in a topic [MQTT-3.3.2-1]": (packet(packets.PUBLISH, b"\0\2\xff\xfe\0"), (MALFORMED, TOPIC_INVALID)),
    "U+0000 in a topic [MQTT-1.5.4-2]": (packet(packets.PUBLISH, b"\0\3a\0b\0"), (MALFORMED, TOPIC_INVALID)),
    "no topic and no alias [MQTT-4.7.3-1]": (packets.publish(Message("", b"")), (PROTOCOL_ERROR, TOPIC_INVALID)),
    "topic longer than the packet": (packet(packets.PUBLISH, b"\0\xffa"), (MALFORMED,)),
    "topic alias 0 [MQTT-3.3.2-8]": (packets.publish(Message("a", b""), topic_alias=0), (0x94,)),
    "unknown topic alias": (packet(packets.PUBLISH, b"\0\0\3\x23\0\1"), (PROTOCOL_ERROR,)),
    "subscription identifier from a client [MQTT-3.3.4-6]": (
        packets.publish(Message("a", b""), subscription_identifier=1), (PROTOCOL_ERROR, MALFORMED)),
    "unknown property": (packet(packets.PUBLISH, b"\0\1a\2\x7f\0"), (MALFORMED,)),
    "property longer than the properties": (packet(packets.PUBLISH, b"\0\1a\2\x02\0"), (MALFORMED,)),
    "payload format indicator 2": (packet(packets.PUBLISH, b"\0\1a\2\x01\2"), (PROTOCOL_ERROR, MALFORMED)),
    "SUBSCRIBE with flags 0 [MQTT-3.8.1-1]": (packet(packets.SUBSCRIBE, b"\0\1\0\0\1a\0"), (MALFORMED,)),
    "SUBSCRIBE with identifier 0 [MQTT-2.2.1-3]": (packets.subscribe(0, [("a", 0)]), (MALFORMED, PROTOCOL_ERROR)),
    "SUBSCRIBE without a filter [MQTT-3.8.3-2]": (packets.subscribe(1, []), (PROTOCOL_ERROR, MALFORMED)),
    "empty filter [MQTT-4.7.3-1]": (packets.subscribe(1, [("", 1)]), (MALFORMED, PROTOCOL_ERROR, 0x8F)),
    "SUBSCRIBE of QoS 3": (packets.subscribe(1, [("a", 3)]), (PROTOCOL_ERROR, MALFORMED)),
    "SUBSCRIBE with reserved options [MQTT-3.8.3-5]": (packets.subscribe(1, [("a", 0xC0)]), (MALFORMED, PROTOCOL_ERROR)),
    "retain handling 3": (packets.subscribe(1, [("a", 0x30)]), (PROTOCOL_ERROR, MALFORMED)),
    "subscription identifier 0": (packet(packets.SUBSCRIBE, b"\0\1\2\x0b\0\0\1a\0", flags=2), (PROTOCOL_ERROR, MALFORMED)),
    "UNSUBSCRIBE without a filter [MQTT-3.10.3-2]": (packets.unsubscribe(1, []), (PROTOCOL_ERROR, MALFORMED)),
    "PUBREL with flags 0 [MQTT-3.6.1-1]": (packet(packets.PUBREL, b"\0\1"), (MALFORMED,)),
    "PUBACK without identifier": (packet(packets.PUBACK), (MALFORMED,)),
    "DISCONNECT with flags [MQTT-3.14.1-1]": (packet(packets.DISCONNECT, flags=1), (MALFORMED,)),
    "AUTH without a method": (packet(packets.AUTH, b"\x19\0"), (PROTOCOL_ERROR, MALFORMED)),
    "length of five octets [MQTT-1.5.5-1]": (b"\x30\xff\xff\xff\xff\x7f", (MALFORMED,)),
}


@pytest.fixture
def wire(server):
    """A connection that has sent nothing yet."""
    opened: list[Wire] = []

    def wire(transport, identifier: str = "malformed", version: int = 5) -> Wire:
        if transport.name not in server.transports:
            pytest.skip(f"no {transport.name} here")
        kind = WireOverTCP if transport is TCP else AioQUIC
        opened.append(kind(server.addresses[transport.name], version, Options(identifier)))
        return opened[-1]

    yield wire
    for client in opened:
        client.drop()


def serves(wire, transport) -> bool:
    client = wire(transport, "prober")
    client.connect()
    client.subscribe("prober", 1)
    client.publish(Message("prober", b"alive", 1))
    return client.next().payload == b"alive"


@TRANSPORTS
@pytest.mark.parametrize("name", BEFORE_CONNECT)
def test_before_connect(wire, own, transport, name):
    data, reasons = BEFORE_CONNECT[name]
    client = wire(transport)
    answer = None
    try:
        client.send(data)
        while (found := client.receive()) is not None:
            answer = found
    except Closed:
        pass
    else:
        raise AssertionError("still connected")
    if answer is not None and own:
        assert answer.kind == packets.CONNACK and answer.reason in reasons, f"{answer.kind}: {answer.reason:#x}"
    assert serves(wire, transport)


@TRANSPORTS
@pytest.mark.parametrize("name", AFTER_CONNECT)
@pytest.mark.martlet
def test_after_connect(wire, transport, name):
    """[MQTT-4.13.1-1] [MQTT-4.13.2-1]"""
    data, reasons = AFTER_CONNECT[name]
    client = wire(transport)
    client.connect()
    client.send(data)
    reason = client.wait_closed()
    assert reason in reasons, f"closed with {reason and hex(reason)}"
    assert serves(wire, transport)


@TRANSPORTS
@pytest.mark.martlet
def test_packet_larger_than_the_maximum(wire, transport):
    """[MQTT-3.2.2-15]; the broker answers to the length alone and does not wait for 200 MiB."""
    client = wire(transport)
    client.connect()
    client.send(b"\x30" + packets.variable(200 << 20) + b"\0\1a\0")
    assert client.wait_closed() == TOO_LARGE
    assert serves(wire, transport)


@TRANSPORTS
@pytest.mark.martlet
def test_more_in_flight_than_the_receive_maximum(wire, transport):
    """[MQTT-3.3.4-7]"""
    client = wire(transport)
    client.send(packets.connect("greedy"))
    maximum = client.expect(packets.CONNACK).properties.get(packets.RECEIVE_MAXIMUM, [65535])[0]
    try:
        for identifier in range(1, maximum + 2):
            client.send(packets.publish(Message("greedy", b"", 2), identifier=identifier))
    except Closed:
        pass
    assert client.wait_closed() == 0x93


@TRANSPORTS
@pytest.mark.parametrize("topic_filter", ["a/#/b", "a#", "+a", "a/+b/c", "#/"])
@pytest.mark.martlet
def test_filter_that_is_none_is_refused_alone(wire, transport, topic_filter):
    """[MQTT-4.7.1-1] [MQTT-4.7.1-2]; the other filters of the same SUBSCRIBE are granted."""
    client = wire(transport)
    client.connect()
    client.send(packets.subscribe(1, [(topic_filter, 1), ("good", 1)]))
    assert client.expect(packets.SUBACK).reasons == (0x8F, 1)


@TRANSPORTS
@pytest.mark.martlet
def test_release_of_an_unknown_identifier(wire, transport):
    """Reason code 0x92, MQTT 5.0 §3.7.2.1"""
    client = wire(transport)
    client.connect()
    client.send(packets.acknowledgement(packets.PUBREL, 77))
    answer = client.expect(packets.PUBCOMP)
    assert (answer.identifier, answer.reason) == (77, 0x92)


@pytest.mark.parametrize("version", [3, 4])
@TRANSPORTS
def test_old_versions_are_closed_without_a_word(wire, transport, version):
    """MQTT 3 has no DISCONNECT from the broker."""
    client = wire(transport, version=version)
    client.connect()
    client.send(b"\x36\x05\0\1a\0\1")
    assert client.wait_closed() is None


@TRANSPORTS
def test_octet_by_octet(wire, topic, transport):
    client = wire(transport)
    for octet in packets.connect("slowly") + packets.subscribe(1, [(topic, 1)]) + packets.publish(Message(topic, b"drip", 1), identifier=2):
        client.send(bytes([octet]))
    client.expect(packets.CONNACK)
    client.expect(packets.SUBACK)
    client.expect(packets.PUBACK)
    assert client.next().payload == b"drip"


def test_random_bytes(wire):
    """A thousand connections of noise, half of them behind a good CONNECT; then the broker serves as before."""
    noise = random.Random(20260101)
    for number in range(1000):
        try:
            client = wire(TCP, f"noise{number % 7}")
            data = noise.randbytes(noise.randrange(1, 400))
            client.send((packets.connect(f"noise{number % 7}") if number % 2 else b"") + data)
            client.drop()
        except (Closed, ConnectionError):
            pass
    assert serves(wire, TCP)


def test_mutated_packets(wire):
    """Good packets with a few octets changed: whatever the broker makes of them, it goes on."""
    noise = random.Random(20260102)
    good = [
        packets.connect("mutant", session_expiry=5, user_property=("a", "b")),
        packets.subscribe(1, [("m/+", 1), ("#", 2)]),
        packets.publish(Message("m/n", b"payload", 2), identifier=3, user_property=("key", "value")),
        packets.acknowledgement(packets.PUBREL, 3),
        packets.unsubscribe(4, ["m/+"]),
        packets.disconnect(5, 0x04),
    ]
    for _ in range(500):
        data = bytearray(b"".join(good))
        for _ in range(noise.randrange(1, 4)):
            data[noise.randrange(len(data))] = noise.randrange(256)
        try:
            client = wire(TCP)
            client.send(bytes(data))
            client.drop()
        except (Closed, ConnectionError):
            pass
    assert serves(wire, TCP)


@pytest.mark.martlet
@TRANSPORTS
def test_no_connect_in_time(start, transport):
    broker = start("mqtt.idle_timeout = 1s")
    client = (WireOverTCP if transport is TCP else AioQUIC)(broker.addresses[transport.name], 5, Options("silent"))
    client.wait_closed()
    half = (WireOverTCP if transport is TCP else AioQUIC)(broker.addresses[transport.name], 5, Options("halting"))
    with contextlib.suppress(Closed):  # on a busy machine that may be too late already
        half.send(packets.connect("halting")[:7])
    half.wait_closed()


def test_flood_of_a_reader_that_does_not_read(server, connect, topic):
    """A stuck subscriber does not hold up another one."""
    stuck, reader, publisher = (connect(Kind(WireOverTCP, 5), f"{topic}-{name}") for name in ("stuck", "reader", "publisher"))
    stuck.subscribe(topic, 0)
    reader.subscribe(topic, 1)
    payload = struct.pack(">I", 0) * 16384  # 64 KiB
    for _ in range(400):  # 25 MiB, more than sockets hold
        publisher.publish(Message(topic, payload, 1))
        assert len(reader.next().payload) == len(payload)
    assert reader.kept == type(reader.kept)()
