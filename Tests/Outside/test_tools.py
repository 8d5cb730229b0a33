"""martlet pub, sub and bench from the shell, against our broker and beside the tools that they are used like."""

import json
import os
import re
import signal
import socket
import subprocess

import pytest

from clients import Kind, WireOverTCP
from packets import CONNACK, SUBACK, Message, packet, publish
from servers import PATIENCE
from test_tls import make_pair

pytestmark = pytest.mark.martlet
TCP5 = Kind(WireOverTCP, 5)
TRANSPORTS = pytest.mark.parametrize("transport", ["tcp", "ssl", "quic"])
# What `martlet pub` and `sub` want to hear, and `martlet bench`.
TOOL = {"tcp": [], "ssl": ["--tls"], "quic": ["--quic"]}
BENCH = {"tcp": [], "ssl": ["--ssl"], "quic": ["--quic"]}


@pytest.fixture
def martlet(binary, server):
    """Runs a tool to its end."""

    def run(*words: str, transport: str = "tcp", input: str | None = None) -> subprocess.CompletedProcess:
        return subprocess.run([binary, *words, *reach(server, transport)], input=input, capture_output=True, text=True, timeout=PATIENCE)

    return run


@pytest.fixture
def listen(binary, server):
    """Starts `martlet sub`, which ends by itself."""
    started: list[subprocess.Popen] = []

    def listen(*words: str, transport: str = "tcp") -> subprocess.Popen:
        command = [binary, "sub", *words, "-W", str(PATIENCE), *reach(server, transport)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield listen
    for process in started:
        process.kill()
        process.wait()


def reach(server, transport: str) -> list[str]:
    host, port = server.addresses[transport]
    trust = [] if transport == "tcp" else ["--cafile", f"{server.folder}/data/certs/cert.pem"]
    return ["-h", host if transport == "tcp" else "localhost", "-p", str(port), *TOOL[transport], *trust]


@TRANSPORTS
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_pub_reaches_others(martlet, connect, topic, transport, qos):
    subscriber = connect(TCP5)
    subscriber.subscribe(topic, 2)
    done = martlet("pub", "-t", topic, "-m", "häuser", "-q", str(qos), transport=transport)
    assert done.returncode == 0, done.stderr
    assert subscriber.next() == Message(topic, "häuser".encode(), qos)


@TRANSPORTS
def test_pub_sends_each_line(martlet, connect, topic, transport):
    subscriber = connect(TCP5)
    subscriber.subscribe(topic, 1)
    lines = [f"line {number}" for number in range(500)]
    done = martlet("pub", "-t", topic, "-l", "-q", "1", input="\n".join(lines) + "\n", transport=transport)
    assert done.returncode == 0, done.stderr
    assert [subscriber.next().payload.decode() for _ in lines] == lines


def test_pub_sends_a_file_and_retains(martlet, connect, topic, tmp_path):
    content = bytes(range(256)) * 100
    (tmp_path / "content").write_bytes(content)
    assert martlet("pub", "-t", topic, "-f", str(tmp_path / "content"), "-r", "-q", "1").returncode == 0
    subscriber = connect(TCP5)
    subscriber.subscribe(topic, 1)
    assert subscriber.next() == Message(topic, content, 1, retain=True)
    assert martlet("pub", "-t", topic, "-n", "-r", "-q", "1").returncode == 0
    assert subscriber.next().payload == b""


@pytest.mark.parametrize("kind", ["pipe", "null"])
def test_pub_sends_what_is_no_regular_file(binary, server, connect, topic, kind):
    """As the shell makes them of <(…): a pipe is read to its end, and /dev/null is an empty message."""
    subscriber = connect(TCP5)
    subscriber.subscribe(topic, 1)
    reading, writing = os.pipe()
    os.write(writing, b"\x00 from a pipe\n")
    os.close(writing)
    try:
        file = "/dev/null" if kind == "null" else f"/dev/fd/{reading}"
        done = subprocess.run(
            [binary, "pub", "-t", topic, "-q", "1", "-f", file, *reach(server, "tcp")], pass_fds=[reading], capture_output=True, text=True, timeout=PATIENCE
        )
    finally:
        os.close(reading)
    assert done.returncode == 0, done.stderr
    assert subscriber.next().payload == (b"" if kind == "null" else b"\x00 from a pipe\n")


def test_certificates_come_from_pipes(binary, server, topic):
    """A file is read once, so that one which cannot be read again will do."""
    reading, writing = os.pipe()
    with open(f"{server.folder}/data/certs/cert.pem", "rb") as file:
        os.write(writing, file.read())
    os.close(writing)
    host, port = server.addresses["ssl"]
    command = [binary, "pub", "--tls", "-h", "localhost", "-p", str(port), "--cafile", f"/dev/fd/{reading}", "-t", topic, "-m", "x", "-q", "1"]
    try:
        done = subprocess.run(command, pass_fds=[reading], capture_output=True, text=True, timeout=PATIENCE)
    finally:
        os.close(reading)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "folder"])
