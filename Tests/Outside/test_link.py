"""The emulated link itself, and the broker's clients across it. What is lost and delayed is asked for, and never how long
something took."""

import subprocess
import threading
import time
from pathlib import Path

import pytest

from link import Link
from servers import PATIENCE, Martlet, wait_until

pytestmark = pytest.mark.martlet

ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 7))
print('ready', flush=True)
while True:
    octets, peer = s.recvfrom(2000)
    s.sendto(octets + b' from %s:%d' % (peer[0].encode(), peer[1]), peer)
"""
ASK = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for line in sys.stdin:
    s.sendto(line.strip().encode(), ('10.72.0.1', 7))
    if not line.startswith('lost'):
        print(s.recv(2000).decode(), flush=True)
"""


class Asker:
    """A client that sends a datagram and hears the echo, which says by which endpoint it came, or sends one that may be lost."""

    def __init__(self, link: Link):
        self.echo = subprocess.Popen([*link.at_server, "python3", "-c", ECHO], stdout=subprocess.PIPE, text=True)
        self.echo.stdout.readline()
        self.process = subprocess.Popen([*link.at_client, "python3", "-c", ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, word: str) -> str:
        self.process.stdin.write(word + "\n")
        return self.process.stdout.readline().strip()

    def say(self, word: str) -> None:
        self.process.stdin.write(f"lost {word}\n")

    def close(self) -> None:
        for process in (self.echo, self.process):
            process.kill()
            process.wait()


@pytest.fixture
def asker():
    made: list[Asker] = []

    def make(link: Link) -> Asker:
        made.append(Asker(link))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_clients_are_seen_as_they_are_without_a_nat(link, asker):
    answer = asker(link("set delay 5ms")).ask("hello")
    assert answer.startswith("hello from 10.71.0.2:")


@pytest.mark.parametrize("change", ["port", "address", "both"])
def test_nat_rebinds(link, asker, change):
    joined = link(nat=True)
    one = asker(joined)
    before = one.ask("before").split()[-1].split(":")
    joined.say(f"rebind all {change}")
    assert wait_until(lambda: joined.counters()["counters"]["nat"]["rebound"] >= 1)
    after = one.ask("after").split()[-1].split(":")
    assert before[0] in Link.NAT and after[0] in Link.NAT
    assert (before[0] != after[0]) == (change != "port")
    assert (before[1] != after[1]) == (change != "address")
    assert wait_until(lambda: len(joined.bound) == 2)
    assert [bound["outside"] for bound in joined.bound] == [":".join(before), ":".join(after)]


def test_nat_forgets(link, asker):
    joined = link(nat=True, nat_timeout=0.3)
    one = asker(joined)
    first = one.ask("first")
    joined.say("cut")
    one.say("while the link is down")
    assert wait_until(lambda: joined.counters()["counters"]["toServer"]["downDrops"] == 1)
    time.sleep(0.5)
    joined.say("mend")
    assert one.ask("second").split()[-1] != first.split()[-1]
    assert joined.counters()["counters"]["nat"]["expired"] >= 1


def test_a_seed_loses_the_same_packets(link, asker):
    def lost(seed: int) -> list[int]:
        joined = link("set to-server loss 30%", seed=seed)
        one = asker(joined)
        series = []
        for number in range(20):
            one.say(str(number))
            counted = lambda: joined.counters()["counters"]["toServer"]
            assert wait_until(lambda: counted()["lost"] + counted()["arrived"] == number + 1)
            series.append(counted()["lost"])
        return series

    first = lost(2)
    assert lost(2) == first
    assert 0 < first[-1] < 20


def test_words_are_checked(binary: Path):
    done = subprocess.run([binary.with_name("martlet-link"), "--client", "a", "--server", "b", "set delay fast"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 64 and "'fast' is no time" in done.stderr


@pytest.fixture
def broker(binary, tmp_path):
    """A broker on the far side of a link."""
    started: list[Martlet] = []

    def start(joined: Link, *settings: str) -> Martlet:
        started.append(Martlet(binary, tmp_path, joined.listeners, settings, entering=joined.at_server))
        return started[-1].wait_ready()

    yield start
    for server in started:
        server.stop()


TOOL = {"tcp": [], "ssl": ["--tls", "--insecure"], "quic": ["--quic", "--insecure"]}


@pytest.fixture
def tool(binary):
    """Starts `martlet pub` or `sub` in a namespace; it ends with the test."""
    started: list[subprocess.Popen] = []

    def start(place: tuple[str, ...], kind: str, transport: str, *words: str) -> subprocess.Popen:
        host = "127.0.0.1" if transport == "tcp" and "server" in place[-1] else Link.SERVER
        command = [*place, str(binary), kind, "-h", host, "-p", str(Link.PORTS[transport]), *TOOL[transport], *words]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def subscribe(joined: Link, tool, place: tuple[str, ...], transport: str, qos: int) -> subprocess.Popen:
    """A retained message tells that it is subscribed."""
    assert tool(joined.at_server, "pub", "tcp", "-t", "numbers", "-m", "begin", "-r", "-q", "1").wait(PATIENCE) == 0
    subscriber = tool(place, "sub", transport, "-t", "numbers", "-q", str(qos), "-W", str(PATIENCE))
    assert subscriber.stdout.readline() == "begin\n"
    return subscriber


@pytest.mark.parametrize("transport", ["tcp", "ssl", "quic"])
def test_messages_cross_a_bad_link_whole(link, broker, tool, transport):
    """At QoS 2 each once, in order, through losses, bursts, reordering and doubled packets."""
    joined = link("set delay 3ms jitter 1ms loss 2% burst 0.5% 30% reorder 2% 4ms duplicate 2% rate 20mbit queue 100", seed=7)
    broker(joined)
    subscriber = subscribe(joined, tool, joined.at_client, transport, 2)
    numbers = list(range(300))
    publisher = tool(joined.at_client, "pub", transport, "-t", "numbers", "-q", "2", "-l")
    publisher.communicate("".join(f"{number}\n" for number in numbers), timeout=PATIENCE)
    assert publisher.returncode == 0
    assert [int(subscriber.stdout.readline()) for _ in numbers] == numbers
    counters = joined.counters()["counters"]
    assert counters["toServer"]["lost"] + counters["toClient"]["lost"] > 0


@pytest.mark.parametrize("change", ["port", "address", "both"])
def test_quic_outlives_rebindings(link, broker, tool, change):
    """RFC 9000 §9.3: a publisher and a subscriber whose NAT gives them other endpoints stay connected, and lose nothing."""
    joined = link("set delay 5ms", nat=True)
    broker(joined, "node.loops=4")
    subscriber = subscribe(joined, tool, joined.at_client, "quic", 2)
    publisher = tool(joined.at_client, "pub", "quic", "-t", "numbers", "-q", "2", "-l")
    heard: list[int] = []
    for number in range(60):
        publisher.stdin.write(f"{number}\n")
        if number % 20 == 10:
            joined.say(f"rebind all {change}")
        heard.append(int(subscriber.stdout.readline()))
    publisher.stdin.close()
    assert publisher.wait(PATIENCE) == 0
    assert heard == list(range(60))
    counters = joined.counters()["counters"]["nat"]
    assert counters["rebound"] == 6 and counters["made"] == 2


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("change", ["port", "address", "both"])
def test_large_upload_outlives_rebindings(link, broker, tool, change, qos):
    """RFC 9000 §9.3: a client's messages of 16 KB, more than the link takes at once, while its NAT changes again and again and
    packets are lost. Each arrives whole and in order, at QoS 2 once."""
    joined = link("set delay 10ms loss 1% rate 20mbit queue 100", nat=True, seed=3)
    broker(joined, "node.loops=4", "mqtt.max_mqueue_len=10000")
    watch = subscribe(joined, tool, joined.at_server, "tcp", qos)
    lines = [f"{number}:" + chr(97 + number % 26) * 16_000 for number in range(150)]
    publisher = tool(joined.at_client, "pub", "quic", "-t", "numbers", "-q", str(qos), "-l")
    # At 20 Mbit/s the upload takes a second; it goes on until the last change was made.
    threading.Thread(target=lambda: publisher.communicate("\n".join(lines) + "\n"), daemon=True).start()
    heard: list[str] = []
    while len(heard) < len(lines):
        heard.append(watch.stdout.readline().rstrip("\n"))
        if len(heard) % 30 == 15:
            joined.say(f"rebind all {change}")
    assert publisher.wait(PATIENCE) == 0
    assert list(dict.fromkeys(heard)) == lines
    assert qos == 1 or heard == lines
    counters = joined.counters()["counters"]
    assert counters["nat"]["rebound"] == 5 and counters["nat"]["made"] == 1  # and so it never connected again
    assert counters["toServer"]["lost"] > 0
