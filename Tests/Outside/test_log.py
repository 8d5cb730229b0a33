"""What the log says of clients."""

import socket
import ssl

import pytest

import packets
from clients import AioQUIC, Kind, Options, WireOverTCP
from packets import Message
from servers import wait_until
from transports import Closed

pytestmark = pytest.mark.martlet


def said(broker, message: str, **keys: str) -> list[str]:
    """Lines of a message with all of these keys and values."""
    return [line for line in broker.said if line.endswith(message) and all(f" {key}={value} " in line for key, value in keys.items())]


def test_clients_that_come_and_go_are_named_at_info(start):
    broker = start("", "log.console.level=info")
    for client, listener in [(WireOverTCP(broker.addresses["tcp"], 4, Options("one")), "tcp:default"), (AioQUIC(broker.addresses["quic"], 5, Options("two")), "quic:default")]:
        client.connect()
        name = client.options.identifier
        assert wait_until(lambda: said(broker, "client_connected", clientid=name, listener=listener)), broker.output
        client.disconnect()
        assert wait_until(lambda: said(broker, "client_disconnected", clientid=name, reason="normal")), broker.output
    dropped = WireOverTCP(broker.addresses["tcp"], 5, Options("dropped"))
    dropped.connect()
    dropped.drop()
    assert wait_until(lambda: said(broker, "client_disconnected", clientid="dropped", reason="transport_closed")), broker.output


def test_nothing_is_said_of_clients_unless_it_is_asked_for(start):
    broker = start()
    client = WireOverTCP(broker.addresses["tcp"], 5, Options("quiet"))
    client.connect()
    client.disconnect()
    broker.stop()
    assert "quiet" not in broker.output


def test_a_refused_client_is_warned_of_once_and_its_password_is_not_shown(start, tmp_path):
    """Its name cannot make lines of its own, nor end the value that it stands in."""
    (tmp_path / "users.csv").write_text("user_id,password,is_superuser\nsomebody,else,false\n")
    element = f'mechanism = password_based, backend = built_in_database, bootstrap_file = "{tmp_path}/users.csv", bootstrap_type = plain'
    broker = start(f"authentication = [{{ {element} }}]\nallow_anonymous = false\nnode.loops = 1")  # each loop warns once a minute
    name = "evil\n2026-01-01 critical reason=none"
    flags = bytes([5, 0xC2, 0, 60, 0])  # MQTT 5.0, user name, password, clean start, keep alive, no properties
    fields = [packets.string("MQTT"), flags, packets.string(name), packets.string(name), packets.string("geheim")]
    for _ in range(3):
        with socket.create_connection(broker.addresses["tcp"]) as client:
            client.sendall(packets.packet(packets.CONNECT, b"".join(fields)))
            assert client.recv(100)[0] == packets.CONNACK << 4
    assert wait_until(lambda: said(broker, "authentication_failure")), broker.output
    broker.stop()  # ends the window, too
    lines = said(broker, "authentication_failure")
    assert len(lines) == 1 and r'"evil\u{a}2026-01-01 critical reason=none"' in lines[0] and "reason=not_authorized" in lines[0], broker.output
    assert said(broker, "log_events_throttled_during_last_period", authentication_failure="2"), broker.output
    assert "geheim" not in broker.output


def test_warnings_name_the_client(start):
    broker = start("mqtt.max_mqueue_len = 1")
    first, second = (WireOverTCP(broker.addresses["tcp"], 5, Options("same", clean=clean, expires=60)) for clean in (True, False))
    first.connect()
    first.subscribe("t", 1)
    second.connect()
    second.disconnect()
    publisher = WireOverTCP(broker.addresses["tcp"], 5, Options("publisher"))
    publisher.connect()
    for _ in range(2):
        publisher.publish(Message("t", b"x", 1))
    with pytest.raises((Closed, ConnectionError)):
        publisher.send(b"\x00\x00")
        publisher.receive()
        publisher.receive()
    assert wait_until(lambda: said(broker, "session_taken_over", clientid="same")), broker.output
    assert wait_until(lambda: said(broker, "dropped_msg_due_to_mqueue_is_full", clientid="same")), broker.output
    assert wait_until(lambda: said(broker, "frame_parse_failed", clientid="publisher", reason="malformed_packet")), broker.output


def test_connections_beyond_the_bound_are_warned_of(start):
    broker = start("node.loops = 1\nlisteners.tcp.default.max_connections = 1")
    only = WireOverTCP(broker.addresses["tcp"], 5, Options("only"))
    only.connect()
    with socket.create_connection(broker.addresses["tcp"], 10) as second:
        assert second.recv(1) == b""
    assert wait_until(lambda: said(broker, "connection_limit_reached", listener="tcp:default")), broker.output


@pytest.mark.parametrize("verifies", [True, False], ids=["unknown authority", "no TLS"])
def test_failed_tls_handshakes_are_warned_of(start, verifies):
    """A health check, which connects and closes, is no failure. What a client says that does not know the authority, OpenSSL's cannot encrypt, so that its
    reason is lost."""
    broker = start("node.loops = 1")
    address = broker.addresses["ssl"]
    socket.create_connection(address, 10).close()
    with socket.create_connection(address, 10) as connection:
        if verifies:
            with pytest.raises(ssl.SSLCertVerificationError):
                ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
        else:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.recv(100)
    reason = {} if verifies else {"reason": "http_request"}
    assert wait_until(lambda: said(broker, "tls_handshake_failed", listener="ssl:default", **reason)), broker.output
    broker.stop()
    assert not said(broker, "log_events_throttled_during_last_period"), broker.output