def test_pub_names_a_file_that_cannot_be_read(martlet, topic, tmp_path, missing):
    file = str(tmp_path / "none" if missing else tmp_path)
    done = martlet("pub", "-t", topic, "-f", file)
    assert done.returncode == 2 and file in done.stderr, done.stderr


def test_values_may_begin_with_a_dash(martlet, listen, connect, topic):
    """As with mosquitto_pub and mosquitto_sub: whatever follows an option that takes a value is the value."""
    publisher = connect(TCP5)
    publisher.publish(Message(f"-{topic}", b"kept", 1, retain=True))
    subscriber = listen("-i", f"-{topic}", "-u", "-m", "-P", "-", "--will-topic", "-w", "--will-payload", "-t", "-t", f"-{topic}", "-F", "-v %p", "-C", "3")
    assert subscriber.stdout.readline() == "-v kept\n"
    assert martlet("pub", "-t", f"-{topic}", "-m", "-5", "-i", "-V", "-u", "--help").returncode == 0
    assert subscriber.stdout.readline() == "-v -5\n"
    assert martlet("pub", "--topic", f"-{topic}", "--message", "--message").returncode == 0
    assert subscriber.stdout.readline() == "-v --message\n"
    assert subscriber.wait(PATIENCE) == 0, subscriber.stderr.read()


@TRANSPORTS
@pytest.mark.parametrize("version", ["5", "311", "31"])
def test_sub_prints_messages(listen, connect, topic, transport, version):
    """A retained one tells that it is subscribed."""
    publisher = connect(TCP5)
    publisher.publish(Message(topic, b"kept", 1, retain=True))
    subscriber = listen("-t", topic, "-q", "2", "-C", "2", "-V", version, "-F", "%t|%q|%r|%l|%x", transport=transport)
    assert subscriber.stdout.readline() == f"{topic}|1|1|4|6b657074\n"
    publisher.publish(Message(topic, b"now", 2))
    assert subscriber.stdout.readline() == f"{topic}|2|0|3|6e6f77\n"
    assert subscriber.wait(PATIENCE) == 0, subscriber.stderr.read()


def test_sub_leaves_its_will(listen, connect, topic):
    watcher = connect(TCP5)
    watcher.subscribe(f"{topic}/will", 1)
    watcher.publish(Message(topic, b"kept", 1, retain=True))
    subscriber = listen("-t", topic, "--will-topic", f"{topic}/will", "--will-payload", "gone", "--will-qos", "1")
    subscriber.stdout.readline()
    subscriber.kill()
    assert watcher.next() == Message(f"{topic}/will", b"gone", 1)


