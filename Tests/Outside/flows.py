"""Messages of a client in both directions, several at a time under way, while its address changes."""

import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import packets
from clients import Wire
from packets import Message
from servers import PATIENCE, Address
from transports import bound


class Flow:
    """The interface, and what all kinds keep."""

    def __init__(self, identifier: str, to: str):
        self.identifier, self.topic = identifier, to
        self.waiting: dict[int, int] = {}  # identifiers of what is not acknowledged, and the packet that is due
        self.sent: list[bytes] = []
        self.received: list[bytes] = []

    def send(self, qos: int) -> int:
        """Publishes another message. Returns its identifier."""
        payload = b"%d-%d" % (len(self.sent), qos)
        self.sent.append(payload)
        return self.publish(payload, qos)

    def publish(self, payload: bytes, qos: int) -> int:
        raise NotImplementedError

    def take(self, timeout: float) -> bool:
        """Takes one packet, if one comes."""
        raise NotImplementedError

    def move(self, host: str, keep_port: bool, active: bool = False) -> None:
        """Goes on from another address, and says so by a new path's rules if it is `active` (RFC 9000 §9)."""
        raise NotImplementedError

    @property
    def moved(self) -> float:
        """When the first datagram left from the new address."""
        raise NotImplementedError

    def settle(self) -> None:
        """Waits until all that was under way to this client is there."""
        raise NotImplementedError

    def take_until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"{self.identifier}: {what}"
            self.take(0.01)


class WireFlow(Flow):
    """Of a client that speaks the packets of packets.py."""

    def __init__(self, client: Wire, to: str, of: str):
        super().__init__(client.options.identifier, to)
        self.client = client
        client.subscribe(of, 2)

    def publish(self, payload: bytes, qos: int) -> int:
        identifier = self.client.next_identifier()
        self.waiting[identifier] = packets.PUBACK if qos == 1 else packets.PUBREC
        self.client.send(packets.publish(Message(self.topic, payload, qos), identifier=identifier))
        return identifier

    def take(self, timeout: float) -> bool:
        if (found := self.client.receive(timeout)) is None:
            return False
        if found.kind in (packets.PUBACK, packets.PUBREC, packets.PUBCOMP):
            assert self.waiting.pop(found.identifier) == found.kind and found.reason == 0
            if found.kind == packets.PUBREC:
                self.waiting[found.identifier] = packets.PUBCOMP
                self.client.send(packets.acknowledgement(packets.PUBREL, found.identifier))
        else:
            self.client.handle(found)
            while self.client.kept:
                self.received.append(self.client.kept.popleft().payload)
        return True

    def move(self, host: str, keep_port: bool, active: bool = False) -> None:
        connection = self.client.connection
        (connection.migrate if active else connection.rebind)(host, keep_port)

    @property
    def moved(self) -> float:
        return self.client.connection.moved.sent

    def settle(self) -> None:
        """The answer to a PINGREQ comes behind everything."""
        self.client.send(packets.packet(packets.PINGREQ))
        while (found := self.client.receive(PATIENCE)) and found.kind != packets.PINGRESP:
            self.client.handle(found)
        self.received += [each.payload for each in self.client.kept]
        self.client.kept.clear()


@dataclass
class Said:
    """What a process says, a line each with a time before it."""

    lines: deque[tuple[float, str]] = field(default_factory=deque)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self, output) -> None:
        for line in output:
            time, _, what = line.strip().partition(" ")
            with self.changed:
                self.lines.append((float(time), what))
                self.changed.notify()

    def next(self, timeout: float) -> tuple[float, str] | None:
        with self.changed:
            self.changed.wait_for(lambda: self.lines, timeout)
            return self.lines.popleft() if self.lines else None


class OwnFlow(Flow):
    """Of a client of ours, the program MovingClient."""

    def __init__(self, program: Path, identifier: str, address: Address, local: str, to: str, of: str, expires: int = 0):
        super().__init__(identifier, to)
        command = [program, identifier, address[0], str(address[1]), local, str(expires)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.said = Said()
        threading.Thread(target=self.said.read, args=(self.process.stdout,), daemon=True).start()
        self.number = 0
        self.port: int | None = None
        self.expect("connected")
        self.subscribe(of)

    def say(self, what: str) -> None:
        self.process.stdin.write(f"{what}\n")

    def expect(self, what: str) -> float:
        """Takes all that is said until this, and returns when it was said."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if found := self.said.next(0.1):
                if found[1] == what:
                    return found[0]
                self.hear(found[1])
        raise AssertionError(f"{self.identifier} does not say {what}")

    def hear(self, what: str) -> None:
        match what.split():
            case ["message", payload]:
                self.received.append(payload.encode())
            case ["acknowledged", number]:
                del self.waiting[int(number)]
            case _:
                raise AssertionError(f"{self.identifier}: {what}")

    def subscribe(self, topic: str) -> None:
        self.say(f"subscribe 2 {topic}")
        self.expect("subscribed")

    def publish(self, payload: bytes, qos: int) -> int:
        self.number += 1
        self.waiting[self.number] = packets.PUBACK if qos == 1 else packets.PUBCOMP
        self.say(f"publish {self.number} {qos} {self.topic} {payload.decode()}")
        return self.number

    def take(self, timeout: float) -> bool:
        if (found := self.said.next(timeout)) is None:
            return False
        self.hear(found[1])
        return True

    def move(self, host: str, keep_port: bool, active: bool = False) -> None:
        # The program's socket has a port that nobody else has: the next one is chosen here, so that it can be kept.
        if not keep_port or self.port is None:
            with bound(host) as probe:
                self.port = probe.getsockname()[1]
        self.say(f"move {host} {self.port} {'active' if active else 'unnoticed'}")
        self._moved = self.expect("moved")

    @property
    def moved(self) -> float:
        return self._moved

    def settle(self) -> None:
        """The answer to a SUBSCRIBE comes behind everything."""
        self.subscribe(f"{self.topic}/nobody")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
