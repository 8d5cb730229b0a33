"""Wrong configurations, each with its own clear error and exit code 2; right ones in force."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.martlet

QUIC = 'listeners.quic.default { bind = "127.0.0.1:0"\n'
USERS = 'authentication = [{ mechanism = password_based, backend = built_in_database, bootstrap_file = "users.csv" }]'


@dataclass
class Wrong:
    """A configuration, and what its error has to name."""

    text: str
    names: list[str]
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


WRONG = {
    "unknown key": Wrong('listeners.tcp.default.bnd = "127.0.0.1:1883"', ["wrong.conf:1", "listeners.tcp.default.bnd", "bind"]),
    "unknown section": Wrong("\n\nlisteners.carrier_pigeon.default.bind = 1883", ["wrong.conf:3", "carrier_pigeon", "tcp"]),
    "unknown root": Wrong('listener.tcp.default.bind = "127.0.0.1:1883"', ["wrong.conf:1", "listener", "listeners"]),
    "word for a number": Wrong("node.loops = many", ["wrong.conf:1", "node.loops", "many"]),
    "number too small": Wrong("node { \n loops = 0 }", ["wrong.conf:2", "node.loops", "0"]),
    "number too large": Wrong("mqtt.max_qos_allowed = 3", ["wrong.conf:1", "mqtt.max_qos_allowed", "3", "0 to 2"]),
    "port too large": Wrong('listeners.tcp.default.bind = "127.0.0.1:99999"', ["wrong.conf:1", "listeners.tcp.default.bind", "99999"]),
    "no address": Wrong('listeners.quic.default.bind = "here:and:there"', ["wrong.conf:1", "listeners.quic.default.bind", "here:and:there"]),
    "neither true nor false": Wrong("allow_anonymous = perhaps", ["wrong.conf:1", "allow_anonymous", "perhaps", "true"]),
    "unit of no duration": Wrong('mqtt.idle_timeout = "15 parsecs"', ["wrong.conf:1", "mqtt.idle_timeout", "parsecs"]),
    "unit of no size": Wrong('mqtt.max_packet_size = "1 furlong"', ["wrong.conf:1", "mqtt.max_packet_size", "furlong"]),
    "section that is a number": Wrong("listeners.tcp = 1883", ["wrong.conf:1", "listeners.tcp"]),
    "number that is a section": Wrong("node.loops { a = 1 }", ["wrong.conf:1", "node.loops"]),
    "open brace": Wrong('listeners.tcp.default {\n bind = "127.0.0.1:0"\n', ["wrong.conf:", "}"]),
    "open string": Wrong('node.name = "martlet', ["wrong.conf:1", '"']),
    "open list": Wrong("authentication = [ {}", ["wrong.conf:", "]"]),
    "missing include": Wrong('include required(file("nowhere.conf"))', ["wrong.conf:1", "nowhere.conf"]),
    "unknown substitution": Wrong("node.name = ${nowhere}", ["wrong.conf:1", "nowhere"]),
    "substitution of itself": Wrong("node.name = ${log.b}\nlog.b = ${node.name}", ["wrong.conf:1", "log.b"]),
    "certificate without key": Wrong(QUIC + 'certfile = "cert.pem" }', ["wrong.conf:2", "certfile", "keyfile"]),
    "missing certificate": Wrong(QUIC + 'certfile = "gone.pem"\n keyfile = "gone.key" }', ["listeners.quic.default", "gone"]),
    "certificate that is none": Wrong(
        QUIC + 'certfile = "cert.pem"\n keyfile = "key.pem" }', ["cert.pem"], files={"cert.pem": b"no PEM", "key.pem": b"no PEM"}),
    "missing users": Wrong(USERS, ["users.csv"]),
    "users that are none": Wrong(USERS, ["users.csv"], files={"users.csv": b"colour,shape\nred,round\n"}),
    "unknown mechanism": Wrong(USERS.replace("password_based", "handshake"), ["wrong.conf:1", "mechanism", "handshake", "password_based"]),
    "missing key": Wrong('authentication = [{ backend = built_in_database }]', ["wrong.conf:1", "authentication", "mechanism"]),
    "no listener": Wrong("listeners.tcp.default.enable = false", ["wrong.conf:1", "listener"]),
    "missing file": Wrong("", ["nowhere.conf"], arguments=["--config", "nowhere.conf"]),
    "wrong setting": Wrong("", ["--set", "node.loops", "several"], arguments=["--set", "node.loops=several"]),
    "setting of an unknown key": Wrong("", ["--set", "node.lops", "loops"], arguments=["--set", "node.lops=2"]),
    "wrong environment": Wrong("", ["MARTLET_NODE__LOOPS", "few"], environment={"MARTLET_NODE__LOOPS": "few"}),
    "file that is no text": Wrong("", ["noise.conf"], arguments=["--config", "noise.conf"], files={"noise.conf": b"node.name = \xff\xfe"}),
}


def serve(binary: Path, folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(binary), "serve", *arguments], cwd=folder, capture_output=True, text=True, timeout=20, env={**os.environ, **(environment or {})}
    )


def refusal(binary: Path, folder: Path, name: str) -> str:
    wrong = WRONG[name]
    (folder / "wrong.conf").write_text(wrong.text)
    for file, content in wrong.files.items():
        (folder / file).write_bytes(content)
    arguments = wrong.arguments if "--config" in wrong.arguments else ["--config", "wrong.conf", *wrong.arguments]
    done = serve(binary, folder, *arguments, environment=wrong.environment)
    assert done.returncode == 2, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    assert "ready" not in done.stdout
    return done.stderr


@pytest.mark.parametrize("name", WRONG)
def test_wrong_configuration_is_named(binary, tmp_path, name):
    said = refusal(binary, tmp_path, name)
    for expected in WRONG[name].names:
        assert expected in said, f"{expected!r} is not in: {said}"


def test_each_wrong_configuration_has_its_own_error(binary, tmp_path):
    said = {name: refusal(binary, tmp_path, name) for name in WRONG}
    assert len(set(said.values())) == len(WRONG) >= 20


def test_all_mistakes_are_told_at_once(binary, tmp_path):
    (tmp_path / "wrong.conf").write_text("node.loops = many\nmqtt.max_qos_allowed = 3\nnode.lops = 1\n")
    done = serve(binary, tmp_path, "--config", "wrong.conf", "--check")
    assert done.returncode == 2
    for line in (1, 2, 3):
        assert f"wrong.conf:{line}" in done.stderr


def test_check_validates_alone(binary, tmp_path):
    (tmp_path / "right.conf").write_text('node.data_dir = "data"\nlisteners.tcp.default.bind = "127.0.0.1:0"\n')
    done = serve(binary, tmp_path, "--config", "right.conf", "--check")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "data").exists()


def test_print_config_says_where_each_value_comes_from(binary, tmp_path):
    (tmp_path / "right.conf").write_text('\nlisteners.tcp.default.bind = "127.0.0.1:0"\nmqtt.max_inflight = 7\n')
    done = serve(
        binary, tmp_path, "--config", "right.conf", "--set", "node.loops=2", "--print-config",
        environment={"MARTLET_MQTT__MAX_TOPIC_LEVELS": "9"},
    )
    assert done.returncode == 0, done.stderr
    for expected in ("right.conf:3", "--set", "MARTLET_MQTT__MAX_TOPIC_LEVELS"):
        assert expected in done.stdout


def test_printed_configuration_is_a_configuration(binary, tmp_path):
    first = serve(binary, tmp_path, "--set", "mqtt.max_inflight=7", "--print-config")
    (tmp_path / "printed.conf").write_text(first.stdout)
    second = serve(binary, tmp_path, "--config", "printed.conf", "--check")
    assert second.returncode == 0, second.stderr


def test_listener_block_of_the_seed(binary, tmp_path, start):
    """To the letter, but for the port; no file is at its certificate paths, so a generated pair stands in and is warned of."""
    block = """listeners.quic.default {
        enabled = true
        bind = "0.0.0.0:0"
        max_connections = 1024000
        keyfile = "/opt/emqx/etc/certs/key.pem"
        certfile = "/opt/emqx/etc/certs/cert.pem"
      }
    """
    broker = start(block)
    assert broker.addresses["quic"][0] == "0.0.0.0"
    assert "/opt/emqx/etc/certs/cert.pem" in broker.output
    assert broker.output.count("anonymous clients are admitted") == 1, "a listener for everybody is warned of once"


@pytest.mark.skipif(os.geteuid() != 0, reason="takes rights away")
def test_cut_receive_buffer_is_said(binary, tmp_path):
    """Without CAP_NET_ADMIN the kernel holds a socket to net.core.rmem_max; the sysctl that helps is named."""
    most = int(Path("/proc/sys/net/core/rmem_max").read_text())
    wanted = most + 4096
    arguments = ["--set", "listeners.tcp.default.bind=127.0.0.1:0", "--set", "listeners.quic.default.bind=127.0.0.1:0"]
    arguments += ["--set", f"node.data_dir={tmp_path}/data", "--set", f"listeners.quic.default.udp_options.recbuf={wanted}"]
    without_rights = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    process = subprocess.Popen(
        [*without_rights, str(binary), "serve", *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = []
    for line in process.stdout:
        said.append(line)
        if "martlet is ready" in line:
            break
    process.terminate()
    said.append(process.communicate(timeout=20)[0])
    assert f"sysctl -w net.core.rmem_max={wanted}" in "".join(said), said
