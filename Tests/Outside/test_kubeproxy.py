"""Clients behind a node's port that kube-proxy's rules spread over the pods of a cluster. Each change of their address gives a new flow,
which reaches a pod by chance: nobody connects again, nothing is lost, nothing comes twice."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from clients import AioQUIC, Options, Picoquic, WireOverQUIC, WireOverTCP
from flows import Flow, OwnFlow, WireFlow
from kubeproxy import KubeProxy
from stacks import HAS_PICOQUIC
from transports import QUIC

pytestmark = pytest.mark.martlet
DELAY = 5  # milliseconds of the link between device and node, each way
numbers = itertools.count(1)

policies = pytest.mark.parametrize("policy", ["Cluster", "Local"])
picoquic = pytest.param(Picoquic, marks=pytest.mark.skipif(not HAS_PICOQUIC, reason="aiopquic has no build for this Python"))


def those(*stacks):
    return pytest.mark.parametrize("stack", stacks, ids=lambda stack: getattr(stack, "__name__", stack))


stacks = those("ours", AioQUIC, picoquic)


def made(request, folder: Path, nodes: int, preferred: bool = False) -> Iterator[KubeProxy]:
    if os.geteuid():
        pytest.skip("needs root for network namespaces")
    with KubeProxy(request.getfixturevalue("binary"), folder, f"set delay {DELAY}ms", nodes=nodes, preferred=preferred) as network:
        yield network


@pytest.fixture(scope="module")
def three(request, tmp_path_factory) -> Iterator[KubeProxy]:
    yield from made(request, tmp_path_factory.mktemp("three"), 3)


@pytest.fixture(scope="module")
def six(request, tmp_path_factory) -> Iterator[KubeProxy]:
    yield from made(request, tmp_path_factory.mktemp("six"), 6)


@pytest.fixture(scope="module")
def preferring(request, tmp_path_factory) -> Iterator[KubeProxy]:
    yield from made(request, tmp_path_factory.mktemp("preferring"), 3, preferred=True)


@pytest.fixture
def changes(request) -> int:
    return request.config.getoption("--changes")


@dataclass
class Gaps:
    """Seconds from the first datagram that left after a change."""

    down: list[float] = field(default_factory=list)  # to a message that was published since
    up: list[float] = field(default_factory=list)  # to the acknowledgement of one

    def __str__(self) -> str:
        return "; ".join(f"{name} {self.figures(sorted(values))}" for name, values in (("down", self.down), ("up", self.up)))

    @staticmethod
    def figures(values: list[float]) -> str:
        return ", ".join(f"{name} {values[int((len(values) - 1) * share)] * 1000:.1f}" for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1))) + " ms"


class Traveller:
    """A client of the device, whose address changes, and one in the cluster with which it exchanges messages."""

    def __init__(self, network: KubeProxy, stack: type[WireOverQUIC] | str, policy: str, program: Path, expires: int = 0):
        self.network, self.gaps = network, Gaps()
        self.number = next(numbers)
        up, down, identifier = f"travel/{self.number}/up", f"travel/{self.number}/down", f"traveller-{self.number}"
        address = (network.NODE, network.port(policy, "udp"))
        self.host = network.add_address()
        with network.inside(network.host):
            pod = network.places[self.number % len(network.places)]
            client = WireOverTCP((pod.host, pod.mqtt), 5, Options(f"fixed-{self.number}"))
            client.connect()
            self.fixed: Flow = WireFlow(client, to=down, of=up)
        if stack == "ours":
            self.mover: Flow = OwnFlow(program, identifier, address, self.host, to=up, of=down, expires=expires)
        else:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(QUIC, "HOST", self.host)
                client = stack(address, 5, Options(identifier, expires=expires))
            client.connect()
            self.mover = WireFlow(client, to=up, of=down)

    def change(self, count: int, active: bool) -> None:
        """Another port alone, another address alone, and both, in turn. The address before is no more."""
        moves, keep_port = [(False, False), (True, True), (True, False)][count % 3]
        before = self.host
        if moves:
            self.host = self.network.add_address()
        self.mover.move(self.host, keep_port, active)
        if moves:
            self.network.delete_address(before)

    def travel(self, changes: int, active: bool = False) -> None:
        """Each time with messages on their way that the old socket never sees."""
        for count in range(changes):
            for qos in (1, 2):
                self.mover.send(qos)
                self.fixed.send(qos)
            before = len(self.fixed.sent)
            self.change(count, active)
            acknowledged = self.mover.send(1)  # who says nothing cannot be found
            self.mover.send(2)
            for qos in (2, 1):
                self.fixed.send(qos)
            self.measure(before, acknowledged, lambda: self.mover.moved)
            self.complete()

    def wake(self) -> None:
        """Says something after a silence. What was published meanwhile follows."""
        before, begun = len(self.mover.received), time.monotonic()
        acknowledged = self.mover.send(1)
        self.measure(before, acknowledged, lambda: begun)
        self.complete()

    def measure(self, before: int, acknowledged: int, since: Callable[[], float]) -> None:
        """Waits for more deliveries than `before`, and for an acknowledgement."""
        down = up = None

        def is_measured() -> bool:
            nonlocal down, up
            now = time.monotonic()
            if down is None and len(self.mover.received) > before:
                down = now
            if up is None and acknowledged not in self.mover.waiting:
                up = now
            return down is not None and up is not None

        self.mover.take_until(is_measured, "nothing is delivered and acknowledged after a change")
        self.gaps.down.append(down - since())
        self.gaps.up.append(up - since())

    def complete(self) -> None:
        """Waits for all that is under way."""
        for one, other in ((self.mover, self.fixed), (self.fixed, self.mover)):
            one.take_until(lambda: not one.waiting, "no acknowledgement")
            other.take_until(lambda: len(other.received) >= len(one.sent), "messages are lost")

    def arrive(self) -> None:
        """Holds what came against what was sent: each message once, in the order of its QoS [MQTT-4.6.0-6]."""
        for flow in (self.mover, self.fixed):
            flow.settle()
        for one, other in ((self.mover, self.fixed), (self.fixed, self.mover)):
            for qos in (b"-1", b"-2"):
                assert [payload for payload in other.received if payload.endswith(qos)] == [payload for payload in one.sent if payload.endswith(qos)]

    def close(self) -> None:
        if isinstance(self.mover, OwnFlow):
            self.mover.close()
        else:
            self.mover.client.disconnect()
        self.fixed.client.disconnect()
        self.network.delete_address(self.host)


@pytest.fixture
def traveller(binary):
    """Makes travellers, and lets this process be on the device meanwhile."""
    travellers: list[Traveller] = []
    program = binary.with_name("MovingClient")
    places = []

    def make(network: KubeProxy, stack: type[WireOverQUIC] | str, policy: str, expires: int = 0) -> Traveller:
        if not places:
            places.append(network.inside(network.device))
            places[0].__enter__()
        travellers.append(Traveller(network, stack, policy, program, expires))
        return travellers[-1]

    yield make
    for each in travellers:
        each.close()
    for place in places:
        place.__exit__(None, None, None)


@pytest.fixture
def walk(traveller, changes, request, record_property):
    def walk(network: KubeProxy, stack: type[WireOverQUIC] | str, policy: str, active: bool = False, expires: int = 0) -> None:
        flows, relayed = sum(network.flows()), sum(network.relayed())
        one = traveller(network, stack, policy, expires)
        one.travel(changes, active)
        one.arrive()
        flows, relayed = sum(network.flows()) - flows, sum(network.relayed()) - relayed
        told = f"{changes} changes, {flows} flows, {relayed} frames of the relay; gap {one.gaps}"
        record_property("walk", told)
        print(f"{request.node.name}: {told}")
        # Now and then it has the address and port of a flow that conntrack still knows. And where all of 16 changes or more reach the
        # owner, nothing chooses by chance.
        assert flows > changes * 9 // 10
        assert relayed > 0 or changes < 16

    return walk


@policies
@stacks
def test_walk(walk, three, stack, policy):
    """The client is not told that its address has changed, as behind a NAT (RFC 9000 §9.3.1)."""
    walk(three, stack, policy)


@policies
@those("ours", AioQUIC)
def test_walk_of_a_client_that_knows(walk, three, stack, policy):
    """The client takes another connection identifier along (RFC 9000 §9.5)."""
    walk(three, stack, policy, active=True)


@policies
def test_walk_of_a_durable_session(walk, three, policy):
    walk(three, "ours", policy, expires=600)


@policies
def test_our_client_finds_out_by_itself(three, traveller, policy, record_property):
    """Its address is deleted, and nobody tells it: it opens another socket, and its connection goes on."""
    one = traveller(three, "ours", policy)
    for _ in range(4):
        before = one.host
        one.travel(1)
        time.sleep(1.2)  # a client opens a socket a second at most
        one.host = three.add_address()
        three.delete_address(before)
        deleted, delivered = time.monotonic(), len(one.fixed.sent)
        one.fixed.send(1)
        one.measure(delivered, one.mover.send(1), lambda: deleted)
        one.complete()
    one.arrive()
    told = f"{one.gaps}"
    record_property("gap", told)
    print(told)


FORGOTTEN = 1  # second after which conntrack forgets a flow in the tests below
TOGETHER = 10  # clients of a policy that are silent at the same time


@pytest.fixture
def forgetful(three) -> Iterator[KubeProxy]:
    """Conntrack forgets a flow within a second. RFC 4787 asks for two minutes and more, which is what others have to wait."""
    three.forget_after(FORGOTTEN)
    yield three
    three.forget_after(120)


@stacks
def test_silence_beyond_conntrack(forgetful, traveller, changes, request, record_property, stack):
    """Nobody can reach a client of whose flow conntrack knows nothing, until the client speaks; then it may reach another pod."""
    silent = {policy: [traveller(forgetful, stack, policy) for _ in range(TOGETHER)] for policy in KubeProxy.PORTS}
    everybody = [one for several in silent.values() for one in several]
    for one in everybody:
        one.travel(1)
        one.gaps = Gaps()
    flows, relayed = sum(forgetful.flows()), sum(forgetful.relayed())
    for _ in range(max(1, changes // TOGETHER)):
        silence = time.monotonic() + 2 * FORGOTTEN + 0.5
        while time.monotonic() < silence:
            for one in everybody:
                one.mover.take(0.01)  # it says nothing, but its QUIC stack may have to acknowledge something
        for one in everybody:
            for qos in (1, 2):
                one.fixed.send(qos)
        for one in everybody:
            one.wake()
    for one in everybody:
        one.arrive()
    flows, relayed = sum(forgetful.flows()) - flows, sum(forgetful.relayed()) - relayed
    count = 0
    for policy, several in silent.items():
        gaps = Gaps([each for one in several for each in one.gaps.down], [each for one in several for each in one.gaps.up])
        count += len(gaps.up)
        told = f"{policy}: {len(gaps.up)} silences; from the first word {gaps}"
        record_property("silence", told)
        print(f"{request.node.name}: {told}")
    print(f"{request.node.name}: {flows} flows, {relayed} frames of the relay")
    # A packet that was sent again on a busy machine may have kept some flows.
    assert flows > count // 2
    assert relayed > 0


@policies
def test_walk_among_six_nodes(walk, six, policy):
    walk(six, "ours", policy)


@policies
@those("ours", picoquic)
def test_preferred_address_needs_no_relay(preferring, traveller, changes, record_property, policy, stack):
    """A client that goes on at its pod's own address is not relayed, wherever it moves (RFC 9000 §9.6). Picoquic's socket cannot be replaced."""
    relayed = sum(preferring.relayed())
    one = traveller(preferring, stack, policy)
    flows = sum(preferring.flows())
    if stack == "ours":
        one.travel(changes)
    else:
        for _ in range(changes):
            for flow in (one.mover, one.fixed):
                flow.send(1)
            one.complete()
    one.arrive()
    flows, relayed = sum(preferring.flows()) - flows, sum(preferring.relayed()) - relayed
    told = f"{changes} changes or exchanges, {flows} flows by the node's port, {relayed} frames of the relay; gap {one.gaps if one.gaps.up else '-'}"
    record_property("preferred", told)
    print(told)
    assert flows == 0 and relayed == 0
