"""The experiments in their short form. The tests assert counts, not times."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.martlet
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def results(binary, tmp_path_factory):
    if os.geteuid():
        pytest.skip("needs root for network namespaces")
    folder = tmp_path_factory.mktemp("experiments")
    command = [ROOT / "scripts" / "experiments", "--quick", "--binaries", binary.parent, "--results", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    assert (folder / "experiments.md").read_text().startswith("# Experiments")
    for drawing in (folder / "experiments").glob("*.svg"):
        assert drawing.read_text().startswith("<svg ")
    return json.loads((folder / "results.json").read_text())


def test_everybody_connects(results):
    assert {row["way"] for row in results["connect"]} >= {"TCP", "TCP + TLS", "QUIC, 1 stream"}
    for row in results["connect"]:
        assert row["connected"] == row["of"], row


def test_nothing_is_lost_but_packets(results):
    """At QoS 0: QUIC and TCP retransmit what the link loses."""
    for row in results["losses"]:
        assert row["received"] == row["published"] > 100, row


def test_messages_pass(results):
    for row in results["goodput"]:
        assert row["received"] > 0, row


def test_streams_keep_a_small_topic_alive(results):
    """A stream that is blocked does not block the other. Over TCP only the small messages before the first large one pass."""
    if not results["blocking"]:
        pytest.skip("no streams here")
    received = {row["way"]: row["received"] for row in results["blocking"]}
    assert received["QUIC, 2 streams"] > received["TCP"]


def test_addresses_change_without_loss(results):
    """RFC 9000 §9: QUIC connections survive; no message at QoS 2 is lost or duplicated."""
    quic = [row for row in results["rebinding"] if row["way"].startswith("QUIC")]
    assert quic
    for row in quic:
        assert row["rebound"] >= row["changes"] and row["gaps"] > 0, row
        assert (row["connections_lost"], row["lost"], row["twice"]) == (0, 0, 0), row


def test_a_crowd_moves_without_loss(results):
    """RFC 9000 §9.3: a thousand connections whose addresses change at one instant."""
    for row in results["crowd"]:
        assert row["clients"] == row["reached"] == 1_000, row
        assert (row["connections_lost"], row["lost"]) == (0, 0), row


def test_who_was_silent_is_found_again(results):
    for row in results["idle"]:
        assert row["after_publish_ms"] is not None, row
        assert row["connections_lost"] == 0, row
