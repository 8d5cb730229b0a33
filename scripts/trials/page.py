"""Writes docs/experiments.md: the results of the trials as tables and charts."""

from collections.abc import Callable, Iterable

from .charts import Panel, chart

Rows = list[dict]


def distinct(rows: Rows, key: str) -> list:
    return list(dict.fromkeys(row[key] for row in rows))


def find(rows: Rows, **wanted) -> dict | None:
    return next((row for row in rows if all(row[key] == value for key, value in wanted.items())), None)


def table(header: list[str], lines: Iterable[list[str]]) -> str:
    return "\n".join(["| " + " | ".join(line) + " |" for line in [header, ["---"] * len(header), *lines]]) + "\n"


def figure(value: float | None, decimals: int = 0) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}"


def grid(rows: Rows, across: str, unit: Callable[[dict], str], name: Callable[[object], str], **fixed) -> str:
    """A table with a line for each transport and congestion controller, and a column for each value of a factor."""
    rows = [row for row in rows if all(row[key] == value for key, value in fixed.items())]
    places = distinct(rows, across)
    lines = []
    for controller in distinct(rows, "controller"):
        for way in distinct(rows, "way"):
            cells = [find(rows, way=way, controller=controller, **{across: place}) for place in places]
            lines.append([way, controller, *(unit(cell) if cell else "–" for cell in cells)])
    return table(["", "controller", *map(name, places)], lines)


def panels(rows: Rows, across: str, value: str, titles: Callable[[str], str], name: Callable[[object], str], x: str, y: str, logarithmic: bool = False) -> list[Panel]:
    """A panel of a chart for each congestion controller."""
    found = []
    for controller in distinct(rows, "controller"):
        mine = [row for row in rows if row["controller"] == controller]
        places = distinct(mine, across)
        series = {way: [(find(mine, way=way, **{across: place}) or {}).get(value) for place in places] for way in distinct(mine, "way")}
        found.append(Panel(titles(controller), [name(place) for place in places], series, x=x, y=y, logarithmic=logarithmic))
    return found


def percent(value: object) -> str:
    return f"{value} %"


def connect(rows: Rows) -> tuple[str, dict[str, str]]:
    delays = distinct(rows, "delay_ms")
    ways = distinct(rows, "way")
    cell = lambda way, delay: f"{figure(find(rows, way=way, delay_ms=delay)['p50_ms'])} ms, {find(rows, way=way, delay_ms=delay)['round_trips']:.2f} round trips"
    text = table(["one way", *ways], [[f"{delay} ms", *(cell(way, delay) for way in ways)] for delay in delays])
    series = {way: [find(rows, way=way, delay_ms=delay)["p50_ms"] for delay in delays] for way in ways}
    drawing = chart("Time to CONNACK (shorter is better)", [Panel("median", [f"{delay} ms" for delay in delays], series, x="delay of the link, one way", y="ms")])
    return text, {"connect": drawing}


def losses(rows: Rows) -> tuple[str, dict[str, str]]:
    parts, drawings = [], {}
    for towards in distinct(rows, "towards"):
        mine = [row for row in rows if row["towards"] == towards]
        unit = lambda row: f"{figure(row['p50_ms'])} / {figure(row['p95_ms'])} / {figure(row['p99_ms'])}"
        direction = "from the vehicle to the broker" if towards == "broker" else "from the broker to the vehicle"
        parts.append(f"Latency {direction}, p50 / p95 / p99 in ms:\n\n" + grid(mine, "loss_percent", unit, lambda loss: f"{loss} % lost"))
        drawings[f"losses-{towards}"] = chart(
            f"Latency {direction}, p99 (shorter is better)",
            panels(mine, "loss_percent", "p99_ms", lambda controller: f"{controller} on both sides", percent, "packets lost", "ms", logarithmic=True),
        )
    return "\n".join(parts), drawings


def goodput(rows: Rows) -> tuple[str, dict[str, str]]:
    parts, drawings = [], {}
    for size in distinct(rows, "size"):
        octets = f"{size // 1024} KiB" if size >= 1024 else f"{size} octets"
        plots = []
        for qos in distinct(rows, "qos"):
            mine = [row for row in rows if (row["qos"], row["size"]) == (qos, size)]
            parts.append(f"Messages of {octets} at QoS {qos}, received Mbit/s:\n\n" + grid(mine, "loss_percent", lambda row: figure(row["mbit_per_s"], 1), lambda loss: f"{loss} % lost"))
            title = lambda controller, qos=qos: f"QoS {qos}, {controller} on both sides"
            plots += panels(mine, "loss_percent", "mbit_per_s", title, percent, "packets lost", "Mbit/s")
        drawings[f"goodput-{size}"] = chart(f"Goodput of messages of {octets} on a link of 50 Mbit/s (longer is better)", plots)
    return "\n".join(parts), drawings


