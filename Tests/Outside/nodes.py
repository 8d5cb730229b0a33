"""Three NATS servers and three brokers, each in a network namespace of its own, that are killed, paused, stopped and cut off from each other.

The namespaces are joined by a bridge in that of the process that makes a `Cluster`, which should be one of its own (`os.unshare`).
"""

import contextlib
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90  # seconds for what has to happen some time
MEETINGS = 10  # attempts of a broker to have a connection to a certain NATS server


def _script(name: str):
    """A program of `scripts` as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "scripts" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    import sys

    sys.modules[name] = module
    loader.exec_module(module)
    return module


make = _script("cluster")
COUNT, MQTT, QUIC, RELAY, NATS, ROUTE = make.COUNT, make.MQTT, make.QUIC, make.RELAY, make.NATS, make.ROUTE
BROKERS = [f"10.74.0.{11 + index}" for index in range(COUNT)]
PLACES = [make.Place(host, MQTT + index, QUIC + index, RELAY + index) for index, host in enumerate([*BROKERS, "10.74.0.14"])]
SERVERS = [f"10.74.0.{21 + index}" for index in range(COUNT)]
LANES = 64
STREAMS = [f"MARTLET_local_L{number}" for number in range(4)]


class Namespace:
    """A network namespace with one address on the bridge. It ends with its process."""

    def __init__(self, name: str, address: str):
        self.address = address
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net")
        wait(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own, f"the namespace of {name}")
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "wire", "netns", str(self.holder.pid))
        run("ip", "link", "set", name, "master", "hub", "up")
        for words in ("link set lo up", f"address add {address}/24 dev wire", "link set wire up"):
            run(*self.entering, "ip", *words.split())
        run(*self.entering, "nft", "add table inet cut; add chain inet cut arriving { type filter hook input priority 0; }")

    @property
    def entering(self) -> tuple[str, ...]:
        return ("nsenter", f"--net=/proc/{self.holder.pid}/ns/net")

    def drop(self, source: str, udp_port: int | None = None) -> None:
        """Nothing comes in from an address, or none of its datagrams to a port."""
        datagrams = f"udp dport {udp_port}" if udp_port else ""
        run(*self.entering, "nft", f"add rule inet cut arriving ip saddr {source} {datagrams} drop")

    def heal(self) -> None:
        run(*self.entering, "nft", "flush chain inet cut arriving")

    def close(self) -> None:
        self.holder.kill()
        self.holder.wait()


class Cluster:
    """Starts all of it. `configuration` is added to that of the brokers."""

    def __init__(self, martlet: Path, configuration: str = ""):
        self.folder = Path(tempfile.mkdtemp(prefix="martlet-failures-"))
        self.namespaces: dict[str, Namespace] = {}
        self.brokers: list = []
        self.servers: list = []
        self.spare = None  # a fourth broker, which is not started
        try:
            run("ip", "link", "set", "lo", "up")
            run("ip", "link", "add", "hub", "type", "bridge")
            run("ip", "address", "add", "10.74.0.1/24", "dev", "hub")
            run("ip", "link", "set", "hub", "up")
            self.servers = make.servers(self.folder, make.nats_server(), SERVERS)
            *self.brokers, self.spare = make.brokers(self.folder, martlet, PLACES, SERVERS)
            for child, address in zip([*self.children, self.spare], SERVERS + [place.host for place in PLACES]):
                self.namespaces[child.name] = Namespace(child.name, address)
                child.entering = self.namespaces[child.name].entering
            for broker in [*self.brokers, self.spare]:
                with (self.folder / f"{broker.name}.conf").open("a") as file:
                    file.write(configuration)
            self.start(self.servers)
            self.start(self.brokers)
            self.wait()
        except BaseException:
            self.close()
            raise

    @property
    def children(self) -> list:
        return self.servers + self.brokers

    # What fails.

    def grow(self):
        """Starts the spare broker as one more. Returns it."""
        self.brokers.append(child := self.spare)
        self.start([child])
        return child

    def shrink(self) -> None:
        """Stops the broker that was added."""
        self.stop(self.spare)
        self.brokers.remove(self.spare)

    def kill(self, child) -> None:
        child.process.kill()
        child.process.wait()

    def stop(self, child) -> float:
        """A planned stop. Returns how many seconds it took."""
        began = time.monotonic()
        child.process.terminate()
        try:
            code = child.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Hung(f"{child.name} does not stop") from None
        # A NATS server ends with 1 after SIGTERM.
        if child not in self.servers and code != 0:
            raise Hung(f"{child.name} stopped with {code}:\n{child.said()}")
        return time.monotonic() - began

    def pause(self, child) -> None:
        child.process.send_signal(signal.SIGSTOP)

    def resume(self, child) -> None:
        child.process.send_signal(signal.SIGCONT)

    def start(self, children: list) -> None:
        for child in children:
            child.marks = child.log.read_text(errors="replace").count(READY) if child.log.exists() else 0
            child.start()

    def cut(self, one, other, ways: str = "both", udp_port: int | None = None) -> None:
        """Drops what `other` has for `one` (`in`), what `one` has for `other` (`out`), or both."""
        if ways in ("both", "in"):
            self.namespaces[one.name].drop(self.namespaces[other.name].address, udp_port and udp_port + self._index(one))
        if ways in ("both", "out"):
            self.namespaces[other.name].drop(self.namespaces[one.name].address, udp_port and udp_port + self._index(other))

    @staticmethod
    def _index(child) -> int:
        return int(child.name[-1])

    def heal(self) -> None:
        for namespace in self.namespaces.values():
            namespace.heal()

    # What is asked.

    def is_up(self, child) -> bool:
        if not child.runs:
            raise Hung(f"{child.name} has ended with {child.process.returncode}:\n{child.said()}")
        return child in self.servers or child.log.read_text(errors="replace").count(READY) > child.marks

    def wait(self) -> None:
        """Until every process serves, and every copy of the lanes is complete."""
        for child in self.children:
            wait(lambda child=child: self.is_up(child), f"{child.name} to be ready")
        wait(self._is_replicated, "NATS's replicas to be complete")

    def leaders(self) -> dict[str, str]:
        """The NATS server that leads each stream of lanes."""
        return {name: stream["leader"] for name, stream in self._streams().items()}

    def meet(self, broker, server) -> bool:
        """Restarts a broker until one of its connections is to a NATS server, since one that had to leave a server does not go back. Returns whether it was restarted."""
        for attempt in range(MEETINGS):
            own = next((node for node in self.picture(broker).get("nodes", []) if node["name"] == broker.name), {})
            if any(connection.get("server") == server.name for connection in own.get("status", {}).get("nats", [])):
                return attempt > 0
            self.stop(broker)
            self.start([broker])
            self.wait()
        raise Hung(f"{broker.name} has no connection to {server.name}")

    def picture(self, broker) -> dict:
        """The cluster as one of its brokers sees it (`martlet ctl cluster`)."""
        done = subprocess.run([broker.command[0], "ctl", "cluster", "--json", "--data", self.folder / broker.name], capture_output=True, text=True, timeout=30)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def disagreements(self, clients: int) -> list[str]:
        """What the brokers say of the cluster that cannot be true at once, or is not as it should be with so many clients."""
        found, leads, connections = [], {}, 0
        for broker in self.brokers:
            picture = self.picture(broker)
            own = next((node for node in picture.get("nodes", []) if node.get("node") == picture.get("node") is not None), {}).get("status")
            if not own:
                found.append(f"{broker.name} does not say how it is")
                continue
            connections += own["connections"]
            leads[broker.name] = {lane["lane"]: (lane.get("node"), lane["term"]) for lane in picture["lanes"]}
            led = sum(node == picture["node"] for node, _ in leads[broker.name].values())
            if own["lag"]["lanes_led"] != led:
                found.append(f"{broker.name} leads {own['lag']['lanes_led']} lanes, and says that it leads {led}")
        for lane in range(LANES):
            said = {name: lanes.get(lane) for name, lanes in leads.items()}
            if len(set(said.values())) != 1 or None in (lead and lead[0] for lead in said.values()):
                found.append(f"lane {lane} is led by (node, term) {said}")
        if not found and connections != clients:
            found.append(f"{connections} connections of {clients} clients")
        return found

    def _is_replicated(self) -> bool:
        streams = self._streams()
        return len(streams) == len(STREAMS) and all(
            stream.get("leader") and len(stream.get("replicas", [])) == COUNT - 1 and all(copy["current"] and not copy.get("offline") for copy in stream["replicas"])
            for stream in streams.values()
        )

    def _streams(self) -> dict[str, dict]:
        """What NATS says of the copies of each stream; streams that nobody answers for are missing."""
        found = {}
        for host, port in ((host, NATS + index) for index, host in enumerate(SERVERS)):
            with contextlib.suppress(OSError), connect_to_nats(self.folder, host, port) as connection:
                ask = "".join(f"PUB $JS.API.STREAM.INFO.{name} answers.{name} 0\r\n\r\n" for name in STREAMS)
                connection.sendall(f"SUB answers.* 1\r\n{ask}".encode())
                read, end = b"", time.monotonic() + 2
                while len(found) < len(STREAMS) and time.monotonic() < end:
                    read += (more := connection.recv(65536))
                    if not more:
                        break
                    for name, length in re.findall(rb"MSG answers\.(\w+) 1 (\d+)\r\n", read):
                        body = read.split(b"MSG answers." + name + b" 1 " + length + b"\r\n", 1)[1][: int(length)]
                        if len(body) == int(length) and "cluster" in (answer := json.loads(body)):
                            found[name.decode()] = answer["cluster"]
                if len(found) == len(STREAMS):
                    return found
        return found

    def close(self, keep: bool = False) -> None:
        for child in self.children:
            if child.process and child.runs:
                child.process.send_signal(signal.SIGCONT)
        with contextlib.suppress(AssertionError):
            self.heal()
        make.stop(self.brokers)
        make.stop(self.servers)
        for namespace in self.namespaces.values():
            namespace.close()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def connect_to_nats(folder: Path, host: str, port: int) -> ssl.SSLSocket:
    """A connection to one of the NATS servers of a folder, as a broker makes it: TLS begins behind the server's first line."""
    plain = socket.create_connection((host, port), timeout=1)
    try:
        said = b""
        while not said.endswith(b"\r\n"):
            said += (more := plain.recv(4096))
            if not more:
                raise ConnectionError("the server says nothing")
        trust = ssl.create_default_context(cafile=folder / make.AUTHORITY)
        connection = trust.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise
    options = json.dumps({"verbose": False, "pedantic": False, "user": make.USER, "pass": (folder / make.PASSWORD).read_text()})
    connection.sendall(f"CONNECT {options}\r\n".encode())
    return connection


def ask_jetstream(folder: Path, host: str, port: int, operation: str, body: dict | None = None) -> dict:
    """What JetStream answers to an operation of its API."""
    request = json.dumps(body).encode() if body is not None else b""
    with connect_to_nats(folder, host, port) as connection:
        connection.settimeout(10)
        connection.sendall(b"SUB answer 1\r\nPUB $JS.API.%s answer %d\r\n%s\r\n" % (operation.encode(), len(request), request))
        read = b""
        while not (found := re.search(rb"MSG answer 1 (\d+)\r\n", read)) or len(read) < found.end() + int(found[1]):
            read += (more := connection.recv(65536))
            if not more:
                raise ConnectionError("the server ends the connection")
        return json.loads(read[found.end():found.end() + int(found[1])])


READY = "martlet is ready"


class Hung(Exception):
    """A process does not do what it has to."""


def wait(condition, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Hung(f"waited {PATIENCE} s for {what}")
        time.sleep(0.05)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
