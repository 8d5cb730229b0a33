"""The broker on a disk that is full, slow, not to be written, or damaged, as outside clients see it."""

import os
import re
import sqlite3
import subprocess
import time

import pytest

import packets
from clients import AioQUIC, Options, Silence, Wire, WireOverTCP
from disk import FaultyDisk, SmallDisk
from packets import Message
from servers import Martlet, wait_until
from transports import Closed

pytestmark = pytest.mark.martlet
QUOTA_EXCEEDED = 0x97
UNAVAILABLE = 3  # of MQTT 3
STORE = "store.engine = sqlite\nnode.loops = 2"
DURABLE = {"clean": False, "expires": 3600}


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid():
        pytest.skip("needs root to mount")
    # The store keeps 64 MiB, and says that the disk is well once there is as much again.
    disk = SmallDisk(tmp_path / "disk", 200 << 20)
    yield disk
    disk.close()


@pytest.fixture
def faulty_disk(tmp_path) -> FaultyDisk:
    return FaultyDisk(tmp_path)


def client(broker: Martlet, identifier: str, version: int = 5, **options) -> WireOverTCP:
    made = WireOverTCP(broker.addresses["tcp"], version, Options(identifier, **options))
    made.connect()
    return made


def away(broker: Martlet, topics: str, identifier: str = "away") -> None:
    """A durable session whose client is away."""
    made = client(broker, identifier, **DURABLE)
    made.subscribe(topics, 1)
    made.disconnect()


def send(publisher: Wire, message: Message) -> int:
    """Publishes, and leaves the answer to `answer`."""
    identifier = publisher.next_identifier()
    publisher.send(packets.publish(message, publisher.version, identifier))
    return identifier




def reason(publisher: Wire, message: Message, timeout: float = 60) -> int:
    """The reason code of the PUBACK or PUBREC of a message."""
    identifier = send(publisher, message)
    found = publisher.expect(packets.PUBREC if message.qos == 2 else packets.PUBACK, timeout)
    assert found.identifier == identifier
    return found.reason


def until_refused(publisher: Wire, topic: str, size: int = 1000, seconds: float = 60) -> list[bytes]:
    """Publishes until a message is refused. Returns those that were acknowledged."""
    taken: list[bytes] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        payload = b"%d:" % len(taken) + bytes(size)
        if reason(publisher, Message(topic, payload, 1)) == QUOTA_EXCEEDED:
            return taken
        taken.append(payload)
    raise AssertionError("nothing is refused")


def until_taken(publisher: Wire, message: Message) -> None:
    assert wait_until(lambda: reason(publisher, message) < 0x80)


def connack(broker: Martlet, identifier: str, version: int) -> int:
    """The reason code of CONNACK."""
    options = Options(identifier, **DURABLE)
    made = WireOverTCP(broker.addresses["tcp"], version, options)
    made.send(made.greeting)
    found = made.expect(packets.CONNACK).reason
    made.drop()
    return found


def states(broker: Martlet) -> list[str]:
    """The states of the store that the log names, in their order."""
    return [match[1] for line in broker.said if (match := re.search(r" state=(\w+)", line))]


def refuse(restart, broker: Martlet, configuration: str, binary) -> str:
    """Starts a broker on the folder of another that has ended, and returns what it says before it ends, too."""
    again = Martlet(binary, broker.folder, configuration)
    assert wait_until(lambda: not again.is_running)
    again.reader.join(10)
    assert again.process.returncode not in (0, -11, -6, -4), again.output
    return again.output