def blocking(rows: Rows) -> tuple[str, dict[str, str]]:
    unit = lambda row: [row["way"], row["controller"], figure(row["received"]), figure(row["per_s_in_the_second_half"], 1)]
    text = table(["", "controller", "small messages received", "a second in the second half"], map(unit, rows))
    plots = []
    for controller in distinct(rows, "controller"):
        points = {row["way"]: [(0.0, 0.0), *((second + 1.0, total) for second, total in enumerate(row["series"]))] for row in rows if row["controller"] == controller}
        plots.append(Panel(f"{controller} on both sides", [], {}, x="seconds", y="small messages received", points=points))
    return text, {"blocking": chart("Ten small messages a second beside 100 MB every 5 s, on 29 packets a second", plots)}


def rebinding(rows: Rows) -> tuple[str, dict[str, str]]:
    unit = lambda row: [
        row["way"], row["change"], figure(row["changes"]), f"{figure(row['gap_p50_ms'])} / {figure(row['gap_p99_ms'])}", f"{figure(row['interruption_p50_ms'])} / {figure(row['interruption_p99_ms'])}",
        figure(row["connections_lost"]), f"{figure(row['sent'])}", figure(row["lost"]), figure(row["twice"]),
    ]
    header = ["", "changes", "of connections", "gap, p50 / p99 ms", "interruption, p50 / p99 ms", "connections lost", "messages", "lost", "twice"]
    changes = distinct(rows, "change")
    ways = distinct(rows, "way")
    value = lambda way, change, key: (find(rows, way=way, change=change) or {}).get(key)
    plots = [
        Panel(name, changes, {way: [value(way, change, key) for change in changes] for way in ways}, x="what the NAT changes", y="ms", logarithmic=True)
        for name, key in [("median", "interruption_p50_ms"), ("p99", "interruption_p99_ms")]
    ]
    return table(header, map(unit, rows)), {"rebinding": chart("From a NAT rebinding to the next delivery (shorter is better)", plots)}


def wandering(rows: Rows) -> tuple[str, dict[str, str]]:
    unit = lambda row: [
        row["stack"], {"port": "another port", "back": "two ports by turns", "active": "another port of its own"}[row["change"]], figure(row["moves"]),
        f"{figure(row['gap_p50_ms'])} / {figure(row['gap_p99_ms'])} / {figure(row['gap_max_ms'])}", figure(row["messages"]), figure(row["lost"]),
    ]
    return table(["client", "each time", "moves", "gap, p50 / p99 / most, ms", "messages", "lost"], map(unit, rows)), {}


def crowd(rows: Rows) -> tuple[str, dict[str, str]]:
    unit = lambda row: [
        row["way"], figure(row["clients"]), f"{figure(row['gap_p50_ms'])} / {figure(row['gap_p99_ms'])}", figure(row["all_reached_s"], 1), figure(row["connections_lost"]), figure(row["messages"]), figure(row["lost"]),
        f"{figure(row['cpu_before_percent'])} / {figure(row['cpu_after_percent'])}", figure(row["cpu_us_each"]), f"{figure(row['up_octets_each'])} / {figure(row['down_octets_each'])}", f"{figure(row['memory_before_mib'])} / {figure(row['memory_peak_mib'])}",
    ]
    header = [
        "", "clients", "from first packet to answer, p50 / p99 ms", "until all are reached, s", "connections lost", "messages", "lost",
        "broker's CPU before / after, %", "more of it for each, µs", "more octets for each, to / from the broker", "memory before / at most, MiB",
    ]
    return table(header, map(unit, rows)), {}


def idle(rows: Rows) -> tuple[str, dict[str, str]]:
    unit = lambda row: [row["way"], "yes" if row["pings"] else "no", f"{row['silence_s']:.0f} s, {row['nat_timeout_s']:.0f} s", figure(row["after_publish_ms"]), figure(row["after_next_packet_ms"]), figure(row["connections_lost"])]
    return table(["", "PINGs of the listener", "silence, NAT's timeout", "from the publish to the delivery, ms", "from the client's next packet, ms", "connections lost"], map(unit, rows)), {}


