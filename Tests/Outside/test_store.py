"""The broker killed at any moment under load, with a store: nothing that was acknowledged is lost, nothing comes twice at QoS 2, and
the order holds. MARTLET_KILLS=300 for as many kills as a release gets."""

import json
import os
import random
import sqlite3
import subprocess
import threading
import time
from base64 import b64decode
from collections import Counter
from itertools import zip_longest

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from clients import AioQUIC, Kind, Options, Paho, Silence, WireOverTCP
from packets import Message, Will
from servers import wait_until
from transports import Closed

pytestmark = pytest.mark.martlet
KILLS = int(os.environ.get("MARTLET_KILLS", "5"))
TCP5, QUIC5 = Kind(WireOverTCP, 5), Kind(AioQUIC, 5)
STORE = "store.engine = sqlite\nmqtt.max_mqueue_len = 1000000\nmqtt.max_inflight = 100"


class Durable:
    """A client of paho with a session that outlives its connections. It connects again when it is told, once for each restart."""

    def __init__(self, name: str, address: tuple[str, int], topics: str | None = None):
        self.received: list[bytes] = []
        self.acknowledged: set[int] = set()
        self.subscribed = threading.Event()
        self.lost_sessions = 0
        self.connections = 0
        self.topics = topics
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        self.client.max_inflight_messages_set(50)
        self.client.on_connect = self.connected
        self.client.on_message = lambda _, __, message: self.received.append(message.payload)
        self.client.on_publish = lambda _, __, identifier, *___: self.acknowledged.add(identifier)
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self.session = properties
        self.client.connect(*address, clean_start=False, properties=properties)
        self.client.loop_start()

    def connected(self, client, _, flags, *__) -> None:
        self.connections += 1
        if self.connections > 1 and not flags.session_present:
            self.lost_sessions += 1
        if self.topics and self.connections == 1:
            client.subscribe(self.topics, 2)

    def connect_again(self) -> None:
        self.client.loop_stop()
        self.client.reconnect()
        self.client.loop_start()

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize("loops", [1, 3])
def test_killed_under_load(start, restart, loops):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    configuration = f"node.loops = {loops}\n{STORE}"
    broker = start(configuration)
    address = broker.addresses["tcp"]
    away = AioQUIC(broker.addresses["quic"], 5, Options("away", clean=False, expires=3600))
    away.connect()
    away.subscribe("load/#", 2)
    away.disconnect()
    reader = Durable("reader", address, "load/#")
    assert reader.subscribed.wait(10)
    writers = [Durable(f"writer {number}", address) for number in range(2)]
    sent: list[tuple[bytes, Durable, int]] = []
    wills: list[bytes] = []
    retained: dict[str, bytes] = {}

    for kill in range(KILLS):
        # A client with a will goes without a word before the broker is killed, or with it.
        wills.append(b"will:%d" % kill)
        options = Options(f"mortal {kill}", clean=False, expires=3600, will=Will("load/will", wills[-1], 2, delay=1))
        mortal = AioQUIC(broker.addresses["quic"], 5, options) if kill % 2 else WireOverTCP(address, 5, options)
        mortal.connect()
        end = time.monotonic() + chance.uniform(0.05, 0.6)
        while time.monotonic() < end:
            for number, writer in enumerate(writers):
                topic = f"load/{number}/{chance.choice([1, 2])}"
                payload = f"{topic[5:]}/{len(sent)}".encode()
                stays = chance.random() < 0.1
                if stays:
                    retained[topic] = payload
                told = writer.client.publish(topic, payload, int(topic[-1]), retain=stays)
                sent.append((payload, writer, told.mid))
            time.sleep(0.001)
        if chance.random() < 0.5:
            mortal.drop()
        broker = restart(broker, configuration)
        mortal.drop()
        before = [client.connections for client in [reader, *writers]]
        for client in [reader, *writers]:
            client.connect_again()
        # Nothing new is published before what was begun is sent again, so that the order is the standard's.
        assert wait_until(lambda: all(client.connections > count for client, count in zip([reader, *writers], before)), 30)
        time.sleep(0.1)

    for writer in writers:
        due = {identifier for _, by, identifier in sent if by is writer}
        assert wait_until(lambda: not due - writer.acknowledged, 60), f"{len(due - writer.acknowledged)} are not acknowledged"
    everything = [payload for payload, *_ in sent]
    missing = set(everything + wills)
    assert wait_until(lambda: missing.difference_update(reader.received) or not missing, 60), f"{len(missing)} are lost: {list(missing)[:9]}"
    check(everything, wills, reader.received)
    assert not any(client.lost_sessions for client in [reader, *writers])

    for client in [reader, *writers]:
        client.stop()
    back = AioQUIC(broker.addresses["quic"], 5, Options("away", clean=False, expires=3600))
    assert back.connect()
    missing = set(everything + wills)
    fetched: list[bytes] = []
    while missing:
        try:
            fetched.append(back.next().payload)
        except (Closed, Silence) as error:
            pytest.fail(f"{error}: {len(fetched)} came, {len(missing)} did not: {sorted(missing)[:9]}, last {fetched[-9:]}")
        missing.discard(fetched[-1])
    check(everything, wills, fetched)

    late = WireOverTCP(address, 5, Options("late"))
    late.connect()
    late.subscribe("load/#", 2)
    found = [late.next() for _ in retained]
    assert {message.topic: message.payload for message in found} == retained


