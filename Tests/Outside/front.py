"""One address before all brokers of a `nodes.Cluster`, as a Service of Kubernetes is: each new flow goes to a broker by chance."""

import subprocess

from nodes import PLACES


class Front:
    """In the network namespace of the process that makes it, whose own clients it is for."""

    HOST, MQTT, QUIC = "10.74.0.100", 1883, 14567

    def __init__(self, brokers: list):
        self._load("table ip front {\n chain leaving {\n  type nat hook output priority -100\n }\n}")
        self._brokers = list(brokers)
        self._write()

    def add(self, broker) -> None:
        self._brokers.append(broker)
        self._write()

    def remove(self, broker) -> None:
        """Flows that are there go on."""
        self._brokers.remove(broker)
        self._write()

    def _write(self) -> None:
        places = [PLACES[int(broker.name[-1])] for broker in self._brokers]
        rules = ["flush chain ip front leaving"]
        for protocol, port in (("tcp", self.MQTT), ("udp", self.QUIC)):
            choices = ", ".join(f"{index} : {place.host} . {place.mqtt if protocol == 'tcp' else place.quic}" for index, place in enumerate(places))
            rules.append(f"add rule ip front leaving ip daddr {self.HOST} {protocol} dport {port} dnat to numgen random mod {len(places)} map {{ {choices} }}")
        self._load("\n".join(rules))

    @staticmethod
    def _load(rules: str) -> None:
        done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
