"""How brokers and NATS servers know each other: TLS, certificates, passwords, tokens and keys, and how a broker says that they do not."""

import os
import subprocess
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from nats_server import USER, Key, NATSServer, Operator
from nodes import make
from servers import Martlet

PATIENCE = 60  # seconds

pytestmark = pytest.mark.martlet
SECRET = "marker-7f3a"  # part of every secret that is a text, and of no line that a broker says


@pytest.fixture
def nats(tmp_path):
    started = []

    def start(*lines: str) -> NATSServer:
        (folder := tmp_path / f"nats-{len(started)}").mkdir()
        started.append(NATSServer(folder, *lines))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def keep(tmp_path):
    """Writes a file that only its owner reads."""

    def keep(name: str, text: str) -> Path:
        make.keep_secret(tmp_path, name, text)
        return tmp_path / name

    return keep


@pytest.fixture
def configuration(keep):
    def configuration(server: NATSServer, scheme: str, *lines: str) -> str:
        secret = keep("secret", os.urandom(32).hex())
        return "\n".join(["cluster {", "engine = nats", f'servers = ["{scheme}://127.0.0.1:{server.port}"]', f'secret_file = "{secret}"', 'relay.bind = "127.0.0.1:0"', *lines, "}"])

    return configuration


def serves(broker) -> bool:
    """A retained message goes through JetStream."""
    heard = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_message = lambda _, __, message: heard.append(message.payload)
    client.connect(*broker.addresses["tcp"])
    client.loop_start()
    client.publish("kept", b"here", 1, retain=True).wait_for_publish(PATIENCE)
    client.disconnect()
    client.loop_stop()
    return SECRET not in broker.output


def refusal(binary: Path, folder: Path, configuration: str) -> str:
    """What a broker says that ends at once."""
    (folder / "refused.conf").write_text(f'node.data_dir = "{folder}/refused"\nlisteners.tcp.default.bind = "127.0.0.1:0"\n{configuration}')
    command = [binary, "serve", "--config", folder / "refused.conf"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    assert done.returncode != 0, done.stdout
    assert SECRET not in done.stdout and "martlet is ready" not in done.stdout
    return done.stdout.splitlines()[-1]


def authority(folder: Path, name: str) -> Path:
    make.make_certificate(folder, name, "keyUsage=critical,keyCertSign")
    return folder / f"{name}.pem"


def issue(folder: Path, by: str, name: str, names: str = "IP:127.0.0.1") -> tuple[Path, Path]:
    make.make_certificate(folder, name, f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE", "-CA", f"{by}.pem", "-CAkey", f"{by}-key.pem")
    return folder / f"{name}.pem", folder / f"{name}-key.pem"


def test_only_servers_of_the_authority_are_believed(start, nats, binary, configuration, tmp_path):
    ours, other = authority(tmp_path, "ours"), authority(tmp_path, "other")
    certificate, key = issue(tmp_path, "ours", "server")
    server = nats(f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}')
    assert serves(start(configuration(server, "tls", f'cacertfile = "{ours}"')))
    said = refusal(binary, tmp_path, configuration(server, "tls", f'cacertfile = "{other}"'))
    assert f"cluster.servers: 127.0.0.1:{server.port}: the NATS server's certificate is not trusted: its issuer is none of the authorities" in said
    said = refusal(binary, tmp_path, configuration(server, "nats"))
    assert "the NATS server requires TLS, which is not asked for" in said


def test_a_certificate_is_for_one_address(nats, binary, configuration, tmp_path):
    ours = authority(tmp_path, "ours")
    certificate, key = issue(tmp_path, "ours", "server", "IP:127.0.0.2,DNS:elsewhere")
    server = nats(f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}')
    said = refusal(binary, tmp_path, configuration(server, "tls", f'cacertfile = "{ours}"'))
    assert "the NATS server's certificate is not trusted: it is not for the server's name or address" in said


def test_servers_that_ask_for_a_certificate(start, nats, binary, configuration, tmp_path):
    ours = authority(tmp_path, "ours")
    authority(tmp_path, "other")
    certificate, key = issue(tmp_path, "ours", "server")
    server = nats(f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{ours}", verify: true }}')
    own, stranger = issue(tmp_path, "ours", "broker"), issue(tmp_path, "other", "stranger")
    shown = lambda pair: f'cacertfile = "{ours}", certfile = "{pair[0]}", keyfile = "{pair[1]}"'
    assert serves(start(configuration(server, "tls", shown(own))))
    for lines in (shown(stranger), f'cacertfile = "{ours}"'):
        assert "the NATS server refuses TLS with this node: " in refusal(binary, tmp_path, configuration(server, "tls", lines))
    said = refusal(binary, tmp_path, configuration(server, "tls", shown((own[0], stranger[1]))))
    assert "cluster: the certificate for NATS servers and its key are no PEM, or do not belong together" in said


@pytest.mark.parametrize("kind", ["password", "token", "nkey", "credentials"])
def test_users(start, nats, binary, configuration, keep, tmp_path, kind):
    right, wrong = f"{SECRET} right", f"{SECRET} wrong"
    if kind == "password":
        server = nats(f'authorization {{ user: martlet, password: "{right}" }}')
        good, bad = (f'username = martlet, password_file = "{keep(text, text)}"' for text in (right, wrong))
    elif kind == "token":
        server = nats(f'authorization {{ token: "{right}" }}')
        good, bad = (f'token_file = "{keep(text, text + chr(10))}"' for text in (right, wrong))
    elif kind == "nkey":
        own, other = Key(USER), Key(USER)
        server = nats(f"authorization {{ users [ {{ nkey: {own.public} }} ] }}")
        good, bad = (f'nkey_file = "{keep(key.public, key.seed)}"' for key in (own, other))
    else:
        trusted, other = Operator(), Operator()
        server = nats(*trusted.lines)
        good, bad = (f'credentials_file = "{keep(name, operator.credentials)}"' for name, operator in {"own.creds": trusted, "other.creds": other}.items())
    assert serves(start(configuration(server, "nats", good)))
    said = refusal(binary, tmp_path, configuration(server, "nats", bad))
    assert f"cluster.servers: 127.0.0.1:{server.port}: the NATS server refuses: Authorization Violation" in said


def test_files_that_hold_something_else(nats, binary, configuration, keep, tmp_path):
    server = nats()
    empty, text = keep("empty", "\n"), keep("text", SECRET)
    for line, expected in {
        f'token_file = "{empty}"': f"cluster.token_file: {empty} is empty",
        f'nkey_file = "{text}"': f"cluster.nkey_file: {text} does not hold the seed of a user's key",
        f'credentials_file = "{text}"': f"cluster.credentials_file: {text} does not hold a user's JWT",
        f'username = u, password_file = "{tmp_path}/none"': f"cluster.password_file: cannot read {tmp_path}/none: No such file or directory",
        f'nkey_file = "{keep("seed", Key(USER).seed)}"': "the NATS server has no users with keys",
    }.items():
        assert expected in refusal(binary, tmp_path, configuration(server, "nats", line))
