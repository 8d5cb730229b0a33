"""A planned stop of a node of a cluster (SIGTERM): it ends soon, whatever is left of the rest."""

import signal
import time

import pytest

from machines import Machines
from nodes import make

PATIENCE = 60  # seconds
SOON = 15  # seconds; a node waits some seconds for NATS and for the other nodes, and test machines are slow

pytestmark = pytest.mark.martlet


def stop(brokers: list) -> None:
    """All of them at once."""
    began = time.monotonic()
    for broker in brokers:
        broker.process.send_signal(signal.SIGTERM)
    for broker in brokers:
        assert broker.process.wait(PATIENCE) == 0, broker.said()
        assert time.monotonic() - began < SOON, broker.said()
        broker.log.unlink()


def test_a_node_stops_whatever_is_left_of_the_cluster(machines: Machines):
    machines.serve()
    first, *others = machines.brokers
    # While the others take its lanes, and then both at once, whom nobody is left to take the lanes of.
    stop([first])
    stop(others)
    # The only one, which has all lanes.
    first.start()
    make.wait([first], make.is_ready)
    stop([first])
    # Without NATS.
    first.start()
    make.wait([first], make.is_ready)
    for server in machines.servers:
        server.process.kill()
        server.process.wait()
    stop([first])
    # Before it is a member.
    first.start()
    end = time.monotonic() + PATIENCE
    while "trouble with NATS" not in first.log.read_text(errors="replace"):
        assert first.runs and time.monotonic() < end, first.said()
        time.sleep(0.05)
    stop([first])
