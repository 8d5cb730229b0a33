"""What was measured, as tables and charts."""

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
    """A line for each way and controller, a column for each value of a factor."""
    rows = [row for row in rows if all(row[key] == value for key, value in fixed.items())]
    places = distinct(rows, across)
    lines = []
    for controller in distinct(rows, "controller"):
        for way in distinct(rows, "way"):
            cells = [find(rows, way=way, controller=controller, **{across: place}) for place in places]
            lines.append([way, controller, *(unit(cell) if cell else "–" for cell in cells)])
    return table(["", "controller", *map(name, places)], lines)


def panels(rows: Rows, across: str, value: str, titles: Callable[[str], str], name: Callable[[object], str], x: str, y: str, logarithmic: bool = False) -> list[Panel]:
    """One for each controller."""
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
        row["stack"], {"port": "another port", "back": "two ports by turns"}[row["change"]], figure(row["moves"]),
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
    "connect": ("Connecting", "A TCP handshake is one round trip, TLS 1.3 one more, and CONNECT with CONNACK the last. QUIC has the first two in one; with early data CONNECT travels in the first packet.", connect),
    "losses": ("Losses", "One connection, eight topics, 500 messages of 256 octets a second, 25 ms one way. Packets are lost at random, the same ones for every transport: by their number. The p99 is that of messages in packets that were lost, once or twice, and differs by half and more from seed to seed: over five of them at 1 %, cubic, 97 ms with one stream and 98 ms with eight. What streams save at 1 % is the wait of the messages behind: 76 ms and 63 ms at p95. Where more is lost cubic's window is what all wait for, and eight streams save nothing. A message has its time from when it leaves: what TCP at 5 % did not take in time is not in its figures.", losses),
    "goodput": ("Goodput", "Four publishers and four subscribers with eight topics each, all over one link of 50 Mbit/s each way, a queue of 100 packets and 10 ms one way, as fast as it takes them; the payloads are counted. Cubic is the same algorithm on both sides. The bbr of Linux is its first version, which does not mind how much is lost; ngtcp2's is the later one of the Internet-Draft, which gives way where more than 2 % are.", goodput),
    "blocking": ("Head of line", "A publisher with a small topic, ten messages a second, and a large one, 100 MB every 5 seconds, over a link of 29 packets a second. With streams the small topic has one of its own, of a higher priority.", blocking),
    "rebinding": ("Address changes", "Behind a NAT, five subscribers and five publishers, a message each 20 ms both ways at QoS 2, 15 ms one way, 10 Mbit/s. The NAT gives all of them other ports, addresses or both again and again. The gap runs from a client's first packet by its new endpoint to the next delivery to it; the interruption from the rebinding itself. The gap of TCP is that of the first change alone. A TCP connection ends with its address: `martlet sub` waits a second and connects again to the session that it left, and what a publisher is given meanwhile is lost.", rebinding),
    "wandering": ("A client that moves often", "A NAT changes the port of one client each 100 ms for a minute, under a message each 10 ms both ways at QoS 1, 15 ms one way. The gap runs from the client's first packet by its new port to the next delivery to it that was not behind the NAT already.", wandering),
    "crowd": ("A crowd that moves", "Half of the clients publish, half are published to, a message each 2 s at QoS 1, 15 ms one way, each with a socket of its own behind a NAT that changes the addresses and the ports of all at one instant. Who only listens sends nothing until its keep alive, 10 s, is due, and is not found before. A client over TCP connects again, to the session that it left, 5 s after it has found out, and publishes nothing until then. What is counted as more is so in the 16 s after the change, beside 6 s before it; what listeners do not acknowledge meanwhile makes it less.", crowd),
    "idle": ("Silence", "A subscriber says nothing for longer than its NAT remembers. A message is published for it then. The next packet of a client over QUIC is the PING that ours send after 25 s of silence, that of one over TCP its keep alive, which is half as long again as the silence: the time from the publish is set by these, that from the next packet by the transport. `keep_alive_interval_ms` makes the listener send PINGs as well. 25 ms one way.", idle),
}


def page(results: dict[str, Rows], machine: str, before: str = "") -> tuple[str, dict[str, str]]:
    """The page and its charts. What was not measured stands as it did on the page before."""
    kept = {section.partition("\n")[0]: section.rstrip() for section in before.split("\n## ")[1:]}
    text, drawings = [
        "# Experiments", "",
        "What a bad link does to MQTT over TCP, over TLS and over QUIC. `make experiments` measures it anew, on a link that our own emulator makes as bad as it is told, "
        "the same way each time ([ARCHITECTURE.md](../ARCHITECTURE.md)). Congestion controllers are the same on both sides; TCP's are the kernel's, QUIC's ngtcp2's.", "", machine, "",
    ], {}
    for name, (title, about, render) in PARTS.items():
        if not results.get(name):
            text += [f"## {kept[title]}", ""] if title in kept else []
            continue
        late = max(row["late_ms"] for row in results[name])
        about += f" The link was late with its packets by {late:.2f} ms on average, at worst."
        tables, plots = render(results[name])
        drawings |= plots
        text += [f"## {title}", "", about, "", *(f"![{title}](experiments/{plot}.svg)\n" for plot in plots), tables]
    return "\n".join(text).rstrip() + "\n", drawings
