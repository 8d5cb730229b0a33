"""Pods behind a node's port as kube-proxy makes them, on one machine: a device, the node that it reaches over an emulated link, a pod
for each broker, and the NATS servers, each in a network namespace of its own.

    with KubeProxy(binary, folder, nodes=3) as network:
        with network.inside(network.device):
            client = AioQUIC((network.NODE, network.port(policy="Local", protocol="udp")), 5, Options("car"))

The rules are those that kube-proxy writes for iptables (chains KUBE-SVC, KUBE-SEP), so that each new flow goes to a pod by chance, and
later packets of a flow to the same one until conntrack forgets it. Nothing outside of these namespaces changes.
"""

import contextlib
import ctypes
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

from link import ROOT, Link, ip, run

CLONE_NEWNET = 0x40000000
numbers = itertools.count(1)


def script(name: str):
    """A Python script of the folder `scripts` as a module."""
    loader = SourceFileLoader(name, str(ROOT / "scripts" / name))
    module = module_from_spec(spec_from_loader(name, loader))
    sys.modules[name] = module  # which dataclasses look for
    loader.exec_module(module)
    return module


cluster = script("cluster")


class KubeProxy:
    NODE = Link.SERVER  # the address of the machine whose ports the device knows
    GATEWAY, ENGINE, PODS, MASK = "10.82.0.1", "10.82.0.2", "10.82.0.0/24", 24
    MQTT, QUIC, RELAY = 1883, 14567, 14568  # of each pod
    # externalTrafficPolicy: the pods see the node's address, or the client's own.
    PORTS = {"Cluster": {"udp": 30567, "tcp": 30883}, "Local": {"udp": 31567, "tcp": 31883}}
    # An IPv4 packet of the relay's beat is 85 octets long, and one with a datagram longer.
    BEAT = 85

    def __init__(self, binary: Path, folder: Path, *commands: str, nodes: int = 3, configuration: str = "", preferred: bool = False):
        """`commands` are those of martlet-link, and `configuration` is every broker's. With `preferred` QUIC clients are told the address of the pod
        that they have reached, which the device reaches as well."""
        number = f"{os.getpid()}-{next(numbers)}"
        self.pods = [f"martlet-pod-{number}-{index}" for index in range(nodes)]
        self.engine = f"martlet-engine-{number}"
        self.places = [cluster.Place(f"10.82.0.{10 + index}", self.MQTT, self.QUIC, self.RELAY) for index in range(nodes)]
        self.servers: list[cluster.Child] = []
        self.brokers: list[cluster.Child] = []
        self._addresses = itertools.cycle([f"10.71.1.{number}" for number in range(2, 250)])
        self.link: Link | None = None
        try:
            self.link = Link(*commands, binary=binary.with_name("martlet-link"))
            self.device, self.host = self.link.namespaces["client"], self.link.namespaces["server"]
            self._join()
            self._write_rules()
            self._start(binary, folder, configuration, preferred)
        except BaseException:
            self.close()
            raise

    # What tests use.

    @staticmethod
    @contextlib.contextmanager
    def inside(namespace: str) -> Iterator[None]:
        """Lets this thread, and the threads and processes that it begins, open their sockets in a network namespace."""
        with open("/proc/thread-self/ns/net") as before, open(f"/var/run/netns/{namespace}") as after:
            _enter(after.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def port(self, policy: str, protocol: str) -> int:
        return self.PORTS[policy][protocol]

    def add_address(self) -> str:
        """Another address of the device."""
        address = next(self._addresses)
        ip("-n", self.device, "address", "add", f"{address}/32", "dev", "wire")
        return address

    def delete_address(self, address: str) -> None:
        ip("-n", self.device, "address", "delete", f"{address}/32", "dev", "wire")

    def forget_after(self, seconds: int) -> None:
        """Sets how long conntrack keeps a flow of UDP that is silent, from its next packet on."""
        for kind in ("", "_stream"):
            self._at(self.host, "sysctl", "-qw", f"net.netfilter.nf_conntrack_udp_timeout{kind}={seconds}")

    def flows(self) -> list[int]:
        """New flows that went to each pod: QUIC's."""
        return [self._counted(self.host, "nat", f"-p udp .*--to-destination {place.host}:") for place in self.places]

    def relayed(self) -> list[int]:
        """Frames with datagrams that came to each pod's relay; a train of datagrams is one."""
        return [self._counted(pod, "filter", f"--dport {self.RELAY} ") for pod in self.pods]

    def _counted(self, namespace: str, table: str, rule: str) -> int:
        """Packets that rules have matched."""
        said = self._at(namespace, "iptables-save", "-c", "-t", table)
        counts = re.findall(rf"^\[(\d+):\d+\] -A .*{rule}", said, re.M)
        assert counts, said
        return sum(map(int, counts))

    # How it is made.

    @staticmethod
    def _at(namespace: str, *command: str, given: str = "") -> str:
        done = subprocess.run(["ip", "netns", "exec", namespace, *command], input=given, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def _join(self) -> None:
        for name in (self.engine, *self.pods):
            ip("netns", "add", name)
        ip("-n", self.host, "link", "add", "pods", "type", "bridge")
        ip("-n", self.host, "link", "set", "pods", "up")
        ip("-n", self.host, "address", "add", f"{self.GATEWAY}/{self.MASK}", "dev", "pods")
        hosts = [self.ENGINE, *(place.host for place in self.places)]
        for index, (name, address) in enumerate(zip((self.engine, *self.pods), hosts)):
            ip("-n", self.host, "link", "add", f"pod{index}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("-n", self.host, "link", "set", f"pod{index}", "master", "pods", "up")
            for device in ("lo", "eth0"):
                ip("-n", name, "link", "set", device, "up")
            ip("-n", name, "address", "add", f"{address}/{self.MASK}", "dev", "eth0")
            ip("-n", name, "route", "add", "default", "via", self.GATEWAY)

    def _write_rules(self) -> None:
        self._at(self.host, "iptables-restore", given=self.rules())
        self._at(self.host, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for pod in self.pods:
            self._at(pod, "iptables", "-A", "INPUT", "-p", "udp", "--dport", str(self.RELAY), "-m", "length", "--length", f"{self.BEAT + 1}:65535")

    def rules(self) -> str:
        """The table nat as kube-proxy writes it for two services with a port of the node, one of each policy."""
        chains = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-MARK-MASQ", "KUBE-POSTROUTING"]
        rules = [
            "PREROUTING -j KUBE-SERVICES",
            "OUTPUT -j KUBE-SERVICES",
            "POSTROUTING -j KUBE-POSTROUTING",
            # Not kube-proxy's, but that of the network between pods: what pods say first to the world outside has the node's address.
            f"POSTROUTING -s {self.PODS} ! -d {self.PODS} -j MASQUERADE",
            "KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
            "KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
            "KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
            "KUBE-POSTROUTING -j MARK --xor-mark 0x4000",
            "KUBE-POSTROUTING -j MASQUERADE --random-fully",
        ]
        for policy, ports in self.PORTS.items():
            for protocol, port in ports.items():
                name = f"{policy.upper()}-{protocol.upper()}"
                chains += [f"KUBE-EXT-{name}", f"KUBE-SVC-{name}"]
                rules.append(f"KUBE-NODEPORTS -p {protocol} --dport {port} -j KUBE-EXT-{name}")
                rules += [f"KUBE-EXT-{name} -j KUBE-MARK-MASQ"] if policy == "Cluster" else []
                rules.append(f"KUBE-EXT-{name} -j KUBE-SVC-{name}")
                for index, place in enumerate(self.places):
                    endpoint, left = f"KUBE-SEP-{name}-{index}", len(self.places) - index
                    chains.append(endpoint)
                    chance = f"-m statistic --mode random --probability {1 / left:.10f} " if left > 1 else ""
                    rules.append(f"KUBE-SVC-{name} {chance}-j {endpoint}")
                    rules.append(f"{endpoint} -s {place.host} -j KUBE-MARK-MASQ")
                    target = place.quic if protocol == "udp" else place.mqtt
                    rules.append(f"{endpoint} -p {protocol} -j DNAT --to-destination {place.host}:{target}")
        return "\n".join(["*nat", *(f":{chain} - [0:0]" for chain in chains), *(f"-A {rule}" for rule in rules), "COMMIT", ""])

    def _start(self, binary: Path, folder: Path, configuration: str, preferred: bool) -> None:
        self.servers = cluster.servers(folder, cluster.nats_server(), [self.ENGINE] * cluster.COUNT)
        self.brokers = cluster.brokers(folder, binary, self.places, [self.ENGINE] * cluster.COUNT, preferred)
        for child, namespace in [*((server, self.engine) for server in self.servers), *zip(self.brokers, self.pods)]:
            child.entering = ("ip", "netns", "exec", namespace)
        for broker in self.brokers:
            with (folder / f"{broker.name}.conf").open("a") as file:
                file.write(configuration)
        for server in self.servers:
            server.start()
        with self.inside(self.host):
            cluster.wait(self.servers, lambda server: cluster.answers(server, self.ENGINE))
        for broker in self.brokers:
            broker.start()
        cluster.wait(self.brokers, cluster.is_ready)

    def __enter__(self) -> "KubeProxy":
        return self

    def __exit__(self, *_) -> None:
        killed = self.close()
        assert not killed, f"these do not stop: {killed}"

    def close(self) -> list[str]:
        """Ends all of it. Returns the names of the brokers that did not end by themselves."""
        killed = cluster.stop(self.brokers)
        cluster.stop(self.servers)
        for name in (self.engine, *self.pods):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)
        if self.link:
            self.link.close()
        return killed


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
