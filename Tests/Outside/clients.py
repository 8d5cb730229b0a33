"""A common interface to every outside client, so that each test is written once."""

import asyncio
import queue
import socket
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Callable

import gmqtt
import paho.mqtt.client as paho
import pytest
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import packets
import stacks
from packets import Message, Received, Will
from servers import PATIENCE
from transports import QUIC, TCP, Address, Closed, Stream

SILENCE = 0.2  # seconds of nothing that count as nothing
NEVER = 0xFFFFFFFF


class Silence(AssertionError):
    """Raised if no message arrives in time."""


@dataclass
class Options:
    """The options of a client's CONNECT."""

    identifier: str
    clean: bool = True
    expires: int = 0  # seconds that the session outlives the connection; MQTT 3 has 0 with clean, else for ever
    keep_alive: int = 60
    will: Will | None = None


class Client:
    """The interface of a client. `version` is 3, 4 or 5, for MQTT 3.1, 3.1.1 and 5.0."""

    def __init__(self, address: Address, version: int, options: Options):
        self.address, self.version, self.options = address, version, options
        self.messages: queue.Queue[Message] = queue.Queue()

    def next(self, timeout: float = PATIENCE) -> Message:
        try:
            return self.messages.get(timeout=timeout)
        except queue.Empty:
            raise Silence(f"{self.options.identifier} received nothing in {timeout} s") from None

    def nothing(self) -> None:
        """Asserts that no message arrives for a while."""
        try:
            found = self.next(SILENCE)
        except Silence:
            return
        raise AssertionError(f"{self.options.identifier} received {found}")


class Wire(Client):
    """A client that sends and reads packets of packets.py over a transport."""

    transport: Callable[[Address], TCP | QUIC]

    def __init__(self, address: Address, version: int, options: Options, **transport):
        super().__init__(address, version, options)
        self.inbox = bytearray()
        self.kept: deque[Received] = deque()
        self.identifier = 0
        self.connection = self.transport(address, **transport)

    @property
    def greeting(self) -> bytes:
        o = self.options
        values = {"session_expiry": o.expires} if self.version == 5 and o.expires else {}
        return packets.connect(o.identifier, self.version, clean=o.clean, keep_alive=o.keep_alive, will=o.will, **values)

    def connect(self) -> bool:
        self.send(self.greeting)
        return self.connected()

    def connected(self) -> bool:
        answer = self.expect(packets.CONNACK)
        assert answer.reason == 0, f"refused with {answer.reason:#x}"
        return answer.session_present

    def send(self, data: bytes) -> None:
        self.connection.send(data)

    def receive(self, timeout: float = PATIENCE) -> Received | None:
        """The next packet of any kind."""
        deadline = time.monotonic() + timeout
        while (found := packets.cut(self.inbox, self.version)) is None:
            left = max(0.0, deadline - time.monotonic())
            arrived = self.connection.receive(left)
            if not arrived and not left:
                return None
            self.inbox += arrived
        return found

    def expect(self, kind: int, timeout: float = PATIENCE) -> Received:
        """The next packet of a kind. PUBLISH packets that arrive before it are kept for later."""
        deadline = time.monotonic() + timeout
        while (found := self.receive(max(0.0, deadline - time.monotonic()))) is not None:
            if found.kind == kind:
                return found
            self.handle(found)
        raise AssertionError(f"{self.options.identifier} received no packet of type {kind}")

    def handle(self, found: Received) -> None:
        if found.kind == packets.PUBLISH:
            if found.qos == 1:
                self.send(packets.acknowledgement(packets.PUBACK, found.identifier))
            elif found.qos == 2:
                self.send(packets.acknowledgement(packets.PUBREC, found.identifier))
            self.kept.append(found)
        elif found.kind == packets.PUBREL:
            self.send(packets.acknowledgement(packets.PUBCOMP, found.identifier))
        elif found.kind == packets.DISCONNECT:
            raise Closed(found.reason)

    def next_identifier(self) -> int:
        self.identifier = self.identifier % 0xFFFF + 1
        return self.identifier

    def subscribe(self, topic_filter: str, qos: int) -> int:
        self.send(packets.subscribe(self.next_identifier(), [(topic_filter, qos)], self.version))
        return self.expect(packets.SUBACK).reasons[0]

    def unsubscribe(self, topic_filter: str) -> None:
        self.send(packets.unsubscribe(self.next_identifier(), [topic_filter], self.version))
        self.expect(packets.UNSUBACK)

    def publish(self, message: Message) -> None:
        identifier = self.next_identifier() if message.qos else 0
        self.send(packets.publish(message, self.version, identifier))
        if message.qos == 1:
            assert self.expect(packets.PUBACK).identifier == identifier
        elif message.qos == 2:
            assert self.expect(packets.PUBREC).identifier == identifier
            self.send(packets.acknowledgement(packets.PUBREL, identifier))
            assert self.expect(packets.PUBCOMP).identifier == identifier

    def next(self, timeout: float = PATIENCE) -> Message:
        deadline = time.monotonic() + timeout
        while not self.kept:
            found = self.receive(max(0.0, deadline - time.monotonic()))
            if found is None:
                raise Silence(f"{self.options.identifier} received nothing in {timeout} s")
            self.handle(found)
        return self.kept.popleft().message

    def wait_closed(self, timeout: float = PATIENCE) -> int | None:
        """Waits until the broker ends the connection, and returns the reason code of its DISCONNECT; None without a DISCONNECT."""
        reason = None
        deadline = time.monotonic() + timeout
        try:
            while time.monotonic() < deadline:
                found = self.receive(max(0.0, deadline - time.monotonic()))
                if found is not None and found.kind == packets.DISCONNECT:
                    reason = found.reason
        except Closed:
            return reason
        raise AssertionError(f"{self.options.identifier} is still connected")

    def ping(self) -> None:
        self.send(packets.packet(packets.PINGREQ))
        self.expect(packets.PINGRESP)

    def disconnect(self) -> None:
        self.send(packets.disconnect(self.version))
        self.connection.abort()

    def drop(self) -> None:
        self.connection.abort()

    def echo(self, topic: str, times: int = 1) -> None:
        """Publishes messages to a topic that it has subscribed to, and waits for each."""
        for number in range(times):
            message = Message(topic, b"echo %d" % number, 1)
            self.publish(message)
            assert self.next() == message