def test_full_and_with_space_again(start, restart, small_disk):
    configuration = f'{STORE}\nstore.path = "{small_disk.folder}/store"'
    broker = start(configuration)
    away(broker, "kept/#")
    three, five, reader = client(broker, "three", 4), client(broker, "five"), client(broker, "reader")
    reader.subscribe("#", 1)
    mobile = AioQUIC(broker.addresses["quic"], 5, Options("mobile", **DURABLE))
    mobile.connect()
    mobile.subscribe("mobile", 1)
    assert reason(five, Message("kept/1", b"before", 1)) < 0x80
    small_disk.fill()
    taken = until_refused(five, "kept/2")

    # Nobody gets what is refused.
    assert reason(five, Message("kept/1", b"refused", 2)) == QUOTA_EXCEEDED
    assert reason(five, Message("retained", b"refused", 1, retain=True)) == QUOTA_EXCEEDED
    withheld = [send(three, Message("kept/3", b"%d" % number, 1)) for number in range(3)]
    with pytest.raises(AssertionError):
        three.expect(packets.PUBACK, 0.5)
    three.ping()
    assert reason(five, Message("transient", b"end", 1)) < 0x80
    found = [reader.next() for _ in range(len(taken) + 2)]
    assert [message.payload for message in found] == [b"before", *taken, b"end"]

    # Everything else goes on.
    assert connack(broker, "new", 5) == QUOTA_EXCEEDED
    assert connack(broker, "new", 4) == UNAVAILABLE
    assert client(broker, "passing").subscribe("kept/#", 1) == 1
    assert mobile.subscribe("mobile", 1) == 1
    assert mobile.subscribe("another", 1) == QUOTA_EXCEEDED
    back = client(broker, "away", **DURABLE)
    assert [back.next().payload for _ in range(len(taken) + 1)] == [b"before", *taken]
    back.disconnect()
    assert states(broker).count("full") == 1
    assert any("make space" in line for line in broker.said), broker.output

    small_disk.clear()
    for identifier in withheld:
        assert three.expect(packets.PUBACK).identifier == identifier
    until_taken(five, Message("kept/4", b"after", 1))
    assert connack(broker, "new", 5) == 0
    assert mobile.subscribe("another", 1) == 1
    assert wait_until(lambda: states(broker)[-1:] == ["well"]), broker.output

    broker = restart(broker, configuration)
    back = client(broker, "away", **DURABLE)
    assert [back.next().payload for _ in range(4)] == [b"0", b"1", b"2", b"after"]
    back.nothing()


def test_at_max_bytes_clients_empty_the_store(start):
    """What waits fills the store; its clients fetch it, the log is cleaned, and there is space again."""
    broker = start(f"{STORE}\nstore.max_bytes = 64MB\nmqtt.max_mqueue_len = infinity\nmqtt.max_mqueue_bytes = 1GB\nmqtt.max_inflight = 1000")
    away(broker, "kept")
    publisher = client(broker, "publisher")
    taken = until_refused(publisher, "kept", 900_000, seconds=300)
    assert len(taken) > 20
    assert wait_until(lambda: states(broker)[-1:] == ["full"]), broker.output
    back = client(broker, "away", **DURABLE)
    for payload in taken:
        assert back.next().payload == payload
    until_taken(publisher, Message("kept", b"after", 1))
    assert wait_until(lambda: states(broker)[-1:] == ["well"]), broker.output
    assert back.next().payload == b"after"


def test_slow(start, faulty_disk):
    broker = start(STORE, environment=faulty_disk.environment)
    away(broker, "kept")
    publisher = client(broker, "publisher")
    faulty_disk.set("slow")
    sent = 0
    while "slow" not in states(broker) and sent < 100:
        assert reason(publisher, Message("kept", b"%d" % sent, 1)) < 0x80
        sent += 1
    assert connack(broker, "new", 5) == 0
    faulty_disk.set("")
    while "well" not in states(broker) and sent < 1000:
        assert reason(publisher, Message("kept", b"%d" % sent, 1)) < 0x80
        sent += 1
    assert states(broker) == ["slow", "well"], broker.output
    back = client(broker, "away", **DURABLE)
    assert [back.next().payload for _ in range(sent)] == [b"%d" % number for number in range(sent)]


def test_not_to_be_written(start, restart, faulty_disk):
    broker = start(STORE, environment=faulty_disk.environment)
    away(broker, "kept")
    three, five = client(broker, "three", 4), client(broker, "five")
    faulty_disk.set("readonly")
    # The one that is on its way when writing ends waits until it goes on.
    first = send(five, Message("kept", b"first", 1))
    assert wait_until(lambda: states(broker)), broker.output
    assert wait_until(lambda: connack(broker, "new", 4) == UNAVAILABLE)
    withheld = send(three, Message("kept", b"withheld", 1))
    refused = send(five, Message("kept", b"refused", 1))
    five.ping()
    faulty_disk.set("")
    assert answers(five) == [(first, 0), (refused, QUOTA_EXCEEDED)]
    assert three.expect(packets.PUBACK).identifier == withheld
    until_taken(five, Message("kept", b"after", 1))
    assert wait_until(lambda: states(broker)[-1:] == ["well"]), broker.output
    back = client(broker, "away", **DURABLE)
    assert [back.next().payload for _ in range(3)] == [b"first", b"withheld", b"after"]


def answers(publisher: Wire) -> list[tuple[int, int]]:
    return [(found.identifier, found.reason) for found in (publisher.expect(packets.PUBACK) for _ in range(2))]


def test_a_sync_that_fails_ends_the_process(start, restart, faulty_disk):
    broker = start(STORE, environment=faulty_disk.environment)
    away(broker, "kept")
    publisher = client(broker, "publisher")
    assert reason(publisher, Message("kept", b"before", 1)) < 0x80
    faulty_disk.set("unsynced")
    send(publisher, Message("kept", b"never promised", 1))
    assert wait_until(lambda: not broker.is_running)
    assert broker.process.returncode == 1, broker.output
    assert re.search(r"critical.*the process ends|the process ends.*critical|CRITICAL", broker.output, re.I), broker.output
    with pytest.raises((Closed, AssertionError)):
        publisher.expect(packets.PUBACK, 1)
    broker = restart(broker, STORE)
    back = client(broker, "away", **DURABLE)
    assert back.next().payload == b"before"


