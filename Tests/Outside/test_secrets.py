"""No secret in anything that the broker writes, at whatever level: it runs with secrets that are marked, and all its output is searched."""

import base64
import re
import signal
import socket
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

import packets
from servers import Martlet, wait_until
from test_tls import PATIENCE, make_pair, run

pytestmark = pytest.mark.martlet

KEY_PASSWORD = "marker-of-the-key"
USER_PASSWORD = "marker-of-a-user"
WRONG_PASSWORD = "marker-that-is-wrong"
NODE_SECRET = b"marker-of-the-node-with-32-bytes"
OTHER_SECRET = b"marker-of-an-earlier-32-byte-key"
MARKS = [KEY_PASSWORD.encode(), USER_PASSWORD.encode(), WRONG_PASSWORD.encode(), NODE_SECRET, OTHER_SECRET]


class Secrets:
    """A configuration full of secrets, and what none of its outputs may show."""

    def __init__(self, folder):
        self.certificate, self.key = make_pair(folder, "localhost")
        self.sealed = folder / "sealed.key"
        seal = ["openssl", "pkey", "-in", self.key, "-aes256", "-passout", f"pass:{KEY_PASSWORD}", "-out", self.sealed]
        subprocess.run(seal, check=True, capture_output=True)
        (folder / "node.secret").write_bytes(NODE_SECRET)
        (folder / "other.secret").write_text(OTHER_SECRET.hex())
        for file in ("node.secret", "other.secret"):
            (folder / file).chmod(0o600)
        (folder / "users.csv").write_text(f"user_id,password,is_superuser\ncar,{USER_PASSWORD},false\n")
        key = serialization.load_pem_private_key(open(self.key, "rb").read(), None)
        self.scalar = key.private_numbers().private_value.to_bytes(32, "big")
        der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.marks = [*MARKS, self.scalar, der]
        tls = f'certfile = "{self.certificate}", keyfile = "{self.sealed}"'
        self.text = f"""
          node {{ secret_file = "{folder}/node.secret", number = 3, other_secrets = [{{ rotation = 2, file = "{folder}/other.secret" }}] }}
          listeners.ssl.default.ssl_options {{ {tls}, password = "{KEY_PASSWORD}" }}
          listeners.quic.default.ssl_options {{ {tls}, password = "{KEY_PASSWORD}" }}
          authentication = [{{ mechanism = password_based, backend = built_in_database, bootstrap_file = "{folder}/users.csv" }}]
        """

    def shown(self, output: str) -> list[bytes]:
        """The secrets that `output` shows: as text, Base64, hexadecimal digits, or numbers with anything between them."""
        numbers = ",".join(re.findall(r"\d+", output))
        tight = re.sub(r"\s", "", output)
        lower = tight.lower()
        found = []
        for mark in self.marks:
            part = mark[-12:]
            forms = [base64.b64encode(mark[at:])[:16].decode() in tight for at in range(3)] if len(mark) > 15 else []
            forms += [part.hex() in lower, ",".join(map(str, part)) in numbers, mark.decode("latin-1") in output]
            found += [mark] if any(forms) else []
        return found


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    return Secrets(tmp_path_factory.mktemp("secrets"))


def test_the_search_finds_secrets(secrets):
    for mark in secrets.marks:
        for form in (str(list(mark)), mark.hex().upper(), base64.b64encode(b"x" + mark).decode(), mark.decode("latin-1"), "\n".join(f"- {octet}" for octet in mark)):
            assert mark in secrets.shown(f"before {form} after"), form
    assert secrets.shown("0 1 2 marker") == []


def visit(server, secrets) -> None:
    """Clients with right, wrong, missing and malformed credentials over all transports."""
    for transport in ("tcp", "ssl", "quic"):
        host, port = server.addresses[transport]
        flags = {"tcp": [], "ssl": ["--tls", "--insecure"], "quic": ["--quic", "--insecure"]}[transport]
        for version in ("5", "311"):
            for user, password, code in [("car", USER_PASSWORD, 0), ("car", WRONG_PASSWORD, 1), ("nobody", WRONG_PASSWORD, 1), ("car", None, 1)]:
                words = ["-u", user, *(["-P", password] if password else []), "-V", version, "-t", "t", "-m", "x", "-q", "1", *flags]
                done = run([server.binary, "pub", "-h", host, "-p", str(port), *words])
                assert (done.returncode != 0) == bool(code), done.stderr
                assert not secrets.shown(done.stdout + done.stderr), done.stderr
    named = packets.string("a") + packets.string("car") + packets.string(USER_PASSWORD)
    good = packets.packet(packets.CONNECT, packets.string("MQTT") + bytes([5, 0xC2, 0, 60, 0]) + named)
    for octets in (good[:-3], good + b"\xff" + USER_PASSWORD.encode(), b"\x10\x20" + WRONG_PASSWORD.encode(), good + good):
        with socket.create_connection(server.addresses["tcp"], timeout=PATIENCE) as plain:
            plain.sendall(octets)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):
                pass


