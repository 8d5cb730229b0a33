"""Brokers that tell their clients another address to go on at (RFC 9000 §9.6), and clients that do or do not."""

import os
import socket
import subprocess
import threading
import time

import pytest

from aioquic.quic.connection import QuicConnection

from balancer import RandomBalancer
from clients import PATIENCE, AioQUIC, Kind, Options, Picoquic, WireOverTCP, each_stack
from packets import Message
from servers import Server, free_port
from transports import QUIC, Closed

pytestmark = pytest.mark.martlet
TCP5 = Kind(WireOverTCP, 5)
TRANSPORT_PARAMETER_ERROR = 0x08


@pytest.fixture
def silent():
    """An address where nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        held.setblocking(False)
        yield held


def heard(held: socket.socket) -> int:
    count = 0
    while True:
        try:
            held.recv(65_535)
        except BlockingIOError:
            return count
        count += 1


def prefers(start, bind: str, host: str, port: int, preferred: int | None = None) -> Server:
    return start(f"""
        node.loops = 2
        listeners.quic.default {{ bind = "{bind}:{port}", preferred_address = "{host}:{preferred or port}" }}
    """)


# Where the broker listens, and where it wants its clients.
PLACES = pytest.mark.parametrize("bind, host", [("0.0.0.0", "127.0.0.2"), ("127.0.0.1", "127.0.0.1"), ("[::]", "127.0.0.2")])


@PLACES
@each_stack
def test_stacks_go_on_there_or_stay(start, connect, topic, stack, bind, host):
    """picoquic goes on there; aioquic and qh3 stay where they are. All are served."""
    port = free_port(socket.SOCK_DGRAM)
    server = prefers(start, bind, host, port)
    balancer = RandomBalancer([port])
    client, other = stack(("127.0.0.1", balancer.port), 5, Options(topic)), connect(TCP5, to=server)
    client.connect()
    client.subscribe(f"{topic}/down", 2)
    other.subscribe(f"{topic}/up", 2)
    goes_on = stack is Picoquic

    def talk() -> None:
        for qos in (0, 1, 2):
            client.publish(Message(f"{topic}/up", b"up", qos))
            assert other.next() == Message(f"{topic}/up", b"up", qos)
            other.publish(Message(f"{topic}/down", b"down", qos))
            assert client.next() == Message(f"{topic}/down", b"down", qos)

    talk()
    if goes_on:
        balancer.wait_for_silence(talk)
    before = balancer.forwarded
    for _ in range(10):
        talk()
    assert (balancer.forwarded == before) == goes_on
    client.disconnect()


@each_stack
def test_unreachable_address_costs_nothing(start, topic, stack, silent):
    server = prefers(start, "127.0.0.1", "127.0.0.1", free_port(socket.SOCK_DGRAM), silent.getsockname()[1])
    client = stack(server.addresses["quic"], 5, Options(topic))
    client.connect()
    client.subscribe(topic, 1)
    end = time.monotonic() + 3
    probes = 0
    while time.monotonic() < end:
        client.echo(topic)
        probes += heard(silent)
    print(f"{probes} datagrams")
    assert (probes > 0) == (stack is Picoquic)
    assert probes <= 10
    client.disconnect()


@pytest.mark.parametrize("options, goes_on", [([], True), (["--no-preferred-address"], False)], ids=["goes-on", "stays"])
def test_own_client(start, connect, binary, topic, options, goes_on):
    port = free_port(socket.SOCK_DGRAM)
    server = prefers(start, "0.0.0.0", "127.0.0.2", port)
    balancer = RandomBalancer([port])
    command = [binary, "sub", "--quic", "--insecure", *options, "-h", "127.0.0.1", "-p", str(balancer.port), "-t", topic, "-q", "1"]
    subscriber = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines: list[str] = []
        threading.Thread(target=lambda: lines.extend(line.strip() for line in subscriber.stdout), daemon=True).start()
        publisher = connect(TCP5, to=server)

        def hear() -> None:
            known, end = len(lines), time.monotonic() + PATIENCE
            while len(lines) == known:
                assert time.monotonic() < end
                publisher.publish(Message(topic, b"x", 1))
                time.sleep(0.02)

        hear()
        if goes_on:
            balancer.wait_for_silence(hear)
        before = balancer.forwarded
        for _ in range(20):
            hear()
        assert (balancer.forwarded == before) == goes_on
    finally:
        subscriber.kill()
        subscriber.wait()


class Presuming(QuicConnection):
    """A client that tells the server a preferred address."""

    def _serialize_transport_parameters(self) -> bytes:
        value = bytes([127, 0, 0, 1, 1, 2]) + bytes(18) + b"\x08" + os.urandom(8) + os.urandom(16)
        return super()._serialize_transport_parameters() + bytes([0x0D, len(value)]) + value


class PresumingQUIC(QUIC):
    Connection = Presuming


@pytest.mark.parametrize("prefers_one", [True, False])
def test_clients_may_not_prefer_addresses(start, connect, topic, prefers_one):
    """RFC 9000 §18.2: a client that sends this parameter is told TRANSPORT_PARAMETER_ERROR; the next one is served."""
    port = free_port(socket.SOCK_DGRAM)
    server = prefers(start, "0.0.0.0", "127.0.0.2", port) if prefers_one else start()
    address = ("127.0.0.1", server.addresses["quic"][1])
    with pytest.raises(Closed) as closed:
        PresumingQUIC(address)
    assert closed.value.code == TRANSPORT_PARAMETER_ERROR
    client = AioQUIC(address, 5, Options(topic))
    client.connect()
    client.ping()
    client.disconnect()
