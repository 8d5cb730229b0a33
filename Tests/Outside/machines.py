"""Three NATS servers and three brokers on loopback that a test starts and stops by itself."""

import subprocess
import time
from pathlib import Path

from nodes import STREAMS, ask_jetstream, make

PATIENCE = 60  # seconds


class Machines:
    """Three NATS servers that run, and three brokers that do not yet."""

    def __init__(self, folder: Path, binary: Path):
        make.check_ports()
        self.binary, self.folder = binary, folder
        self.servers = make.servers(folder, make.nats_server())
        self.brokers = make.brokers(folder, binary, make.PLACES)
        for server in self.servers:
            server.start()

    @property
    def places(self) -> list[tuple[str, int]]:
        """Where the brokers take TCP clients."""
        return [(place.host, place.mqtt) for place in make.PLACES]

    def wait(self) -> None:
        make.wait(self.servers, make.answers)

    def serve(self) -> None:
        for broker in self.brokers:
            broker.start()
        make.wait(self.brokers, make.is_ready)

    def rest(self) -> None:
        """Stops the brokers, which can be started again."""
        make.stop(self.brokers)
        for broker in self.brokers:
            broker.log.unlink(missing_ok=True)

    def stop(self) -> None:
        make.stop(self.brokers)
        make.stop(self.servers)

    def store(self, *words: str, code: int = 0) -> subprocess.CompletedProcess:
        """`martlet store`, in the name of the first broker."""
        command = [self.binary, "store", words[0], "--config", "broker-0.conf", *words[1:]]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=2 * PATIENCE)
        assert done.returncode == code, done.stderr
        return done

    def wait_for(self, text: str) -> None:
        """Until each broker has logged it."""
        end = time.monotonic() + PATIENCE
        while not all(text in broker.log.read_text(errors="replace") for broker in self.brokers):
            assert time.monotonic() < end, f"waited for: {text}"
            time.sleep(0.05)

    def ask(self, operation: str, body: dict | None = None) -> dict:
        answer = ask_jetstream(self.folder, make.HOST, make.NATS, operation, body)
        assert "error" not in answer, answer
        return answer

    def bound_streams(self, octets: int | None = None, beyond: int = 0) -> None:
        """Gives each stream of lanes another `max_bytes`: so many octets, or so many more than it has."""
        for name in STREAMS:
            info = self.ask(f"STREAM.INFO.{name}")
            bound = octets if octets is not None else info["state"]["bytes"] + beyond
            self.ask(f"STREAM.UPDATE.{name}", {**info["config"], "max_bytes": bound})