@pytest.fixture
def serve(binary, tmp_path):
    started = []

    def serve(configuration: str, *settings: str, **environment: str) -> Martlet:
        server = Martlet(binary, tmp_path, configuration, ("log.console.level=debug", *settings), environment)
        server.binary = str(binary)
        started.append(server)
        return server.wait_ready()

    yield serve
    for server in started:
        server.kill()


@pytest.mark.parametrize("source", ["file", "environment", "command line"])
def test_a_log_at_debug_level_has_none(serve, secrets, source):
    """Wherever the password comes from: start, clients, certificates that are read again, those that are no good, and the end."""
    key = "listeners.ssl.default.ssl_options.password"
    text = secrets.text if source == "file" else secrets.text.replace(f'password = "{KEY_PASSWORD}"', "", 1)
    settings = [f"{key}={KEY_PASSWORD}"] if source == "command line" else []
    environment = {"MARTLET_" + key.replace(".", "__").upper(): KEY_PASSWORD} if source == "environment" else {}
    server = serve(text, *settings, **environment)
    if source == "file":
        visit(server, secrets)
    server.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: "certificate read again" in server.output)
    good = open(secrets.sealed).read()
    try:
        secrets.sealed.write_text(good.replace("A", "B"))
        server.process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: "not read again" in server.output)
    finally:
        secrets.sealed.write_text(good)
    server.stop()
    assert "debug" in server.output, "it is the whole log"
    assert not secrets.shown(server.output), server.output


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
def test_a_crash_has_none(serve, secrets, number):
    """With Swift's back trace of all threads and registers, as containers may switch it on. A signal from outside ends the process only if there is none."""
    server = serve(secrets.text, SWIFT_BACKTRACE="enable=yes,color=no,interactive=no,symbolicate=off,threads=all,registers=all")
    visit(server, secrets)
    server.process.send_signal(number)
    assert wait_until(lambda: "Backtrace took" in server.output or not server.is_running, PATIENCE * 2), server.output
    server.kill()
    server.reader.join(PATIENCE)
    assert not secrets.shown(server.output), server.output


@pytest.mark.parametrize(
    "addition, arguments, code",
    [
        ("", ["--print-config"], 0),
        ("", ["--check"], 0),
        (f'listeners.ssl.default.ssl_options {{ password = ["{USER_PASSWORD}"] }}', ["--check"], 2),
        (f'listeners.ssl.default.ssl_options {{ pasword = "{USER_PASSWORD}" }}', ["--check"], 2),
        (f'listeners.ssl.default.ssl_options {{ password {{ is = "{USER_PASSWORD}" }} }}', ["--check"], 2),
        ('listeners.ssl.default.ssl_options { verify = perhaps }', ["--check"], 2),
        (f'listeners.ssl.default.ssl_options {{ password = "{USER_PASSWORD}" verify = perhaps }}', ["--check"], 2),
        (f'listeners.ssl.default.ssl_options {{ password = "{USER_PASSWORD}', ["--check"], 2),
        (f'listeners.ssl.default.ssl_options {{ password = {USER_PASSWORD}$ }}', ["--check"], 2),
        (f'listeners.ssl.default.ssl_options.password = {WRONG_PASSWORD}', ["--check"], 2),
        ("", ["--check", "--set", f"listeners.ssl.default.ssl_options.password:{USER_PASSWORD}"], 64),
        ("", ["--check", "--set", f"listeners.ssl.default.ssl_options.password {USER_PASSWORD}"], 64),
        ("", ["--check", "--set", f"listeners.ssl.default.ssl_options.pasword={USER_PASSWORD}"], 2),
        ("", ["--check", "--set", f'listeners.ssl.default.ssl_options.password=["{USER_PASSWORD}"]'], None),
    ],
    ids=lambda value: None,
)
def test_what_is_said_of_a_configuration_has_none(binary, secrets, tmp_path, addition, arguments, code):
    file = tmp_path / "martlet.conf"
    file.write_text(f"{secrets.text}\n{addition}\n")
    done = run([str(binary), "serve", "--config", str(file), *arguments])
    assert code in (None, done.returncode), done.stderr
    assert not secrets.shown(done.stdout + done.stderr), done.stdout + done.stderr


def test_a_file_of_users_without_a_first_line_of_names_shows_none(binary, secrets, tmp_path):
    users = tmp_path / "users.csv"
    users.write_text(f"{USER_PASSWORD},car,false\n")
    file = tmp_path / "martlet.conf"
    file.write_text(f'authentication = [{{ mechanism = password_based, backend = built_in_database, bootstrap_file = "{users}" }}]')
    done = run([str(binary), "serve", "--check", "--config", str(file)])
    assert done.returncode == 2 and not secrets.shown(done.stderr), done.stderr
