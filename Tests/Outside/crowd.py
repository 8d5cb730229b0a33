"""Thousands of clients of `martlet bench` behind a `Front`, which come back after their connections end."""

import re
import time
from pathlib import Path

from front import Front
from loads import Bench

PATIENCE = 240  # seconds until all are connected
SILENCE = 20  # seconds without a message after which none is under way
STAY = ("--reconnect", 1_000_000, "--reconnect-delay", 500, "--num-retry-connect", 100, "--shortids", "--log_to", "null", "-i", 2, "-k", 60)


class Crowd:
    """Of eight clients one publishes to a durable session at QoS 2, one has such a session, five have sessions that end with their connections, and
    one publishes to them at QoS 1 over QUIC, by a socket of its own, since a flow of UDP stays with its broker."""

    def __init__(self, martlet: Path, folder: Path, front: Front, count: int):
        part = count // 8
        self.count = part * 8
        durable = ("-h", front.HOST, "-p", front.MQTT, "-c", part, "-q", 2, "-t", "kept/%i", "-C", "false", "-x", 3600, "--payload-hdrs", "cnt64", *STAY)
        passing = ("-h", front.HOST, "-q", 1, *STAY)
        began = time.monotonic()
        self.benches: dict[str, Bench] = {}

        def begin(name: str, kind: str, wanted: int, *words: object) -> None:
            bench = self.benches[name] = Bench(martlet, folder / f"{name}.json", kind, "--prefix", name, *words)
            counter = "sub" if kind == "sub" else "connect_succ"
            while bench.total(counter) < wanted:
                if bench.process.poll() is not None or time.monotonic() - began > PATIENCE:
                    raise RuntimeError(f"{name}: {bench.total(counter)} of {wanted} are there:\n{bench.said()}")
                time.sleep(0.2)

        try:
            begin("keeper", "sub", part, *durable)
            begin("giver", "pub", part, *durable, "-I", 2000, "-F", 4, "--max-random-wait", 2000, "-s", 64)
            begin("listener", "sub", part * 5, *passing, "-p", front.MQTT, "-c", part * 5, "-t", "passing/%i")
            begin("speaker", "pub", part, *passing, "-p", front.QUIC, "--quic", "--own-sockets", "-c", part, "-t", f"passing/%rand_{part * 5}", "-I", 1000, "-F", 4, "--max-random-wait", 1000, "-s", 64)
        except BaseException:
            self.end()
            raise
        self.took = time.monotonic() - began
        self.published = self.received = 0
        self.mark()

    def mark(self) -> None:
        self._read = {name: len(bench.log.read_text(errors="replace")) for name, bench in self.benches.items()}

    @property
    def best(self) -> int:
        """The most clients with sessions that end with their connections that came back within a second, since the mark."""
        rates: dict[str, int] = {}
        for name in ("listener", "speaker"):
            said = self.benches[name].log.read_text(errors="replace")[self._read[name]:]
            for second, rate in re.findall(r"^(\S+) reconnect_succ total=\d+ rate=(\d+)", said, re.M):
                rates[second] = rates.get(second, 0) + int(rate)
        return max(rates.values(), default=0)

    def settle(self) -> list[str]:
        """Ends it, publishers first, and tells what was lost or came twice to durable sessions."""
        for name in ("speaker", "giver"):
            self.benches[name].interrupt()
            self.benches[name].process.wait(60)
        counted = self.benches["giver"].result()["counters"]
        # What a publisher has sent without an answer may come, or not.
        received, since = 0, time.monotonic()
        while received < counted["pub"] and time.monotonic() < since + SILENCE:
            if (now := self.benches["keeper"].total("recv")) != received:
                received, since = now, time.monotonic()
            time.sleep(0.5)
        for name in ("listener", "keeper"):
            self.benches[name].interrupt()
        kept = self.benches["keeper"].result()
        self.published, self.received = counted["pub"], kept["counters"]["recv"]
        found = [f"crowd: {problem}" for problem in kept["problems"] if "cnt64" in problem]
        if not counted["pub_succ"] <= self.received <= self.published:
            found.append(f"crowd: {self.received} messages received of {self.published} that were published, {counted['pub_succ']} of them acknowledged")
        for name in ("listener", "speaker", "giver"):
            found += [f"{name}: {problem}" for problem in self.benches[name].result()["problems"] if "lost their connection" in problem or "could not connect" in problem]
        return found

    def end(self) -> None:
        for bench in self.benches.values():
            bench.end()
