"""Wrong configurations, each with its own clear error and exit code 2; right ones in force."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from clients import Kind, WireOverTCP
from packets import Message
from servers import PATIENCE

pytestmark = pytest.mark.martlet

QUIC = 'listeners.quic.default { bind = "127.0.0.1:0"\n'
USERS = 'authentication = [{ mechanism = password_based, backend = built_in_database, bootstrap_file = "users.csv" }]'


@dataclass
class Case:
    """A configuration, and what its error, if any, has to name."""

    text: str
    names: list[str]
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


WRONG = {
    "unknown key": Case('listeners.tcp.default.bnd = "127.0.0.1:1883"', ["wrong.conf:1", "listeners.tcp.default.bnd", "bind"]),
    "unknown section": Case("\n\nlisteners.carrier_pigeon.default.bind = 1883", ["wrong.conf:3", "carrier_pigeon", "tcp"]),
    "unknown root": Case('listener.tcp.default.bind = "127.0.0.1:1883"', ["wrong.conf:1", "listener", "listeners"]),
    "word for a number": Case("node.loops = many", ["wrong.conf:1", "node.loops", "many"]),
    "number too small": Case("node { \n loops = 0 }", ["wrong.conf:2", "node.loops", "0"]),
    "number too large": Case("mqtt.max_qos_allowed = 3", ["wrong.conf:1", "mqtt.max_qos_allowed", "3", "0 to 2"]),
    "port too large": Case('listeners.tcp.default.bind = "127.0.0.1:99999"', ["wrong.conf:1", "listeners.tcp.default.bind", "99999"]),
    "no address": Case('listeners.quic.default.bind = "here:and:there"', ["wrong.conf:1", "listeners.quic.default.bind", "here:and:there"]),
    "neither true nor false": Case("allow_anonymous = perhaps", ["wrong.conf:1", "allow_anonymous", "perhaps", "true"]),
    "unit of no duration": Case('mqtt.idle_timeout = "15 parsecs"', ["wrong.conf:1", "mqtt.idle_timeout", "parsecs"]),
    "unit of no size": Case('mqtt.max_packet_size = "1 furlong"', ["wrong.conf:1", "mqtt.max_packet_size", "furlong"]),
    "section that is a number": Case("listeners.tcp = 1883", ["wrong.conf:1", "listeners.tcp"]),
    "number that is a section": Case("node.loops { a = 1 }", ["wrong.conf:1", "node.loops"]),
    "open brace": Case('listeners.tcp.default {\n bind = "127.0.0.1:0"\n', ["wrong.conf:", "}"]),
    "open string": Case('node.name = "martlet', ["wrong.conf:1", '"']),
    "open list": Case("authentication = [ {}", ["wrong.conf:", "]"]),
    "missing include": Case('include required(file("nowhere.conf"))', ["wrong.conf:1", "nowhere.conf"]),
    "unknown substitution": Case("node.name = ${nowhere}", ["wrong.conf:1", "nowhere"]),
    "substitution of itself": Case("node.name = ${log.b}\nlog.b = ${node.name}", ["wrong.conf:1", "log.b"]),
    "certificate without key": Case(QUIC + 'certfile = "cert.pem" }', ["wrong.conf:2", "certfile", "keyfile"]),
    "missing certificate": Case(QUIC + 'certfile = "gone.pem"\n keyfile = "gone.key" }', ["listeners.quic.default", "gone"]),
    "certificate that is none": Case(
        QUIC + 'certfile = "cert.pem"\n keyfile = "key.pem" }', ["cert.pem"], files={"cert.pem": b"no PEM", "key.pem": b"no PEM"}),
    "missing users": Case(USERS, ["users.csv"]),
    "users that are none": Case(USERS, ["users.csv"], files={"users.csv": b"colour,shape\nred,round\n"}),
    "unknown mechanism": Case(USERS.replace("password_based", "handshake"), ["wrong.conf:1", "mechanism", "handshake", "password_based"]),
    "missing key": Case('authentication = [{ backend = built_in_database }]', ["wrong.conf:1", "authentication", "mechanism"]),
    "no listener": Case("listeners.tcp.default.enable = false", ["wrong.conf:1", "listener"]),
    "missing file": Case("", ["nowhere.conf"], arguments=["--config", "nowhere.conf"]),
    "wrong setting": Case("", ["--set", "node.loops", "several"], arguments=["--set", "node.loops=several"]),
    "setting of an unknown key": Case("", ["--set", "node.lops", "loops"], arguments=["--set", "node.lops=2"]),
    "wrong environment": Case("", ["MARTLET_NODE__LOOPS", "few"], environment={"MARTLET_NODE__LOOPS": "few"}),
    "file that is no text": Case("", ["noise.conf"], arguments=["--config", "noise.conf"], files={"noise.conf": b"node.name = \xff\xfe"}),
}


# Configurations that EMQX takes and that lack nothing here.
RIGHT = {
    "keys that tune EMQX's runtime": Case(
        """node { cookie = hush, process_limit = 2097152, max_ports = 1048576, dist_buffer_size = 8192, global_gc_interval = 15m }
        node { crash_dump_seconds = 30s, backtrace_depth = 23, role = core, cluster_call { retry_interval = 1s } }
        cluster { name = emqxcl, discovery_strategy = manual, autoheal = true, autoclean = 24h, proto_dist = inet_tcp }
        rpc { mode = async }\nforce_gc { count = 16000 }\nforce_shutdown { max_mailbox_size = 0 }\nsysmon.os.cpu_check_interval = 60s
        broker.perf.route_lock_type = key\nconn_congestion.enable_alarm = true""", []),
    "features of MQTT that are off": Case(
        """mqtt { upgrade_qos = false, message_expiry_interval = infinity, exclusive_subscription = false, strict_mode = false }
        mqtt { ignore_loop_deliver = false, response_information = "", use_username_as_clientid = false, mqueue_priorities = disabled }
        mqtt { mqueue_default_priority = lowest, client_attrs_init = [], shared_subscription = false, retry_interval = 30s }
        flapping_detect.enable = false\ndelayed.enable = off\nauthorization { no_match = allow, sources = [], cache.enable = true }
        dashboard.listeners.http.bind = 0\nlisteners.ws.default.enabled = false\nlisteners.wss { default { enable = off } }
        rewrite = []\nzones {}\nsys_topics { sys_msg_interval = disabled, sys_heartbeat_interval = disabled }""", []),
    "retainer": Case(
        """retainer { enable = true, msg_expiry_interval = 0s, msg_clear_interval = 0s, flow_control.batch_read_number = 0 }
        retainer { stop_publish_clear_msg = false, deliver_rate = infinity }
        retainer.backend { type = built_in_database, storage_type = disc, max_retained_messages = 0, index_specs = [[1, 2, 3], [3]] }""", []),
    "log": Case(
        """log { file { level = warning, path = "${EMQX_LOG_DIR}/emqx.log" }
        console { level = info, formatter = text, time_offset = system, single_line = true, burst_limit { max_count = 10000 } }
        throttling.time_window = 1m }\nlog.file.default.enable = false""", []),
    "empty log file": Case("log { file {}, console {} }", []),
    "ssl_options": Case(
        """listeners.ssl.default.ssl_options { depth = 10, gc_after_handshake = true, log_level = notice, hibernate_after = 5s
        versions = [tlsv1.3, tlsv1.2], ciphers = "TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES256-GCM-SHA384", reuse_sessions = true
        secure_renegotiate = true, client_renegotiation = true, ocsp { enable_ocsp_stapling = false, refresh_interval = 5m } }
        listeners.quic.default { bind = "127.0.0.1:0", ciphers = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
        ssl_options { versions = [tlsv1.3], depth = 10, gc_after_handshake = false, fail_if_no_peer_cert = false } }""", []),
    "stand-in certificates": Case(
        """listeners.ssl.default.ssl_options {
        cacertfile = "${EMQX_ETC_DIR}/certs/cacert.pem", certfile = "${EMQX_ETC_DIR}/certs/cert.pem", keyfile = "${EMQX_ETC_DIR}/certs/key.pem" }
        listeners.quic.default { bind = "127.0.0.1:0", certfile = "etc/certs/cert.pem", keyfile = "etc/certs/key.pem" }""", []),
    "binds": Case('listeners.tcp.default.bind = ":::0"\nlisteners.tcp.more.bind = " 127.0.0.1 : 0 "\nlisteners.ssl.l.bind = "::1:0"', []),
    "largest packet": Case("mqtt.max_packet_size = 256MB", []),
    "elements by number in a file": Case(
        f'{USERS}\nauthentication.1 {{ enable = false }}\nauthentication.2 {{ mechanism = password_based, backend = built_in_database\n'
        'bootstrap_file = "users.csv", enable = false }', []),
    "elements by number in settings": Case(
        USERS, [], arguments=["--set", "authentication.1.enable=false"], environment={"MARTLET_AUTHENTICATION__1__USER_ID_TYPE": "clientid"}),
    "elements by number alone": Case(
        "", [], arguments=["--set", "authentication.1.bootstrap_file=users.csv", "--set", "authentication.1.enable=false"],
        environment={"EMQX_AUTHENTICATION__1__MECHANISM": "password_based", "EMQX_AUTHENTICATION__1__BACKEND": "built_in_database"}),
    "no limits": Case("mqtt.max_mqueue_len = 0\nretainer { max_payload_size = 0, backend.max_retained_messages = 0 }", []),
}

# What is asked for and not built is an error that says so.
NOT_BUILT = {
    "mqtt.upgrade_qos = true": "QoS", "mqtt.message_expiry_interval = 1h": "expires", "mqtt.shared_subscription = true": "not built",
    "retainer.msg_expiry_interval = 5s": "expires", "log.file.enable = true": "standard error", "log.file.a.enable = true": "standard error",
    "log.console.formatter = json": "text", "dashboard.listeners.https.bind = 18084": "dashboard", "zones.a.mqtt.max_inflight = 1": "zones",
    "listeners.ws.default.bind = 8083": "WebSocket", "cluster.discovery_strategy = dns": "clusters", "authorization.no_match = deny": "every client",
    "listeners.tcp.default.messages_rate = \"1000/s\"": "rationed", "flapping_detect.enable = true": "banned",
    "listeners.ssl.a.ssl_options.versions = [tlsv1.2]": "tlsv1.3", "listeners.ssl.a.ssl_options.enable_crl_check = true": "revocation",
    "sys_topics.sys_msg_interval = 1m": "$SYS", "rule_engine.rules.a.sql = x": "rules",
    "durable_sessions.enable = true, store.engine = memory": "opposite",
}


def serve(binary: Path, folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(binary), "serve", *arguments], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **(environment or {})}
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
    said.append(process.communicate(timeout=PATIENCE)[0])
    assert f"sysctl -w net.core.rmem_max={wanted}" in "".join(said), said


@pytest.mark.parametrize("name", RIGHT)
def test_configuration_of_emqx_is_taken(binary, tmp_path, name):
    right = RIGHT[name]
    (tmp_path / "right.conf").write_text(right.text)
    done = serve(binary, tmp_path, "--config", "right.conf", "--check", *right.arguments, environment=right.environment)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) <= 4, f"a line for each kind of notice, not for each key: {done.stderr}"


@pytest.mark.parametrize("text", NOT_BUILT)
def test_feature_that_is_not_built_is_an_error(binary, tmp_path, text):
    (tmp_path / "wrong.conf").write_text(text)
    done = serve(binary, tmp_path, "--config", "wrong.conf", "--check")
    assert done.returncode == 2, done.stderr
    assert NOT_BUILT[text] in done.stderr and "there is no such key" not in done.stderr, done.stderr


def test_keys_without_effect_are_told_in_one_line(binary, tmp_path):
    (tmp_path / "right.conf").write_text("node { cookie = hush, process_limit = 1 }\nmqtt.strict_mode = true\n")
    done = serve(binary, tmp_path, "--config", "right.conf", "--check")
    assert [line for line in done.stderr.splitlines() if "effect" in line] == [
        "keys without effect: node.cookie, node.process_limit, mqtt.strict_mode"]
    assert "hush" not in done.stderr


def test_variables_of_emqx_are_read_and_lie_below_own_ones(binary, tmp_path):
    environment = {"EMQX_MQTT__MAX_INFLIGHT": "7", "MARTLET_MQTT__MAX_INFLIGHT": "8", "EMQX_NODE__NAME": "a", "EMQX_HOST": "h"}
    printed = serve(binary, tmp_path, "--print-config", environment=environment)
    values = {line.split(" = ")[0]: line for line in printed.stdout.splitlines()}
    assert "= 8 " in values["mqtt.max_inflight"] and "MARTLET_MQTT__MAX_INFLIGHT" in values["mqtt.max_inflight"]
    assert '= "a" ' in values["node.name"] and "EMQX_NODE__NAME" in values["node.name"]
    done = serve(binary, tmp_path, "--check", environment=environment)
    assert done.returncode == 0 and done.stderr.count("EMQX_NODE__NAME") == 1 and "EMQX_HOST" not in done.stderr
    wrong = serve(binary, tmp_path, "--check", environment={"EMQX_NODE__LOOPS": "few"})
    assert wrong.returncode == 2 and "EMQX_NODE__LOOPS: node.loops" in wrong.stderr


def test_variable_names_the_folder_of_certificates(binary, tmp_path):
    """Paths that begin with ${EMQX_ETC_DIR}, quoted, are those of EMQX; where the variable is set, its folder counts."""
    options = 'certfile = "${EMQX_ETC_DIR}/certs/cert.pem", keyfile = "${EMQX_ETC_DIR}/certs/key.pem"'
    (tmp_path / "right.conf").write_text(f"listeners.ssl.default.ssl_options {{ {options} }}")
    (tmp_path / "certs").mkdir()
    for environment, returncode, expected in [({}, 0, "${EMQX_ETC_DIR}/certs/cert.pem"), ({"EMQX_ETC_DIR": str(tmp_path)}, 0, f"{tmp_path}/certs/cert.pem")]:
        done = serve(binary, tmp_path, "--config", "right.conf", "--check", environment=environment)
        assert done.returncode == returncode and expected in done.stderr and "generated certificate" in done.stderr
    (tmp_path / "certs" / "cert.pem").write_text("no PEM")
    done = serve(binary, tmp_path, "--config", "right.conf", "--check", environment={"EMQX_ETC_DIR": str(tmp_path)})
    assert done.returncode == 2 and f"{tmp_path}/certs" in done.stderr, "a file that is there is used"


NO_LIMITS = """listeners.tcp.default.bind = "127.0.0.1:0"
mqtt.max_mqueue_len = 0
retainer { max_payload_size = 0, backend.max_retained_messages = 0 }
"""


def test_zero_means_no_limit(start, connect, topic):
    """A client that is away gets all that was acknowledged, more than the default of 1000; a retained message of 2 MiB is kept."""
    broker = start(NO_LIMITS + "mqtt.max_packet_size = 4MB")
    kind = Kind(WireOverTCP, 5)
    reader = connect(kind, "reader", to=broker, clean=False, expires=300)
    reader.subscribe(topic, 1)
    reader.disconnect()
    writer = connect(kind, to=broker)
    for number in range(1500):
        writer.publish(Message(topic, b"%d" % number, 1))
    writer.publish(Message(f"{topic}/large", bytes(2 << 20), 1, retain=True))
    reader = connect(kind, "reader", to=broker, clean=False, expires=300)
    assert [reader.next().payload for _ in range(1500)] == [b"%d" % number for number in range(1500)]
    reader.subscribe(f"{topic}/large", 0)
    assert reader.next() == Message(f"{topic}/large", bytes(2 << 20), 0, retain=True)


def test_octets_are_bounded_where_the_number_is_not(start, connect, topic):
    broker = start(NO_LIMITS + "mqtt.max_mqueue_bytes = 64KB")
    kind = Kind(WireOverTCP, 5)
    reader = connect(kind, "reader", to=broker, clean=False, expires=300)
    reader.subscribe(topic, 1)
    reader.disconnect()
    writer = connect(kind, to=broker)
    for number in range(100):
        writer.publish(Message(topic, b"%04d" % number + bytes(1020), 1))
    reader = connect(kind, "reader", to=broker, clean=False, expires=300)
    kept = []
    while not kept or kept[-1] != 99:
        kept.append(int(reader.next().payload[:4]))
    assert 30 < len(kept) <= 64 and kept == list(range(100 - len(kept), 100)), kept
