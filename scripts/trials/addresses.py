"""Trials of a NAT that changes the clients' addresses, and of one whose bindings time out."""

import statistics
import subprocess
import threading
import time
from pathlib import Path

from link import Link

from .bed import PATIENCE, PYTHON, Bed, Options, Way, undisturbed

CLIENTS = 5


class Listener:
    """A running `martlet sub`. Each message is recorded with the instant of its arrival."""

    FORMAT = "%U %p"

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.messages: list[tuple[float, int]] = []  # seconds since 1970, number
        self.losses = 0  # of its connection
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.process.stdout:
            words = line.split()
            if len(words) == 2 and words[1].isdigit():
                self.messages.append((float(words[0]), int(words[1])))
            elif "connecting again" in line:
                self.losses += 1

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.messages]

    def next_after(self, instant: float) -> float | None:
        return next((at for at, _ in self.messages if at > instant), None)


class Speaker:
    """A running `martlet pub -l` that is given a number at a fixed interval, each a line. It is started again if its connection is lost."""

    def __init__(self, start):
        self.start = start
        self.process = start()
        self.losses = 0
        self.number = 0

    def say(self) -> None:
        if self.process.poll() is not None:
            self.losses += 1
            self.process = self.start()
        self.number += 1
        try:
            self.process.stdin.write(f"{self.number}\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass


def rebinding(options: Options, delay: int = 15, rate: str = "10mbit", first: float = 1, every: float = 5, changes: int | None = None, loops: int = 4) -> list[dict]:
    """A NAT changes all clients' ports, addresses or both repeatedly, with traffic at QoS 2 in both directions."""
    rows = []
    changes = changes or int(options.seconds(12, 3))
    every = options.seconds(every, min(every, 1.5))
    for transport in ["quic", "ssl"]:
        for change in ["both"] if options.quick else ["port", "address", "both"]:
            way = Way(transport)
            with Bed(options, f"set delay {delay}ms rate {rate} queue 100", way=way, nat=True, settings=(f"node.loops={loops}",)) as bed:
                rows.append(rebind(bed, change, first, every, changes, 2 * delay / 1000))
                row = rows[-1]
                options.say(
                    f"rebinding of the {change}, {way.label}: gap p50 {row['gap_p50_ms'] or 0:.0f} p99 {row['gap_p99_ms'] or 0:.0f} ms, interrupted for {row['interruption_p50_ms']:.0f} ms, "
                    f"{row['connections_lost']} connections lost, {row['lost']} messages lost, {row['twice']} twice, of {row['sent']}"
                )
    return rows


def rebind(bed: Bed, change: str, first: float, every: float, changes: int, round_trip: float) -> dict:
    listeners, inside = [], {}
    for number in range(CLIENTS):
        known = len(bed.link.bound)
        process = bed.tool("sub", "-t", "down", "-q", 2, "-c", "-x", 600, "-i", f"listener{number}", "-F", Listener.FORMAT)
        listeners.append(Listener(process))
        wait_until(lambda: len(bed.link.bound) > known)
        inside[bed.link.bound[-1]["inside"]] = listeners[-1]
    speakers = [Speaker(lambda number=number: bed.tool("pub", "-t", f"up/{number}", "-q", 2, "-l", "-i", f"speaker{number}")) for number in range(CLIENTS)]
    ups = [Listener(bed.tool("sub", "-t", f"up/{number}", "-q", 2, "-F", Listener.FORMAT, far=False)) for number in range(CLIENTS)]
    down = Speaker(lambda: bed.tool("pub", "-t", "down", "-q", 2, "-l", far=False))
    # Wait until each client is subscribed and receives the messages of the others.
    ready = lambda: all(listener.messages for listener in [*listeners, *ups])
    while not ready():
        for speaker in [*speakers, down]:
            speaker.say()
        if down.number > PATIENCE / 0.05:
            raise RuntimeError("not everybody is subscribed")
        time.sleep(0.05)
    begun = [down.number, *(speaker.number for speaker in speakers)]
    known, commanded, start, due = len(bed.link.bound), [], time.monotonic(), time.monotonic() + first
    while len(commanded) < changes or time.monotonic() < due:
        for speaker in [*speakers, down]:
            speaker.say()
        if len(commanded) < changes and time.monotonic() >= due:
            commanded.append(time.time())
            bed.link.say(f"rebind all {change}")
            due += every
        time.sleep(0.02)
    last = [down.number, *(speaker.number for speaker in speakers)]
    wanted = lambda: all(last[0] in listener.numbers for listener in listeners) and all(number in up.numbers for number, up in zip(last[1:], ups))
    wait_until(wanted)
    seconds = time.monotonic() - start

    gaps = []
    for bound in bed.link.bound[known:]:
        listener = inside.get(bound["inside"])
        heard = listener and listener.next_after(bound["unix"] / 1e9)
        if heard:
            gaps.append((heard - bound["unix"] / 1e9) * 1000)
    interruptions = [(heard - instant) * 1000 for instant in commanded for listener in listeners if (heard := listener.next_after(instant))]
    lost = twice = sent = 0
    for listener, start_at, end in [(listener, begun[0], last[0]) for listener in listeners] + [(up, begun[n + 1], last[n + 1]) for n, up in enumerate(ups)]:
        numbers = [number for number in listener.numbers if start_at < number <= end]
        sent += end - start_at
        lost += end - start_at - len(set(numbers))
        twice += len(numbers) - len(set(numbers))
    counters = bed.link.counters()
    return {
        "way": bed.way.label, "change": change, "round_trip_ms": round_trip * 1000, "changes": changes * 2 * CLIENTS, "seconds": seconds,
        "gap_p50_ms": percentile(gaps, 50), "gap_p99_ms": percentile(gaps, 99), "gaps": len(gaps),
        "interruption_p50_ms": percentile(interruptions, 50), "interruption_p99_ms": percentile(interruptions, 99),
        "connections_lost": sum(speaker.losses for speaker in speakers) + sum(listener.losses for listener in listeners),
        "sent": sent, "lost": lost, "twice": twice, "rebound": counters["counters"]["nat"]["rebound"], "late_ms": counters["lateMean"] / 1000,
    }


def wandering(options: Options, delay: int = 15, every: float = 0.1) -> list[dict]:
    """A NAT gives one client another port again and again, or the same two by turns, or the client itself moves, under traffic both ways at QoS 1."""
    rows = []
    for change in ["port", "back", "active"]:
        for stack in ["Martlet", "AioQUIC", "QH3", "Picoquic"] if change != "active" else ["Martlet"]:
            with undisturbed(), Bed(options, f"set delay {delay}ms", way=Way("quic"), nat=True, settings=("node.loops=4",)) as bed:
                row = wander_loaded if stack == "Martlet" else wander
                rows.append(row(bed, stack, change, every, int(options.seconds(60, 3) / every), delay / 1000))
                options.say(str(rows[-1]))
    return rows


def wander_loaded(bed: Bed, stack: str, change: str, every: float, changes: int, delay: float) -> dict:
    """A `martlet bench pub`: its gap is the time from a PUBLISH to the PUBACK, over all messages."""
    before = 2  # seconds without a move, at the beginning and at the end
    count = int((changes * every + 2 * before) * 100)
    moving = ("--migrate-every", f"{every * 1000:.0f}ms") if change == "active" else ()
    load = bed.bench("pub", "-c", 1, "-q", 1, "-I", 10, "-F", 100, "-t", "up", "-L", count, *moving)
    time.sleep(before)
    known = len(bed.link.bound)
    for _ in range(changes):
        if change != "active":
            bed.link.say(f"rebind all {change}")
        time.sleep(every)
    found = load.result()
    counters = bed.link.counters()
    latency = found["latencies"]["publish_to_ack"]
    return {
        "stack": stack, "change": change, "every_ms": every * 1000, "round_trip_ms": delay * 2000, "moves": len(bed.link.bound) - known,
        **{f"gap_{name}_ms": latency[f"{name}_us"] / 1000 for name in ("p50", "p99", "max")},
        "bindings": counters["counters"]["nat"]["made"], "messages": count, "lost": count - latency["count"], "late_ms": counters["lateMean"] / 1000,
    }


def wander(bed: Bed, stack: str, change: str, every: float, changes: int, delay: float) -> dict:
    words = [PYTHON, Path(__file__).with_name("walker.py"), stack, Link.SERVER, Link.PORTS["quic"], "walker", "up", "down"]
    process = bed.popen([*bed.link.at_client, *words], stdin=subprocess.PIPE)
    listener, speaker = Listener(process), Speaker(lambda: process)
    wait_until(lambda: bed.link.bound)
    inside = bed.link.bound[0]["inside"]
    up = Listener(bed.tool("sub", "-t", "up", "-q", 1, "-F", Listener.FORMAT, far=False))
    down = Speaker(lambda: bed.tool("pub", "-t", "down", "-q", 1, "-l", far=False))
    while not (listener.messages and up.messages):
        speaker.say()
        down.say()
        if down.number > 1000:
            raise RuntimeError(f"{stack} hears nothing")
        time.sleep(0.05)
    begun, known = (down.number, speaker.number), len(bed.link.bound)
    for _ in range(changes):
        bed.link.say(f"rebind all {change}")
        # No two moves are closer together where the machine was late.
        moved = time.monotonic()
        while time.monotonic() < moved + every:
            speaker.say()
            down.say()
            time.sleep(0.01)
    last = (down.number, speaker.number)
    wait_until(lambda: last[0] in listener.numbers and last[1] in up.numbers, 15)
    gaps = []
    for instant in [bound["unix"] / 1e9 for bound in bed.link.bound[known:] if bound["inside"] == inside]:
        # What was behind the NAT already when it changed comes within the delay of the link.
        if heard := listener.next_after(instant + delay):
            gaps.append((heard - instant) * 1000)
    lost = sum(len(set(range(first + 1, end + 1)) - set(heard.numbers)) for heard, first, end in zip((listener, up), begun, last))
    counters = bed.link.counters()
    return {
        "stack": stack, "change": change, "every_ms": every * 1000, "round_trip_ms": delay * 2000, "moves": len(gaps),
        "gap_p50_ms": percentile(gaps, 50), "gap_p99_ms": percentile(gaps, 99), "gap_max_ms": max(gaps, default=None),
        "bindings": counters["counters"]["nat"]["made"], "messages": sum(last) - sum(begun), "lost": lost, "late_ms": counters["lateMean"] / 1000,
    }


def idle(options: Options) -> list[dict]:
    """A client sends nothing until its NAT's binding has timed out. Then a message is published to the client, and later the client sends a packet."""
    rows = []
    # Martlet's clients send a QUIC PING after 25 s of silence; with a shorter timeout only PINGs of the listener keep the binding.
    cases = [(Way("quic"), False, 20, 10), (Way("quic"), True, 130, 120), (Way("ssl"), False, 130, 120)]
    if options.quick:
        cases = [(Way("quic"), False, 4, 2), (Way("quic"), True, 4, 2)]
    for way, pings, silence, timeout in cases:
        keep = (f"listeners.quic.default.keep_alive_interval_ms={min(25_000, timeout * 400)}",) if pings else ()
        with Bed(options, "set delay 25ms", way=way, nat=True, nat_timeout=timeout, settings=keep) as bed:
            words = ["-t", "wake", "-q", 1, "-c", "-x", 600, "-i", "sleeper", "-k", int(silence * 1.5), "-F", Listener.FORMAT]
            sleeper = Listener(bed.tool("sub", *words))
            speaker = Speaker(lambda: bed.tool("pub", "-t", "wake", "-q", 1, "-l", far=False))
            # Until it is subscribed, and nothing more is under way to it.
            while speaker.number not in sleeper.numbers:
                if not sleeper.messages:
                    speaker.say()
                if speaker.number > PATIENCE / 0.2:
                    raise RuntimeError("the sleeper is not subscribed")
                time.sleep(0.2)
            begun = time.time()
            if not pings:
                time.sleep(timeout)
                bed.link.say("expire all")  # TCP's binding too, which lives longer by itself
            time.sleep(max(0.0, begun + silence - time.time()))
            known, published = len(bed.link.bound), time.time()
            speaker.say()
            # PINGREQ, at MQTT's keep alive, is the client's next packet.
            wait_until(lambda: speaker.number in sleeper.numbers)
            heard = next((at for at, number in sleeper.messages if number == speaker.number), None)
            woke = bed.link.bound[known]["unix"] / 1e9 if len(bed.link.bound) > known else None
            row = {
                "way": way.label, "pings": pings, "round_trip_ms": 50, "silence_s": silence, "nat_timeout_s": timeout,
                "after_publish_ms": heard and (heard - published) * 1000,
                "after_next_packet_ms": heard and woke and (heard - woke) * 1000, "connections_lost": sleeper.losses, "late_ms": bed.late_ms,
            }
            options.say(f"idle for {silence:.0f} s, {way.label}{', with PINGs' if pings else ''}: {row}")
            rows.append(row)
    return rows


def percentile(values: list[float], percent: float) -> float | None:
    if not values:
        return None
    return statistics.quantiles(values, n=1000, method="inclusive")[int(percent * 10) - 1] if len(values) > 1 else values[0]


def wait_until(condition, seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(held)
