"""The secret of a cluster is replaced while QUIC clients are connected, whose packets reach the nodes by chance."""

import hashlib
import hmac
import os
import time

import pytest

from balancer import RandomBalancer
from clients import AioQUIC, Options
from machines import Machines
from nodes import make

PATIENCE = 60  # seconds
USED = "all nodes know a newer secret of the cluster, which is used from now on"

pytestmark = pytest.mark.martlet


def codepoint(secret: bytes) -> int:
    """That of a secret in connection identifiers: HKDF with SHA-256 (RFC 5869), of which 4 octets are taken."""
    extracted = hmac.digest(bytes(32), secret, hashlib.sha256)
    return int.from_bytes(hmac.digest(extracted, b"quic connection identifier codepoint\x01", hashlib.sha256)[:4], "big") % 7


def make_secret(unlike: list[bytes]) -> bytes:
    while codepoint(secret := os.urandom(32)) in map(codepoint, unlike):
        pass
    return secret


class Traveller:
    """A client whose datagrams come from another port, and reach another node, now and then. It would say that its connection has ended."""

    def __init__(self, name: str, seed: int):
        self.topic = f"journey/{name}"
        self.balancer = RandomBalancer([place.quic for place in make.PLACES], seed=seed)
        self.client = AioQUIC(("127.0.0.1", self.balancer.port), 5, Options(name, keep_alive=0))
        self.client.connect()
        self.client.subscribe(self.topic, 1)

    @property
    def codepoint(self) -> int:
        """Of the identifier that its packets have."""
        return self.client.connection.quic._peer_cid.cid[0] >> 5

    def travel(self, moves: int = 6) -> None:
        for _ in range(moves):
            self.balancer.move()
            self.client.echo(self.topic)


def test_a_secret_is_replaced_under_connections(machines: Machines):
    first = make_secret([])
    second = make_secret([first])

    def write(node: int, *secrets: bytes) -> None:
        """Under another name first, so that nobody reads half of it."""
        (machines.folder / "partial").write_text("".join(f"{secret.hex()}\n" for secret in secrets))
        os.chmod(machines.folder / "partial", 0o600)
        os.rename(machines.folder / "partial", machines.folder / f"secret-{node}")

    for node, broker in enumerate(machines.brokers):
        file = machines.folder / f"{broker.name}.conf"
        file.write_text(file.read_text().replace("secret_file = secret", f"secret_file = secret-{node}"))
        write(node, first)
    machines.serve()
    travellers = [Traveller(f"early {number}", number) for number in range(4)]
    for traveller in travellers:
        traveller.travel()
        assert traveller.codepoint == codepoint(first)

    # As long as one node does not know the new secret, nobody uses it.
    for node in range(2):
        write(node, second, first)
    end = time.monotonic() + PATIENCE
    while not all("secrets are read again" in broker.log.read_text() for broker in machines.brokers[:2]):
        assert time.monotonic() < end
        time.sleep(0.1)
    time.sleep(3)
    assert not any(USED in broker.log.read_text() for broker in machines.brokers)
    travellers.append(Traveller("between", 10))
    for traveller in travellers:
        traveller.travel(2)
        assert traveller.codepoint == codepoint(first)

    write(2, second, first)
    machines.wait_for(USED)
    for number in range(3):
        travellers.append(Traveller(f"late {number}", 20 + number))
        assert travellers[-1].codepoint == codepoint(second)
    for traveller in travellers:
        traveller.travel()

    # The connections of the first secret have ended, and then it is not needed.
    for traveller in travellers[:5]:
        traveller.client.disconnect()
    for node in range(3):
        write(node, second)
    time.sleep(5)
    for traveller in travellers[5:]:
        traveller.travel()
    Traveller("last", 30).travel()
