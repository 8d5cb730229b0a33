"""Trials of loads over the link: time to connect, latency with losses, and small messages beside a large one."""

import json
import time

from .bed import Bed, Options, Way

DELAYS = [25, 50, 100, 200]
TOPICS = 8


def connect(options: Options) -> list[dict]:
    """The time from the first packet to CONNACK."""
    rows = []
    count = int(options.seconds(40, 8))
    for delay in [50] if options.quick else DELAYS:
        for way, early in [(Way("tcp"), False), (Way("ssl"), False), (Way("quic"), False), *([(Way("quic"), True)] if options.can("--load-qst") else [])]:
            with Bed(options, f"set delay {delay}ms", way=way) as bed:
                words = ["-c", count, "-i", 50, "--prefix", "early"]
                everybody = f" connect_succ total={count} "
                if early:
                    words += ["--load-qst", bed.folder / "tickets"]
                    bed.bench("conn", *words).until(everybody).stop()
                found = bed.bench("conn", *words).until(everybody).stop()
                row = {
                    "way": "QUIC, early data" if early else way.label, "delay_ms": delay, "connected": found["counters"]["connect_succ"], "of": count,
                    "p50_ms": found["latencies"]["connect"]["p50_us"] / 1000, "p99_ms": found["latencies"]["connect"]["p99_us"] / 1000, "late_ms": bed.late_ms,
                }
                row["round_trips"] = row["p50_ms"] / (2 * delay)
                options.say(f"connect {row['way']} at {delay} ms: {row['p50_ms']:.0f} ms, {row['round_trips']:.2f} round trips")
                rows.append(row)
    return rows


def losses(options: Options) -> list[dict]:
    """A vehicle that publishes on several topics, or subscribes to them, over one connection."""
    rows = []
    seconds = options.seconds(12, 3)
    for towards in ["broker"] if options.quick else ["broker", "subscriber"]:
        for loss in [2] if options.quick else [0, 1, 2, 5]:
            for way in options.ways(TOPICS, *(["cubic"] if options.quick else ["cubic", "bbr"])):
                with Bed(options, f"set delay 25ms loss {loss}%", way=way) as bed:
                    found = stream(bed, towards == "broker", seconds)
                    row = {"towards": towards, "way": way.label, "controller": way.controller, "loss_percent": loss, **found, "late_ms": bed.late_ms}
                    options.say(f"loss {loss} % towards the {towards}, {way}: p50 {row['p50_ms']:.0f} p99 {row['p99_ms']:.0f} ms, {row['received']} of {row['published']}")
                    rows.append(row)
    return rows


def stream(bed: Bed, publishes_afar: bool, seconds: float) -> dict:
    """The latency of 500 messages of 256 octets a second on eight topics."""
    topics = [word for number in range(TOPICS) for word in ("-t", f"vehicle/{number}")]
    streams = ["--streams", bed.way.streams] if bed.way.streams else []
    headers = ["--payload-hdrs", "ts_us"]
    subscriber = bed.bench("sub", "-c", 1, *topics, *headers, *([] if publishes_afar else streams), far=not publishes_afar).until(" sub total=1 ")
    words = ["-c", 1, *topics, *headers, "-s", 248, "-I", TOPICS * 1000 / 500, "-L", int(500 * seconds), *(streams if publishes_afar else [])]
    published = bed.bench("pub", *words, far=publishes_afar).result()
    subscriber.reaches("recv", published["counters"]["pub"])
    received = subscriber.stop()
    latency = received["latencies"]["end_to_end"]
    return {
        "published": published["counters"]["pub"], "received": received["counters"]["recv"],
        **{f"{name}_ms": latency[f"{name}_us"] / 1000 for name in ("p50", "p95", "p99", "max")},
    }


def blocking(options: Options) -> list[dict]:
    """Ten small messages a second, and a hundred megabytes every five seconds, over a link of 29 packets a second."""
    rows = []
    if not options.can("--topics-payload"):
        return rows
    seconds = options.seconds(60, 12)
    for way in [Way("tcp"), Way("quic", 2)] if options.quick else options.ways(2, "cubic", "bbr"):
        with Bed(options, "set delay 10ms rate 29pps queue 50", way=way, settings=("mqtt.max_packet_size=200MB",)) as bed:
            small, large = (1, 2) if way.streams else (0, 0)
            spec = bed.folder / "topics.json"
            common = {"inject_timestamp": "ms", "payload_encoding": "json"}
            spec.write_text(json.dumps({"topics": [
                {"name": "small", "interval_ms": "100", "QoS": 0, "payload": {"speed": 88}, "stream": small, "stream_priority": 200, **common},
                {"name": "large", "interval_ms": "5000", "QoS": 0, "payload": {"Data": "%p24415"}, "render": "Data", "stream": large, "stream_priority": 8, **common},
            ]}))
            subscriber = bed.bench("sub", "-c", 1, "-t", "small", far=False).until(" sub total=1 ")
            bed.bench("pub", "-c", 1, "--topics-payload", spec).until(" connect_succ total=1 ")
            start = time.monotonic()
            time.sleep(seconds)
            said = [(at - start, total) for at, total in subscriber.totals("recv")]
            series = [max((total for at, total in said if at <= second), default=0) for second in range(1, int(seconds) + 1)]
            if way.streams:
                # Fifty small messages precede the first large one, however busy the machine is, and without streams hardly one follows.
                subscriber.reaches("recv", 100)
            late = [series[second] - series[second - 5] for second in range(len(series) // 2 + 5, len(series))]
            row = {"way": way.label, "controller": way.controller, "seconds": seconds, "received": subscriber.total("recv"), "per_s_in_the_second_half": sum(late) / max(len(late), 1) / 5, "series": series, "late_ms": bed.late_ms}
            options.say(f"beside large messages, {way}: {row['received']} small ones in {seconds:.0f} s, {row['per_s_in_the_second_half']:.1f}/s in the second half")
            rows.append(row)
    return rows
