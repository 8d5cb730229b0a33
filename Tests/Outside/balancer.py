"""A load balancer of UDP, as a client behind a NAT sees it."""

import random
import select
import socket
import threading
import time

from servers import PATIENCE


class RandomBalancer:
    """What a client's datagrams go through: from time to time they come from another port, and reach a node by chance.

    A client whose datagrams are `strays` begins at one node, and all its datagrams but the first reach another one, from the same port.
    """

    def __init__(self, ports: list[int], seed: int = 1, strays: bool = False):
        self.changes = 0
        self.forwarded = 0  # datagrams of the client
        self._ports = ports
        self._random = random.Random(seed)
        self._strays = strays
        self._front = self._socket()
        self.port = self._front.getsockname()[1]
        self._back: socket.socket | None = None
        self._client = None
        self._lock = threading.Lock()
        self.move()
        threading.Thread(target=self._run, daemon=True).start()

    @staticmethod
    def _socket() -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind(("127.0.0.1", 0))
        return opened

    def move(self) -> None:
        back = self._socket()
        back.connect(("127.0.0.1", self._random.choice(self._ports)))
        with self._lock:
            if self._back is not None:
                self._back.close()
                self.changes += 1
            self._back = back

    def _stray(self, back: socket.socket) -> None:
        """The client's next datagrams reach another node, from the same port; what the first node has sent is through."""
        self._strays = False
        others = [port for port in self._ports if port != back.getpeername()[1]]
        back.connect(("127.0.0.1", self._random.choice(others)))

    def wait_for_silence(self, speak, times: int = 10) -> None:
        """Waits until the client has spoken so often in a row without a datagram that came through here."""
        end = time.monotonic() + PATIENCE
        silent = 0
        while silent < times:
            assert time.monotonic() < end, "the client goes on here"
            before = self.forwarded
            speak()
            silent = silent + 1 if self.forwarded == before else 0

    def _run(self) -> None:
        while True:
            with self._lock:
                back = self._back
            try:
                for ready in select.select([self._front, back], [], [], 0.01)[0]:
                    if ready is self._front:
                        datagram, self._client = self._front.recvfrom(65_535)
                        if self._strays and self.forwarded == 1:
                            self._stray(back)
                        self.forwarded += 1
                        back.send(datagram)
                    elif self._client:
                        self._front.sendto(back.recv(65_535), self._client)
            except (OSError, ValueError):
                # The socket of an earlier binding, or a datagram that nobody takes.
                continue
