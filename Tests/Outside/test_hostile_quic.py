"""Peers that flood the broker over QUIC: whatever they send, others are served meanwhile, memory stays within a bound, the
processor comes to rest afterwards, and what breaks a rule ends its own connection with the code of that rule.

Each attack comes in bursts, and after each burst an honest client, of the same event loop, publishes and receives."""

import itertools
import os
import random
import time
from pathlib import Path

import pytest

import packets
from clients import AioQUIC, Kind, WireOverTCP
from hostile_quic import (
    FULL, PATH_RESPONSE, PING, RETIRE_CONNECTION_ID, Attacker, acknowledge, crypto, drain, filled, first_flight, forged_initial, max_data,
    max_stream_data, new_connection_id, number, path_challenge, received, retire_connection_id,
    stream,
)
from packets import Message
from servers import PATIENCE, Server, wait_until
from transports import bound

pytestmark = pytest.mark.martlet
TCP5, QUIC5 = Kind(WireOverTCP, 5), Kind(AioQUIC, 5)
MiB = 1 << 20

BURSTS = 10
numbers = itertools.count(1)
HANDSHAKES = 256  # under way at a time
STATELESS_RATE = 100  # answers without a connection in a second
TICKS = 2  # hundredths of a second of the processor, in a quarter of a second, that count as rest

