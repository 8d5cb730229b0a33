"""The broker under test as a process."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Address = tuple[str, int]
T = TypeVar("T")
PATIENCE = 60  # seconds until something that should have happened counts as lost: a busy machine may be slow
START = PATIENCE  # until it listens
STOP = PATIENCE  # from SIGTERM to its end


class Server:
    """A running broker: its addresses, its output and its exit code."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str] | None = None):
        self.folder = folder
        self.said: list[str] = []
        self.addresses: dict[str, Address] = {}
        self.ready = threading.Event()
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env={**os.environ, **(environment or {})}
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            self.hear(line)
        self.ready.set()

    def hear(self, line: str) -> None:
        raise NotImplementedError

    @property
    def output(self) -> str:
        return "\n".join(self.said)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait_ready(self) -> "Server":
        assert self.ready.wait(START) and self.is_running, f"the broker does not start:\n{self.output}"
        return self

    def stop(self) -> None:
        """Sends SIGTERM and asserts an orderly end."""
        assert self.is_running, f"the broker had ended with {self.process.returncode}:\n{self.output}"
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the broker goes on {STOP} s after SIGTERM:\n{self.output}") from None
        self.reader.join(STOP)
        assert code == 0, f"exit code {code}:\n{self.output}"
        assert not re.search(r"Fatal error|Crash|Backtrace|Assertion|AddressSanitizer", self.output), self.output

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Martlet(Server):
    transports = {"tcp", "ssl", "quic"}

    def __init__(
        self,
        binary: Path,
        folder: Path,
        configuration: str = "",
        settings: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        entering: tuple[str, ...] = (),
    ):
        file = folder / "martlet.conf"
        file.write_text(f'node.data_dir = "{folder}/data"\n{LISTENERS}\n{configuration}\n')
        arguments = [argument for setting in settings for argument in ("--set", setting)]
        super().__init__([*entering, str(binary), "serve", "--config", str(file), *arguments], folder, environment)

    def hear(self, line: str) -> None:
        if match := re.match(r"listening (tcp|ssl|quic) (\S+) \[?(.+?)\]?:(\d+)$", line.strip()):
            self.addresses[match[1]] = (match[3], int(match[4]))
        elif line.strip() == "martlet is ready":
            self.ready.set()


LISTENERS = """
listeners.tcp.default.bind = "127.0.0.1:0"
listeners.ssl.default.bind = "127.0.0.1:0"
listeners.quic.default.bind = "127.0.0.1:0"
"""


class MosquittoServer(Server):
    """mosquitto instead of Martlet: shows whether a test asserts MQTT or Martlet's own behaviour."""

    transports = {"tcp"}

    def __init__(self, folder: Path, configuration: str = "", host: str = "127.0.0.1", entering: tuple[str, ...] = ()):
        port = free_port()
        self.address = (host, port)
        file = folder / "mosquitto.conf"
        file.write_text(f"listener {port} {host}\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\n{configuration}\n")
        super().__init__([*entering, "mosquitto", "-c", str(file)], folder)

    def hear(self, line: str) -> None:
        if re.search(r"mosquitto version .* running", line):
            self.addresses["tcp"] = self.address
            self.ready.set()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held


def in_time(seconds: float, attempt: Callable[[int], T]) -> T:
    """What `attempt` returned when it took less than so many seconds. One that took longer, since the machine is busy, proves
    nothing: it is made again, with the next number."""
    for number in range(20):
        begun = time.monotonic()
        found = attempt(number)
        if time.monotonic() - begun < seconds:
            return found
    import pytest  # here, since scripts/experiments runs without it

    pytest.skip(f"the machine is too busy to do this in {seconds} s")


def pings_in_time(ping: Callable[[], object], count: int, every: float, allowed: float) -> bool:
    """Calls `ping` every so many seconds. False if it failed after this process itself had been silent for `allowed` seconds: that
    says nothing of the broker."""
    last, is_late = time.monotonic(), False
    for _ in range(count):
        time.sleep(every)
        is_late |= time.monotonic() - last >= allowed
        last = time.monotonic()
        try:
            ping()
        except Exception:
            if is_late:
                return False
            raise
    return True
