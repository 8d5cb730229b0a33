"""What the brokers of a cluster say of themselves while something happens to them."""

import contextlib
import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path


class _Control(http.client.HTTPConnection):
    """To the socket by which `martlet ctl` asks."""

    def __init__(self, path: Path):
        super().__init__("localhost", timeout=3)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def status(folder: Path, broker) -> dict:
    """What one broker says of its cluster."""
    connection = _Control(folder / broker.name / "control.sock")
    try:
        connection.request("GET", "/api/v5/cluster/status")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


@dataclass(frozen=True)
class Sample:
    instant: float
    clients: dict[str, int]  # of each broker that says so
    leaders: tuple[int | None, ...]  # of each lane, by the number of the node

    @property
    def count(self) -> int:
        return sum(self.clients.values())

    @property
    def spread(self) -> str:
        return "/".join(str(count) for _, count in sorted(self.clients.items()))

    @property
    def lanes(self) -> str:
        nodes = sorted({node for node in self.leaders if node is not None})
        return "/".join(str(self.leaders.count(node)) for node in nodes)


class Watch:
    """Asks every half second, whichever broker answers."""

    INTERVAL = 0.5  # seconds

    def __init__(self, cluster):
        self.samples: list[Sample] = []
        self._cluster = cluster
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def since(self, instant: float) -> list[Sample]:
        return [sample for sample in self.samples if sample.instant >= instant]

    def end(self) -> None:
        self._ended.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ended.wait(self.INTERVAL):
            for broker in list(self._cluster.brokers):
                with contextlib.suppress(OSError, ValueError, KeyError, http.client.HTTPException):
                    began = time.monotonic()
                    said = status(self._cluster.folder, broker)
                    # A busy broker may not answer the one that is asked in time.
                    if all(node.get("status") for node in said["nodes"] if node["state"] == "alive"):
                        self.samples.append(self._sample(began, said))
                        break

    @staticmethod
    def _sample(instant: float, said: dict) -> Sample:
        clients = {node["name"]: node["status"]["connections"] for node in said["nodes"] if node.get("status")}
        lanes = sorted(said["lanes"], key=lambda lane: lane["lane"])
        return Sample(instant, clients, tuple(lane.get("node") for lane in lanes))
