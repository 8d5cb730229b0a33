"""The broker killed and started again on its data folder, and what it keeps there for QUIC."""

import select
import subprocess

import pytest

import packets
from clients import AioQUIC, Kind, Options, WireOverTCP
from hostile_quic import drain
from packets import Message
from servers import PATIENCE, Martlet, wait_until

pytestmark = pytest.mark.martlet
TCP5 = Kind(WireOverTCP, 5)


@pytest.mark.parametrize("configuration", ["node.loops = 1", "node.loops = 4", 'node.loops = 4\nlisteners.quic.default.connection_id { mode = aws, server_id = "0x0123456789abcdef" }'], ids=["one-loop", "four-loops", "aws"])
def test_next_packet_is_answered_by_a_reset(start, restart, configuration):
    """RFC 9000 §10.3: the first datagram that comes back ends with the token that the client was given in the handshake.
    aioquic has the token and does not look for it."""
    broker = start(configuration)
    client = AioQUIC(broker.addresses["quic"], 5, Options("orphan"))
    client.connect()
    quic = client.connection
    restart(broker, configuration)
    drain(quic.socket)  # what the broker before had sent
    quic.quic.send_stream_data(quic.CONTROL, packets.packet(packets.PINGREQ))
    quic.transmit()
    assert select.select([quic.socket], [], [], PATIENCE)[0], "no answer"
    answer = quic.socket.recv(65536)
    assert answer[0] & 0xC0 == 0x40
    assert answer[-16:] == quic.quic._peer_cid.stateless_reset_token


def test_our_client_is_back(start, restart, binary):
    """A subscriber that would wait for 40 seconds without the reset."""
    broker = start()
    host, port = broker.addresses["quic"]
    command = [binary, "sub", "--quic", "--insecure", "-h", host, "-p", str(port), "-t", "back", "-k", "1", "-C", "1"]
    subscriber = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        watcher = WireOverTCP(broker.addresses["tcp"], 5, Options("watcher"))
        watcher.connect()
        again = restart(broker)
        publisher = WireOverTCP(again.addresses["tcp"], 5, Options("publisher"))
        publisher.connect()

        def heard() -> bool:
            publisher.publish(Message("back", b"again", 0))
            return subscriber.poll() is not None

        assert wait_until(heard), "the subscriber does not come back"
        assert subscriber.stdout.read() == "again\n"
        assert subscriber.returncode == 0
    finally:
        subscriber.kill()
        subscriber.wait()


def test_runs_are_counted(start, restart):
    broker = start()
    number = broker.folder / "data" / "incarnation"
    assert number.read_text() == "1\n"
    assert number.stat().st_mode & 0o777 == 0o600
    restart(broker)
    assert number.read_text() == "2\n"


def test_folder_is_one_brokers(start, binary, tmp_path):
    first = start()
    second = Martlet(binary, tmp_path, f'node.data_dir = "{first.folder}/data"')
    assert second.process.wait(PATIENCE) == 2, second.output
    second.reader.join(PATIENCE)
    assert "node.data_dir" in second.output and str(first.folder) in second.output
    assert first.is_running


def test_damaged_number_is_named(binary, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "incarnation").write_bytes(bytes(8))
    broker = Martlet(binary, tmp_path)
    assert broker.process.wait(PATIENCE) == 2, broker.output
    broker.reader.join(PATIENCE)
    assert str(tmp_path / "data" / "incarnation") in broker.output


@pytest.mark.parametrize(
    "content, configuration, expected",
    [
        (b"1" * 64, 'node.secret_file = "FILE"', "node.secret_file"),
        (b"short", 'node { secret_file = "FILE", number = 1 }', "holds 5 octets; allowed: 32 octets, or 64 hexadecimal digits"),
        (b"1" * 64, 'node { number = 1, other_secrets = [{ rotation = 1, file = "FILE.none" }] }', "node.other_secrets: cannot read"),
        (b"1" * 64, "listeners.quic.default.connection_id.mode = aws", "AWS_LBC_QUIC_SERVER_ID is not set"),
    ],
    ids=["no-number", "short", "missing", "no-server-id"],
)
def test_wrong_identity_is_refused(binary, tmp_path, content, configuration, expected):
    secret = tmp_path / "shared"
    secret.write_bytes(content)
    broker = Martlet(binary, tmp_path, configuration.replace("FILE", str(secret)))
    assert broker.process.wait(PATIENCE) == 2, broker.output
    broker.reader.join(PATIENCE)
    assert expected in broker.output
    assert not (tmp_path / "data").exists()


def test_shared_secret_is_used(start, connect, topic, tmp_path):
    """The broker warns that other users can read the file."""
    secret = tmp_path / "shared"
    secret.write_text("0123456789abcdef" * 4)
    secret.chmod(0o644)
    broker = start(f'node {{ secret_file = "{secret}", number = 4660 }}\nlisteners.quic.default.connection_id.mode = plain')
    client = connect(Kind(AioQUIC, 5), to=broker)
    assert f"others than its owner may read {secret}" in broker.output
    assert "identifiers are in clear" in broker.output
    # Node 0x1234 in its first run.
    assert client.connection.quic._peer_cid.cid[1:5] == bytes.fromhex("12340001")
    assert not (broker.folder / "data" / "secret").exists()


def test_server_id_comes_from_the_environment(start, connect):
    broker = start("listeners.quic.default.connection_id.mode = aws", environment={"AWS_LBC_QUIC_SERVER_ID": "0x1122334455667788"})
    client = connect(Kind(AioQUIC, 5), to=broker)
    assert client.connection.quic._peer_cid.cid[1:9] == bytes.fromhex("1122334455667788")


def test_retry_is_answered(start, connect, topic):
    """RFC 9000 §8.1.2, with another QUIC stack as client."""
    broker = start("listeners.quic.default.retry.mode = always")
    client = connect(Kind(AioQUIC, 5), to=broker)
    assert client.connection.quic._retry_source_connection_id is not None
    client.subscribe(topic, 1)
    client.publish(Message(topic, b"works", 1))
    assert client.next().payload == b"works"
