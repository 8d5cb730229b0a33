"""mosquitto's tools against the TLS listener."""

import datetime
import ipaddress
import json
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import packets
from packets import Message
from servers import PATIENCE, Server, wait_until

pytestmark = pytest.mark.martlet


def tool(name: str, server: Server, *words: str, authority: str | None = None) -> list[str]:
    _, port = server.addresses["ssl"]
    return [name, "-h", "localhost", "-p", str(port), "--cafile", authority or f"{server.folder}/data/certs/cert.pem", "-V", "5", *words]


def run(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
def test_messages_pass(server, topic, version):
    command = tool("mosquitto_pub", server, "-V", version, "-t", topic, "-m", "häuser", "-q", "2", "-r")
    assert run(command).returncode == 0
    heard = run(tool("mosquitto_sub", server, "-V", version, "-t", topic, "-C", "1", "-q", "2", "-W", str(PATIENCE)))
    assert heard.stdout == "häuser\n", heard.stderr


def test_only_tls_13_is_spoken(server):
    """RFC 8446. Who knows only the version before is told so (§4.2.1)."""

    def handshake(version: ssl.TLSVersion) -> str:
        context = ssl.create_default_context(cafile=f"{server.folder}/data/certs/cert.pem")
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(server.addresses["ssl"], timeout=PATIENCE) as plain, context.wrap_socket(plain, server_hostname="localhost") as wrapped:
            return wrapped.version()

    assert handshake(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        handshake(ssl.TLSVersion.TLSv1_2)


def test_another_authority_is_not_believed(server, topic, tmp_path):
    make_pair(tmp_path, "other")
    assert run(tool("mosquitto_pub", server, "-t", topic, "-m", "x", authority=str(tmp_path / "other.pem"))).returncode != 0


def make_pair(folder, name: str) -> list[str]:
    """A self-signed certificate, which is its own authority."""
    folder.mkdir(exist_ok=True)
    files = [str(folder / f"{name}.pem"), str(folder / f"{name}.key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True,
    )
    return files


@pytest.mark.parametrize("required", [True, False])
def test_client_certificates(start, topic, tmp_path, required):
    known, stranger = make_pair(tmp_path, "known"), make_pair(tmp_path, "stranger")
    server = start(
        f"""listeners.ssl.default.ssl_options {{
          verify = verify_peer, cacertfile = "{known[0]}", fail_if_no_peer_cert = {str(required).lower()}
        }}"""
    )
    publish = lambda *words: run(tool("mosquitto_pub", server, "-t", topic, "-m", "x", "-q", "1", *words)).returncode == 0
    assert publish("--cert", known[0], "--key", known[1])
    assert not publish("--cert", stranger[0], "--key", stranger[1])
    assert publish() is not required


@pytest.mark.parametrize("words", [["pub", "--tls", "--insecure", "-t", "t", "-m", "x", "-q", "1"], ["bench", "conn", "--ssl", "-c", "2", "--duration", "1"]], ids=["pub", "bench"])
def test_our_own_tools_show_certificates(binary, start, tmp_path, words):
    car, stranger = make_pair(tmp_path, "car"), make_pair(tmp_path, "stranger")
    server = start(f'listeners.ssl.default.ssl_options {{ verify = verify_peer, cacertfile = "{car[0]}", fail_if_no_peer_cert = true }}')
    names = ("--cert", "--key") if words[0] == "pub" else ("--certfile", "--keyfile")
    reached = lambda *pair: run([binary, *words, "-h", "localhost", "-p", str(server.addresses["ssl"][1]), *(word for named in zip(names, pair) for word in named)]).returncode == 0
    assert reached(*car)
    assert not reached(*stranger)
    assert not reached()


@pytest.mark.parametrize("name", ["car 7", "Smith, John", '#"häuser" <7>;=+', "\u6f22"])
def test_common_name_of_a_certificate_is_the_client(binary, start, tmp_path, name):
    """As it stands in the certificate, whatever CONNECT says, over TLS and QUIC: the file of users knows it by that name."""
    car = named_pair(tmp_path, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    (tmp_path / "users.json").write_text(json.dumps([{"user_id": name, "password": "open sesame"}]))
    verify = f'{{ verify = verify_peer, cacertfile = "{car[0]}" }}'
    server = start(f"""listeners.ssl.default.ssl_options = {verify}, listeners.quic.default.ssl_options = {verify}
                       authentication = {{ mechanism = password_based, backend = built_in_database, bootstrap_file = "{tmp_path}/users.json" }}
                       mqtt.peer_cert_as_username = cn""")
    for transport in ("tls", "quic"):
        port = server.addresses[{"tls": "ssl"}.get(transport, transport)][1]
        words = [str(binary), "pub", f"--{transport}", "--insecure", "-h", "127.0.0.1", "-p", str(port), "-t", "t", "-m", "x", "-q", "1", "-u", "else"]
        shown = ["--cert", car[0], "--key", car[1]]
        assert run([*words, *shown, "-P", "open sesame"]).returncode == 0
        assert run([*words, *shown, "-P", "sesame"]).returncode != 0


@pytest.mark.parametrize("believed", [False, True])
def test_a_certificate_without_the_name_that_is_asked_for(binary, start, tmp_path, believed):
    car = named_pair(tmp_path, x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Fleet")]))
    server = start(f"""listeners.ssl.default.ssl_options {{ verify = verify_peer, cacertfile = "{car[0]}", fail_if_no_peer_cert = true }}
                       mqtt {{ peer_cert_as_clientid = cn, peer_cert_field_required = {str(not believed).lower()} }}""")
    done = run(tool("mosquitto_pub", server, "-t", "t", "-m", "x", "-q", "1", "--cert", car[0], "--key", car[1]))
    assert (done.returncode == 0) is believed
    assert believed or "not authori" in done.stderr.lower(), done.stderr


def named_pair(folder, subject: x509.Name) -> list[str]:
    """A self-signed certificate with any subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    return written(folder, "named", issued(subject, key, subject, key), key)


def issued(subject: x509.Name, key, issuer: x509.Name, issuer_key) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(names, False).sign(issuer_key, hashes.SHA256())


def written(folder, name: str, certificate: x509.Certificate, key) -> list[str]:
    files = [folder / f"{name}.pem", folder / f"{name}.key"]
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return [str(file) for file in files]


@pytest.mark.parametrize("completes", [True, False])
def test_intermediate_certificates_of_cacertfile_are_sent(binary, start, tmp_path, completes):
    """As of Let's Encrypt's cert.pem and chain.pem: clients that know the root alone verify the server, over TLS and QUIC (RFC 8446 §4.4.2)."""
    names = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("root", "R11", "localhost", "others")}
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in names}
    above = {"root": "root", "R11": "root", "localhost": "R11", "others": "others"}
    files = {name: written(tmp_path, name, issued(names[name], keys[name], names[above[name]], keys[above[name]]), keys[name]) for name in names}
    chain = tmp_path / "chain.pem"
    # As a text editor of another system may leave it.
    texts = [open(files[name][0]).read() for name in (("others", "R11") if completes else ("others",))]
    chain.write_bytes(b"\xef\xbb\xbf" + "".join(texts).replace("-----\n-----", "----------").replace("\n", "\r\n").encode())
    options = f'{{ certfile = "{files["localhost"][0]}", keyfile = "{files["localhost"][1]}", cacertfile = "{chain}" }}'
    server = start(f"listeners.ssl.default.ssl_options = {options}, listeners.quic.default.ssl_options = {options}")
    assert ("CN=R11" in server.output) is not completes, server.output
    assert (run(tool("mosquitto_pub", server, "-t", "t", "-m", "x", authority=files["root"][0])).returncode == 0) is completes
    for transport, listener in (("tls", "ssl"), ("quic", "quic")):
        words = [str(binary), "pub", f"--{transport}", "--cafile", files["root"][0], "-h", "localhost", "-p", str(server.addresses[listener][1])]
        assert (run([*words, "-t", "t", "-m", "x", "-q", "1"]).returncode == 0) is completes
    context = ssl.create_default_context(cafile=files["root"][0])
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(server.addresses["ssl"], timeout=PATIENCE) as plain, context.wrap_socket(plain) as wrapped:
        sent = wrapped.get_unverified_chain()
    assert len(sent) == (2 if completes else 1), "neither the root nor another authority is sent"


def test_subject_of_a_certificate_is_the_client(start, tmp_path):
    """The session that a certificate leaves behind is under its common name, whatever CONNECT says."""
    car = make_pair(tmp_path, "car 7")
    server = start(f"""listeners.ssl.default.ssl_options {{ verify = verify_peer, cacertfile = "{car[0]}", fail_if_no_peer_cert = true }}
                       mqtt.peer_cert_as_clientid = cn""")
    certificate = ["--cert", car[0], "--key", car[1]]
    keep = ["-c", "-x", "60", "-q", "1", "-W", str(PATIENCE)]
    heard = run(tool("mosquitto_sub", server, "-t", "t", "-i", "one", "-E", *keep, *certificate))
    assert heard.returncode == 0, heard.stderr
    assert run(["mosquitto_pub", "-p", str(server.addresses["tcp"][1]), "-t", "t", "-m", "kept", "-q", "1"]).returncode == 0
    heard = run(tool("mosquitto_sub", server, "-t", "t", "-i", "two", "-C", "1", *keep, *certificate))
    assert heard.stdout == "kept\n", heard.stderr


def test_hang_up_reads_the_certificate_again(start, topic, tmp_path):
    """New connections see the new one; who is connected goes on."""
    old, new = make_pair(tmp_path, "localhost"), make_pair(tmp_path / "new", "localhost")
    used = [shutil.copy(file, tmp_path / f"used-{number}") for number, file in enumerate(old)]
    server = start(f'listeners.ssl.default.ssl_options {{ certfile = "{used[0]}", keyfile = "{used[1]}" }}')
    publishes = lambda authority: run(tool("mosquitto_pub", server, "-t", "other", "-m", "x", authority=authority)).returncode == 0
    context = ssl.create_default_context(cafile=old[0])
    with socket.create_connection(server.addresses["ssl"], timeout=PATIENCE) as plain, context.wrap_socket(plain, server_hostname="localhost") as standing:
        standing.sendall(packets.connect("standing") + packets.subscribe(1, [(topic, 0)]))
        assert publishes(old[0])
        for file, place in zip(new, used):
            shutil.copy(file, place)
        server.process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: publishes(new[0]))
        assert not publishes(old[0])
        standing.sendall(packets.publish(Message(topic, b"still here", 0)))
        heard = b""
        while b"still here" not in heard:
            assert (octets := standing.recv(4096)), "the connection was closed"
            heard += octets


@pytest.mark.parametrize("password, is_good", [("open sesame", True), ("sesame", False)])
def test_key_may_have_a_password(binary, tmp_path, password, is_good):
    certificate, key = make_pair(tmp_path, "plain")
    sealed = tmp_path / "sealed.key"
    subprocess.run(["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:open sesame", "-out", sealed], check=True, capture_output=True)
    file = tmp_path / "martlet.conf"
    file.write_text(f'listeners.ssl.default.ssl_options {{ certfile = "{certificate}", keyfile = "{sealed}", password = "{password}" }}')
    done = run([str(binary), "serve", "--check", "--config", str(file)])
    assert (done.returncode == 0) is is_good, done.stderr


def test_pair_that_does_not_fit_is_said_at_start(binary, tmp_path):
    first, second = make_pair(tmp_path, "first"), make_pair(tmp_path, "second")
    file = tmp_path / "martlet.conf"
    file.write_text(f'listeners.ssl.default.ssl_options {{ certfile = "{first[0]}", keyfile = "{second[1]}" }}')
    done = run([str(binary), "serve", "--check", "--config", str(file)])
    assert done.returncode == 2 and "listeners.ssl.default" in done.stderr and "fit each other" in done.stderr, done.stderr


@pytest.mark.parametrize("says_more", [False, True])
@pytest.mark.parametrize("loops", [1, 4])
@pytest.mark.parametrize("transport", ["tcp", "ssl"])
def test_a_client_that_has_ended_its_side_is_answered(start, topic, transport, loops, says_more):
    """Also where it does so without TLS's own word for it, which it has to say no sooner than it has heard all (RFC 8446 §6.1)."""
    server = start(f"node.loops = {loops}")
    octets = packets.connect(topic)
    if says_more:
        octets += packets.subscribe(1, [(topic, 0)]) + packets.packet(packets.PINGREQ)
    with socket.create_connection(server.addresses[transport], timeout=PATIENCE) as plain:
        wire = plain
        if transport == "ssl":
            context = ssl.create_default_context(cafile=f"{server.folder}/data/certs/cert.pem")
            wire = context.wrap_socket(plain.dup(), server_hostname="localhost")
        wire.sendall(octets)
        plain.shutdown(socket.SHUT_WR)
        answers = b""
        while more := wire.recv(4096):
            answers += more
        wire.close()
    kinds = []
    while answers:
        kinds.append(answers[0] >> 4)
        answers = answers[2 + answers[1]:]
    assert kinds == [packets.CONNACK] + says_more * [packets.SUBACK, packets.PINGRESP]


def test_a_certificate_ends_though_its_session_is_resumed(start, topic, tmp_path):
    """A client that resumes shows no certificate (RFC 8446 §2.2)."""
    for seconds in (4, 16, 64):  # a busy machine may need more
        begun = time.monotonic()
        visit = visitor(start, topic, short_lived_pair(tmp_path, seconds))
        first, session, _ = visit(None)
        second, session, is_resumed = visit(session)
        if time.monotonic() - begun < seconds:
            break
    assert first[0] >> 4 == second[0] >> 4 == packets.CONNACK
    assert is_resumed
    time.sleep(seconds + 1)
    answer, _, is_resumed = visit(session)
    assert is_resumed and answer == b""


def visitor(start, topic, files: list[str]):
    """Connects with a certificate, and perhaps a session, to a broker that asks for it: the first octet of the answer, the session
    for the next time, and whether the one before was resumed."""
    server = start(
        f"""listeners.ssl.default.ssl_options {{
          verify = verify_peer, cacertfile = "{files[0]}", fail_if_no_peer_cert = true
        }}"""
    )
    context = ssl.create_default_context(cafile=f"{server.folder}/data/certs/cert.pem")
    context.load_cert_chain(*files)

    def visit(session: ssl.SSLSession | None) -> tuple[bytes, ssl.SSLSession, bool]:
        with socket.create_connection(server.addresses["ssl"], timeout=PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as wire:
                try:
                    wire.sendall(packets.connect(topic))
                    return wire.recv(1), wire.session, wire.session_reused
                except (ConnectionError, ssl.SSLError):
                    return b"", wire.session, wire.session_reused

    return visit


def short_lived_pair(folder, seconds: int) -> list[str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mayfly")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(seconds=seconds))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )
    files = [folder / "mayfly.pem", folder / "mayfly.key"]
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return [str(file) for file in files]