class WireOverTCP(Wire):
    transport = TCP


class WireOverQUIC(Wire):
    def open(self) -> "DataStream":
        return DataStream(self)


class AioQUIC(WireOverQUIC):
    transport = QUIC


class QH3(WireOverQUIC):
    transport = stacks.QH3


class Picoquic(WireOverQUIC):
    transport = stacks.Picoquic


each_stack = pytest.mark.parametrize(
    "stack",
    [
        AioQUIC,
        QH3,
        pytest.param(Picoquic, marks=pytest.mark.skipif(not stacks.HAS_PICOQUIC, reason="aiopquic, which brings picoquic, has no build for this Python")),
    ],
)


class DataStream(Wire):
    """A data stream of a client, with packets and answers of its own."""

    def __init__(self, client: WireOverQUIC):
        self.transport = lambda _: Stream(client.connection)
        super().__init__(client.address, client.version, client.options)


class Paho(Client):
    def __init__(self, address: Address, version: int, options: Options):
        super().__init__(address, version, options)
        clean = {} if version == 5 else {"clean_session": options.clean}
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, options.identifier, protocol=paho.MQTTProtocolVersion(version), reconnect_on_failure=False, **clean
        )
        self.client.on_message = lambda _, __, m: self.messages.put(Message(m.topic, m.payload, m.qos, m.retain))
        self.answers: queue.Queue = queue.Queue()
        self.ended: queue.Queue[int | None] = queue.Queue()
        self.client.on_connect = lambda _, __, flags, reason, ___: self.answers.put((flags.session_present, reason))
        self.client.on_subscribe = lambda _, __, ___, reasons, ____: self.answers.put(reasons[0].value)
        self.client.on_disconnect = lambda _, __, flags, reason, ___: self.ended.put(reason.value if flags.is_disconnect_packet_from_server else None)
        if options.will:
            delay = self.properties(PacketTypes.WILLMESSAGE, WillDelayInterval=options.will.delay) if options.will.delay else None
            self.client.will_set(options.will.topic, options.will.payload, options.will.qos, options.will.retain, delay)

    @staticmethod
    def properties(kind: int, **values: int) -> Properties:
        made = Properties(kind)
        for name, value in values.items():
            setattr(made, name, value)
        return made

    def connect(self) -> bool:
        o = self.options
        five = {}
        if self.version == 5:
            five = {"clean_start": o.clean, "properties": self.properties(PacketTypes.CONNECT, SessionExpiryInterval=o.expires)}
        self.client.connect(*self.address, keepalive=o.keep_alive, **five)
        self.client.loop_start()
        present, reason = self.answers.get(timeout=PATIENCE)
        assert not reason.is_failure, f"refused: {reason}"
        return present

    def subscribe(self, topic_filter: str, qos: int) -> int:
        self.client.subscribe(topic_filter, qos)
        return self.answers.get(timeout=PATIENCE)

    def publish(self, message: Message) -> None:
        sent = self.client.publish(message.topic, message.payload, message.qos, message.retain)
        sent.wait_for_publish(PATIENCE)
        assert sent.is_published(), f"{message.qos=} was not acknowledged"

    def wait_closed(self, timeout: float = PATIENCE) -> int | None:
        return self.ended.get(timeout=timeout)

    def disconnect(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def drop(self) -> None:
        self.client.socket().shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()


class Loop:
    """An asyncio event loop in a thread, for clients that need one."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)


class Gmqtt(Client):
    shared: Loop | None = None

    def __init__(self, address: Address, version: int, options: Options):
        super().__init__(address, version, options)
        Gmqtt.shared = Gmqtt.shared or Loop()
        self.answers: queue.Queue = queue.Queue()
        self.ended: queue.Queue[int | None] = queue.Queue()
        self.shared.run(self.make())

    async def make(self) -> None:
        o = self.options
        will = o.will and gmqtt.Message(o.will.topic, o.will.payload, o.will.qos, o.will.retain, **({"will_delay_interval": o.will.delay} if o.will.delay else {}))
        five = {"session_expiry_interval": o.expires} if self.version == 5 and o.expires else {}
        self.client = gmqtt.Client(o.identifier, clean_session=o.clean, will_message=will, **five)
        self.client.set_config({"reconnect_retries": -2})  # none: at 0 it comes back once, and -1 is for ever
        self.client.on_connect = lambda _, flags, *__: self.answers.put(bool(flags & 1))
        self.client.on_subscribe = lambda _, __, granted, ___: self.answers.put(granted[0])
        self.client.on_message = self.received
        self.client.on_disconnect = lambda _, packet, __=None: self.ended.put(packet[0] if packet else None)

    def received(self, _, topic: str, payload: bytes, qos: int, details: dict) -> int:
        self.messages.put(Message(topic, bytes(payload), qos, bool(details.get("retain"))))
        return 0

    def connect(self) -> bool:
        version = MQTTv50 if self.version == 5 else MQTTv311
        self.shared.run(self.client.connect(*self.address, keepalive=self.options.keep_alive, version=version))
        return self.answers.get(timeout=PATIENCE)

    def subscribe(self, topic_filter: str, qos: int) -> int:
        self.on_loop(lambda: self.client.subscribe(topic_filter, qos))
        return self.answers.get(timeout=PATIENCE)

    def publish(self, message: Message) -> None:
        self.on_loop(lambda: self.client.publish(message.topic, message.payload, message.qos, message.retain))
        if message.qos:
            self.shared.run(self.client._persistent_storage.wait_empty())

    def on_loop(self, action: Callable) -> None:
        async def act():
            action()

        self.shared.run(act())

    def wait_closed(self, timeout: float = PATIENCE) -> int | None:
        return self.ended.get(timeout=timeout)

    def disconnect(self) -> None:
        self.shared.run(self.client.disconnect())

    def drop(self) -> None:
        self.on_loop(lambda: self.client._connection._transport.abort())


class Mosquitto(Client):
    """mosquitto_sub and mosquitto_pub: a process for each subscription and for each publish."""

    VERSIONS = {3: "mqttv31", 4: "mqttv311", 5: "mqttv5"}

    def __init__(self, address: Address, version: int, options: Options):
        super().__init__(address, version, options)
        self.process: subprocess.Popen | None = None
        self.granted: queue.Queue[int] = queue.Queue()

    def common(self) -> list[str]:
        host, port = self.address
        return ["-h", host, "-p", str(port), "-V", self.VERSIONS[self.version], "-k", str(self.options.keep_alive)]

    def connect(self) -> bool:
        return False  # the tools do not tell

    def subscribe(self, topic_filter: str, qos: int) -> int:
        o = self.options
        command = ["stdbuf", "-oL", "mosquitto_sub", *self.common(), "-i", o.identifier, "-t", topic_filter, "-q", str(qos), "-d", "-F", "MESSAGE %q %r %t %x"]
        command += [] if o.clean else ["-c"]
        if o.will:
            command += ["--will-topic", o.will.topic, "--will-payload", o.will.payload.decode(), "--will-qos", str(o.will.qos)]
            command += ["--will-retain"] if o.will.retain else []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self.listen, args=(self.process.stdout,), daemon=True).start()
        return self.granted.get(timeout=PATIENCE)

    def listen(self, output) -> None:
        for line in output:
            if line.startswith("MESSAGE "):
                qos, retain, topic, payload = line.removeprefix("MESSAGE ").rstrip("\n").split(" ")
                self.messages.put(Message(topic, bytes.fromhex(payload), int(qos), retain == "1"))
            elif line.startswith("Subscribed"):
                self.granted.put(int(line.rsplit(" ", 1)[1]))

    def publish(self, message: Message) -> None:
        command = ["mosquitto_pub", *self.common(), "-i", f"{self.options.identifier}-pub", "-t", message.topic, "-q", str(message.qos), "-s" if message.payload else "-n"]
        command += ["-r"] if message.retain else []
        subprocess.run(command, input=message.payload, check=True, timeout=PATIENCE)

    def wait_closed(self, timeout: float = PATIENCE) -> int | None:
        self.process.wait(timeout)
        return None

    def disconnect(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def drop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(PATIENCE)


@dataclass(frozen=True)
class Kind:
    """A kind of client, its protocol version and its transport."""

    make: type[Client]
    version: int

    @property
    def transport(self) -> str:
        return "quic" if issubclass(self.make, WireOverQUIC) else "tcp"

    def __str__(self) -> str:
        return f"{self.make.__name__.lower()}-{ {3: '3.1', 4: '3.1.1', 5: '5'}[self.version] }"


KINDS = [
    Kind(Mosquitto, 3), Kind(Mosquitto, 4), Kind(Mosquitto, 5),
    Kind(Paho, 3), Kind(Paho, 4), Kind(Paho, 5),
    Kind(Gmqtt, 4), Kind(Gmqtt, 5),
    Kind(AioQUIC, 3), Kind(AioQUIC, 4), Kind(AioQUIC, 5),
]
