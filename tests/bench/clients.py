"""Many clients in a process of their own, so that what they cost is not measured as the server's.

`python -m tests.bench.clients PORT COUNT TIMED [PATH]` connects and prints "ready". All of the sockets are read as fast
as the system delivers; of the first `TIMED` the messages are read, too, and the delay from the clock in each to now is
kept. A line on standard input asks for a report, one JSON object; its end ends the process.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import sys
import time
from typing import Final

from tests.lines import frames
from tests.realtime.server import handshake, masked

STAMP: Final = b'"message":"'
SEQ: Final = b'"seq":'
READ: Final = 1 << 18  # bytes of one read
LIFE_S: Final = 4.0  # each says so often that it lives; an answer to a ping may take 10 s
LIFE: Final = masked(b"", 0xA)  # an unsolicited pong (RFC 6455 section 5.5.3)


class Timed:
    """A client whose messages are read: when did each come, and which was the last?"""

    def __init__(self) -> None:
        self.rest = b""
        self.delays: list[int] = []
        self.seq = 0
        self.at = 0

    def take(self, data: bytes, now: int) -> None:
        data, end = self.rest + data, 0
        for opcode, payload in frames(data):
            end += len(payload) + (2 if len(payload) < 126 else 4 if len(payload) < 1 << 16 else 10)
            start = payload.find(STAMP) + len(STAMP)
            if opcode != 1 or start < len(STAMP) or payload.startswith(b'{"type":"init"'):
                continue
            self.delays.append(now - int(payload[start : payload.index(b" ", start)]))
            self.seq = int(payload[payload.rindex(SEQ) + len(SEQ) :].split(b",")[0])
            self.at = now
        self.rest = data[end:]


class Clients:
    """All the sockets of one process."""

    def __init__(self, port: int, count: int, timed: int, path: str) -> None:
        self.selector = selectors.DefaultSelector()
        self.timed = [Timed() for _ in range(min(timed, count))]
        self.bytes = 0
        self.gone = 0
        self.lived_at = time.monotonic()
        for number in range(count):
            line = socket.create_connection(("127.0.0.1", port))
            line.sendall(handshake(port).replace(b"/ws", path.encode(), 1))
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += line.recv(1)
            line.setblocking(False)
            self.selector.register(line, selectors.EVENT_READ, self.timed[number] if number < timed else None)
        self.selector.register(sys.stdin, selectors.EVENT_READ, self)

    def run(self) -> None:
        while True:
            if time.monotonic() > self.lived_at + LIFE_S:
                self.live()
            for key, _ in self.selector.select(LIFE_S):
                if key.data is self:
                    if not sys.stdin.readline():
                        return
                    self.report()
                else:
                    self.read(key.fileobj, key.data)  # type: ignore[arg-type]

    def live(self) -> None:
        self.lived_at = time.monotonic()
        for key in list(self.selector.get_map().values()):
            if key.data is not self:
                with contextlib.suppress(OSError):  # gone, which the next read finds out, or full, which is life enough
                    key.fileobj.send(LIFE)  # type: ignore[union-attr]

    def read(self, line: socket.socket, timed: Timed | None) -> None:
        try:
            data = line.recv(READ)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        self.bytes += len(data)
        if not data:
            self.selector.unregister(line)
            self.gone += 1
        elif timed is not None:
            timed.take(data, time.monotonic_ns())

    def report(self) -> None:
        delays = sorted(delay for timed in self.timed for delay in timed.delays)
        received = {
            "count": len(delays),
            "p50_ms": _part(delays, 0.5) / 1e6,
            "p99_ms": _part(delays, 0.99) / 1e6,
            "max_ms": _part(delays, 1) / 1e6,
            "seq": min((timed.seq for timed in self.timed), default=0),
            "at": max((timed.at for timed in self.timed), default=0),
            "gone": self.gone,
        }
        for timed in self.timed:
            timed.delays.clear()
        print(json.dumps(received), flush=True)


def _part(values: list[int], part: float) -> int:
    return values[min(int(len(values) * part), len(values) - 1)] if values else 0


if __name__ == "__main__":
    clients = Clients(*map(int, sys.argv[1:4]), *(sys.argv[4:] or ["/ws"]))  # type: ignore[arg-type]
    print("ready", flush=True)
    clients.run()
