"""`martlet ctl cluster`: what a running broker says of itself and of its cluster, by the socket in its data folder."""

import json
import os
import re
import signal
import stat
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import Martlet, free_port, wait_until
from test_cluster import Cluster, Device, cluster  # noqa: F401, the fixture

pytestmark = pytest.mark.martlet


@pytest.fixture
def ctl(binary) -> Callable[..., subprocess.CompletedProcess]:
    def ctl(*arguments: str | Path, code: int = 0, **options) -> subprocess.CompletedProcess:
        done = subprocess.run([binary, "ctl", *arguments], capture_output=True, text=True, timeout=60, **options)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return ctl


def test_a_broker_by_itself(start, ctl, restart):
    broker = start()
    folder = broker.folder / "data"
    socket = folder / "control.sock"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert "not in a cluster" in ctl("cluster", "--data", folder).stdout
    assert "not in a cluster" in ctl("cluster", "--config", broker.folder / "martlet.conf").stdout
    assert "not in a cluster" in ctl("cluster", env={**os.environ, "MARTLET_NODE__DATA_DIR": str(folder)}).stdout

    [node] = json.loads(ctl("cluster", "--data", folder, "--json").stdout)["nodes"]
    assert node["state"] == "alive" and node["status"]["state"] == "alone"
    assert (node["status"]["connections"], node["status"]["durable_sessions"]) == (0, 0)

    # A killed broker leaves its socket, which the next one replaces.
    again = restart(broker)
    assert "not in a cluster" in ctl("cluster", "--data", folder).stdout
    again.stop()
    assert not socket.exists()
    assert "no broker runs with this data folder" in ctl("cluster", "--data", folder, code=1).stderr


def test_clients_in_the_words_of_the_peer(start, ctl):
    broker = start()
    data = ("--data", broker.folder / "data")
    assert re.fullmatch(r"Node '.+' \S+ is started\n", ctl("status", *data).stdout)
    assert ctl("clients", "list", *data).stdout == "No clients.\n"
    assert ctl("subscriptions", "list", *data).stdout == "No subscriptions.\n"
    port = broker.addresses["tcp"][1]
    Device("car/7 ü", 0, lives=100, port=port).subscribe("fleet/#")
    Device("a\nb", 0, lives=0, port=port)
    [line] = ctl("clients", "show", "car/7 ü", *data).stdout.splitlines()
    assert re.fullmatch(
        r"Client\(car/7 ü, username=undefined, peername=127\.0\.0\.1:\d+, clean_start=false, keepalive=60, session_expiry_interval=100, "
        r"subscriptions=1, inflight=0, awaiting_rel=0, delivered_msgs=0, enqueued_msgs=0, dropped_msgs=0, connected=true, connected_at=\d{13}\)",
        line,
    )
    # No client writes lines of its own.
    lines = ctl("clients", "list", *data).stdout.splitlines()
    assert len(lines) == 2 and line in lines and any(each.startswith("Client(a\\u{a}b, ") for each in lines)
    assert ctl("subscriptions", "show", "car/7 ü", *data).stdout == "car/7 ü -> topic:fleet/# qos:2 nl:0 rh:0 rap:0\n"
    assert ctl("clients", "kick", "nobody", *data).stdout == "Not Found.\n"
    assert ctl("clients", "kick", "car/7 ü", *data).stdout == "ok\n"
    assert ctl("clients", "show", "car/7 ü", *data).stdout == "Not Found.\n"


def test_counts(start, ctl):
    broker = start()
    Device("short", 0, lives=0, port=broker.addresses["tcp"][1])
    Device("long", 0, port=broker.addresses["tcp"][1]).subscribe("a/#")

    def counted() -> tuple[int, ...]:
        [node] = json.loads(ctl("cluster", "--data", broker.folder / "data", "--json").stdout)["nodes"]
        return tuple(node["status"][key] for key in ("connections", "sessions", "durable_sessions", "subscriptions"))

    assert wait_until(lambda: counted() == (2, 2, 1, 1)), counted()


