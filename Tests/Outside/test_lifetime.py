"""The process: its start, the ports of others, and its end."""

import os
import signal
import socket
import subprocess

import pytest

import packets
from clients import AioQUIC, Kind, Options, Paho, WireOverTCP
from packets import Message
from servers import PATIENCE, Martlet, free_port, wait_until
from transports import Closed

pytestmark = pytest.mark.martlet


def test_sigterm_says_goodbye(start):
    """A client of MQTT 5.0 is told 0x8B, one of MQTT 3 sees its connection end, and the exit code is 0."""
    broker = start()
    five = WireOverTCP(broker.addresses["tcp"], 5, Options("five"))
    over_quic = AioQUIC(broker.addresses["quic"], 5, Options("quic"))
    four = WireOverTCP(broker.addresses["tcp"], 4, Options("four"))
    clients = [five, over_quic, four]
    for client in clients:
        client.connect()
    broker.process.send_signal(signal.SIGTERM)
    assert [client.wait_closed() for client in clients] == [0x8B, 0x8B, None]
    assert broker.process.wait(PATIENCE) == 0, broker.output


def test_sigint_ends_it_too(start):
    broker = start()
    broker.process.send_signal(signal.SIGINT)
    assert broker.process.wait(PATIENCE) == 0, broker.output


def test_stuck_client_does_not_hold_up_the_end(start):
    """A connection that reads nothing and one that never said CONNECT."""
    broker = start()
    silent = socket.create_connection(broker.addresses["tcp"])
    stuck = WireOverTCP(broker.addresses["tcp"], 5, Options("stuck"))
    stuck.connect()
    stuck.subscribe("stuck", 0)
    publisher = WireOverTCP(broker.addresses["tcp"], 5, Options("publisher"))
    publisher.connect()
    for _ in range(200):
        publisher.publish(Message("stuck", bytes(65536), 1))
    broker.stop()
    silent.close()
    stuck.drop()


def test_no_publish_is_acknowledged_and_lost_at_the_end(start):
    """What was acknowledged before SIGTERM reaches a connected subscriber."""
    broker = start()
    subscriber, publisher = (WireOverTCP(broker.addresses["tcp"], 5, Options(name)) for name in ("subscriber", "publisher"))
    for client in (subscriber, publisher):
        client.connect()
    subscriber.subscribe("end", 0)
    for number in range(100):
        publisher.publish(Message("end", b"%d" % number, 1))
    broker.process.send_signal(signal.SIGTERM)
    received = []
    try:
        while True:
            received.append(subscriber.next().payload)
    except Closed:
        pass
    assert received == [b"%d" % number for number in range(100)]
    assert broker.process.wait(PATIENCE) == 0, broker.output


@pytest.mark.parametrize("kind, transport", [(socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "quic")], ids=["tcp", "quic"])
def test_port_of_somebody_else_is_named(binary, tmp_path, kind, transport):
    port = free_port(kind)
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # which must not let a second one in
        holder.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        broker = Martlet(binary, tmp_path, f'listeners.{transport}.default.bind = "127.0.0.1:{port}"')
        code = broker.process.wait(PATIENCE)
        broker.reader.join(PATIENCE)
    assert code == 1, broker.output
    for expected in (str(port), "127.0.0.1", f"{transport}:default"):
        assert expected in broker.output
    assert "ready" not in broker.output


def test_second_broker_on_the_same_ports_is_refused(binary, tmp_path, start):
    first = start()
    for transport, (host, port) in first.addresses.items():
        folder = tmp_path / transport
        folder.mkdir()
        second = Martlet(binary, folder, f'listeners.{transport}.default.bind = "{host}:{port}"')
        assert second.process.wait(PATIENCE) == 1, second.output
        second.reader.join(PATIENCE)
        assert str(port) in second.output
    assert first.is_running


def test_start_again_on_the_same_port(binary, tmp_path, start):
    """Connections of the past, in TIME_WAIT, do not hold the port."""
    first = start()
    client = WireOverTCP(first.addresses["tcp"], 5, Options("past"))
    client.connect()
    first.stop()
    again = Martlet(binary, tmp_path, f'listeners.tcp.default.bind = "127.0.0.1:{first.addresses["tcp"][1]}"')
    try:
        again.wait_ready()
        again.stop()
    finally:
        again.kill()


def test_loops_of_its_own_count(start, connect, topic):
    """Clients on different loops reach each other; take-over goes across loops."""
    broker = start("", "node.loops=4")
    subscribers = [connect(Kind(Paho, 5), f"{topic}-{number}", to=broker) for number in range(8)]
    for subscriber in subscribers:
        subscriber.subscribe(f"{topic}/#", 1)
    publishers = [connect(Kind(Paho, 4), f"{topic}-publisher-{number}", to=broker) for number in range(4)]
    for number, publisher in enumerate(publishers):
        publisher.publish(Message(f"{topic}/{number}", b"", 1))
    expected = {f"{topic}/{number}" for number in range(4)}
    for subscriber in subscribers:
        assert {subscriber.next().topic for _ in publishers} == expected
    for _ in range(8):
        connect(Kind(Paho, 5), f"{topic}-0", to=broker)
    assert subscribers[0].wait_closed() == 0x8E


def test_descriptors_come_back(start):
    """Connections that were closed leave none behind."""
    broker = start()
    count = lambda: len(os.listdir(f"/proc/{broker.process.pid}/fd"))
    before = count()
    for number in range(50):
        for kind, transport in ((WireOverTCP, "tcp"), (AioQUIC, "quic")):
            client = kind(broker.addresses[transport], 5, Options(f"brief{number}"))
            client.connect()
            client.send(packets.disconnect())
            client.drop()
    assert wait_until(lambda: count() <= before + 1), f"{before} descriptors became {count()}"


def test_binary_explains_itself(binary):
    for arguments in ([], ["--help"], ["serve", "--help"], ["bench", "--help"], ["pub", "--help"], ["sub", "--help"],
                      ["store", "--help"], ["store", "check", "--help"], ["store", "backup", "--help"]):
        done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0 and "martlet" in done.stdout
