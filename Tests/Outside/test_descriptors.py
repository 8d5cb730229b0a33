"""A broker whose process has no file descriptor left."""

import socket
import time

import pytest

from clients import AioQUIC, Options, WireOverTCP
from packets import Message
from servers import Martlet, wait_until
from transports import Closed

pytestmark = pytest.mark.martlet
PATIENCE = 20
TOO_MANY = 104


def descriptors(limit: str) -> tuple[str, ...]:
    return ("prlimit", f"--nofile={limit}")


@pytest.fixture
def full(binary, tmp_path):
    """A broker with as many clients as its descriptors allow, and those clients."""
    broker = Martlet(binary, tmp_path, "node.loops = 2", entering=descriptors("64")).wait_ready()
    try:
        clients = [client for number in range(TOO_MANY) if (client := connect(broker, f"client{number}"))]
        yield broker, clients
        for client in clients:
            client.drop()
        broker.stop()
    finally:
        broker.kill()


def connect(broker: Martlet, name: str) -> WireOverTCP | None:
    """`None` where the broker closes the connection at once. It neither keeps a client waiting nor breaks off in the middle of an answer."""
    try:
        client = WireOverTCP(broker.addresses["tcp"], 5, Options(name))
        client.connect()
        return client
    except (Closed, ConnectionError):
        return None


def processor_time(broker: Martlet) -> float:
    """Seconds of all threads in user and system mode."""
    with open(f"/proc/{broker.process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_clients_beyond_the_descriptors_fail_at_once(full):
    broker, clients = full
    assert 20 < len(clients) < 64
    said = [line for line in broker.said if "no file descriptor is left" in line]
    assert len(said) == 1 and "tcp:default" in said[0], broker.output


def test_loops_do_not_spin(full):
    """Clients come all the while. A loop that did nothing but fail to accept would use a second of each second."""
    broker, _ = full
    before, begin = processor_time(broker), time.monotonic()
    while time.monotonic() < begin + 3:
        with socket.create_connection(broker.addresses["tcp"], PATIENCE) as client:
            client.settimeout(PATIENCE)
            try:
                assert client.recv(1) == b""
            except ConnectionError:
                pass
    used, passed = processor_time(broker) - before, time.monotonic() - begin
    assert used < passed / 10, f"{used} s of {passed} s"


def test_clients_that_are_in_are_served_and_others_follow_them(full):
    broker, clients = full
    clients[0].subscribe("served", 1)
    clients[1].publish(Message("served", b"x", 1))
    assert clients[0].next() == Message("served", b"x", 1)
    over_quic = AioQUIC(broker.addresses["quic"], 5, Options("quic"))  # needs no descriptor
    over_quic.connect()
    over_quic.disconnect()
    clients.pop().disconnect()
    assert wait_until(lambda: clients.append(connect(broker, "next")) or clients[-1] or clients.pop(), PATIENCE)


def test_the_soft_limit_is_raised(binary, tmp_path):
    """And what remains for clients is compared with max_connections."""
    broker = Martlet(binary, tmp_path, "listeners.tcp.default.max_connections = 500", entering=descriptors("100:400")).wait_ready()
    try:
        with open(f"/proc/{broker.process.pid}/limits") as file:
            assert next(line for line in file if line.startswith("Max open files")).split()[3] == "400"
        assert wait_until(lambda: "RLIMIT_NOFILE" in broker.output), broker.output
        broker.stop()
    finally:
        broker.kill()