def check(sent: list[bytes], wills: list[bytes], received: list[bytes]) -> None:
    """The order of each publisher's messages of one QoS, and how often they came."""
    assert Counter(payload for payload in received if payload.startswith(b"will")) == Counter(wills)
    for publisher in (b"0", b"1"):
        for qos in (b"1", b"2"):
            prefix = publisher + b"/" + qos + b"/"
            due = [payload for payload in sent if payload.startswith(prefix)]
            came = [payload for payload in received if payload.startswith(prefix)]
            if qos == b"1":
                came = list(dict.fromkeys(came))
            # Where they differ first, since the lists are long.
            wrong = next((place for place, pair in enumerate(zip_longest(due, came)) if pair[0] != pair[1]), None)
            if wrong is not None:
                around = slice(max(0, wrong - 3), wrong + 3)
                pytest.fail(f"{len(due)} are due and {len(came)} came, not {due[around]} but {came[around]}")


@pytest.mark.parametrize("kind", [TCP5, QUIC5, Kind(Paho, 5)], ids=str)
def test_what_a_client_finds_after_a_restart(start, restart, kind):
    """Its session, what waited for it, what it had begun at QoS 2, retained messages, and its will with a delay."""
    configuration = f"node.loops = 2\n{STORE}"
    broker = start(configuration)

    def connect(identifier: str, **options):
        client = kind.make(broker.addresses[kind.transport], kind.version, Options(identifier, **options))
        return client, client.connect()

    durable = {"clean": False, "expires": 3600}
    client, present = connect("client", **durable)
    assert not present
    client.subscribe("to/client", 1)
    mortal, _ = connect("mortal", will=Will("will", b"gone", 1, delay=1), **durable)
    watcher, _ = connect("watcher", **durable)
    watcher.subscribe("will", 1)
    watcher.drop()
    client.drop()
    mortal.drop()
    publisher, _ = connect("publisher")
    publisher.publish(Message("to/client", b"waits", 1))
    publisher.publish(Message("retained", b"stays", 1, retain=True))
    publisher.publish(Message("removed", b"goes", 1, retain=True))
    publisher.publish(Message("removed", b"", 1, retain=True))

    broker = restart(broker, configuration)
    client, present = connect("client", **durable)
    assert present
    assert client.next() == Message("to/client", b"waits", 1)
    late, _ = connect("late")
    late.subscribe("retained", 1)
    assert late.next() == Message("retained", b"stays", 1, retain=True)
    late.subscribe("removed", 1)
    late.nothing()
    watcher, present = connect("watcher", **durable)
    assert present
    assert watcher.next() == Message("will", b"gone", 1)


