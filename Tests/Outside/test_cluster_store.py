"""`martlet store export` and `import` with a cluster: a node by itself moves into one, and its clients miss nothing."""

import subprocess
import time

import pytest

import packets
from clients import Options, WireOverTCP
from machines import Machines
from packets import Message, Will

PATIENCE = 60  # seconds
FOR_LONG = 100_000  # seconds
STORE = "store.engine = sqlite"

pytestmark = pytest.mark.martlet


def client(address, name: str, clean: bool = False, **options) -> WireOverTCP:
    return WireOverTCP(address, 5, Options(name, clean=clean, expires=FOR_LONG, **options))


def take_all(device: WireOverTCP, last: bytes) -> list[bytes]:
    found = []
    while last not in found:
        found.append(device.next(PATIENCE).payload)
    device.nothing()
    return found


def use(machines: Machines) -> None:
    """Lets sessions of the same names have many messages at QoS 2 in the cluster, and end."""
    machines.serve()
    address = machines.places[0]
    car, sender = client(address, "car 1"), client(address, "sender")
    for device in (car, sender):
        device.connect()
    car.subscribe("fleet/#", 2)
    for number in range(60):
        sender.publish(Message("fleet/1", b"%d" % number, 2))
    take_all(car, b"59")
    for device in (car, sender):
        device.drop()
        ended = WireOverTCP(address, 5, Options(device.options.identifier))
        ended.connect()
        ended.disconnect()
    machines.rest()


@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_a_node_moves_into_a_cluster(start, binary, machines, tmp_path, used):
    if used:
        use(machines)
    broker = start(STORE)
    address = broker.addresses["tcp"]
    names = [f"car {number}" for number in range(24)]  # of many lanes
    for name in [*names, "watch"]:
        device = client(address, name)
        device.connect()
        device.subscribe("fleet/#" if name != "watch" else "gone/#", 2)
        device.disconnect()
    sender = client(address, "sender")
    sender.connect()
    for number in range(5):
        sender.publish(Message(f"kept/{number}", b"kept %d" % number, 1, retain=True))

    # One message at QoS 1 that is not acknowledged, and one at QoS 2 that is half delivered.
    halfway = client(address, "halfway")
    halfway.connect()
    halfway.subscribe("half/#", 2)
    for qos in (1, 2):
        sender.publish(Message("half/1", b"at %d" % qos, qos))
    first, second = (halfway.receive(PATIENCE) for _ in range(2))
    assert (first.qos, second.qos) == (1, 2)
    halfway.send(packets.acknowledgement(packets.PUBREC, second.identifier))
    assert halfway.expect(packets.PUBREL).identifier == second.identifier
    halfway.drop()
    # A message at QoS 2 that its publisher has sent, and not released.
    sender.send(packets.publish(Message("fleet/1", b"unreleased", 2), 5, 700))
    assert sender.expect(packets.PUBREC).identifier == 700
    for number in range(20):
        sender.publish(Message("fleet/1", b"%d" % number, 1 + number % 2))
    # A will that is due while nobody is there.
    ghost = client(address, "ghost", will=Will("gone/ghost", b"gone", 2, delay=2))
    ghost.connect()
    ghost.drop()
    time.sleep(0.5)
    sender.drop()
    broker.kill()

    exported = tmp_path / "exported.jsonl"
    subprocess.run([binary, "store", "export", "--folder", broker.folder / "data" / "store", exported], check=True, timeout=PATIENCE)
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(exported.read_bytes().splitlines(keepends=True)[:-1]))
    assert "it is cut off" in machines.store("import", str(cut), code=1).stderr
    assert "lines of" in machines.store("import", str(exported)).stderr
    again = tmp_path / "again.jsonl"
    said = machines.store("export", str(again)).stderr
    assert again.read_bytes() == exported.read_bytes()
    assert "warning" not in said
    said = machines.store("import", str(exported), code=1).stderr
    assert "the cluster local has 28 sessions and 5 retained messages already" in said

    machines.serve()
    places = machines.places
    sender = client(places[0], "sender")
    assert sender.connect()
    # Sent again, since nothing says that it was released: nobody gets it twice.
    sender.send(packets.publish(Message("fleet/1", b"unreleased", 2), 5, 700, duplicate=True))
    assert sender.expect(packets.PUBREC).identifier == 700
    sender.send(packets.acknowledgement(packets.PUBREL, 700))
    assert sender.expect(packets.PUBCOMP).identifier == 700
    sender.publish(Message("fleet/1", b"last", 2))
    for number, name in enumerate(names):
        device = client(places[number % 3], name)
        assert device.connect()
        found = take_all(device, b"last")
        for qos in (1, 2):
            assert [payload for payload in found if payload.isdigit() and 1 + int(payload) % 2 == qos] == [b"%d" % number for number in range(qos - 1, 20, 2)]
        assert found.count(b"unreleased") == 1 and len(found) == 22
        device.disconnect()
    watch = client(places[1], "watch")
    assert watch.connect()
    assert take_all(watch, b"gone") == [b"gone"]
    halfway = client(places[2], "halfway")
    assert halfway.connect()
    found = {packet.kind: packet for packet in (halfway.receive(PATIENCE) for _ in range(2))}
    assert found[packets.PUBREL].identifier == second.identifier
    repeated = found[packets.PUBLISH]
    assert (repeated.payload, repeated.identifier, repeated.flags & 8) == (b"at 1", first.identifier, 8)
    late = client(places[1], "late", clean=True)
    late.connect()
    late.subscribe("kept/#", 1)
    assert sorted(late.next(PATIENCE).payload for _ in range(5)) == [b"kept %d" % number for number in range(5)]

    # With nodes that run.
    said = machines.store("import", str(exported), code=1).stderr
    assert "3 nodes of the cluster local run: stop them first" in said
    said = machines.store("export", str(tmp_path / "running.jsonl")).stderr
    assert "warning: 3 nodes of the cluster run" in said and "sessions" in said
    assert "this node's store is that of its cluster" in machines.store("check", code=2).stderr


