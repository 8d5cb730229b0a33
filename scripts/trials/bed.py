"""A broker behind an emulated link, and clients on either side of the link."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from link import ROOT, Link
from servers import Martlet

PATIENCE = 120  # seconds
PYTHON = ROOT / ".build-python" / "bin" / "python"  # has the outside clients


@dataclass(frozen=True)
class Way:
    """A transport, and the congestion controller of both sides."""

    transport: str
    streams: int = 0  # data streams of QUIC; 0 is the control stream alone
    controller: str = "cubic"

    @property
    def label(self) -> str:
        kinds = {"tcp": "TCP", "ssl": "TCP + TLS", "quic": f"QUIC, {self.streams} streams" if self.streams else "QUIC, 1 stream"}
        return kinds[self.transport]

    def __str__(self) -> str:
        return f"{self.label}, {self.controller}"


@dataclass
class Options:
    """The folder of the binaries, and the length of the measurements."""

    martlet: Path
    link: Path
    quick: bool = False
    seed: int = 1
    say: Callable[[str], None] = lambda text: None
    share: tuple[int, int] = (1, 1)  # which part of how many, of what a trial measures

    def part(self, cells: Iterable) -> Iterator[tuple[int, object]]:
        """The cells of this part with their numbers: neighbours, so that what is compared is measured together."""
        numbered = list(enumerate(cells))
        part, of = self.share
        yield from numbered[len(numbered) * (part - 1) // of : len(numbered) * part // of]

    def can(self, flag: str) -> bool:
        """True if `martlet bench` has a flag; flags of later versions are left out for an earlier binary."""
        return flag in self.help

    @cached_property
    def help(self) -> str:
        return subprocess.run([self.martlet, "bench", "pub", "--help"], capture_output=True, text=True).stdout

    def ways(self, streams: int, *controllers: str) -> list[Way]:
        """Each transport with each controller, QUIC with data streams too where some are asked for."""
        found = []
        for controller in controllers:
            found += [Way("tcp", controller=controller), Way("ssl", controller=controller), Way("quic", controller=controller)]
            found += [Way("quic", streams, controller)] if streams and self.can("--streams") else []
        return found

    def seconds(self, full: float, quick: float) -> float:
        return quick if self.quick else full


@contextmanager
def undisturbed() -> Iterator[None]:
    """Puts all that is started meanwhile before other work on the machine: at the real-time priority of the link."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Bed:
    """A link with a broker behind it, both new, so that nothing is left of what was before."""

    FLAGS = {"tcp": [], "ssl": ["--ssl"], "quic": ["--quic"]}
    TOOL_FLAGS = {"tcp": [], "ssl": ["--tls", "--insecure"], "quic": ["--quic", "--insecure"]}

    def __init__(self, options: Options, *commands: str, way: Way, settings: tuple[str, ...] = (), **link):
        self.options = options
        self.way = way
        self.folder = Path(tempfile.mkdtemp(prefix="martlet-experiment-"))
        self.started: list[subprocess.Popen] = []
        self.link = Link(*commands, seed=options.seed, binary=options.link, **link)
        try:
            self.link.congestion(way.controller)
            quic = (f"listeners.quic.default.congestion_control={way.controller}", "mqtt.max_mqueue_len=100000")
            self.server = Martlet(options.martlet, self.folder, self.link.listeners, (*quic, *settings), entering=self.link.at_server)
            self.server.wait_ready()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Bed":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @property
    def late_ms(self) -> float:
        """The average time from the instant at which packets were due to their writing: the delay that the machine adds."""
        return self.link.counters()["lateMean"] / 1000

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()
        if hasattr(self, "server"):
            self.server.kill()
        self.link.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Clients on the far side use the trial's transport over the link; clients beside the broker use TCP on its loopback.

    def bench(self, kind: str, *words: object, far: bool = True, transport: str | None = None) -> "Bench":
        transport = transport or (self.way.transport if far else "tcp")
        reach = ["-h", Link.SERVER if far else "127.0.0.1", "-p", Link.PORTS[transport], *self.FLAGS[transport]]
        if transport == "quic" and kind != "conn":
            reach += ["--congestion", self.way.controller]
        result = self.folder / f"{kind}-{len(self.started)}.json"
        command = [*(self.link.at_client if far else self.link.at_server), self.options.martlet, "bench", kind, *reach, *words, "--json", result, "--loops", 1]
        process = self.popen(command)
        return Bench(process, result)

    def tool(self, kind: str, *words: object, far: bool = True) -> subprocess.Popen:
        """`martlet pub` or `martlet sub`."""
        transport = self.way.transport if far else "tcp"
        reach = ["-h", Link.SERVER if far else "127.0.0.1", "-p", Link.PORTS[transport], *self.TOOL_FLAGS[transport]]
        command = [*(self.link.at_client if far else self.link.at_server), self.options.martlet, kind, *reach, *words]
        return self.popen(command, stdin=subprocess.PIPE)

    def popen(self, command: list, **options) -> subprocess.Popen:
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, **options)
        self.started.append(process)
        return process


class Bench:
    """A running `martlet bench`, whose output lines are read as they come."""

    def __init__(self, process: subprocess.Popen, result: Path):
        self.process = process
        self.path = result
        self.lines: list[tuple[float, str]] = []
        self.heard = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        for line in self.process.stdout:
            with self.heard:
                self.lines.append((time.monotonic(), line))
                self.heard.notify_all()

    @property
    def said(self) -> str:
        return "".join(line for _, line in self.lines)

    def until(self, word: str) -> "Bench":
        """Waits for an output line that contains a word."""
        with self.heard:
            if not self.heard.wait_for(lambda: any(word in line for _, line in self.lines), PATIENCE):
                raise RuntimeError(f"{word!r} never came:\n{self.said}")
        return self

    def totals(self, counter: str) -> list[tuple[float, int]]:
        """The instant at which a counter was printed, and its value."""
        word = f" {counter} total="
        return [(at, int(line.split(word)[1].split()[0])) for at, line in self.lines if word in line]

    def total(self, counter: str) -> int:
        """What a counter has come to, as far as it was said."""
        return max((total for _, total in self.totals(counter)), default=0)

    def reaches(self, counter: str, total: int) -> bool:
        """Waits until a counter has come to so much."""
        with self.heard:
            return self.heard.wait_for(lambda: self.total(counter) >= total, PATIENCE)

    def result(self) -> dict:
        """Waits for the end of the process. An exit code that reports missing messages is accepted: the link loses packets."""
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        if not self.path.exists():
            raise RuntimeError(f"ended with {self.process.returncode}:\n{self.said}")
        return json.loads(self.path.read_text())

    def stop(self) -> dict:
        self.process.send_signal(signal.SIGINT)
        return self.result()
