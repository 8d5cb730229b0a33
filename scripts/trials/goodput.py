"""The trial of goodput: how many octets of payload a second pass a link that loses packets."""

from itertools import product

from .bed import Bed, Options

RATE = 50  # Mbit/s, each way
QUEUE = 100  # packets before it
TOPICS = 8
SIZES = [256, 16384]  # octets of a message
LOSSES = [0.1, 1, 3, 5]  # per cent


def goodput(options: Options) -> list[dict]:
    """Four publishers and four subscribers over the link, as fast as the link takes their messages."""
    seconds = options.seconds(4, 3)
    ways = options.ways(TOPICS, *(["cubic"] if options.quick else ["cubic", "bbr"]))
    cells = product([0, 1], SIZES[:1], LOSSES[1:2], ways[:3]) if options.quick else product([0, 1], SIZES, LOSSES, ways)
    rows = []
    for number, (qos, size, loss, way) in options.part(cells):
        with Bed(options, f"set delay 10ms rate {RATE}mbit queue {QUEUE} loss {loss}%", way=way, settings=("mqtt.max_inflight=1000",)) as bed:
            streams = ["--streams", way.streams] if way.streams else []
            topics = [word for topic in range(TOPICS) for word in ("-t", f"goodput/%i/{topic}")]
            common = ["-c", 4, *topics, *streams, "-q", qos, "--shortids"]
            subscribers = bed.bench("sub", *common, "--prefix", "s").until(" sub total=4 ")
            bed.bench("pub", *common, "--prefix", "p", "-s", size, "-I", 0, "-F", 1000, "--duration", f"{seconds + 1}s").result()
            subscribers.reaches("recv", 1)
            received = steady_rate(subscribers.totals("recv"), seconds)
            row = {
                "cell": number, "qos": qos, "size": size, "loss_percent": loss, "way": way.label, "controller": way.controller,
                "received": subscribers.total("recv"), "received_per_s": received, "mbit_per_s": received * size * 8 / 1e6, "late_ms": bed.late_ms,
            }
            options.say(f"goodput at QoS {qos}, {size} octets, loss {loss} %, {way}: {received:,.0f}/s, {row['mbit_per_s']:.1f} Mbit/s")
            rows.append(row)
    return rows


def steady_rate(totals: list[tuple[float, int]], seconds: float) -> float:
    """The rate between the first and the last line of statistics, without the start and without the messages that are still sent at the end."""
    inside = [total for total in totals if total[0] <= totals[0][0] + seconds]
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0]) if len(inside) > 1 else 0.0
