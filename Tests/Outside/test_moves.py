"""Clients of several stacks whose address changes in the middle of their messages (RFC 9000 §9): nobody connects again,
nothing is lost, nothing comes twice."""

import statistics
import time

import pytest

import packets
from clients import PATIENCE, AioQUIC, Kind, QH3, Wire, WireOverTCP, each_stack
from flows import Flow, WireFlow
from packets import Message
from servers import Server

pytestmark = pytest.mark.martlet
TCP5 = Kind(WireOverTCP, 5)
HOSTS = ("127.0.0.1", "127.0.0.2")


@pytest.fixture(scope="module")
def broker(start, request) -> Server:
    return start(f"node.loops = {request.config.getoption('--move-loops')}")


@pytest.fixture
def moves(request) -> int:
    return request.config.getoption("--moves")


def next_address(host: str, count: int) -> tuple[str, bool]:
    """Another port alone, another address alone, and both, in turn: the host, and whether the port stays."""
    other = HOSTS[1 - HOSTS.index(host)]
    return [(host, False), (other, True), (other, False)][count % 3]


def to_and_fro(host: str, count: int) -> tuple[str, bool]:
    """The other one of two addresses, with the same port."""
    return HOSTS[1 - HOSTS.index(host)], True


def travel(mover: Flow, fixed: Flow, moves: int, active: bool = False, way=next_address) -> list[float]:
    """Changes the address again and again, each time with messages on their way that the old socket never sees. Returns the
    seconds from the first datagram that left from the new address to the delivery of what was published since."""
    gaps: list[float] = []
    host = HOSTS[0]
    for count in range(moves):
        for qos in (1, 2):
            mover.send(qos)
            fixed.send(qos)
        host, keep_port = way(host, count)
        before = len(fixed.sent)
        mover.move(host, keep_port, active)
        for qos in (2, 1):
            fixed.send(qos)
            mover.send(qos)  # who says nothing cannot be found
        mover.take_until(lambda: len(mover.received) > before, "no delivery after a move")
        gaps.append(time.monotonic() - mover.moved)
        for one, other in ((mover, fixed), (fixed, mover)):
            one.take_until(lambda: not one.waiting, "no acknowledgement after a move")
            other.take_until(lambda: len(other.received) >= len(one.sent), "messages are lost in a move")
    return gaps


@pytest.fixture
def tour(broker, connect, topic, record_property):
    def tour(stack: type[Wire], moves: int, active: bool = False, way=next_address) -> None:
        mover = WireFlow(connect(Kind(stack, 5), to=broker), to=f"{topic}/up", of=f"{topic}/down")
        fixed = WireFlow(connect(TCP5, to=broker), to=f"{topic}/down", of=f"{topic}/up")
        gaps = sorted(travel(mover, fixed, moves, active, way))
        for flow in (mover, fixed):
            flow.settle()
        for one, other in ((mover, fixed), (fixed, mover)):
            assert other.received == one.sent
        told = f"{len(gaps)} moves, gap median {statistics.median(gaps) * 1000:.1f} ms, p99 {gaps[len(gaps) * 99 // 100] * 1000:.1f} ms, at most {gaps[-1] * 1000:.1f} ms"
        record_property("gap", told)
        print(f"{stack.__name__}{', which knows of it' if active else ''}: {told}")

    return tour


@each_stack
def test_rebinding(tour, moves, stack):
    """§9.3.1: the client does not know of it, as behind a NAT."""
    tour(stack, moves)


@each_stack
def test_nat_that_returns(tour, moves, stack):
    """A client is found again at an address that it has left shortly before, each time."""
    tour(stack, moves, way=to_and_fro)


@pytest.mark.parametrize("stack", [AioQUIC, QH3])
def test_active_migration(tour, moves, stack):
    """§9.5: the client takes another connection identifier along; each of the broker's is used up, and another one comes."""
    tour(stack, moves // 3, active=True)


@pytest.mark.parametrize("stack", [AioQUIC, QH3])
def test_active_migration_right_after_a_rebinding(broker, connect, stack):
    """While the path before is still being validated. The client replaces an identifier as soon as it is retired."""
    client = connect(Kind(stack, 5), to=broker)
    for _ in range(3):
        client.connection.rebind()
        client.ping()
        client.connection.migrate()
        client.ping()
        client.connection.wait(lambda: False, 0.1)
        client.ping()


@each_stack
def test_move_in_the_middle_of_a_transfer(broker, connect, topic, stack):
    """Half a large payload from each address, up and down."""
    client, other = connect(Kind(stack, 5), to=broker), connect(TCP5, to=broker)
    client.subscribe(f"{topic}/down", 1)
    other.subscribe(f"{topic}/up", 1)
    for count in range(3):
        payload = bytes([count]) * 600_000
        identifier = client.next_identifier()
        client.send(packets.publish(Message(f"{topic}/up", payload, 1), identifier=identifier))
        client.connection.rebind(*next_address(HOSTS[0], count))
        assert client.expect(packets.PUBACK).identifier == identifier
        assert other.next().payload == payload
        other.send(packets.publish(Message(f"{topic}/down", payload, 1), identifier=other.next_identifier()))
        client.connection.wait(lambda: client.connection.arrived, PATIENCE)
        client.connection.rebind()
        client.send(packets.packet(packets.PINGREQ))
        assert client.next().payload == payload
        other.expect(packets.PUBACK)
