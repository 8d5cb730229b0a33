"""MQTT packets as bytes, written and read by the standard's tables, as far as the tests need.

It shares nothing with the broker's codec, so that a mistake there is not repeated here.
"""

import struct
from dataclasses import dataclass

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 8, 9, 10, 11, 12, 13, 14, 15

SESSION_EXPIRY, RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE, TOPIC_ALIAS_MAXIMUM, TOPIC_ALIAS = 0x11, 0x21, 0x27, 0x22, 0x23
WILL_DELAY, SUBSCRIPTION_IDENTIFIER, ASSIGNED_IDENTIFIER, USER_PROPERTY = 0x18, 0x0B, 0x12, 0x26

# How the value of each property is written (MQTT 5.0 §2.2.2.2).
FORMS = {
    **dict.fromkeys([0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A], "byte"),
    **dict.fromkeys([0x13, 0x21, 0x22, 0x23], "two"),
    **dict.fromkeys([0x02, 0x11, 0x18, 0x27], "four"),
    **dict.fromkeys([0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F], "string"),
    0x0B: "variable",
    0x26: "pair",
}
FIXED = {"byte": ">B", "two": ">H", "four": ">I"}


def variable(value: int) -> bytes:
    out = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def string(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def packet(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    return bytes([kind << 4 | flags]) + variable(len(body)) + body


def properties(values: dict[int, object], version: int = 5) -> bytes:
    if version < 5:
        return b""
    out = b""
    for name, value in values.items():
        form = FORMS[name]
        if form in FIXED:
            written = struct.pack(FIXED[form], value)
        elif form == "variable":
            written = variable(value)
        elif form == "pair":
            written = string(value[0]) + string(value[1])
        else:
            written = string(value)
        out += bytes([name]) + written
    return variable(len(out)) + out


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


@dataclass(frozen=True)
class Will(Message):
    delay: int = 0


def connect(
    identifier: str, version: int = 5, *, clean: bool = True, keep_alive: int = 60, will: Will | None = None, **values: object
) -> bytes:
    """CONNECT; `values` are properties by the names above in lower case."""
    flags, payload = (0x02 if clean else 0), string(identifier)
    if will:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        payload += properties({WILL_DELAY: will.delay} if will.delay else {}, version) + string(will.topic) + string(will.payload)
    name = "MQIsdp" if version == 3 else "MQTT"
    named = {globals()[key.upper()]: value for key, value in values.items()}
    return packet(
        CONNECT, string(name) + bytes([version, flags]) + struct.pack(">H", keep_alive) + properties(named, version) + payload
    )


def publish(message: Message, version: int = 5, identifier: int = 0, duplicate: bool = False, **values: object) -> bytes:
    named = {globals()[key.upper()]: value for key, value in values.items()}
    body = string(message.topic) + (struct.pack(">H", identifier) if message.qos else b"") + properties(named, version)
    flags = (8 if duplicate else 0) | message.qos << 1 | message.retain
    return packet(PUBLISH, body + message.payload, flags)


def acknowledgement(kind: int, identifier: int) -> bytes:
    return packet(kind, struct.pack(">H", identifier), flags=2 if kind == PUBREL else 0)


def subscribe(identifier: int, filters: list[tuple[str, int]], version: int = 5) -> bytes:
    body = struct.pack(">H", identifier) + properties({}, version)
    return packet(SUBSCRIBE, body + b"".join(string(name) + bytes([options]) for name, options in filters), flags=2)


def unsubscribe(identifier: int, filters: list[str], version: int = 5) -> bytes:
    body = struct.pack(">H", identifier) + properties({}, version)
    return packet(UNSUBSCRIBE, body + b"".join(map(string, filters)), flags=2)


def disconnect(version: int = 5, reason: int = 0) -> bytes:
    return packet(DISCONNECT, bytes([reason]) if version == 5 and reason else b"")


@dataclass
class Received:
    """A packet from the broker, with the fields of its type."""

    kind: int
    flags: int
    body: bytes
    version: int
    identifier: int = 0
    reason: int = 0
    properties: dict[int, list] | None = None
    topic: str = ""
    payload: bytes = b""
    reasons: tuple[int, ...] = ()

    def __post_init__(self):
        reader = Reader(self.body)
        if self.kind == PUBLISH:
            self.topic = reader.string().decode()
            self.identifier = reader.number(">H") if self.qos else 0
            self.properties = reader.properties(self.version)
            self.payload = reader.rest()
        elif self.kind == CONNACK:
            reader.number(">B")
            self.reason = reader.number(">B")
            self.properties = reader.properties(self.version)
        elif self.kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
            self.identifier = reader.number(">H")
            self.reason = reader.number(">B") if reader.left else 0
        elif self.kind in (SUBACK, UNSUBACK):
            self.identifier = reader.number(">H")
            self.properties = reader.properties(self.version)
            self.reasons = tuple(reader.rest())
        elif self.kind == DISCONNECT:
            self.reason = reader.number(">B") if reader.left else 0

    @property
    def qos(self) -> int:
        return self.flags >> 1 & 3

    @property
    def message(self) -> Message:
        return Message(self.topic, self.payload, self.qos, bool(self.flags & 1))

    @property
    def session_present(self) -> bool:
        return bool(self.body[0] & 1)


class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        assert count <= self.left, f"the broker's packet ends {count - self.left} octets too early"
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self) -> bytes:
        return self.take(self.left)

    def number(self, form: str) -> int:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def string(self) -> bytes:
        return self.take(self.number(">H"))

    def variable(self) -> int:
        value = shift = 0
        while True:
            digit = self.number(">B")
            value |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                return value

    def properties(self, version: int) -> dict[int, list]:
        found: dict[int, list] = {}
        if version < 5 or not self.left:
            return found
        inner = Reader(self.take(self.variable()))
        while inner.left:
            name = inner.variable()
            form = FORMS[name]
            if form in FIXED:
                value: object = inner.number(FIXED[form])
            elif form == "variable":
                value = inner.variable()
            elif form == "pair":
                value = (inner.string().decode(), inner.string().decode())
            else:
                value = inner.string()
            found.setdefault(name, []).append(value)
        return found


def cut(buffer: bytearray, version: int) -> Received | None:
    """Removes the first whole packet from the buffer."""
    length = shift = 0
    for at in range(1, min(len(buffer), 5)):
        length |= (buffer[at] & 0x7F) << shift
        shift += 7
        if buffer[at] < 0x80:
            end = at + 1 + length
            if len(buffer) < end:
                return None
            whole = bytes(buffer[:end])
            del buffer[:end]
            return Received(whole[0] >> 4, whole[0] & 15, whole[at + 1 :], version)
    return None
