"""Clients spread over the nodes again after all have come to one, as the last node of a rolling restart finds none."""

import random
import socket
import time

import packets
from machines import Machines

CLIENTS = 45
THRESHOLD = 5
USE_ANOTHER_SERVER = 0x9C
PATIENCE = 120  # seconds


class Idler:
    """A client that connects to another broker when it is told to."""

    def __init__(self, name: str, place: tuple[str, int], has_will: bool = False):
        self.name = name
        self.will = packets.Will("gone", b"1") if has_will else None
        self.moves = 0
        self.connect(place)

    def connect(self, place: tuple[str, int]) -> None:
        self.place = place
        self.socket = socket.create_connection(place, 10)
        self.inbox = bytearray()
        self.socket.sendall(packets.connect(self.name, 5, keep_alive=0, will=self.will))
        while (answer := packets.cut(self.inbox, 5)) is None:
            self.inbox += self.socket.recv(4096)
        assert answer.kind == packets.CONNACK and answer.reason == 0
        self.socket.setblocking(False)

    def follow(self, places: list[tuple[str, int]]) -> None:
        try:
            arrived = self.socket.recv(4096)
        except BlockingIOError:
            return
        found = packets.cut(bytearray(arrived), 5)
        assert found and found.kind == packets.DISCONNECT and found.reason == USE_ANOTHER_SERVER
        self.moves += 1
        self.socket.close()
        self.connect(random.choice(places))


def test_clients_spread_again(machines: Machines):
    for broker in machines.brokers:
        with (machines.folder / f"{broker.name}.conf").open("a") as file:
            file.write(f"cluster.rebalance.abs_conn_threshold = {THRESHOLD}\n")
    machines.serve()
    present = Idler("present", machines.places[0], has_will=True)
    clients = [Idler(f"idler-{number}", machines.places[0]) for number in range(CLIENTS)]
    end = time.monotonic() + PATIENCE
    mean = (CLIENTS + 1) / 3
    while True:
        for client in [present, *clients]:
            client.follow(machines.places)
        counts = [sum(client.place == place for client in [present, *clients]) for place in machines.places]
        if max(counts) <= 1.1 * mean + 1:
            break
        assert time.monotonic() < end, f"the clients of the three brokers: {counts}"
        time.sleep(0.2)
    assert present.moves == 0, "a client with a will stays"
