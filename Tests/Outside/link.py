"""An emulated link: two network namespaces that only martlet-link connects.

    with Link("set delay 25ms loss 1%") as link:
        server = Martlet(binary, folder, link.listeners, entering=link.at_server)
        subprocess.run([*link.at_client, "ping", "-c", "1", link.SERVER])
"""

import itertools
import json
import os
import queue
import subprocess
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
numbers = itertools.count(1)


class Link:
    SERVER = "10.72.0.1"
    CLIENT = "10.71.0.2"  # and the addresses above it, where more are asked for
    NAT = [f"10.73.0.{number}" for number in range(1, 17)]
    MTU = 1500
    PORTS = {"tcp": 1883, "ssl": 8883, "quic": 14567}
    listeners = "\n".join(f'listeners.{kind}.default.bind = "0.0.0.0:{port}"' for kind, port in PORTS.items())

    def __init__(self, *commands: str, seed: int = 1, nat: bool = False, nat_timeout: float = 120, clients: int = 1, binary: Path | None = None):
        """`commands` are those of martlet-link; `nat` puts a NAT on the clients' side."""
        number = f"{os.getpid()}-{next(numbers)}"
        self.namespaces = {"client": f"martlet-client-{number}", "server": f"martlet-server-{number}"}
        self.said: queue.Queue[dict] = queue.Queue()
        self.bound: list[dict] = []  # clients' first packets from an outside endpoint, as they come
        self.answered: list[dict] = []  # and the first packets back
        self.process: subprocess.Popen | None = None
        try:
            self.join(clients)
            self.start(binary or ROOT / ".build" / "debug" / "martlet-link", seed, nat, nat_timeout, commands)
        except BaseException:
            self.close()
            raise

    @property
    def at_client(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.namespaces["client"])

    @property
    def at_server(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.namespaces["server"])

    def join(self, clients: int) -> None:
        for namespace in self.namespaces.values():
            ip("netns", "add", namespace)
            for key, value in {
                "net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.default.disable_ipv6": "1",
                # What one connection learns of the path is not told to the next.
                "net.ipv4.tcp_no_metrics_save": "1",
            }.items():
                run("ip", "netns", "exec", namespace, "sysctl", "-qw", f"{key}={value}")
            inside = ("-n", namespace)
            ip(*inside, "link", "set", "lo", "up")
            ip(*inside, "tuntap", "add", "wire", "mode", "tun")
            ip(*inside, "link", "set", "wire", "mtu", str(self.MTU), "txqueuelen", "10000", "up")
        client, server = ("-n", self.namespaces["client"]), ("-n", self.namespaces["server"])
        for address in self.client_addresses(clients):
            ip(*client, "address", "add", f"{address}/16", "dev", "wire")
        ip(*client, "route", "add", "default", "dev", "wire")
        ip(*server, "address", "add", f"{self.SERVER}/16", "dev", "wire")
        ip(*server, "route", "add", "default", "dev", "wire")

    @classmethod
    def client_addresses(cls, count: int) -> list[str]:
        return [f"10.71.{number // 250}.{number % 250 + 2}" for number in range(count)]

    def start(self, binary: Path, seed: int, nat: bool, nat_timeout: float, commands: tuple[str, ...]) -> None:
        words = ["--client", f"{self.namespaces['client']}:wire", "--server", f"{self.namespaces['server']}:wire", "--seed", str(seed)]
        words += ["--nat", ",".join(self.NAT), "--nat-timeout", str(nat_timeout)] if nat else []
        # Before all others, so that the link is late only where the machine is.
        self.process = subprocess.Popen(["chrt", "--fifo", "1", str(binary), *words, *commands], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        self.expect("ready")

    def read(self) -> None:
        for line in self.process.stdout:
            word = json.loads(line)
            if word["event"] in ("bound", "answered"):
                getattr(self, word["event"]).append(word)
            else:
                self.said.put(word)

    def expect(self, event: str, seconds: float = 20) -> dict:
        word = self.said.get(timeout=seconds)
        assert word["event"] == event, word
        return word

    def say(self, *commands: str) -> None:
        self.process.stdin.write("".join(f"{command}\n" for command in commands))
        self.process.stdin.flush()

    def counters(self) -> dict:
        self.say("report")
        return self.expect("counters")

    def congestion(self, controller: str) -> None:
        """Sets TCP's congestion controller on both sides."""
        # A namespace other than the first may choose from those that the machine allows to everybody.
        if controller not in (allowed := ALLOWED.read_text().split()):
            ALLOWED.write_text(" ".join([*allowed, controller]))
        for namespace in self.namespaces.values():
            run("ip", "netns", "exec", namespace, "sysctl", "-qw", f"net.ipv4.tcp_congestion_control={controller}")

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        if self.process:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        for namespace in self.namespaces.values():
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)


def ip(*words: str) -> None:
    run("ip", *words)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"

