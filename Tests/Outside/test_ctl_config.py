"""`martlet ctl config`: keys of the configuration that are set while brokers run."""

import json
import os
import re
import signal
import stat

import pytest

import packets
from clients import Options, WireOverTCP
from servers import Martlet, wait_until
from test_cluster import PORTS, cluster  # noqa: F401, the fixture
from test_ctl import Seen, ctl  # noqa: F401, the fixture

pytestmark = pytest.mark.martlet

RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE = 0x21, 0x27  # properties of CONNACK


def promised(address: tuple[str, int], name: str = "asks") -> tuple[int, int]:
    """The Maximum Packet Size and the Receive Maximum that a client of MQTT 5 is told."""
    client = WireOverTCP(address, 5, Options(name))
    client.send(client.greeting)
    answer = client.expect(packets.CONNACK)
    client.disconnect()
    assert answer.reason == 0
    return answer.properties[MAXIMUM_PACKET_SIZE][0], answer.properties[RECEIVE_MAXIMUM][0]


def test_a_broker_by_itself(binary, start, ctl, restart):  # noqa: F811
    broker = start("mqtt.max_qos_allowed = 1")
    folder = broker.folder / "data"
    before = WireOverTCP(broker.addresses["tcp"], 5, Options("before"))
    before.connect()

    def config(*words: str, code: int = 0) -> str:
        done = ctl("config", *words, "--data", folder, code=code)
        return done.stderr if code else done.stdout

    assert config("set", "mqtt.max_packet_size", "2MB") == "mqtt.max_packet_size = 2MB  (set at run time, revision 1)\n"
    config("set", "mqtt.max_awaiting_rel", "7")
    config("set", "log.console.level", "info")
    assert promised(broker.addresses["tcp"]) == (2 << 20, 7)
    assert wait_until(lambda: "client_connected" in broker.output), broker.output
    before.ping()
    assert stat.S_IMODE((folder / "runtime.json").stat().st_mode) == 0o600

    # Nothing that is refused changes anything.
    assert config("set", "mqtt.max_packet_size", "0", code=2).startswith("martlet ctl: mqtt.max_packet_size: 0 is not allowed; allowed: a size")
    assert "did you mean max_packet_size?" in config("set", "mqtt.max_pakcet_size", "1", code=2)
    assert "node.loops takes effect when a broker starts" in config("set", "node.loops", "1", code=2)
    assert re.search(r"mqtt.max_qos_allowed is stated by this node \(.*martlet.conf:\d+\)", config("set", "mqtt.max_qos_allowed", "2", code=1))
    assert "it has revision 2 now" in config("set", "mqtt.max_awaiting_rel", "8", "--revision", "1", code=1)
    assert "mqtt.idle_timeout is not set at run time" in config("unset", "mqtt.idle_timeout", code=2)
    assert re.search(r"mqtt.max_qos_allowed +1 +\S*martlet.conf:\d+\n", config())

    again = restart(broker)
    assert promised(again.addresses["tcp"]) == (2 << 20, 7)
    assert config("unset", "mqtt.max_packet_size") == "mqtt.max_packet_size = 1MB  (default)\n"
    assert promised(again.addresses["tcp"]) == (1 << 20, 7)
    # The file goes before what was set.
    third = restart(again, "mqtt.max_awaiting_rel = 9")
    assert promised(third.addresses["tcp"]) == (1 << 20, 9)
    assert "a key that is set at run time has another value here" in third.output
    third.stop()
    (folder / "runtime.json").write_text("{")
    damaged = Martlet(binary, broker.folder)
    assert damaged.process.wait(60) == 2
    damaged.reader.join()
    assert f"{folder}/runtime.json is damaged" in damaged.output


def test_nodes_of_a_cluster(cluster, ctl):  # noqa: F811
    seen = Seen(cluster, ctl)
    addresses = [("127.0.0.1", port) for port in PORTS]

    def config(node: int, *words: str, code: int = 0) -> str:
        done = ctl("config", *words, "--data", seen.folder / f"broker-{node}", code=code)
        return done.stderr if code else done.stdout

    def all_promise(*expected: int) -> bool:
        return all(promised(address) == expected for address in addresses)

    def revision(node: int, key: str) -> int:
        [found] = [each for each in json.loads(config(node, "show", "--json"))["keys"] if each["key"] == key]
        return found["record"]["revision"]

    config(0, "set", "mqtt.max_packet_size", "2MB")
    assert promised(addresses[0])[0] == 2 << 20
    assert wait_until(lambda: all_promise(2 << 20, 100))

    # Two that have seen the same: one is too late, and is told so.
    known = [str(revision(node, "mqtt.max_packet_size")) for node in (1, 2)]
    assert known[0] == known[1]
    config(1, "set", "mqtt.max_packet_size", "3MB", "--revision", known[0])
    assert "somebody else has changed it meanwhile" in config(2, "set", "mqtt.max_packet_size", "4MB", "--revision", known[1], code=1)
    assert "which goes before" in config(2, "set", "log.console.level", "debug", code=1)
    assert "more than cluster.max_message" in config(2, "set", "mqtt.max_packet_size", "32MB", code=2)
    assert wait_until(lambda: all_promise(3 << 20, 100))

    # What is set while a node is dead it has when it is ready.
    cluster.kill(2)
    config(0, "set", "mqtt.max_awaiting_rel", "7")
    process = cluster.start(2)
    try:
        assert promised(addresses[2]) == (3 << 20, 7)
        config(2, "unset", "mqtt.max_packet_size")
        assert wait_until(lambda: all_promise(1 << 20, 7))

        for server in seen.servers:
            os.kill(server, signal.SIGKILL)
        assert wait_until(lambda: "no connection to NATS" in seen.text(0))
        assert "there is no connection to a NATS server, and nothing was changed" in config(0, "set", "mqtt.max_inflight", "3", code=1)
        assert re.search(r"mqtt.max_awaiting_rel +7 +set at run time", config(0))
    finally:
        process.kill()
        process.wait(60)