def test_a_cluster_moves_to_a_node(start, binary, machines, tmp_path):
    """And what a cluster had, whose brokers were killed under load, goes back into a store of one node."""
    machines.serve()
    places = machines.places
    for number in range(12):
        device = client(places[number % 3], f"car {number}")
        device.connect()
        device.subscribe("fleet/#", 2)
        device.disconnect()
    sender = client(places[0], "sender")
    sender.connect()
    # Enough for the lanes to be cleaned, and for messages of several pieces.
    large = b"x" * 700_000
    for _ in range(8):
        sender.publish(Message("kept/large", large, 1, retain=True))
    for number in range(20):
        sender.publish(Message("fleet/1", b"%d" % number, 1 + number % 2))
    for child in machines.brokers:
        child.process.kill()
        child.process.wait()
    exported = tmp_path / "exported.jsonl"
    assert "13 sessions, 240 messages for them, 1 retained messages" in machines.store("export", str(exported)).stderr
    new = tmp_path / "new"
    subprocess.run([binary, "store", "import", "--folder", new, exported], check=True, timeout=PATIENCE)
    broker = start(f'{STORE}\nstore.path = "{new}"')
    for number in range(12):
        device = client(broker.addresses["tcp"], f"car {number}")
        assert device.connect()
        found = take_all(device, b"19")
        assert sorted(found, key=int) == [b"%d" % number for number in range(20)]
    late = client(broker.addresses["tcp"], "late", clean=True)
    late.connect()
    late.subscribe("kept/#", 1)
    assert late.next(PATIENCE).payload == large


def test_an_import_that_has_no_room(start, binary, machines, tmp_path):
    """It ends with what JetStream says, and what was imported so far stands in the way of another import."""
    broker = start(STORE)
    device = client(broker.addresses["tcp"], "car")
    device.connect()
    device.subscribe("fleet/#", 1)
    device.disconnect()
    sender = client(broker.addresses["tcp"], "sender", clean=True)
    sender.connect()
    for number in range(60):
        sender.publish(Message("fleet/1", b"x" * 50_000, 1))
    broker.kill()
    exported = tmp_path / "exported.jsonl"
    subprocess.run([binary, "store", "export", "--folder", broker.folder / "data" / "store", exported], check=True, timeout=PATIENCE)
    # The streams are made by nodes.
    machines.serve()
    machines.rest()
    machines.bound_streams(octets=1 << 20)
    said = machines.store("import", str(exported), code=1).stderr
    assert "JetStream error 10077: maximum bytes exceeded" in said.splitlines()[-1]
    machines.bound_streams(octets=1 << 30)
    assert "already: give another cluster.name, or delete the streams" in machines.store("import", str(exported), code=1).stderr
