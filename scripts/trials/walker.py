"""A client of another QUIC stack: publishes each line that it reads, and prints each message that it receives with the time.

    walker.py AioQUIC|QH3|Picoquic HOST PORT IDENTIFIER TOPIC-TO-PUBLISH-TO TOPIC-TO-SUBSCRIBE-TO
"""

import queue
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Tests" / "Outside"))

import clients  # noqa: E402
import packets  # noqa: E402
from packets import Message  # noqa: E402
from transports import QUIC  # noqa: E402


def main(stack: str, host: str, port: str, identifier: str, to: str, of: str) -> None:
    QUIC.HOST = ""
    client = getattr(clients, stack)((host, int(port)), 5, clients.Options(identifier))
    client.connect()
    client.subscribe(of, 1)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line.strip()) for line in sys.stdin], daemon=True).start()
    while True:
        while not lines.empty():
            client.send(packets.publish(Message(to, lines.get().encode(), 1), identifier=client.next_identifier()))
        if (found := client.receive(0.005)) is not None:
            client.handle(found)
        while client.kept:
            print(f"{time.time():.6f} {client.kept.popleft().payload.decode()}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
