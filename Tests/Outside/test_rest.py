"""The REST interface `/api/v5`, as the peer's users, probes and programs use it."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
import schemathesis
from openapi_spec_validator import validate
from schemathesis import GenerationMode

from clients import Options, WireOverTCP
from servers import free_port, wait_until
from test_cluster import Cluster, Device, cluster  # noqa: F401, the fixture

pytestmark = pytest.mark.martlet
PASSWORD = "correct-horse-1"


class REST:
    """Requests with an account, or without."""

    def __init__(self, connect, authorization: str | None = None):
        self.connect, self.authorization = connect, authorization

    def __call__(self, method: str, path: str, body=None, **headers: str):
        """The status, and the body as JSON if it is some."""
        connection = self.connect()
        if self.authorization:
            headers["Authorization"] = self.authorization
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, "/api/v5" + path, body, headers)
            self.answer = connection.getresponse()
            octets = self.answer.read()
        finally:
            connection.close()
        return self.answer.status, json.loads(octets) if octets[:1] in (b"{", b"[") else octets.decode()

    def get(self, path: str):
        status, answer = self("GET", path)
        assert status == 200, answer
        return answer

    def refused(self, method: str, path: str, body=None, **headers: str) -> tuple[int, str]:
        status, answer = self(method, path, body, **headers)
        return status, answer["code"]


class Unix(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self.path))


class Admin:
    """A broker with a REST interface."""

    def __init__(self, start, *settings: str):
        self.port = free_port()
        self.broker = start(f'dashboard.listeners.http.bind = "127.0.0.1:{self.port}"\n' + "\n".join(settings))
        self.nobody = REST(self.open)
        assert wait_until(lambda: self.nobody("GET", "/nodes")[0] == 401)

    def open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def sign_in(self, user: str, password: str) -> REST:
        status, answer = self.nobody("POST", "/login", {"username": user, "password": password})
        assert status == 200, answer
        assert answer["license"] == {"edition": "opensource"}
        return REST(self.open, "Bearer " + answer["token"])

    def key(self, key: str, secret: str) -> REST:
        return REST(self.open, "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode())


@pytest.fixture
def admin(start) -> Admin:
    return Admin(start, f"dashboard.default_password = {PASSWORD}")


def test_status_for_probes(admin):
    connection = admin.open()
    connection.request("GET", "/status")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read().decode().split("\n")[1:] == ["emqx is running"]
    connection.request("GET", "/status?format=json")
    answer = connection.getresponse()
    assert json.loads(answer.read())["app_status"] == "running" and answer.headers["Retry-After"] == "15"


def test_a_password_is_made_and_kept(start):
    admin = Admin(start)
    file = admin.broker.folder / "data" / "dashboard-password"
    password = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert wait_until(lambda: password in admin.broker.output)
    user = admin.sign_in("admin", password)
    status, _ = user("POST", "/users/admin/change_pwd", {"old_pwd": password, "new_pwd": PASSWORD})
    assert status == 204
    # All tokens of the user end.
    assert user.refused("GET", "/nodes") == (401, "BAD_TOKEN")
    assert admin.nobody.refused("POST", "/login", {"username": "admin", "password": password}) == (401, "BAD_USERNAME_OR_PWD")
    admin.sign_in("admin", PASSWORD)


def test_a_configured_password_is_in_force_at_every_start(start, restart):
    admin = Admin(start, "dashboard.default_password = public")
    assert wait_until(lambda: "everybody knows" in admin.broker.output)
    user = admin.sign_in("admin", "public")
    assert user("POST", "/users/admin/change_pwd", {"old_pwd": "public", "new_pwd": PASSWORD})[0] == 204
    configuration = f'dashboard.listeners.http.bind = "127.0.0.1:{admin.port}"\ndashboard.default_password = public'
    again = restart(admin.broker, configuration)
    assert wait_until(lambda: admin.nobody("GET", "/nodes")[0] == 401)
    user = admin.sign_in("admin", "public")
    # A token outlives the process.
    restart(again, configuration)
    assert wait_until(lambda: user("GET", "/nodes")[0] == 200)
    assert user("POST", "/logout", {"username": "admin"})[0] == 204
    assert user.refused("GET", "/nodes") == (401, "BAD_TOKEN")


def test_what_cannot_be_used_is_said_at_the_start(binary, tmp_path):
    (tmp_path / "keys").write_text("good:secret\nno-colon\n")
    for setting, said in (
        ("dashboard.default_password=short", "dashboard.default_password"),
        ("dashboard.default_username=a-b", "dashboard.default_username"),
        (f"api_key.bootstrap_file={tmp_path}/keys", f"{tmp_path}/keys:2"),
    ):
        command = [binary, "serve", "--set", "listeners.tcp.default.bind=127.0.0.1:0", "--set", f"dashboard.listeners.http.bind=127.0.0.1:{free_port()}", "--set", setting]
        done = subprocess.run([*command, "--set", f"node.data_dir={tmp_path}/data"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and said in done.stderr and "no-colon" not in done.stderr and "short" not in done.stderr, done.stderr


def test_a_port_of_somebody_else_is_named(binary, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        command = [binary, "serve", "--set", "listeners.tcp.default.bind=127.0.0.1:0", "--set", "listeners.quic.default.enable=false"]
        command += ["--set", f"dashboard.listeners.http.bind=127.0.0.1:{port}", "--set", f"node.data_dir={tmp_path}/data"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and f"dashboard.listeners.http: cannot listen on 127.0.0.1:{port}" in done.stderr, done.stderr


def test_api_keys(admin, start, tmp_path):
    user = admin.sign_in("admin", PASSWORD)
    _, made = user("POST", "/api_key", {"name": "exporter", "desc": "reads", "enable": True, "role": "viewer"})
    program = admin.key(made["api_key"], made["api_secret"])
    assert len(program.get("/nodes")) == 1
    assert program.refused("DELETE", "/clients/nobody") == (403, "UNAUTHORIZED_ROLE")
    assert program.refused("GET", "/users") == (401, "API_KEY_NOT_ALLOW")
    assert admin.key(made["api_key"], "wrong").refused("GET", "/nodes") == (401, "BAD_API_KEY_OR_SECRET")
    # Users do not sign requests by their passwords.
    assert admin.key("admin", PASSWORD).refused("GET", "/nodes") == (401, "BAD_API_KEY_OR_SECRET")
    assert "api_secret" not in user.get("/api_key/exporter")
    assert user("PUT", "/api_key/exporter", {"enable": False})[1]["enable"] is False
    assert program.refused("GET", "/nodes") == (401, "BAD_API_KEY_OR_SECRET")
    assert user("DELETE", "/api_key/exporter")[0] == 204
    assert user.refused("GET", "/api_key/exporter") == (404, "NOT_FOUND")

    file = tmp_path / "keys"
    file.write_text("first:a-secret-of-a-file:administrator\n\nsecond:another-secret:publisher\n")
    other = Admin(start, f'api_key.bootstrap_file = "{file}"')
    assert other.key("first", "a-secret-of-a-file").get("/cluster")["nodes"]
    assert other.key("second", "another-secret").refused("GET", "/cluster") == (403, "UNAUTHORIZED_ROLE")


def test_clients(admin):
    user = admin.sign_in("admin", PASSWORD)
    address = admin.broker.addresses["tcp"]
    clients = [WireOverTCP(address, 5, Options(f"car/{number}", expires=100)) for number in range(5)]
    for client in clients:
        client.connect()
        client.subscribe("fleet/#", 1)
    page = user.get("/clients?limit=2&page=2")
    assert page["meta"] == {"page": 2, "limit": 2, "count": 5, "hasnext": True} and len(page["data"]) == 2
    rows = user.get("/clients?fields=clientid,connected,subscriptions_cnt&sort=clientid&order=desc")["data"]
    assert rows == [{"clientid": f"car/{number}", "connected": True, "subscriptions_cnt": 1} for number in (4, 3, 2, 1, 0)]
    one = user.get("/clients/car%2F3")
    assert (one["proto_ver"], one["ip_address"], one["listener"], one["expiry_interval"]) == (5, "127.0.0.1", "tcp:default", 100)
    assert user.get("/clients?like_clientid=r/2&proto_ver=5")["meta"]["count"] == 1
    assert user.get("/clients?clientid=car%2F1&clientid=car%2F2&conn_state=connected")["meta"]["count"] == 2
    assert {row["clientid"] for row in user.get("/subscriptions?match_topic=fleet%2F%2B&qos=1&limit=10")["data"]} == {f"car/{number}" for number in range(5)}
    assert user.get("/subscriptions?match_topic=other%2F%23")["data"] == []
    assert user.get("/clients/car%2F3/subscriptions")[0]["topic"] == "fleet/#"
    clients[0].disconnect()
    assert wait_until(lambda: user.get("/clients?conn_state=disconnected")["meta"]["count"] == 1)
    assert user("DELETE", "/clients/car%2F3")[0] == 204
    assert clients[3].wait_closed() == 0x98  # administrative action
    assert user.refused("GET", "/clients/car%2F3") == (404, "CLIENTID_NOT_FOUND")
    assert user.refused("DELETE", "/clients/car%2F3") == (404, "CLIENTID_NOT_FOUND")
    assert user("DELETE", "/clients/car%2F0")[0] == 204
    assert user.get("/stats?aggregate=true")["sessions.count"] == 3
    assert [entry["operation_id"] for entry in user.get("/audit?limit=2")["data"]] == ["DELETE /clients/{clientid}"] * 2


def test_publish(admin):
    user = admin.sign_in("admin", PASSWORD)
    client = WireOverTCP(admin.broker.addresses["tcp"], 5, Options("listener", expires=100))
    client.connect()
    client.subscribe("news/#", 2)
    status, answer = user("POST", "/publish", {"topic": "news/1", "payload": "aGVsbG8=", "payload_encoding": "base64", "qos": 1})
    assert status == 200 and len(answer["id"]) == 32
    message = client.next()
    assert (message.topic, message.payload, message.qos) == ("news/1", b"hello", 1)
    assert user("POST", "/publish", {"topic": "other", "payload": "kept", "retain": True}) == (202, {"reason_code": 16, "message": "no_matching_subscribers"})
    client.subscribe("other", 1)
    assert client.next().payload == b"kept"
    for topic in ("a/#", "", "a\0b", "x" * 70_000):
        assert user("POST", "/publish", {"topic": topic, "payload": ""}) == (400, {"reason_code": 144, "message": "topic_name_invalid"}), topic
    assert user("POST", "/publish", {"topic": "a", "payload": "", "properties": {"content_type": "x" * 70_000}})[0] == 400
    assert user.refused("POST", "/publish", {"topic": "a", "payload": "?", "payload_encoding": "base64"}) == (400, "BAD_REQUEST")
    status, answers = user("POST", "/publish/bulk", [{"topic": f"news/{number}", "payload": str(number), "qos": 2} for number in range(50)] + [{"topic": "nobody", "payload": ""}])
    assert status == 202 and [("id" in answer) for answer in answers] == [True] * 50 + [False]
    assert [client.next().payload for _ in range(50)] == [str(number).encode() for number in range(50)]


def test_wrong_requests(admin):
    user = admin.sign_in("admin", PASSWORD)
    assert admin.nobody.refused("GET", "/nodes") == (401, "AUTHORIZATION_HEADER_ERROR")
    assert admin.nobody.answer.headers["WWW-Authenticate"].startswith("Basic")
    assert REST(admin.open, "Bearer forged").refused("GET", "/nodes") == (401, "BAD_TOKEN")
    for query in ("limit=0", "limit=10001", "page=x", "sort=nonsense", "gte_connected_at=soon"):
        assert user.refused("GET", f"/clients?{query}")[0] == 400, query
    assert user.refused("GET", "/nowhere") == (404, "NOT_FOUND")
    assert user.refused("POST", "/login", b"{", **{"Content-Type": "text/plain"}) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert user.refused("POST", "/login", b"{") == (400, "BAD_REQUEST")
    assert user.refused("POST", "/login", b"[" * 100_000) == (400, "BAD_REQUEST")
    assert user.refused("POST", "/login", {"username": "a", "password": "b", "more": 1}) == (400, "BAD_REQUEST")
    # More than `HTTPLimits.maximumBody`: the connection is closed.
    with pytest.raises((OSError, http.client.HTTPException)):
        for _ in range(3):
            user("POST", "/login", b" " * (2 << 20))


def test_guesses_lock_nobody_out(admin):
    """Whoever guesses shares the address of those who have an account, as behind kube-proxy."""
    user = admin.sign_in("admin", PASSWORD)
    answers = [admin.nobody("POST", "/login", {"username": "admin", "password": f"guess-{number}"})[0] for number in range(8)]
    assert answers[:5] == [401] * 5 and 429 in answers[5:]
    assert int(admin.nobody.answer.headers["Retry-After"]) >= 1
    assert len(user.get("/nodes")) == 1
    assert "guess-" not in admin.broker.output


def test_document(admin):
    document = admin.nobody.get("/api-docs/swagger.json")
    validate(document)
    user = admin.sign_in("admin", PASSWORD)
    # What would end the token that the rest is asked with.
    for path in ("/logout", "/users/{username}/change_pwd", "/login"):
        del document["paths"][path]
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"http://127.0.0.1:{admin.port}/api/v5", headers={"Authorization": user.authorization})
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], max_examples=15, database="none")
    # Guesses of keys are answered with 429 after a while, and passwords and names have rules that no schema says.
    for check in ("ignored_auth", "positive_data_acceptance"):
        getattr(schema.config.checks, check).enabled = False
    mistakes, asked = [], 0
    for event in schemathesis.engine.from_schema(schema).execute():
        if isinstance(event, schemathesis.engine.events.ScenarioFinished):
            asked += len(event.recorder.cases)
            for checks in event.recorder.checks.values():
                mistakes += [f"{check.name}: {check.failure_info.failure.message}" for check in checks if check.failure_info]
    assert asked > 100
    assert mistakes == [], "\n".join(sorted(set(mistakes)))


def test_nodes_are_one(cluster: Cluster):
    """Each node answers for all, and a node that is paused is named."""
    devices = [Device(f"device-{number}", number % 3) for number in range(9)]
    for device in devices:
        device.subscribe("all")
    folder = Path(re.search(r"logs are in (\S+)\.\n", "".join(cluster.said))[1])
    rests = [REST(lambda path=folder / f"broker-{number}" / "control.sock": Unix(path)) for number in range(3)]
    expected = {f"device-{number}" for number in range(9)}

    def listed(rest: REST, path: str, silent: list[str] | None = None):
        """A page once just those nodes are silent: on a busy machine others may not answer in time."""
        pages = []
        assert wait_until(lambda: [error["node"] for error in (pages.append(rest.get(path)) or pages[-1]).get("errors", [])] == (silent or [])), pages[-1]
        return pages[-1]

    for rest in rests:
        for path in ("/clients", "/clients?sort=clientid", "/subscriptions"):
            page = listed(rest, path)
            assert {row["clientid"] for row in page["data"]} == expected and page["meta"]["count"] == 9, page
        rows = {row["clientid"]: row for row in listed(rest, "/clients?limit=4&page=2&sort=clientid")["data"]}
        assert set(rows) == {f"device-{number}" for number in range(4, 8)}
        assert all(row["subscriptions_cnt"] == 1 and row["durable"] for row in rows.values())
    assert len({row["node"] for row in listed(rests[0], "/clients")["data"]}) == 3
    assert rests[0]("DELETE", "/clients/device-4")[0] == 204
    assert rests[2].refused("GET", "/clients/device-4") == (404, "CLIENTID_NOT_FOUND")
    os.kill(cluster.processes[1], signal.SIGSTOP)
    try:
        # The others may have taken its lanes meanwhile: then its clients are away there.
        page = listed(rests[0], "/clients?conn_state=connected", silent=["broker-1"])
        assert {row["clientid"] for row in page["data"]} == {f"device-{number}" for number in (0, 2, 3, 5, 6, 8)}
    finally:
        os.kill(cluster.processes[1], signal.SIGCONT)