# Octets of its own that the broker may have more than before an attack, during it and after it. Heaps do not give back
# what was freed between what is still used, so it is one bound for both.
# A connection with its session, its datagrams under way and a window (64 KiB) of a stream in fragments, some 100 octets
# for each:
GROWTH = 4 * MiB
# handshakes under way, with what is sent and kept for repetition: as many as may be, or as there are before a Retry is
# asked of clients;
HANDSHAKE = 64 * 1024
GROWTH_OF_HANDSHAKES = {"never": GROWTH + HANDSHAKES * HANDSHAKE, "under_load": GROWTH + HANDSHAKES // 4 * HANDSHAKE}
# the queue of a subscriber that takes nothing, and what was on its way to it.
QUEUE = 4 * MiB
GROWTH_OF_QUEUE = GROWTH + QUEUE


@pytest.fixture
def broker(start, request) -> Server:
    """A broker for each attack, so that memory of an earlier attack is not reused. The parameter is configuration of the listener."""
    broker = start(
        f"""
        node.loops = 1
        mqtt.max_mqueue_bytes = {QUEUE}
        listeners.quic.default {{
          max_handshakes = {HANDSHAKES}
          handshake_idle_timeout_ms = 1000
          stateless_packet_rate = {STATELESS_RATE}
          {getattr(request, "param", "")}
        }}
        """
    )
    yield broker
    broker.stop()


def memory(server: Server) -> int:
    """The broker's anonymous resident memory, without pages of its binary."""
    _, resident, shared = Path(f"/proc/{server.process.pid}/statm").read_text().split()[:3]
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def rests(server: Server) -> bool:
    def ticks() -> int:
        return sum(map(int, Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))

    before = ticks()
    time.sleep(0.25)
    return ticks() - before <= TICKS


class Siege:
    """An honest client, and the assertions about the broker during an attack and after it."""

    def __init__(self, broker: Server, connect, topic: str):
        self.broker, self.connect, self.topic = broker, connect, topic
        self.honest = self.enter()
        for _ in range(20):
            self.served()
        self.before = self.most = memory(broker)

    @property
    def address(self):
        return self.broker.addresses["quic"]

    def enter(self) -> AioQUIC:
        client = self.connect(QUIC5, to=self.broker)
        client.subscribe(f"{self.topic}/honest", 1)
        return client

    def served(self) -> None:
        """Asserts that the honest client is served."""
        self.honest.publish(Message(f"{self.topic}/honest", b"served", 1))
        assert self.honest.next().payload == b"served"
        self.most = max(getattr(self, "most", 0), memory(self.broker))

    def attacker(self, **settings) -> Attacker:
        return Attacker(self.address, f"attacker{next(numbers)}", **settings)

    def end(self, growth: int = GROWTH) -> None:
        self.served()
        self.honest = self.enter()
        self.served()
        assert wait_until(lambda: rests(self.broker)), "the broker does not come to rest"
        most, after = self.most - self.before, memory(self.broker) - self.before
        print(f"memory grew by {most // 1024} KiB, and by {after // 1024} in the end, of {growth // 1024}")
        assert max(most, after) <= growth


@pytest.fixture
def siege(broker, connect, topic) -> Siege:
    return Siege(broker, connect, topic)


@pytest.mark.parametrize("broker, retry", [(f"retry.mode = {mode}", mode) for mode in ("never", "under_load")], indirect=["broker"], ids=["never", "under-load"])
def test_first_flights_from_many_ports(siege, retry):
    """More handshakes than may be under way, none of which goes on; and to none of them more than three times what it has
    sent (RFC 9000 §8.1). With Retry there is room for honest clients, new ones too."""
    for _ in range(4):
        flights = [(bound(), first_flight(siege.address)) for _ in range(HANDSHAKES)]
        for opened, datagrams in flights:
            for datagram in datagrams:
                opened.sendto(datagram, siege.address)
        siege.served()
        if retry == "under_load":
            siege.enter()
        time.sleep(0.5)
        for opened, datagrams in flights:
            assert drain(opened) <= 3 * sum(map(len, datagrams))
            opened.close()
    siege.end(GROWTH_OF_HANDSHAKES[retry])


def test_repeated_first_flight(siege):
    """Datagrams from one port, and from many."""
    datagrams = first_flight(siege.address)
    sockets = [bound() for _ in range(100)]
    for _ in range(BURSTS):
        for opened in [sockets[0]] * 300 + sockets:
            for datagram in datagrams:
                opened.sendto(datagram, siege.address)
        siege.served()
    for opened in sockets:
        opened.close()
    siege.end()


def test_forged_initials(siege):
    """Each Initial makes the broker derive keys; none is authentic."""
    with bound() as opened:
        for _ in range(BURSTS):
            for _ in range(300):
                opened.sendto(forged_initial(), siege.address)
            siege.served()
        assert drain(opened) == 0
    siege.end()


@pytest.mark.parametrize("first", [0xC0, 0x40], ids=["unknown-version", "unknown-identifier"])
def test_answers_without_a_connection(siege, first):
    """Version Negotiation is rationed and smaller than what asked for it (RFC 9000 §6.1), and so is Stateless Reset, which
    only an identifier of an earlier run is given (§10.3)."""
    begun = time.monotonic()
    answered = 0
    with bound() as opened:
        for _ in range(BURSTS):
            for _ in range(300):
                rest = b"\x0a\x0a\x0a\x0a\x08" + os.urandom(8) + b"\x08" + os.urandom(8) if first == 0xC0 else os.urandom(30)
                opened.sendto((bytes([first]) + rest).ljust(1200, b"\0"), siege.address)
            siege.served()
            while (size := received(opened)) is not None:
                assert size < 1200
                answered += 1
    assert answered <= STATELESS_RATE * (time.monotonic() - begun + 2)
    assert answered or first == 0x40
    siege.end()


def test_streams_opened_and_reset(siege):
    """Streams are opened and reset as fast as the broker raises the limit (MAX_STREAMS)."""
    attacker = siege.attacker()
    for _ in range(BURSTS):
        for _ in range(100):
            number = attacker.open_stream()
            attacker.wait(lambda: number // 4 < attacker.quic._remote_max_streams_bidi, PATIENCE)
            attacker.send(packets.packet(packets.PINGREQ), number)
            attacker.abandon(number, 0)
        assert attacker.live()
        siege.served()
    attacker.abort()
    siege.end()


def test_streams_opened_and_left(siege):
    """As many streams as allowed, each with half a packet, on one connection after another."""
    for _ in range(BURSTS):
        attackers = [siege.attacker() for _ in range(3)]
        for attacker in attackers:
            for _ in range(attacker.quic._remote_max_streams_bidi - 1):
                number = attacker.open_stream()
                attacker.quic.send_stream_data(number, b"\x30\xff\x7f" + bytes(10_000))
            assert attacker.live(0.02)
        siege.served()
        for attacker in attackers:
            attacker.abort()
    siege.end()


def flood(siege: Siege, payloads, per_burst: int, attacker: Attacker | None = None, code: int | None = None) -> None:
    """Injects packets in bursts: on one connection that survives, or on one connection after another, each of which ends with the error code."""
    attacker = attacker or siege.attacker()
    for _ in range(BURSTS):
        for _ in range(per_burst):
            attacker.inject(next(payloads))
        siege.served()
        assert attacker.settle() == (code is None)
        if code is not None:
            assert attacker.closed.code == code
            attacker = siege.attacker()
    attacker.abort()
    siege.end()


def endless(make):
    while True:
        yield make()


def test_path_challenges(siege):
    """PATH_CHALLENGE frames, each of which asks for PATH_RESPONSE."""
    attacker = siege.attacker()
    attacker.ignore(PATH_RESPONSE, 0, octets=8)
    flood(siege, endless(lambda: b"".join(path_challenge() for _ in range(FULL // 9))), 200, attacker)


def test_another_address_with_each_packet(siege):
    """The broker handles only as many new addresses as its limit allows, and still reaches the client at its own address."""
    attacker = siege.attacker()
    home = attacker.socket
    for _ in range(BURSTS):
        for _ in range(50):
            with bound() as attacker.socket:
                attacker.inject(PING)
        siege.served()
    attacker.socket = home
    assert attacker.settle()
    attacker.abort()
    siege.end()


def test_noise_for_an_honest_client(siege):
    """Datagrams from other addresses with the client's connection identifier: none is authentic, and the client is not affected."""
    identifier = siege.honest.connection.quic._peer_cid.cid
    with bound() as opened:
        for _ in range(BURSTS):
            for _ in range(300):
                opened.sendto(b"\x41" + identifier + os.urandom(1000), siege.address)
            siege.served()
        assert drain(opened) == 0
    siege.end()


def test_repeated_packets_of_an_honest_client(siege):
    """An attacker on the path sends copies from its own address: the broker does not move the client there."""
    seen: list[bytes] = []
    quic = siege.honest.connection.quic
    send = quic.datagrams_to_send

    def overheard(now: float):
        datagrams = send(now=now)
        seen.extend(datagram for datagram, _ in datagrams)
        return datagrams

    quic.datagrams_to_send = overheard
    with bound() as opened:
        for _ in range(BURSTS):
            siege.served()
            for datagram in seen * 10:
                opened.sendto(datagram, siege.address)
            seen.clear()
        siege.served()
        assert drain(opened) == 0
    siege.end()


def test_new_connection_identifiers_that_retire_others(siege):
    """Each NEW_CONNECTION_ID makes the broker retire an identifier, and RETIRE_CONNECTION_ID is never acknowledged:
    CONNECTION_ID_LIMIT_ERROR (RFC 9000 §5.1.2)."""
    turns = iter(range(10, 1 << 30, 30))

    def turn() -> bytes:
        first = next(turns)
        return b"".join(new_connection_id(sequence, sequence) for sequence in range(first, first + 30))

    flood(siege, endless(turn), 100, code=0x09)


def test_identifiers_retired_as_fast_as_they_come(siege):
    attacker = siege.attacker()
    for _ in range(BURSTS):
        for _ in range(5):
            while attacker.change_identifier():
                pass
            attacker.quic.send_ping(1)
            attacker.wait(lambda: attacker.quic._peer_cid_available, PATIENCE)
        siege.served()
    attacker.abort()
    siege.end()


def test_identifier_that_was_not_given_is_retired(siege):
    """RFC 9000 §19.16: PROTOCOL_VIOLATION"""
    attacker = siege.attacker()
    attacker.inject(retire_connection_id(1000))
    assert attacker.fate() == 0x0A
    siege.end()


def test_more_identifiers_than_allowed(siege):
    """RFC 9000 §5.1.1: CONNECTION_ID_LIMIT_ERROR"""
    attacker = siege.attacker()
    attacker.inject(b"".join(new_connection_id(sequence, 0) for sequence in range(10, 20)))
    assert attacker.fate() == 0x09
    siege.end()


@pytest.mark.parametrize("order", ["ascending", "descending", "even-then-odd", "shuffled"])
def test_message_in_frames_of_one_octet(siege, order):
    """Octets in any order: the message is read whole."""
    payload = random.Random(7).randbytes(8_000)
    watcher = siege.connect(TCP5, to=siege.broker)
    watcher.subscribe(f"{siege.topic}/pieces", 0)
    data = packets.publish(Message(f"{siege.topic}/pieces", payload))
    offsets = {
        "ascending": lambda: list(range(len(data))),
        "descending": lambda: list(range(len(data)))[::-1],
        "even-then-odd": lambda: [*range(0, len(data), 2), *range(1, len(data), 2)],
        "shuffled": lambda: random.Random(8).sample(range(len(data)), len(data)),
    }[order]()
    attacker = siege.attacker()
    start = attacker.offset
    for count, frames in enumerate(filled(stream(0, start + at, data[at : at + 1]) for at in offsets)):
        attacker.inject(frames)
        if count % 30 == 29:
            siege.served()
    assert watcher.next().payload == payload
    attacker.abort()
    siege.end()


def every_second_octet(siege: Siege, attacker: Attacker, count: int, identifier: int = 0) -> None:
    start = 1 if identifier else attacker.offset + 1
    for sent, frames in enumerate(filled(stream(identifier, start + 2 * at, b"x") for at in range(count))):
        attacker.inject(frames)
        if sent % 25 == 24:
            siege.served()


def test_fragments_that_never_join(siege):
    """Too many gaps in the data of a stream end the connection: INTERNAL_ERROR (RFC 9000 §20.1)."""
    for _ in range(BURSTS):
        attacker = siege.attacker()
        every_second_octet(siege, attacker, 30_000)
        assert attacker.fate() == 0x01
    siege.end()


def test_fragments_that_stay(siege):
    """As many gaps as allowed in a stream, on several connections."""
    attackers = [siege.attacker() for _ in range(BURSTS)]
    for attacker in attackers:
        every_second_octet(siege, attacker, 4_000)
        assert attacker.settle()
    siege.end(GROWTH + len(attackers) * MiB // 2)


def test_fragments_that_stay_on_data_streams(siege):
    """As many gaps as allowed on all streams of a connection."""
    attackers = [siege.attacker() for _ in range(3)]
    for attacker in attackers:
        streams = attacker.quic._remote_max_streams_bidi
        for identifier in range(0, 4 * streams, 4):
            every_second_octet(siege, attacker, 4_000 // streams, identifier)
        assert attacker.settle()
    siege.end(GROWTH + len(attackers) * MiB // 2)


def test_fragments_on_many_streams(siege):
    """More gaps than allowed on all streams, few on each, end the connection: INTERNAL_ERROR."""
    for _ in range(BURSTS):
        attacker = siege.attacker()
        streams = attacker.quic._remote_max_streams_bidi
        for identifier in range(0, 4 * streams, 4):
            every_second_octet(siege, attacker, 6_000 // streams, identifier)
        assert attacker.fate() == 0x01
    siege.end()


@pytest.mark.parametrize("ahead", [1000, 1 << 40])
def test_optimistic_acknowledgements(siege, ahead):
    """RFC 9000 §13.1: ACK of packets that were never sent: PROTOCOL_VIOLATION"""
    attacker = siege.attacker()
    attacker.inject(acknowledge(ahead))
    assert attacker.fate() == 0x0A
    siege.end()


def test_acknowledgements_of_everything(siege):
    """The same ACK ranges repeated, which acknowledge nothing new."""
    attacker = siege.attacker()
    flood(siege, endless(lambda: acknowledge(attacker.last_received) * 100), 300, attacker)


def test_limits_raised_by_one(siege):
    limits = iter(range(1 << 24, 1 << 30))
    flood(siege, endless(lambda: b"".join(max_data(limit) + max_stream_data(0, limit) for limit in itertools.islice(limits, 100))), 200)


def test_blocked_again_and_again(siege):
    """DATA_BLOCKED, STREAM_DATA_BLOCKED and STREAMS_BLOCKED, which need no answer."""
    blocked = b"\x14" + number(60_000) + b"\x15\0" + number(60_000) + b"\x16" + number(10)
    flood(siege, endless(lambda: blocked * (FULL // len(blocked))), 200)


def test_pings(siege):
    """One frame in each packet, and as many as fit."""
    flood(siege, endless(lambda: PING), 1500)


def test_packets_full_of_pings(siege):
    flood(siege, endless(lambda: PING * FULL), 200)


def test_mqtt_pings_without_reading(siege):
    """Thousands of PINGREQ from a client that does not read PINGRESP: the broker stops reading from it."""
    attacker = siege.attacker(max_stream_data=4096)
    attacker.give_no_credit()
    for _ in range(BURSTS):
        attacker.send(packets.packet(packets.PINGREQ) * 100_000)
        assert attacker.live(0.02)
        siege.served()
    assert attacker.is_held_up
    attacker.abort()
    siege.end()


@pytest.mark.parametrize("offset, code", [(0, 0x10A), (1 << 20, 0x0D)], ids=["next", "far-off"])
def test_crypto_after_the_handshake(siege, offset, code):
    """Nothing of it reaches the TLS library: unexpected_message (RFC 8446 §4.1.2), or CRYPTO_BUFFER_EXCEEDED (RFC 9000 §7.5)
    where it does not join on."""
    attacker = siege.attacker()
    attacker.inject(crypto(offset, os.urandom(1000)))
    assert attacker.fate() == code
    siege.end()


def test_data_beyond_the_limits(siege):
    """RFC 9000 §4.1: FLOW_CONTROL_ERROR; §4.6: STREAM_LIMIT_ERROR; §4.5: FINAL_SIZE_ERROR"""
    for frames, code in [
        (stream(0, 1 << 30, b"x"), 0x03),
        (stream(4 * 1000, 0, b"x"), 0x04),
        (b"\x04" + b"\0" + b"\0" + b"\0", 0x06),
        (b"\x0a\x01\x01x", 0x05),
        (b"\x1e", 0x0A),
        (b"\x21abc", 0x07),
        (b"\x07\x04abcd", 0x0A),
    ]:
        attacker = siege.attacker()
        attacker.inject(frames)
        assert attacker.fate() == code, frames
    siege.end()


@pytest.mark.parametrize("qos", [0, 1])
def test_subscriber_that_stops_reading(siege, qos):
    """A subscriber that acknowledges packets but gives no credit: its queue is bounded, and further messages are dropped."""
    attacker = siege.attacker(max_stream_data=4096)
    attacker.give_no_credit()
    stuck(siege, attacker, qos, attacker.live)


@pytest.mark.parametrize("qos", [0, 1])
def test_subscriber_that_never_acknowledges(siege, qos):
    """A subscriber that sends, so that its keep alive holds, and reads nothing."""
    attacker = siege.attacker()
    stuck(siege, attacker, qos, lambda: attacker.inject(PING))


def stuck(siege: Siege, attacker: Attacker, qos: int, go_on) -> None:
    attacker.send(packets.subscribe(1, [(f"{siege.topic}/stuck", qos)]))
    publisher, reader = (siege.connect(TCP5, to=siege.broker) for _ in range(2))
    reader.subscribe(f"{siege.topic}/stuck", 0)
    payload = bytes(16_000)
    for _ in range(BURSTS):
        for _ in range(100):
            publisher.publish(Message(f"{siege.topic}/stuck", payload, 1))
            assert reader.next().payload == payload
        go_on()
        siege.served()
    siege.end(GROWTH_OF_QUEUE)
    attacker.abort()