def test_the_log_cleans_itself(start, restart):
    """Forty megabytes pass through the queue of a client that is away; one megabyte is alive at a time."""
    configuration = "node.loops = 2\nstore.engine = sqlite\nmqtt.max_mqueue_len = 100"
    broker = start(configuration)
    address = broker.addresses["tcp"]
    away = WireOverTCP(address, 5, Options("away", clean=False, expires=3600))
    away.connect()
    away.subscribe("load", 1)
    away.disconnect()
    writer = Durable("writer", address)
    payloads = [b"%d:" % number + bytes(10_000) for number in range(4_000)]
    for payload in payloads:
        told = writer.client.publish("load", payload, 1)
    told.wait_for_publish(120)
    assert told.is_published()
    assert wait_until(lambda: len(writer.acknowledged) == len(payloads), 60)
    writer.stop()
    file = broker.folder / "data" / "store" / "commits.db"
    assert file.stat().st_size < 20_000_000
    broker = restart(broker, configuration)
    back = WireOverTCP(broker.addresses["tcp"], 5, Options("away", clean=False, expires=3600))
    assert back.connect()
    assert [back.next().payload for _ in range(100)] == payloads[-100:]
    back.nothing()


def test_a_long_queue_is_on_disk(start, restart, binary, tmp_path):
    """Ten megabytes wait for a client that is away, with one megabyte of memory for them: they come back whole and in order, after a
    crash and while the client stays, and an export has them, too."""
    configuration = "node.loops = 2\nstore.engine = sqlite\nstore.queue_memory = 1MB\nmqtt.max_mqueue_len = 0\nmqtt.max_inflight = 50"
    broker = start(configuration)

    def segments() -> int:
        with sqlite3.connect(f"file:{broker.folder}/data/store/commits.db?mode=ro", uri=True) as database:
            return database.execute("SELECT count(*) FROM segments").fetchone()[0]

    away = AioQUIC(broker.addresses["quic"], 5, Options("away", clean=False, expires=3600))
    away.connect()
    away.subscribe("load", 2)
    away.disconnect()
    writer = Durable("writer", broker.addresses["tcp"])
    payloads = [b"%d:" % number + bytes(1_000) for number in range(10_000)]
    for number, payload in enumerate(payloads):
        writer.client.publish("load", payload, 1 + number // 5_000)
    assert wait_until(lambda: len(writer.acknowledged) == len(payloads), 60)
    assert segments() > 30

    def waiting() -> list[bytes]:
        exported = subprocess.run([binary, "store", "export", "--folder", f"{broker.folder}/data/store", "-"], capture_output=True, timeout=60, check=True)
        lines = [json.loads(line) for line in exported.stdout.splitlines()]
        return [b64decode(line["message"]["payload"]) for line in lines if line.get("client") == "away" and line["kind"] == "message"]

    # A message at QoS 2 is acknowledged once the publisher's lane keeps it, and may be on its way from there to the queue.
    assert wait_until(lambda: len(waiting()) == len(payloads), 60)
    assert waiting() == payloads

    came: list[bytes] = []
    for part in (1_000, 4_500, 10_000):
        back = AioQUIC(broker.addresses["quic"], 5, Options("away", clean=False, expires=3600))
        assert back.connect()
        while len(dict.fromkeys(came)) < part:
            came.append(back.next().payload)
        if part < 10_000:
            writer.client.loop_stop()
            broker = restart(broker, configuration)
            writer.client.reconnect()
            writer.client.loop_start()
    # What was in flight at QoS 1 may come twice.
    assert list(dict.fromkeys(came)) == payloads
    assert came[-5_000:] == payloads[5_000:], "at QoS 2 nothing comes twice"
    more = [b"more %d" % number for number in range(100)]
    for payload in more:
        writer.client.publish("load", payload, 1)
    assert [back.next().payload for _ in more] == more
    assert wait_until(lambda: segments() == 0, 10)
    writer.stop()
    back.disconnect()


def test_a_second_broker_on_the_store_is_refused(start, binary, tmp_path):
    broker = start(f'{STORE}\nstore.path = "{tmp_path}/store"')
    command = [binary, "serve", "--set", f"node.data_dir={tmp_path}/other", "--set", f"store.path={tmp_path}/store", "--set", "store.engine=sqlite",
               "--set", "listeners.tcp.default.bind=127.0.0.1:0", "--set", "listeners.quic.default.enable=false"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert second.returncode != 0
    assert f"{tmp_path}/store" in second.stderr
    assert broker.is_running


def test_a_store_is_carried_over(start, binary, tmp_path):
    """What a killed broker kept is exported, beside it and as long as it runs, too, and a broker with a new store of that serves it."""
    broker = start(STORE)
    address = broker.addresses["tcp"]
    reader = Durable("reader", address, "to/reader")
    assert reader.subscribed.wait(10)
    reader.client.disconnect()
    reader.client.loop_stop()
    writer = Durable("writer", address)
    payloads = [b"%d \xff" % number for number in range(50)]
    told = [writer.client.publish("to/reader", payload, 1 + number % 2) for number, payload in enumerate(payloads)]
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("name", "value")]
    properties.ContentType = "text/plain"
    told.append(writer.client.publish("stays", b"retained", 1, retain=True, properties=properties))
    assert wait_until(lambda: {message.mid for message in told} <= writer.acknowledged, 30)

    def store(*words: str, code: int = 0, **options) -> subprocess.CompletedProcess:
        done = subprocess.run([binary, "store", *words], capture_output=True, timeout=60, **options)
        assert done.returncode == code, done.stderr.decode()
        return done

    old = str(broker.folder / "data" / "store")
    while_it_runs = [json.loads(line) for line in store("export", "--folder", old, "-").stdout.splitlines()]
    assert while_it_runs[0] == {"format": "martlet-store", "version": 1}
    assert [line["message"]["topic"] for line in while_it_runs if line.get("client") == "reader" and line["kind"] == "message"] == ["to/reader"] * 50
    broker.kill()
    exported = tmp_path / "exported.jsonl"
    store("export", "--folder", old, str(exported))
    assert exported.stat().st_mode & 0o777 == 0o600
    assert b"is there already" in store("export", "--folder", old, str(exported), code=1).stderr
    new = tmp_path / "new"
    store("import", "--folder", str(new), str(exported))
    assert (new / "commits.db").stat().st_mode & 0o777 == 0o600
    assert b"there is a store already" in store("import", "--folder", str(new), str(exported), code=1).stderr
    again = store("export", "--folder", str(new), "-").stdout
    assert again == exported.read_bytes()
    assert store("import", "--folder", str(tmp_path / "other"), "-", input=again[:-20], code=1).stderr.startswith(b"martlet store: -: line ")
    assert not (tmp_path / "other" / "commits.db").exists()

    broker = start(f'{STORE}\nstore.path = "{new}"')
    reader.client.connect(*broker.addresses["tcp"], clean_start=False, properties=reader.session)
    reader.client.loop_start()
    assert wait_until(lambda: len(reader.received) == 50, 30)
    time.sleep(0.2)
    # Messages of one QoS keep their order.
    assert [payload for payload in reader.received if payload in payloads[::2]] == payloads[::2]
    assert [payload for payload in reader.received if payload in payloads[1::2]] == payloads[1::2]
    assert not reader.lost_sessions
    late = WireOverTCP(broker.addresses["tcp"], 5, Options("late"))
    late.connect()
    late.subscribe("stays", 1)
    found = late.next()
    assert (found.topic, found.payload, found.retain) == ("stays", b"retained", True)
    reader.stop()
    late.disconnect()
