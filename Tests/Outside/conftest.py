"""Outside clients against the binary. `--martlet FILE` names the binary; `--mosquitto` tests mosquitto instead and leaves out the tests of
Martlet's own behaviour."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import Client, Kind, Options
from link import Link
from machines import Machines
from servers import Martlet, MosquittoServer, Server

ROOT = Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--martlet", default=str(ROOT / ".build" / "debug" / "martlet"), help="the binary under test")
    parser.addoption("--mosquitto", action="store_true", help="test mosquitto in its place")
    parser.addoption("--moves", type=int, default=30, help="changes of address of each client that moves")
    parser.addoption("--changes", type=int, default=50, help="changes of address of each client behind kube-proxy's rules")
    parser.addoption("--move-loops", type=int, default=1, help="event loops of the broker whose clients move")


def pytest_configure(config):
    config.addinivalue_line("markers", "martlet: asks for what is Martlet's own, not for MQTT")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--mosquitto"):
        for item in items:
            if item.get_closest_marker("martlet"):
                item.add_marker(pytest.mark.skip(reason="Martlet's own"))


@pytest.fixture(scope="session")
def own(request) -> bool:
    """True if Martlet is under test. The standard does not require a broker to send a reason before it closes."""
    return not request.config.getoption("--mosquitto")


@pytest.fixture(scope="session")
def binary(request) -> Path:
    path = Path(request.config.getoption("--martlet")).resolve()
    assert path.exists(), f"{path} is not built"
    return path


@pytest.fixture(scope="session")
def start(request, tmp_path_factory):
    """Starts brokers. At the end of the test each is stopped by SIGTERM, unless the test has stopped it."""
    started: list[Server] = []

    def start(configuration: str = "", *settings: str, environment: dict[str, str] | None = None) -> Server:
        folder = tmp_path_factory.mktemp("broker")
        if request.config.getoption("--mosquitto"):
            server: Server = MosquittoServer(folder)
        else:
            # What is tested here goes through folded connections wherever there is a moment of silence.
            folding = "listeners.quic.default.fold_delay = 50ms"
            server = Martlet(request.getfixturevalue("binary"), folder, f"{folding}\n{configuration}", settings, environment)
        try:
            server.wait_ready()
        except AssertionError:
            server.kill()
            raise
        started.append(server)
        return server

    yield start
    failures = []
    for server in started:
        if server.process.returncode is None:
            try:
                server.stop()
            except AssertionError as error:
                failures.append(str(error))
        shutil.rmtree(server.folder, ignore_errors=True)
    assert not failures, "\n\n".join(failures)


@pytest.fixture
def restart(binary):
    """Kills a broker, and starts another on its ports and its folder."""
    started: list[Martlet] = []

    def restart(broker: Martlet, configuration: str = "") -> Martlet:
        broker.kill()
        binds = [f'listeners.{transport}.default.bind = "{host}:{port}"' for transport, (host, port) in broker.addresses.items()]
        again = Martlet(binary, broker.folder, "\n".join([*binds, configuration]))
        started.append(again)
        again.wait_ready()
        return again

    yield restart
    for broker in started:
        if broker.is_running:
            broker.stop()


@pytest.fixture
def machines(tmp_path, binary) -> Iterator[Machines]:
    (folder := tmp_path / "cluster").mkdir()
    machines = Machines(folder, binary)
    try:
        machines.wait()
        yield machines
    finally:
        machines.stop()


@pytest.fixture(scope="session")
def shared(start) -> Server:
    """The broker that most tests share. Each test has topics and client identifiers of its own."""
    return start()


@pytest.fixture
def server(shared) -> Server:
    yield shared
    assert shared.is_running, f"the broker ended with {shared.process.returncode}:\n{shared.output}"


numbers = itertools.count(1)


@pytest.fixture
def topic() -> str:
    return f"test/{next(numbers)}"


@pytest.fixture
def connect(server):
    """Connects clients of a kind to the shared broker, and disconnects them at the end."""
    connected: list[Client] = []

    def connect(kind: Kind, identifier: str = "", to: Server | None = None, **options) -> Client:
        broker = to or server
        if kind.transport not in broker.transports:
            pytest.skip(f"no {kind.transport} here")
        client = kind.make(broker.addresses[kind.transport], kind.version, Options(identifier or f"client{next(numbers)}", **options))
        client.session_present = client.connect()
        connected.append(client)
        return client

    yield connect
    for client in connected:
        try:
            client.disconnect()
        except Exception:
            pass  # some tests leave their clients without a connection


@pytest.fixture
def link(request):
    """Makes emulated links between two network namespaces; each ends with the test."""
    if os.geteuid():
        pytest.skip("needs root for network namespaces")
    made: list[Link] = []
    binary = Path(request.config.getoption("--martlet")).resolve().with_name("martlet-link")

    def make(*commands: str, **options) -> Link:
        made.append(Link(*commands, binary=binary, **options))
        return made[-1]

    yield make
    for link in made:
        link.close()
