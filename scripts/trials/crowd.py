"""The trial of a NAT that changes the addresses of ten thousand clients at one instant."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from link import Link

from .addresses import percentile, wait_until
from .bed import Bed, Options, Way

CLIENTS = 10_000
ADDRESSES = 8  # of the clients, before the NAT
INTERVAL = 2  # seconds between messages
KEEP_ALIVE = 10  # seconds: who only listens says something that often


def crowd(options: Options) -> list[dict]:
    """Half of the clients publish and half subscribe, at QoS 1, while the addresses of all clients change at once."""
    rows = []
    for transport in ["quic"] if options.quick else ["quic", "ssl"]:
        way = Way(transport)
        # In its short form as a test: there a machine that is busy with others may make a thousand clients late with their PINGREQ.
        patient = ("mqtt.keepalive_multiplier=10",) if options.quick else ()
        with Bed(options, "set delay 15ms", way=way, nat=True, clients=ADDRESSES, settings=("node.loops=2", *patient)) as bed:
            rows.append({"way": way.label, **move(bed, 1_000 if options.quick else CLIENTS)})
            row = rows[-1]
            options.say(
                f"{row['clients']} clients moved, {way.label}: {row['reached']} reached, the last after {row['all_reached_s']:.1f} s, " + (f"{row['gap_p99_ms']:.0f} ms after its first packet at p99, " if row["gap_p99_ms"] else "")
                + f"{row['connections_lost']} connections lost, {row['lost']} messages lost of {row['messages']}, CPU {row['cpu_before_percent']:.0f} % before and {row['cpu_after_percent']:.0f} % after"
            )
    return rows


@dataclass
class Sample:
    """The counters of the broker and of the link at an instant."""

    instant: float
    cpu: float  # seconds of the broker's
    memory: int  # octets, resident
    up: int  # octets to the broker
    down: int

    @classmethod
    def take(cls, bed: Bed) -> "Sample":
        process = Path("/proc") / str(bed.server.process.pid)
        fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        counters = bed.link.counters()["counters"]
        return cls(
            time.monotonic(), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
            counters["toServer"]["enteredOctets"], counters["toClient"]["enteredOctets"],
        )


def move(bed: Bed, count: int) -> dict:
    half = count // 2
    # Whole intervals, so that each covers the same number of messages for all subscribers.
    settling, before, after = 3, bed.options.seconds(3 * INTERVAL, INTERVAL), bed.options.seconds(8 * INTERVAL, 6 * INTERVAL)
    rounds = int((settling + before + after) / INTERVAL) + 1
    own = ["--own-sockets"] if bed.way.transport == "quic" else []
    ours = ["-q", 1, *own, "-i", 1, "--ifaddr", ",".join(Link.client_addresses(ADDRESSES)), "-k", KEEP_ALIVE, "-C", "false", "-x", 600, "--reconnect", 100, "--log_to", "null"]

    watch = bed.bench("sub", "-c", 1, "-t", "up/#", "-q", 1, far=False).until(" sub total=1 ")
    listeners = bed.bench("sub", "-c", half, "-t", "down", *ours, "--prefix", "l").until(f" sub total={half} ")
    speakers = bed.bench("pub", "-c", half, "-t", "up/%i", *ours, "--prefix", "s", "-I", INTERVAL * 1000, "-w", "--max-random-wait", INTERVAL * 1000, "-L", half * rounds).until(f" connect_succ total={half} ")
    speaker = bed.bench("pub", "-c", 1, "-t", "down", "-q", 1, "-I", INTERVAL * 1000, "-L", rounds, far=False)
    time.sleep(settling)  # until those who publish do so

    known = len(bed.link.bound)
    samples = [Sample.take(bed)]
    time.sleep(before)
    samples.append(Sample.take(bed))
    start, start_monotonic = time.time(), time.monotonic()
    bed.link.say("rebind all both")
    peak = samples[-1].memory
    while samples[-1].instant < samples[1].instant + after:
        time.sleep(0.25)
        samples.append(Sample.take(bed))
        peak = max(peak, samples[-1].memory)
    published = speakers.result()["counters"], speaker.result()["counters"]
    wanted = published[0]["pub"], published[1]["pub"] * half
    heard = lambda bench: max((total for _, total in bench.totals("recv")), default=0)
    wait_until(lambda: heard(watch) >= wanted[0] and heard(listeners) >= wanted[1])

    if bed.way.transport == "quic":
        answered = lambda: {word["outside"] for word in bed.link.answered}
        wait_until(lambda: len({word["outside"] for word in bed.link.bound[known:]} & answered()) >= count)
        # A client is bound by its first packet from the new address and port, and reached by the first packet to it after that.
        answers = {word["outside"]: word["unix"] for word in bed.link.answered}
        moved = {word["outside"]: word["unix"] for word in bed.link.bound[known:]}
        gaps = [(answers[outside] - instant) / 1e6 for outside, instant in moved.items() if outside in answers]
        reached, last = len(gaps), max((answers.get(outside, 0) for outside in moved), default=0) / 1e9 - start
    else:
        # A lost TCP connection is answered by a reset, so a TCP client is reached once it has connected again, which the load tool prints every second.
        again = [bench.totals("reconnect_succ") for bench in (listeners, speakers)]
        gaps, reached = [], sum(totals[-1][1] for totals in again if totals)
        last = max((at for totals in again for at, _ in totals), default=start_monotonic) - start_monotonic
    late = bed.late_ms
    received = watch.stop()["counters"]["recv"], listeners.stop()
    lost_connections = sum(result["counters"]["reconnect_succ"] for result in (received[1], {"counters": published[0]}))
    steady = [rate(samples[0], samples[1], key) for key in ("cpu", "up", "down")]
    moving = [rate(samples[1], samples[-1], key) for key in ("cpu", "up", "down")]
    seconds = samples[-1].instant - samples[1].instant
    return {
        "clients": count, "reached": reached, "all_reached_s": last,
        "gap_p50_ms": percentile(gaps, 50), "gap_p99_ms": percentile(gaps, 99), "connections_lost": lost_connections,
        "messages": sum(wanted), "lost": max(0, wanted[0] - received[0]) + max(0, wanted[1] - received[1]["counters"]["recv"]),
        "cpu_before_percent": steady[0] * 100, "cpu_after_percent": moving[0] * 100, "cpu_us_each": (moving[0] - steady[0]) * seconds * 1e6 / count,
        "up_octets_each": (moving[1] - steady[1]) * seconds / count, "down_octets_each": (moving[2] - steady[2]) * seconds / count,
        "memory_before_mib": samples[1].memory / 2**20, "memory_peak_mib": peak / 2**20, "late_ms": late,
    }


def rate(one: Sample, other: Sample, key: str) -> float:
    return (getattr(other, key) - getattr(one, key)) / (other.instant - one.instant)