def test_no_broker(ctl, tmp_path):
    said = ctl("cluster", "--data", tmp_path, code=1).stderr
    assert said == f"martlet ctl: no broker runs with this data folder: nobody listens on {tmp_path}/control.sock. " \
        "Start it by `martlet serve`, or name its configuration by --config or its data folder by --data\n"
    (tmp_path / "wrong.conf").write_text("nod.data_dir = x")
    assert "nod" in ctl("cluster", "--config", tmp_path / "wrong.conf", code=2).stderr


def test_a_broker_that_waits_for_its_cluster(binary, ctl, tmp_path):
    (tmp_path / "secret").write_bytes(os.urandom(32))
    (tmp_path / "secret").chmod(0o600)
    broker = Martlet(binary, tmp_path, f"""
        cluster {{ engine = nats, servers = ["nats://127.0.0.1:{free_port()}"], secret_file = "{tmp_path}/secret", relay.bind = "127.0.0.1:0" }}
    """)
    try:
        assert wait_until((tmp_path / "data" / "control.sock").exists), broker.output
        said = wait_until(lambda: subprocess.run([binary, "ctl", "cluster", "--data", tmp_path / "data"], capture_output=True, text=True).stdout)
        assert said.startswith("Cluster emqxcl, as this node, which has no number, sees it\n"), said
        assert "this node does not serve clients yet" in said and "this node has no connection to NATS" in said
    finally:
        broker.kill()


def test_a_path_that_is_too_long(start, ctl, tmp_path):
    folder = tmp_path / ("x" * 120)
    broker = start("", f"node.data_dir={folder}")
    assert wait_until(lambda: "there is no control socket" in broker.output), broker.output
    assert "cannot connect" in ctl("cluster", "--data", folder, code=1).stderr


def test_another_user(start, ctl, tmp_path):
    if os.geteuid():
        pytest.skip("needs root to be somebody else")
    broker = start()
    # The folders above would stop others already.
    for folder in (broker.folder / "data", *broker.folder.parents[:3], broker.folder):
        folder.chmod(0o755)
    ctl("cluster", "--data", broker.folder / "data")
    socket = broker.folder / "data" / "control.sock"
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect('{socket}')"
    done = subprocess.run(["python3", "-c", connect], user=65534, group=65534, capture_output=True, text=True)
    assert "PermissionError" in done.stderr


class Seen:
    """What each broker of a cluster says."""

    def __init__(self, cluster: Cluster, ctl):
        said = "".join(cluster.said)
        self.ctl = ctl
        self.folder = Path(re.search(r"Data, configurations and logs are in (\S+)\.\n", said)[1])
        self.servers = [int(number) for number in re.findall(r"nats-\d +\S+ +process (\d+)", said)]

    def text(self, broker: int) -> str:
        return self.ctl("cluster", "--data", self.folder / f"broker-{broker}").stdout

    def by(self, broker: int) -> dict:
        return json.loads(self.ctl("cluster", "--data", self.folder / f"broker-{broker}", "--json").stdout)

    def states(self, broker: int) -> dict[str, str]:
        """The state of each node, by its name, as one broker sees it."""
        return {node["name"]: node["state"] for node in self.by(broker)["nodes"]}

    def durable(self, broker: int) -> int:
        """The durable sessions of the nodes that answer."""
        return sum(node["status"]["durable_sessions"] for node in self.by(broker)["nodes"] if "status" in node)

    def leaders(self, broker: int) -> Counter:
        """How many lanes each node leads, by its name; `None` for lanes that none leads."""
        seen = self.by(broker)
        names = {node.get("node"): node["name"] for node in seen["nodes"]}
        return Counter(names.get(lane.get("node")) for lane in seen["lanes"])


BROKERS = ["broker-0", "broker-1", "broker-2"]


