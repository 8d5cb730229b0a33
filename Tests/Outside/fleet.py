"""Clients that publish to and subscribe at several brokers which fail, reconnect by themselves, and are held to what they were promised.

Each session is durable, on both sides. What a publisher has an acknowledgement for has to reach each subscriber, at QoS 2 once, and in the order of
its publisher, topic and QoS.
"""

import collections
import itertools
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

LANES = 64
LANES_OF_STREAM = 16
WINDOW = 15  # PUBLISHes of one publisher that wait for their acknowledgement
BACKLOG = 200  # messages that a publisher without a connection makes and keeps
KEEP_ALIVE = 2  # seconds; without an answer to PINGREQ for as long again, a client gives its connection up
CONNACK_PATIENCE = 3  # seconds


def lane(identifier: str) -> int:
    """The lane of a durable session (FNV-1a of the client identifier)."""
    value = 0xCBF29CE484222325
    for octet in identifier.encode():
        value = (value ^ octet) * 0x100000001B3 % 2**64
    return value % LANES


def identifier(role: str, wanted: int) -> str:
    return next(name for number in itertools.count() if lane(name := f"{role}-{wanted}-{number}") == wanted)


class Client:
    """A client with a durable session, in a thread of its own. It connects to a node by chance, and after the end of a connection to another one."""

    def __init__(self, name: str, nodes: list[tuple[str, int]], seed: int):
        self.name = name
        self.lane = lane(name)
        self.node: int | None = None
        self.is_connected = False
        self.has_session = False  # a CONNECT has been answered
        self.ends: collections.Counter[str] = collections.Counter()
        self.findings: list[str] = []
        self.worst = 0.0  # seconds, since the last `forget`
        self.newest = 0.0  # when the newest message was made that is acknowledged, or has come
        self.connected_at = 0.0
        self._nodes = nodes
        self._random = random.Random(seed)
        self._ended = False
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
        self._client.connect_timeout = 2
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._properties = Properties(PacketTypes.CONNECT)
        self._properties.SessionExpiryInterval = 100_000
        self._thread = threading.Thread(target=self._run, daemon=True)

    def trace(self, folder: Path) -> None:
        """Writes what comes and goes into a file."""
        file = (folder / self.name).open("w", buffering=1)

        def log(_, __, ___, line: str) -> None:
            now = time.time()
            file.write(f"{time.strftime('%X', time.localtime(now))}.{int(now * 1000) % 1000:03} node {self.node}: {line}\n")

        self._client.on_log = log

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended = True
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ended:
            self.node = self._random.choice([node for node in range(len(self._nodes)) if node != self.node])
            self._keep_released()
            try:
                self._client.connect(*self._nodes[self.node], KEEP_ALIVE, clean_start=False, properties=self._properties)
            except OSError as error:
                self.ends[f"connect: {error.strerror or type(error).__name__}"] += 1
                time.sleep(0.05)
                continue
            began = time.monotonic()
            has_answer = False
            while not self._ended and self._client.loop(0.02) == paho.MQTT_ERR_SUCCESS:
                if self.is_connected:
                    has_answer = True
                    self._turn()
                elif has_answer:
                    break
                elif time.monotonic() - began > CONNACK_PATIENCE:
                    self.ends["no CONNACK"] += 1
                    break
            self.is_connected = False
            # paho closes a socket when it opens the next one.
            time.sleep(0.05)
        self._client.disconnect()

    def _keep_released(self) -> None:
        """After two attempts to connect in a row paho-mqtt 2.2 would publish a message again that has its PUBREC, as a new one."""
        for message in self._client._out_messages.values():
            if message.state == paho.mqtt_ms_resend_pubrel:
                message.state = paho.mqtt_ms_wait_for_pubcomp

    def _turn(self) -> None:
        """What there is to do on a connection from time to time."""

    def _on_connect(self, _, __, flags, reason, ___) -> None:
        if reason.is_failure:
            self.ends[f"CONNACK: {reason}"] += 1
            return
        if self.has_session and not flags.session_present:
            self.findings.append(f"{self.name}: its session is lost")
        self.has_session = self.is_connected = True
        self.connected_at = time.monotonic()

    def _on_disconnect(self, _, __, ___, reason, ____) -> None:
        self.is_connected = False
        if not self._ended:
            self.ends[str(reason)] += 1


@dataclass
class Made:
    """A message on its way to its acknowledgement."""

    topic: str
    qos: int
    number: int
    born: float


