"""A QUIC client that completes the handshake correctly and then sends packets with arbitrary frames."""

import os
import socket
import time

from aioquic.buffer import encode_uint_var as number
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.tls import Epoch

import packets
from servers import PATIENCE, Address
from transports import QUIC, Closed

RESET_STREAM, STOP_SENDING, CRYPTO, RETIRE_CONNECTION_ID, PATH_RESPONSE = 0x04, 0x05, 0x06, 0x19, 0x1B
PING = b"\x01"
FULL = 1180  # octets of frames that fit into a packet of 1200


def stream(identifier: int, offset: int, data: bytes) -> bytes:
    return b"\x0e" + number(identifier) + number(offset) + number(len(data)) + data


def crypto(offset: int, data: bytes) -> bytes:
    return b"\x06" + number(offset) + number(len(data)) + data


def acknowledge(largest: int, others: int = 0) -> bytes:
    """An ACK frame of a packet and of a number of packets before it."""
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
    """Frames joined to packets, as many as fit into each."""
    made, payload = [], bytearray()
    for frame in frames:
        if len(payload) + len(frame) > FULL:
            made.append(bytes(payload))
            payload.clear()
        payload += frame
    return made + [bytes(payload)]


class Attacker(QUIC):
    """Frames sent through aioquic are retransmitted if lost; injected frames are not."""

    def __init__(self, address: Address, identifier: str, **settings):
        super().__init__(address, **settings)
        self.send(packets.connect(identifier))
        assert self.receive(PATIENCE)[0] >> 4 == packets.CONNACK

    def inject(self, frames: bytes) -> None:
        """Sends one packet of these frames. aioquic counts nothing of it but the packet number."""
        quic = self.quic
        keys = quic._cryptos[Epoch.ONE_RTT]
        count = quic._packet_number
        quic._packet_number += 1
        header = bytes([0x41 | keys.key_phase << 2]) + quic._peer_cid.cid + (count & 0xFFFF).to_bytes(2)
        self.socket.sendto(keys.encrypt_packet(header, frames.ljust(4, b"\0"), count), self.address)

    def ignore(self, kind: int, values: int, octets: int = 0) -> None:
        """Makes aioquic ignore frames of a type, with a number of integers and octets as fields."""
        handlers = self.quic._QuicConnection__frame_handlers

        def skip(_, __, buffer) -> None:
            for _ in range(values):
                buffer.pull_uint_var()
            buffer.pull_bytes(octets)

        handlers[kind] = (skip, handlers[kind][1])

    def give_no_credit(self) -> None:
        """Acknowledges data but never raises the flow control limits."""
        self.quic._write_stream_limits = lambda **_: None
        self.quic._write_connection_limits = lambda **_: None

    @property
    def offset(self) -> int:
        """The offset at which the control stream continues."""
        return self.quic._streams[self.CONTROL].sender._buffer_stop

    @property
    def is_held_up(self) -> bool:
        """True if the broker gives no more credit on the control stream."""
        return self.offset > self.quic._streams[self.CONTROL].max_stream_data_remote

    @property
    def last_received(self) -> int:
        """The number of a packet that the broker has sent."""
        return self.quic._spaces[Epoch.ONE_RTT].expected_packet_number - 1

    def live(self, seconds: float = 0.01) -> bool:
        """Reads and answers for a while. Returns False if the connection has ended."""
        try:
            self.wait(lambda: False, seconds)
        except Closed:
            return False
        return True

    def settle(self) -> bool:
        """Waits until the broker has processed all injected packets, by a PING that is acknowledged. False if the broker has closed instead."""
        space = self.quic._spaces[Epoch.ONE_RTT]
        for _ in range(60):
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
        """The error code of the broker's CONNECTION_CLOSE."""
        try:
            self.wait(lambda: False, PATIENCE)
        except Closed as closed:
            return closed.code
        raise AssertionError("the broker goes on")


def first_flight(address: Address) -> list[bytes]:
    """The first datagrams of a handshake that is not continued."""
    quic = QuicConnection(configuration=QuicConfiguration(is_client=True, alpn_protocols=["mqtt"], server_name="localhost"))
    quic.connect(address, now=time.monotonic())
    return [datagram for datagram, _ in quic.datagrams_to_send(now=time.monotonic())]


def forged_initial() -> bytes:
    """A packet with the header of an Initial and random octets."""
    return b"\xc1\0\0\0\1\x08" + os.urandom(8) + b"\x08" + os.urandom(8) + b"\0" + number(1170) + os.urandom(1174)


def received(opened: socket.socket) -> int | None:
    """The size of the next received datagram, in octets."""
    try:
        return len(opened.recv(65536, socket.MSG_DONTWAIT))
    except BlockingIOError:
        return None


def drain(opened: socket.socket) -> int:
    """The size of all received datagrams, in octets."""
    return sum(iter(lambda: received(opened) or 0, 0))
