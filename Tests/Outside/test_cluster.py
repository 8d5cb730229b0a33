"""Three brokers over three NATS servers, as `make cluster` starts them: one broker, whichever node a client reaches."""

import os
import re
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import clients
from balancer import RandomBalancer
from clients import AioQUIC, Options, each_stack
from packets import Message

ROOT = Path(__file__).resolve().parents[2]
PORTS = [21883, 21884, 21885]
QUIC_PORTS = [24567, 24568, 24569]
PATIENCE = 60  # seconds

pytestmark = pytest.mark.martlet


@dataclass
class Cluster:
    processes: list[int]
    said: list[str]  # by the script, from the start on

    def kill(self, node: int) -> None:
        os.kill(self.processes[node], signal.SIGKILL)

    def start(self, node: int) -> subprocess.Popen:
        """Starts a broker again that was killed, as the script says that one would."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for line in self.said:
                if found := re.match(rf"broker-{node} has ended. In (.*?): (.*)", line):
                    process = subprocess.Popen(shlex.split(found[2]), cwd=found[1], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    self._wait_until_served(node)
                    return process
            time.sleep(0.05)
        raise AssertionError(self.said)

    @staticmethod
    def _wait_until_served(node: int) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", PORTS[node]), PATIENCE).close()
                return
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)


@pytest.fixture
def cluster(binary, request) -> Iterator[Cluster]:
    """The parameter is another option of the script."""
    script = subprocess.Popen(
        [ROOT / "scripts/cluster", "--martlet", binary, *getattr(request, "param", [])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        said: list[str] = []
        for line in script.stdout:
            said.append(line)
            if "Ctrl-C stops" in line:
                break
        processes = [int(number) for number in re.findall(r"broker-\d +MQTT.*process (\d+)", "".join(said))]
        assert len(processes) == 3, said
        threading.Thread(target=lambda: said.extend(script.stdout), daemon=True).start()
        yield Cluster(processes, said)
    finally:
        script.send_signal(signal.SIGINT)
        try:
            script.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(script.pid, signal.SIGKILL)
            raise


class Device:
    """A client whose session lives for so many seconds behind its connection, which is to a node of the cluster, or to another port."""

    def __init__(self, name: str, node: int, lives: int = 1000, port: int | None = None):
        self.payloads: list[str] = []
        self.present: bool | None = None
        self.ended: str | None = None
        self._events: dict[str, threading.Event] = {what: threading.Event() for what in ("connected", "subscribed", "ended")}
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._events["subscribed"].set()
        self._client.on_message = lambda _, __, message: self.payloads.append(message.payload.decode())
        self._client.on_disconnect = self._ended
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = lives
        self._client.connect("127.0.0.1", port or PORTS[node], clean_start=False, properties=properties)
        self._client.loop_start()
        self._wait("connected")

    def _connected(self, _, __, flags, reason, ___):
        assert not reason.is_failure, reason
        self.present = flags.session_present
        self._events["connected"].set()

    def _ended(self, _, __, ___, reason, ____):
        self.ended = str(reason)
        self._client.loop_stop()
        self._events["ended"].set()

    def _wait(self, what: str) -> None:
        assert self._events[what].wait(PATIENCE), f"not {what}"

    def subscribe(self, topic: str, qos: int = 2) -> "Device":
        self._client.subscribe(topic, qos)
        self._wait("subscribed")
        return self

    def publish(self, topic: str, payload: str, qos: int, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos, retain).wait_for_publish(PATIENCE)

    def wait_for(self, count: int) -> list[str]:
        end = time.monotonic() + PATIENCE
        while len(self.payloads) < count and time.monotonic() < end:
            time.sleep(0.01)
        return self.payloads

    def expect(self, payloads: list[str]) -> None:
        assert self.wait_for(len(payloads)) == payloads

    def leave(self) -> None:
        self._client.disconnect()
        self._wait("ended")

    def expect_end(self) -> str:
        self._wait("ended")
        return self.ended


def test_nodes_are_one_broker(cluster):
    subscribers = [Device(f"subscriber {node}", node, lives=0).subscribe("fleet/#") for node in range(3)]
    publisher = Device("publisher", 1)
    for qos in range(3):
        publisher.publish("fleet/1", f"at {qos}", qos)
    for subscriber in subscribers:
        subscriber.expect(["at 0", "at 1", "at 2"])
    publisher.publish("kept/1", "retained", 1, retain=True)
    late = Device("late", 2).subscribe("kept/#")
    late.expect(["retained"])

    # One connection for each client identifier, whichever node has it [MQTT-3.1.4-3].
    for lives in (0, 1000):
        first = Device("twin", 0, lives)
        Device("twin", 2, lives)
        assert first.expect_end() == "Session taken over"


def test_a_killed_node_takes_nothing_along(cluster):
    names = [f"device {number}" for number in range(16)]
    for number, name in enumerate(names):
        Device(name, number % 3).subscribe("orders/#").leave()
    # A session that ends with its connection is where the connection is.
    publisher = Device("publisher", 2, lives=0)
    for number in range(5):
        for qos in (1, 2):
            publisher.publish("orders/1", f"{qos}: before {number}", qos)
    cluster.kill(1)
    for number in range(5):
        for qos in (1, 2):
            publisher.publish("orders/1", f"{qos}: after {number}", qos)
    for number, name in enumerate(names):
        device = Device(name, (0, 2)[number % 2])
        assert device.present
        came = device.wait_for(20)
        # Order is that of a topic and QoS [MQTT-4.6.0-6].
        for qos in (1, 2):
            expected = [f"{qos}: {when} {number}" for when in ("before", "after") for number in range(5)]
            assert [payload for payload in came if payload.startswith(f"{qos}:")] == expected
        device.leave()


def test_a_connection_outlives_the_node_that_its_packets_reach(cluster, binary):
    balancer = RandomBalancer(QUIC_PORTS, seed=7)
    subscriber = subprocess.Popen(
        [binary, "sub", "--quic", "--insecure", "-h", "127.0.0.1", "-p", str(balancer.port), "-t", "journey/#", "-q", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    try:
        received: list[str] = []
        threading.Thread(target=lambda: received.extend(line.strip() for line in subscriber.stdout), daemon=True).start()
        publisher = Device("publisher", 1, lives=0)
        end = time.monotonic() + PATIENCE
        while not received and time.monotonic() < end:
            publisher.publish("journey/0", "begun", 1)
            time.sleep(0.1)
        begun = len(received)
        expected = [str(number) for number in range(150)]
        for number, payload in enumerate(expected):
            if number % 5 == 0:
                balancer.move()
            publisher.publish("journey/1", payload, 1)
            time.sleep(0.03)
        end = time.monotonic() + PATIENCE
        while "149" not in received and time.monotonic() < end:
            time.sleep(0.05)
        assert balancer.changes == 30
        # Each once, in order, on one connection: the tool would say that it has another one.
        assert [payload for payload in received[begun:] if payload != "begun"] == expected
        assert subscriber.poll() is None
    finally:
        subscriber.kill()
        subscriber.wait()


def test_lanes_move_to_a_node_that_comes_and_their_clients_notice_nothing(cluster):
    """A broker is killed and started again while clients of the other two publish and receive: lanes move twice, and connections stay."""
    names = [f"device {number}" for number in range(12)]
    devices = [Device(name, (0, 2)[number % 2]).subscribe("plant/#") for number, name in enumerate(names)]
    publishers = [Device(f"publisher {number}", (0, 2)[number % 2]) for number in range(4)]
    expected: list[str] = []

    def publish(rounds: int) -> None:
        for _ in range(rounds):
            for number, publisher in enumerate(publishers):
                payload = f"{number}: {len(expected)}"
                publisher.publish(f"plant/{number}", payload, 1 + number % 2)
                expected.append(payload)

    publish(5)
    cluster.kill(1)
    publish(5)
    process = cluster.start(1)
    try:
        served = Device("newcomer", 1)
        # Lanes come to the node a few at a time, and so do sessions with them.
        for _ in range(50):
            publish(1)
            time.sleep(0.1)
        for device in devices:
            came = device.wait_for(len(expected))
            for number, publisher in enumerate(publishers):
                mine = [payload for payload in expected if payload.startswith(f"{number}:")]
                # At QoS 1 a message may come twice when its lane moves.
                assert list(dict.fromkeys(payload for payload in came if payload.startswith(f"{number}:"))) == mine
                if 1 + number % 2 == 2:
                    assert [payload for payload in came if payload.startswith(f"{number}:")] == mine
            assert device.ended is None, "the connection stays"
        assert all(publisher.ended is None for publisher in publishers)
        served.leave()
    finally:
        process.terminate()
        process.wait(PATIENCE)


@each_stack
@pytest.mark.parametrize("cluster", [["--preferred"]], indirect=True, ids=["preferred"])
def test_the_way_home(cluster, topic, stack):
    """A client whose datagrams reach another node than the one that has its connection is relayed until it has reached the address
    that the node prefers, and never again; one that knows of no such address is relayed as ever (RFC 9000 §9.6)."""
    balancer = RandomBalancer(QUIC_PORTS, seed=7, strays=True)
    client = stack(("127.0.0.1", balancer.port), 5, Options(topic))
    client.connect()
    client.subscribe(topic, 1)
    client.echo(topic)
    assert balancer.forwarded > 1  # what the first node did not get was relayed to it
    if stack is AioQUIC or stack is clients.QH3:
        before = balancer.forwarded
        client.echo(topic, times=50)
        assert balancer.forwarded >= before + 50
    else:
        balancer.wait_for_silence(lambda: client.echo(topic))
        before = balancer.forwarded
        client.echo(topic, times=100)
        assert balancer.forwarded == before
    client.disconnect()