def test_the_cluster_is_seen_by_each_node(cluster, ctl):
    seen = Seen(cluster, ctl)
    for number in range(3):
        for device in range(2):
            Device(f"device {number} {device}", number)
    alive = {name: "alive" for name in BROKERS}
    for broker in range(3):
        # Lanes move until each node has its share, and the copies of new streams come late.
        assert wait_until(lambda: "all is well" in seen.text(broker)), seen.text(broker)
        seen_by = seen.by(broker)
        assert seen_by["cluster"] == "local"
        assert [node["name"] for node in seen_by["nodes"] if node["node"] == seen_by["node"]] == [f"broker-{broker}"]
        assert {node["name"]: node["state"] for node in seen_by["nodes"]} == alive
        assert {node["status"]["version"] for node in seen_by["nodes"]} == {node["status"]["version"] for node in seen_by["nodes"][:1]}
        assert [lane["lane"] for lane in seen_by["lanes"]] == list(range(64))
        assert sum(node["status"]["durable_sessions"] for node in seen_by["nodes"]) == 6
        assert all((node["node"] == seen_by["node"]) == ("heard_milliseconds" not in node) for node in seen_by["nodes"])
        assert {node["name"]: node["status"]["connections"] for node in seen_by["nodes"]} == {name: 2 for name in BROKERS}
        assert sum(node["status"]["lag"]["recent_appends"] for node in seen_by["nodes"]) > 0
        assert [stream["name"] for stream in seen_by["streams"]] == [f"MARTLET_local_L{number}" for number in range(4)] + ["KV_MARTLET_local_members", "KV_MARTLET_local_meta"]
        assert all(stream["current_replicas"] == 3 and stream["leader"] for stream in seen_by["streams"])
        assert all(connection["version"] for node in seen_by["nodes"] for connection in node["status"]["nats"])
    assert wait_until(lambda: set(seen.leaders(0)) == set(BROKERS)), seen.leaders(0)
    # No secret of theirs is in what they say.
    assert (seen.folder / "secret").read_bytes().hex() not in json.dumps(seen.by(0))

    cluster.kill(1)
    assert wait_until(lambda: seen.states(0)["broker-1"] == "suspected"), seen.text(0)
    assert "has not been heard of" in seen.text(0) or seen.states(0)["broker-1"] == "dead"
    assert wait_until(lambda: set(seen.leaders(0)) == {"broker-0", "broker-2"}), seen.text(0)
    for broker in (0, 2):
        assert wait_until(lambda: seen.states(broker)["broker-1"] == "dead"), seen.text(broker)
        assert wait_until(lambda: set(seen.leaders(broker)) == {"broker-0", "broker-2"}), seen.text(broker)
    assert wait_until(lambda: seen.durable(0) == 6), seen.text(0)
    runs = {node["name"]: node["run"] for node in seen.by(0)["nodes"]}

    process = cluster.start(1)
    try:
        for broker in range(3):
            assert wait_until(lambda: seen.states(broker) == alive), seen.text(broker)
        again = {node["name"]: node["run"] for node in seen.by(0)["nodes"]}
        assert again["broker-1"] > runs["broker-1"] and again["broker-0"] == runs["broker-0"]
        assert wait_until(lambda: set(seen.leaders(2)) == set(BROKERS)), seen.text(2)
        # A session is counted where its lane is led, and nowhere else.
        assert wait_until(lambda: seen.durable(2) == 6), seen.text(2)
    finally:
        process.terminate()
        process.wait(60)


def test_a_broker_without_nats_answers(cluster, ctl):
    seen = Seen(cluster, ctl)
    assert wait_until(lambda: "all is well" in seen.text(0)), seen.text(0)
    os.kill(seen.servers[2], signal.SIGKILL)
    assert wait_until(lambda: any(stream["current_replicas"] == 2 for stream in seen.by(0)["streams"])), seen.text(0)
    for server in seen.servers[:2]:
        os.kill(server, signal.SIGKILL)
    assert wait_until(lambda: "this node has no connection to NATS" in seen.text(0)), seen.text(0)
    own = next(node for node in seen.by(0)["nodes"] if node["name"] == "broker-0")
    assert own["status"]["version"]
    # Its run is over once nobody can have heard of it for so long.
    assert wait_until(lambda: seen.states(0)["broker-0"] == "isolated"), seen.text(0)
    assert seen.leaders(0) == {None: 64}