class Publisher(Client):
    def __init__(self, name: str, nodes, seed: int, topic: str, period: float, births: dict):
        super().__init__(name, nodes, seed)
        self.topic = topic
        self.period = period
        self.is_paused = True
        self.acknowledged: set[tuple[str, int, int]] = set()  # (topic, qos, number)
        self.refused: collections.Counter[str] = collections.Counter()
        self.count = 0
        self._births = births
        self._backlog: collections.deque[Made] = collections.deque()
        self._sent: dict[int, Made] = {}
        self._numbers = {1: 0, 2: 0}
        self._due = time.monotonic()
        self._client.on_publish = self._on_publish

    @property
    def is_idle(self) -> bool:
        return not self._backlog and not self._sent

    def make(self) -> None:
        """Called by a clock, so that messages are made while there is no connection, too."""
        now = time.monotonic()
        if self.is_paused or now < self._due or len(self._backlog) >= BACKLOG:
            return
        self._due = max(self._due + self.period, now)
        self.count += 1
        qos = 1 + self.count % 2
        self._numbers[qos] += 1
        made = Made(self.topic, qos, self._numbers[qos], now)
        self._births[made.topic, qos, made.number] = now
        self._backlog.append(made)

    def _turn(self) -> None:
        while self._backlog and len(self._sent) < WINDOW:
            made = self._backlog.popleft()
            info = self._client.publish(made.topic, f"{made.topic}|{made.qos}|{made.number}", made.qos)
            self._sent[info.mid] = made

    def _on_publish(self, _, __, mid: int, reason, ___) -> None:
        made = self._sent.pop(mid, None)
        if made is None:
            self.findings.append(f"{self.name}: an acknowledgement of nothing")
            return
        self.worst = max(self.worst, time.monotonic() - made.born)
        self.newest = max(self.newest, made.born)
        # A PUBREL that is sent again, after a PUBCOMP that did not come, finds nothing: the message is done [MQTT 5, 4.3.3].
        if reason.is_failure and not (made.qos == 2 and reason.value == 0x92):
            self.refused[str(reason)] += 1
        else:
            self.acknowledged.add((made.topic, made.qos, made.number))


class Subscriber(Client):
    def __init__(self, name: str, nodes, seed: int, filters: list[str], births: dict):
        super().__init__(name, nodes, seed)
        self.filters = filters
        self.subscribed = False
        self.seen: dict[tuple[str, int], set[int]] = collections.defaultdict(set)
        self.doubled: list[str] = []
        self.repeated = 0  # at QoS 1, which is allowed
        self.disordered: list[str] = []
        self.count = 0
        self._last: dict[tuple[str, int], int] = collections.defaultdict(int)
        self._births = births
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe

    def _on_connect(self, *words) -> None:
        super()._on_connect(*words)
        if self.is_connected and not self.subscribed:
            self._client.subscribe([(topic, 2) for topic in self.filters])

    def _on_subscribe(self, _, __, ___, reasons, ____) -> None:
        self.subscribed = not any(reason.is_failure for reason in reasons)

    def _on_message(self, _, __, message) -> None:
        topic, qos, number = message.payload.decode().split("|")
        key, number = (topic, int(qos)), int(number)
        self.count += 1
        if (born := self._births.get((*key, number))) is not None and number not in self.seen[key]:
            self.worst = max(self.worst, time.monotonic() - born)
            self.newest = max(self.newest, born)
        if number in self.seen[key]:
            if key[1] == 2:
                self.doubled.append(f"{self.name}: {topic} at QoS 2, {number} of {self._last[key]}")
            else:
                self.repeated += 1
            return
        if number < self._last[key]:
            self.disordered.append(f"{self.name}: {topic} at QoS {qos}, {number} after {self._last[key]}")
        self._last[key] = max(self._last[key], number)
        self.seen[key].add(number)