PARTS: dict[str, tuple[str, str, Callable[[Rows], tuple[str, dict[str, str]]]]] = {
    "connect": ("Connecting", "The TCP handshake takes one round trip, the TLS 1.3 handshake one more, CONNECT with CONNACK another. QUIC's handshake includes that of TLS and takes one round trip; with early data (0-RTT) CONNECT is in the first packet.", connect),
    "losses": ("Losses", "One connection, eight topics, 500 messages of 256 octets a second, 25 ms one way. Packets are lost at random, by their number, so that each transport loses the same ones. At p99 are the messages whose own packets were lost, once or twice; this figure differs by half and more from seed to seed: over five seeds at 1 % with cubic, 97 ms with one stream and 98 ms with eight. At 1 %, streams shorten the time that messages wait behind a lost one: 76 ms and 63 ms at p95. With more losses all messages wait for cubic's congestion window, and eight streams save nothing. The time of a message begins when the client writes it to the transport: messages that TCP did not accept in time at 5 % are not in the figures.", losses),
    "goodput": ("Goodput", "Four publishers and four subscribers with eight topics each, all over one link of 50 Mbit/s each way, a queue of 100 packets and 10 ms one way, as fast as the link takes them; payloads are counted. Cubic is the same algorithm in Linux and ngtcp2. Linux has the first version of BBR, which does not react to losses; ngtcp2 has the later version of the Internet-Draft, which sends less if more than 2 % of packets are lost.", goodput),
    "blocking": ("Head of line", "A publisher with a small topic, ten messages a second, and a large one, 100 MB every 5 seconds, over a link of 29 packets a second. With two streams, the small topic has a stream of its own with a higher priority.", blocking),
    "rebinding": ("Address changes", "Five subscribers and five publishers behind a NAT, a message every 20 ms in both directions at QoS 2, 15 ms one way, 10 Mbit/s. The NAT gives all clients other ports, addresses or both, again and again. The gap is the time from a client's first packet with its new address and port to the next delivery to this client; the interruption is the time from the rebinding to this delivery. The gap of TCP is that of the first change only. A TCP connection ends when its address changes: `martlet sub` waits a second, connects again and resumes its session; messages that the application gives to a publisher in that time are lost.", rebinding),
    "wandering": ("A client that moves often", "A NAT changes the port of one client every 100 ms for a minute, with a message every 10 ms in both directions at QoS 1, 15 ms one way. The gap is the time from the client's first packet with its new port to the next delivery of a message that had not passed the NAT before. Of Martlet's client, a publisher, it is the time from each PUBLISH to its PUBACK; in the last line it moves by itself (`--migrate-every`). Broker and clients have the link's real-time priority: a client that waits for a processor answers a path challenge so late that it has moved again, and the gap goes on for another 100 ms.", wandering),
    "crowd": ("A crowd that moves", "Half of the clients publish, half subscribe, a message every 2 s at QoS 1, 15 ms one way. Each client has a socket of its own behind a NAT that changes the addresses and ports of all clients at one instant. A subscriber sends nothing until its keep alive of 10 s is due, and the broker cannot reach a subscriber before that. A client over TCP connects again 5 s after it has noticed the loss, resumes its session, and publishes nothing until then. CPU and octets compare the 16 s after the change with the 6 s before; acknowledgements that subscribers do not send in this time reduce them.", crowd),
    "idle": ("Silence", "A subscriber sends nothing for longer than its NAT keeps a binding, and then a message is published to it. The next packet of Martlet's own QUIC client is the PING after 25 s of silence; that of a client over TCP is PINGREQ, at a keep alive of one and a half times the silence. These intervals decide the time from the publish; the transport decides the time from the client's next packet. `keep_alive_interval_ms` makes the listener send PINGs as well. 25 ms one way.", idle),
}


def page(results: dict[str, Rows], machine: str, before: str = "") -> tuple[str, dict[str, str]]:
    """The page and its charts. Sections of trials without results are kept from the earlier page."""
    kept = {section.partition("\n")[0]: section.rstrip() for section in before.split("\n## ")[1:]}
    text, drawings = [
        "# Experiments", "",
        "Measurements of MQTT over TCP, TLS and QUIC on links with delay, losses and address changes. `make experiments` repeats them on an emulated link that is the same in "
        "each run ([ARCHITECTURE.md](../ARCHITECTURE.md)). Client and broker use the same congestion controller: the kernel's for TCP, ngtcp2's for QUIC.", "", machine, "",
    ], {}
    for name, (title, about, render) in PARTS.items():
        if not results.get(name):
            text += [f"## {kept[title]}", ""] if title in kept else []
            continue
        late = max(row["late_ms"] for row in results[name])
        about += f" The emulator wrote packets late by {late:.2f} ms on average, at worst."
        tables, plots = render(results[name])
        drawings |= plots
        text += [f"## {title}", "", about, "", *(f"![{title}](experiments/{plot}.svg)\n" for plot in plots), tables]
    return "\n".join(text).rstrip() + "\n", drawings
