"""A peer that keeps to QUIC until the handshake is done, and then sends packets of whatever frames it likes."""

import os
import socket
import time

from aioquic.buffer import encode_uint_var as number
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.tls import Epoch

import packets
from servers import Address
from transports import QUIC, Closed

RESET_STREAM, STOP_SENDING, CRYPTO, RETIRE_CONNECTION_ID, PATH_RESPONSE = 0x04, 0x05, 0x06, 0x19, 0x1B
PING = b"\x01"
FULL = 1180  # octets of frames that fit into a packet of 1200


def stream(identifier: int, offset: int, data: bytes) -> bytes:
    return b"\x0e" + number(identifier) + number(offset) + number(len(data)) + data


def crypto(offset: int, data: bytes) -> bytes:
    return b"\x06" + number(offset) + number(len(data)) + data


def acknowledge(largest: int, others: int = 0) -> bytes:
    """ACK of a packet, and of so many before it."""
    return b"\x02" + number(largest) + number(0) + number(0) + number(others)


def max_data(limit: int) -> bytes:
    return b"\x10" + number(limit)


def max_stream_data(identifier: int, limit: int) -> bytes:
    return b"\x11" + number(identifier) + number(limit)


def new_connection_id(sequence: int, retire_prior_to: int) -> bytes:
    return b"\x18" + number(sequence) + number(retire_prior_to) + b"\x08" + os.urandom(24)


def retire_connection_id(sequence: int) -> bytes:
    return b"\x19" + number(sequence)


def path_challenge() -> bytes:
    return b"\x1a" + os.urandom(8)


def filled(frames) -> list[bytes]:
    """The frames put together, as many as fit into each packet."""
    made, payload = [], bytearray()
    for frame in frames:
        if len(payload) + len(frame) > FULL:
            made.append(bytes(payload))
            payload.clear()
        payload += frame
    return made + [bytes(payload)]


class Attacker(QUIC):
    """What is sent through aioquic is repaired when it is lost; what is injected is not."""

    def __init__(self, address: Address, identifier: str, **settings):
        super().__init__(address, **settings)
        self.send(packets.connect(identifier))
        assert self.receive(10)[0] >> 4 == packets.CONNACK

    def inject(self, frames: bytes) -> None:
        """One packet of these frames, past all that aioquic keeps count of but the number."""
        quic = self.quic
        keys = quic._cryptos[Epoch.ONE_RTT]
        count = quic._packet_number
        quic._packet_number += 1
        header = bytes([0x41 | keys.key_phase << 2]) + quic._peer_cid.cid + (count & 0xFFFF).to_bytes(2)
        self.socket.sendto(keys.encrypt_packet(header, frames.ljust(4, b"\0"), count), self.address)

    def ignore(self, kind: int, values: int, octets: int = 0) -> None:
        """Frames of a kind, of so many numbers and octets, no longer tell aioquic anything."""
        handlers = self.quic._QuicConnection__frame_handlers

        def skip(_, __, buffer) -> None:
            for _ in range(values):
                buffer.pull_uint_var()
            buffer.pull_bytes(octets)

        handlers[kind] = (skip, handlers[kind][1])

    def give_no_credit(self) -> None:
        """Acknowledges what comes, and lets no more of it come than was allowed at first."""
        self.quic._write_stream_limits = lambda **_: None
        self.quic._write_connection_limits = lambda **_: None

    @property
    def offset(self) -> int:
        """Where the control stream goes on."""
        return self.quic._streams[self.CONTROL].sender._buffer_stop

    @property
    def is_held_up(self) -> bool:
        """The broker takes no more of the control stream."""
        return self.offset > self.quic._streams[self.CONTROL].max_stream_data_remote

    @property
    def last_received(self) -> int:
        """The number of a packet that the broker has sent for certain."""
        return self.quic._spaces[Epoch.ONE_RTT].expected_packet_number - 1

    def live(self, seconds: float = 0.01) -> bool:
        """Reads and answers for a while; whether the connection still stands."""
        try:
            self.wait(lambda: False, seconds)
        except Closed:
            return False
        return True

    def settle(self) -> bool:
        """The broker has seen all that was injected: it acknowledges a PING after it. False when it has closed instead."""
        space = self.quic._spaces[Epoch.ONE_RTT]
        for _ in range(10):
            self.inject(PING)
            last = self.quic._packet_number - 1
            try:
                self.wait(lambda: space.largest_acked_packet >= last, 1)
            except Closed:
                return False
            if space.largest_acked_packet >= last:
                return True
        raise AssertionError("the broker neither acknowledges nor closes")

    def fate(self) -> int | None:
        """The code with which the broker closes."""
        try:
            self.wait(lambda: False, 10)
        except Closed as closed:
            return closed.code
        raise AssertionError("the broker goes on")


def first_flight(address: Address) -> list[bytes]:
    """The datagrams of a handshake that nobody goes on with."""
    quic = QuicConnection(configuration=QuicConfiguration(is_client=True, alpn_protocols=["mqtt"], server_name="localhost"))
    quic.connect(address, now=time.monotonic())
    return [datagram for datagram, _ in quic.datagrams_to_send(now=time.monotonic())]


def forged_initial() -> bytes:
    """An Initial packet as to its head, with noise in it."""
    return b"\xc1\0\0\0\1\x08" + os.urandom(8) + b"\x08" + os.urandom(8) + b"\0" + number(1170) + os.urandom(1174)


def received(opened: socket.socket) -> int | None:
    """The octets of the next datagram that has come."""
    try:
        return len(opened.recv(65536, socket.MSG_DONTWAIT))
    except BlockingIOError:
        return None


def drain(opened: socket.socket) -> int:
    """The octets of all that have come."""
    return sum(iter(lambda: received(opened) or 0, 0))