def test_a_torn_end_is_cut(start, restart):
    broker = start(STORE)
    away(broker, "kept")
    publisher = client(broker, "publisher")
    sent = [b"%d" % number for number in range(50)]
    for payload in sent:
        assert reason(publisher, Message("kept", payload, 1)) < 0x80
    broker.kill()
    log = broker.folder / "data" / "store" / "commits.db-wal"
    whole = log.read_bytes()
    log.write_bytes(whole[: len(whole) * 3 // 4 + 777])
    broker = restart(broker, STORE)
    back = client(broker, "away", **DURABLE)
    found: list[bytes] = []
    try:
        while True:
            found.append(back.next(1).payload)
    except Silence:
        pass
    assert found == sent[: len(found)] and 10 < len(found) < 50
    assert reason(client(broker, "publisher"), Message("kept", b"after", 1)) < 0x80
    assert back.next().payload == b"after"


@pytest.mark.parametrize("what", ["newer", "foreign", "damaged"])
def test_a_store_that_cannot_be_read_is_refused_with_a_sentence(start, restart, binary, what):
    broker = start(STORE)
    away(broker, "kept")
    broker.stop()
    file = broker.folder / "data" / "store" / "commits.db"
    if what == "damaged":
        file.write_bytes(b"*" * 4096 + file.read_bytes()[4096:])
    else:
        with sqlite3.connect(file) as database:
            database.execute("PRAGMA user_version = 99" if what == "newer" else "PRAGMA application_id = 1")
        database.close()
    said = refuse(restart, broker, STORE, binary)
    assert str(file) in said
    assert {"newer": "newer Martlet", "foreign": "another program", "damaged": "martlet store check --salvage"}[what] in said


def test_a_damaged_batch_quarantines_its_lane_until_it_is_salvaged(start, restart, binary):
    broker = start(STORE)
    publisher = client(broker, "publisher")
    for number in range(20):
        away(broker, f"to/{number}", f"client {number}")
        assert reason(publisher, Message(f"to/{number}", b"payload %d." % number, 1)) < 0x80
    broker.stop()
    store = broker.folder / "data" / "store"
    with sqlite3.connect(store / "commits.db") as database:
        [(row, octets)] = [found for found in database.execute("SELECT number, octets FROM commits") if b"payload 7." in found[1]]
        database.execute("UPDATE commits SET octets = ? WHERE number = ?", (octets.replace(b"payload 7.", b"payload 8."), row))
    database.close()
    check = subprocess.run([binary, "store", "check", "--folder", store], capture_output=True, text=True)
    assert check.returncode == 1 and "1 commits have damaged batches" in check.stdout, check.stdout

    broker = restart(broker, STORE)
    assert "quarantine" in states(broker)
    assert any("martlet store check --salvage" in line for line in broker.said), broker.output
    refused = [number for number in range(20) if connack(broker, f"client {number}", 5) == 0x88]
    assert 7 in refused and len(refused) < 5
    assert connack(broker, "client 7", 4) == UNAVAILABLE
    publisher = client(broker, "publisher")
    for number in range(20):
        expected = number in refused
        assert (reason(publisher, Message(f"to/{number}", b"more", 1)) == QUOTA_EXCEEDED) == expected
        if not expected:
            back = client(broker, f"client {number}", **DURABLE)
            assert [back.next().payload for _ in range(2)] == [b"payload %d." % number, b"more"]
            back.disconnect()
    broker.stop()

    salvaged = broker.folder / "salvaged.db"
    subprocess.run([binary, "store", "check", "--folder", store, "--salvage", salvaged], check=True)
    for rest in store.glob("commits.db*"):
        rest.unlink()
    salvaged.rename(store / "commits.db")
    assert subprocess.run([binary, "store", "check", "--folder", store], capture_output=True).returncode == 0
    broker = restart(broker, STORE)
    assert not states(broker), broker.output
    publisher = client(broker, "publisher")
    for number in range(20):
        assert reason(publisher, Message(f"to/{number}", b"after", 1)) < 0x80
        back = WireOverTCP(broker.addresses["tcp"], 5, Options(f"client {number}", **DURABLE))
        assert back.connect()
        # What was damaged is lost, and nothing else.
        due = [b"payload %d." % number] if number in refused and number != 7 else []
        assert [back.next().payload for _ in range(len(due) + 1)] == [*due, b"after"]
        back.disconnect()