@dataclass
class Findings:
    """What was wrong, or worth a count, since the last time that was asked."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    acknowledged: int = 0
    delivered: int = 0
    repeated: int = 0
    ends: collections.Counter = field(default_factory=collections.Counter)
    refused: collections.Counter = field(default_factory=collections.Counter)

    @property
    def mistakes(self) -> list[str]:
        """At QoS 1 a message that a dead node had taken may come behind later ones."""
        return self.lost + self.doubled + [line for line in self.disordered if "QoS 2" in line] + self.others


class Fleet:
    """Pairs of a publisher and a subscriber whose sessions are in the same lane, so that each shows one lane alone; and publishers for all subscribers."""

    def __init__(self, nodes: list[tuple[str, int]], pairs: int, fans: int, period: float = 0.1, seed: int = 1, traces: Path | None = None):
        self.births: dict = {}
        chance = random.Random(seed)
        # The streams in turn.
        lanes = [number % 4 * LANES_OF_STREAM + chance.randrange(LANES_OF_STREAM // 4) + number // 4 % 4 * 4 for number in range(pairs)]
        self.publishers = [Publisher(identifier("publisher", wanted), nodes, chance.random(), f"pair/{wanted}", period, self.births) for wanted in lanes]
        self.fans = [Publisher(f"fan-{number}", nodes, chance.random(), f"fan/{number}", period * 2, self.births) for number in range(fans)]
        self.subscribers = [
            Subscriber(identifier("subscriber", wanted), nodes, chance.random(), [f"pair/{wanted}", "fan/#"], self.births) for wanted in lanes
        ]
        self._ended = False
        for client in self.clients:
            if traces:
                client.trace(traces)
            client.start()
        wait(lambda: all(client.is_connected for client in self.clients) and all(client.subscribed for client in self.subscribers), 60)
        threading.Thread(target=self._tick, daemon=True).start()

    @property
    def clients(self) -> list[Client]:
        return self.publishers + self.fans + self.subscribers

    def _tick(self) -> None:
        while not self._ended:
            for publisher in self.publishers + self.fans:
                publisher.make()
            time.sleep(0.01)

    def begin(self) -> None:
        """Publishes, and forgets earlier figures."""
        for client in self.clients:
            client.worst = 0.0
        for publisher in self.publishers + self.fans:
            publisher.is_paused = False

    def forget(self) -> None:
        """What was before is no part of the pauses."""
        for client in self.clients:
            client.worst = 0.0

    def serve(self, since: float, patience: float) -> float | None:
        """How long it takes from an instant until every client is served with messages that were made since; None if it is longer than so many seconds."""
        if wait(lambda: all(client.newest >= since for client in self.clients), since + patience - time.monotonic()):
            return time.monotonic() - since
        return None

    def settle(self, patience: float) -> Findings:
        """Stops publishing, waits for what is owed, and tells what was wrong."""
        for publisher in self.publishers + self.fans:
            publisher.is_paused = True
        found = Findings()
        for publisher in self.publishers + self.fans:
            if not wait(lambda publisher=publisher: publisher.is_idle, patience):
                found.others.append(
                    f"{publisher.name} (lane {publisher.lane}, node {publisher.node}, {'connected' if publisher.is_connected else 'not connected'}): "
                    f"{len(publisher._sent)} messages have no acknowledgement, {len(publisher._backlog)} wait, after {patience} s"
                )
        wait(lambda: not any(self._missing(subscriber) for subscriber in self.subscribers), patience)
        for subscriber in self.subscribers:
            for topic, qos, number in sorted(self._missing(subscriber)):
                found.lost.append(f"{subscriber.name} (lane {subscriber.lane}, node {subscriber.node}, {'connected' if subscriber.is_connected else 'not connected'}): {topic} at QoS {qos}, {number}")
            found.doubled += take(subscriber, "doubled")
            found.disordered += take(subscriber, "disordered")
            found.repeated += take(subscriber, "repeated")
            found.delivered += take(subscriber, "count")
        for publisher in self.publishers + self.fans:
            found.acknowledged += len(publisher.acknowledged)
            publisher.acknowledged = set()
            found.refused += take(publisher, "refused")
        for client in self.clients:
            found.others += take(client, "findings")
            found.ends += take(client, "ends")
        self.births.clear()
        return found

    def _missing(self, subscriber: Subscriber) -> set[tuple[str, int, int]]:
        owed = set()
        for publisher in self.publishers + self.fans:
            if publisher.topic in subscriber.filters or publisher in self.fans:
                seen = subscriber.seen
                owed |= {one for one in publisher.acknowledged if one[2] not in seen[one[:2]]}
        return owed

    def end(self) -> None:
        self._ended = True
        for client in self.clients:
            client._ended = True
        for client in self.clients:
            client.end()


def take(holder, name: str):
    """What a property holds, which is empty from then on."""
    value = getattr(holder, name)
    setattr(holder, name, type(value)())
    return value


def wait(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