def test_sub_connects_again_before_it_is_subscribed(binary, topic):
    """A connection that ends before SUBACK is lost like any other, and the session that goes on has no subscription yet. A refusal ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        where = ["-h", "127.0.0.1", "-p", str(listener.getsockname()[1]), "-W", str(PATIENCE)]
        subscriber = subprocess.Popen(
            [binary, "sub", *where, "-t", topic, "-i", topic, "-c", "-x", "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

        def accept(present: int, reason: int = 0) -> socket.socket:
            connection, _ = listener.accept()
            connection.settimeout(PATIENCE)
            assert connection.recv(1000)
            connection.sendall(packet(CONNACK, bytes([present, reason, 0])))
            return connection

        try:
            with accept(0) as connection:
                assert connection.recv(1000)
            with accept(1) as connection:
                identifier = connection.recv(1000)[2:4]
                connection.sendall(packet(SUBACK, identifier + bytes([0, 0])) + publish(Message(topic, b"heard")))
                assert subscriber.stdout.readline() == "heard\n"
            with accept(0, 0x87):
                _, said = subscriber.communicate(timeout=PATIENCE)
        finally:
            subscriber.kill()
            subscriber.wait()
    assert subscriber.returncode == 1 and "refused" in said, said


def test_sub_gives_up_in_time(binary, server, topic):
    done = subprocess.run([binary, "sub", "-t", topic, "-W", "1", *reach(server, "tcp")], capture_output=True, timeout=PATIENCE)
    assert done.returncode == 27


@pytest.mark.parametrize("transport", ["ssl", "quic"])
def test_certificate_is_verified(binary, server, topic, transport):
    """RFC 9001 §4.4: without its authority the generated certificate is not trusted; --insecure is said aloud."""
    host, port = server.addresses[transport]
    command = [binary, "pub", *TOOL[transport], "-h", host, "-p", str(port), "-t", topic, "-m", "x"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 1 and "certificate" in refused.stderr.lower(), refused.stderr
    assert subprocess.run([*command, "--insecure"], timeout=PATIENCE).returncode == 0


def test_broker_that_is_not_there(binary, topic):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        done = subprocess.run(
            [binary, "pub", "-h", "127.0.0.1", "-p", str(held.getsockname()[1]), "-t", topic, "-m", "x"],
            capture_output=True, text=True, timeout=PATIENCE,
        )
    assert done.returncode == 1 and "refused" in done.stderr


@TRANSPORTS
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_bench_counts_what_was_sent(binary, server, tmp_path, topic, transport, qos):
    """Four subscribers, three publishers: each message is counted once where it leaves and four times where it arrives."""
    host, port = server.addresses[transport]
    common = ["-h", host, "-p", str(port), "-t", topic, "-q", qos, *BENCH[transport]]
    subscribers = subprocess.Popen(
        [binary, "bench", "sub", *common, "-c", "4", "--json", str(tmp_path / "sub.json")], stdout=subprocess.PIPE, text=True
    )
    try:
        for line in subscribers.stdout:
            if re.search(r" sub total=4 ", line):
                break
        publisher = subprocess.run(
            [binary, "bench", "pub", *common, "-c", "3", "-L", "300", "-I", "5", "-s", "100"], capture_output=True, text=True, timeout=PATIENCE
        )
        assert publisher.returncode == 0, publisher.stdout + publisher.stderr
        for line in subscribers.stdout:
            if re.search(r" recv total=1200 ", line):
                break
        subscribers.send_signal(signal.SIGINT)
        subscribers.communicate(timeout=PATIENCE)
        assert subscribers.returncode == 0
    finally:
        subscribers.kill()
        subscribers.wait()
    assert re.search(r"published\s+300 ", publisher.stdout), publisher.stdout
    assert re.search(r"\b1200\b", json.dumps(json.loads((tmp_path / "sub.json").read_text())))


@pytest.mark.parametrize("file", [False, True], ids=["--streams", "--topics-payload"])
def test_bench_on_streams(binary, server, tmp_path, topic, file):
    """Two publishers and one subscriber with three topics, each on a data stream of its own."""
    host, port = server.addresses["quic"]
    common = ["-h", host, "-p", str(port), "--quic"]
    topics = [f"{topic}/{number}" for number in range(3)]
    named = [word for name in topics for word in ("-t", name)]
    subscriber = subprocess.Popen(
        [binary, "bench", "sub", *common, *named, "-q", "1", "-c", "1", "--streams", "3", "-L", "300", "--duration", str(PATIENCE)], stdout=subprocess.PIPE, text=True
    )
    try:
        for line in subscriber.stdout:
            if re.search(r" sub total=1 ", line):
                break
        if file:
            specification = {"interval_ms": "5", "inject_timestamp": "ms", "QoS": 1, "payload_encoding": "json", "payload": {"n": "%c"}, "render": "n"}
            topics = [{**specification, "name": name, "stream": number + 1, "stream_priority": 8 * number} for number, name in enumerate(topics)]
            (tmp_path / "topics.json").write_text(json.dumps({"topics": topics}))
            words = ["--topics-payload", str(tmp_path / "topics.json")]
        else:
            words = [*named, "--streams", "3", "-q", "1", "-I", "5"]
        publisher = subprocess.run([binary, "bench", "pub", *common, *words, "-c", "2", "-L", "300"], capture_output=True, text=True, timeout=PATIENCE)
        assert publisher.returncode == 0, publisher.stdout + publisher.stderr
        assert subscriber.wait(PATIENCE) == 0
    finally:
        subscriber.kill()
        subscriber.wait()
    assert re.search(r"published\s+300 ", publisher.stdout), publisher.stdout


def test_bench_takes_a_file_of_quic_options(binary, server, tmp_path):
    """As emqtt_bench takes it. The file asks for a verified broker; what it says to no purpose is named."""
    _, port = server.addresses["quic"]
    command = [binary, "bench", "conn", "-h", "localhost", "-p", str(port), "-c", "3", "--duration", "2"]
    for authority, code in [(f"{server.folder}/data/certs/cert.pem", 0), (str(tmp_path / "other.pem"), 1)]:
        make_pair(tmp_path, "other")
        file = tmp_path / "options.eterm"
        file.write_text(f'{{[{{verify, peer}}, {{cacertfile, "{authority}"}}, {{peer_bidi_stream_count, 3}}], [{{active, true}}]}}.')
        done = subprocess.run([*command, "--quic", str(file)], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == code, done.stdout
        assert "peer_bidi_stream_count has no meaning here" in done.stderr


@TRANSPORTS
def test_bench_conn_tells_when_nobody_answers(binary, transport):
    kind = socket.SOCK_DGRAM if transport == "quic" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        command = [binary, "bench", "conn", "-h", "127.0.0.1", "-p", str(port), "-c", "3", "--duration", "3", *BENCH[transport]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode != 0, done.stdout
    assert "connected       0 of 3" in done.stdout, done.stdout
