"""Loads of `martlet bench` on the brokers of a cluster, and what they cost the brokers and the NATS servers."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

WARM_UP = 2  # seconds of a load before it is measured


@dataclass(frozen=True)
class Load:
    name: str
    # For `martlet bench`; a closed loop, or a publisher and a subscriber. `HOSTS`, `TO`, `FROM` and `PLACE` are replaced.
    words: tuple[str, ...]
    subscriber: tuple[str, ...] = ()


def pair(count: int, qos: int, window: int) -> tuple[str, ...]:
    return ("pair", "-h", "HOSTS", "-c", str(count), "-q", str(qos), "-w", str(window))


def ends(count: int, qos: int, inflight: int, pause: int, *session: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    both = ("-c", str(count), "-i", "1", "-q", str(qos), "-t", "PLACE/%i", "-V", "5", *session)
    publisher = ("pub", "-h", "FROM", "--prefix", "from-PLACE", "--payload-hdrs", "ts_us", "-s", "64", "-I", str(pause), "-F", str(inflight), *both)
    return publisher, ("sub", "-h", "TO", "--prefix", "to-PLACE", "--payload-hdrs", "ts_us", *both)


def paced(qos: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A message each millisecond."""
    return ends(1, qos, 100, 1)


def durable(count: int, qos: int, inflight: int, pause: int = 0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ends(count, qos, inflight, pause, "-C", "false", "-x", "600")


LOADS = [
    Load("QoS 0, 10 pairs, 50 under way", pair(10, 0, 50)),
    Load("QoS 1, 100 pairs, 4 under way", pair(100, 1, 4)),
    Load("QoS 0, one by one", pair(1, 0, 1)),
    Load("QoS 1, one by one", pair(1, 1, 1)),
    Load("QoS 0, 1,000 a second", *paced(0)),
    Load("QoS 1, 1,000 a second", *paced(1)),
    Load("durable QoS 1, 20 pairs, 40 under way", *durable(20, 1, 40)),
    Load("durable QoS 2, 20 pairs, 40 under way", *durable(20, 2, 40)),
    Load("durable QoS 1, one session, 100 under way", *durable(1, 1, 100)),
]


def processor_time(child) -> float:
    """Seconds of a process so far, user and system."""
    fields = Path(f"/proc/{child.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(child) -> int:
    """Octets of a process that are resident and in no file."""
    for line in Path(f"/proc/{child.process.pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(child.name)


class Bench:
    """A process of `martlet bench`."""

    def __init__(self, martlet: Path, report: Path, *words: object):
        self.report, self.log = report, report.with_suffix(".log")
        report.unlink(missing_ok=True)
        with self.log.open("w") as log:
            self.process = subprocess.Popen([martlet, "bench", *map(str, words), "--json", str(report)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def result(self, patience: float = 60) -> dict:
        """Waits for its end. One that is ended at its time says that messages were not acknowledged, and ends with 1."""
        self.process.wait(patience)
        if not self.report.exists():
            raise RuntimeError(f"martlet bench has failed:\n{self.said()}")
        return json.loads(self.report.read_text())

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def total(self, counter: str) -> int:
        """What the last line for a counter says."""
        found = [line for line in self.log.read_text(errors="replace").splitlines() if f" {counter} total=" in line]
        return int(found[-1].split(" total=")[1].split()[0]) if found else 0

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass
class Played:
    """What a load has come to: a rate of deliveries, and processors that were busy for it."""

    rate: float
    brokers: float
    servers: float
    p50: float | None  # microseconds
    p99: float | None

    def __add__(self, other: "Played") -> "Played":
        """Both as if they had been at the same time."""
        worst = [max((value for value in values if value is not None), default=None) for values in ((self.p50, other.p50), (self.p99, other.p99))]
        return Played(self.rate + other.rate, self.brokers + other.brokers, self.servers + other.servers, *worst)

    def cost(self, kind: str) -> str:
        """Microseconds of a processor for a delivery."""
        return f"{getattr(self, kind) * 1e6 / self.rate:.2f}" if self.rate else "–"


def play(load: Load, ends: list[tuple[str, str]], port: int, martlet: Path, folder: Path, brokers: list, servers: list, seconds: float) -> Played:
    """Plays a load between each pair of a publisher's and a subscriber's broker at the same time."""
    benches: list[tuple[Bench, ...]] = []
    try:
        for role, words in (("subscriber", load.subscriber), ("load", load.words)):
            if not words:
                continue
            # Subscribers are there first, and stay until publishers have ended.
            lasts = seconds + WARM_UP + 2 + (WARM_UP if role == "subscriber" else 0)
            timing = ("-t", seconds, "--warm-up", WARM_UP) if words[0] == "pair" else ("--duration", lasts)
            for number, (publisher, subscriber) in enumerate(ends):
                replaced = {"HOSTS": f"{publisher},{subscriber}", "FROM": publisher, "TO": subscriber, "PLACE": f"place{number}"}
                made = [_replace(word, replaced) for word in words]
                benches.append((role, Bench(martlet, folder / f"{role}-{number}.json", *made, "-p", port, *timing)))
            time.sleep(WARM_UP)
        began, before = time.monotonic(), [[processor_time(child) for child in kind] for kind in (brokers, servers)]
        time.sleep(seconds - 1)
        took = time.monotonic() - began
        used = [sum(processor_time(child) - old for child, old in zip(kind, times)) for kind, times in zip((brokers, servers), before)]
        results = {role: [bench.result() for kind, bench in benches if kind == role] for role in ("subscriber", "load")}
    finally:
        for _, bench in benches:
            bench.end()
    if load.subscriber:
        rate = sum(to["counters"]["recv"] / of["seconds"] for to, of in zip(results["subscriber"], results["load"]))
        latencies = [result["latencies"]["end_to_end"] or {} for result in results["subscriber"]]
    else:
        rate = sum(result["delivered_per_second"] for result in results["load"])
        latencies = [result["latency"] or {} for result in results["load"]]
    worst = {key: max((found[key] for found in latencies if key in found), default=None) for key in ("p50_us", "p99_us")}
    return Played(rate, used[0] / took, used[1] / took, worst["p50_us"], worst["p99_us"])


def _replace(word: str, replaced: dict[str, str]) -> str:
    for name, value in replaced.items():
        word = word.replace(name, value)
    return word
