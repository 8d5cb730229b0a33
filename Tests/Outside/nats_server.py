"""A NATS server with JetStream for brokers of a test, and the keys of its users."""

import base64
import json
import socket
import subprocess
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nodes import make

PATIENCE = 60  # seconds
OPERATOR, ACCOUNT, USER = 14, 0, 20  # kinds of keys: their letters O, A and U in base32


class NATSServer:
    """Runs until it is stopped."""

    def __init__(self, folder: Path, *lines: str, executable: str | None = None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.configuration = folder / "nats.conf"
        text = [f'listen: "127.0.0.1:{self.port}"', "server_name: nats-0", "max_payload: 1MB", *lines]
        if not any(line.startswith("jetstream") for line in lines):
            text.append(f'jetstream {{ store_dir: "{folder}/data", max_file_store: 64GB, sync_interval: always }}')
        self.configuration.write_text("\n".join(text))
        self.executable = executable or make.nats_server()
        self.start()

    def start(self) -> None:
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen([self.executable, "--config", self.configuration], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, (self.folder / "nats.log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Key:
    """An Ed25519 key of NATS (`nkey`): an operator's, an account's or a user's."""

    def __init__(self, kind: int):
        self._key = Ed25519PrivateKey.generate()
        raw, plain = serialization.Encoding.Raw, serialization.NoEncryption()
        public = self._key.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
        private = self._key.private_bytes(raw, serialization.PrivateFormat.Raw, plain)
        self.public = self._text(bytes([kind << 3]) + public)
        self.seed = self._text(bytes([18 << 3 | kind << 3 >> 5, kind << 6 & 0xFF]) + private)

    @staticmethod
    def _text(octets: bytes) -> str:
        checksum = 0
        for octet in octets:
            checksum ^= octet << 8
            for _ in range(8):
                checksum = (checksum << 1 ^ (0x1021 if checksum & 0x8000 else 0)) & 0xFFFF
        return base64.b32encode(octets + checksum.to_bytes(2, "little")).decode().rstrip("=")

    def vouch(self, other: "Key", **nats) -> str:
        """A JWT about another key."""
        encode = lambda octets: base64.urlsafe_b64encode(octets).decode().rstrip("=")
        claims = {"jti": str(uuid.uuid4()), "iat": int(time.time()), "iss": self.public, "sub": other.public, "name": "test", "nats": {**nats, "version": 2}}
        body = ".".join(encode(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims))
        return f"{body}.{encode(self._key.sign(body.encode()))}"


class Operator:
    """An operator with an account that has JetStream, and a user of it: `lines` for a server's configuration, `credentials` as `nsc` writes them."""

    def __init__(self):
        operator, system, account, user = (Key(kind) for kind in (OPERATOR, ACCOUNT, ACCOUNT, USER))
        limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1) | {"wildcards": True}
        storage = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
        accounts = {
            system: operator.vouch(system, type="account", limits=limits),
            account: operator.vouch(account, type="account", limits=limits | storage),
        }
        preload = "\n".join(f"{key.public}: {jwt}" for key, jwt in accounts.items())
        self.lines = [
            f"operator: {operator.vouch(operator, type='operator', system_account=system.public)}",
            f"system_account: {system.public}", "resolver: MEMORY", f"resolver_preload {{ {preload} }}",
        ]
        jwt = account.vouch(user, type="user", subs=-1, data=-1, payload=-1, pub={}, sub={})
        self.credentials = (
            f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
        )
