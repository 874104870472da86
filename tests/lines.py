"""Lines without a network: transports whose far end is moved by hand, and pages that read them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec

from events import Event, EventType
from websocket.frames import TEXT


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def event(seq: int, message: str = "Writing tests") -> Event:
    """A committed event, as the writer hands it out."""
    payload = {"story_key": "2a-1", "command": "dev-story", "task_id": "implement", "message": message}
    body = msgspec.json.encode(payload)
    made = Event(type=EventType.COMMAND_PROGRESS, payload=payload, timestamp=1706112000000 + seq, body=body)
    return made.stamped(seq)


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of every whole frame of a server."""
    at = 0
    while at + 2 <= len(data):
        size, start = data[at + 1], at + 2
        if size > 125:
            extended = 2 if size == 126 else 8
            size, start = int.from_bytes(data[start : start + extended]), start + extended
        if start + size > len(data):
            return
        yield data[at] & 0x0F, data[start : start + size]
        at = start + size


class Envelope(msgspec.Struct):
    """A text message as far as counting needs it; ticks have no payload, init and resumed no seq."""

    type: str
    seq: int | None = None
    payload: msgspec.Raw = msgspec.Raw()


_envelope = msgspec.json.Decoder(Envelope)


class StreamLine(asyncio.Transport):
    """A transport that counts its writes. While `reading`, the far end takes everything at once; else by `take`."""

    def __init__(self, *, reading: bool = True, answers_close: bool = True) -> None:
        super().__init__()
        self.reading = reading
        self.answers_close = answers_close
        self.buffer = bytearray()
        self.received = bytearray()
        self.writes = 0
        self.largest = 0
        self.codes: list[int] = []
        self.aborted = False

    def write(self, data: Any) -> None:
        assert not self.aborted, "written to after abort()"
        self.writes += 1
        self.buffer += data
        self.largest = max(self.largest, len(self.buffer))
        if self.reading:
            self.take()

    def take(self, size: int | None = None) -> None:
        size = len(self.buffer) if size is None else size
        self.received += self.buffer[:size]
        del self.buffer[:size]

    def get_write_buffer_size(self) -> int:
        return len(self.buffer)

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True
        self.buffer.clear()

    async def close_line(self, code: int) -> None:
        """The closing handshake as the socket does it; a dead far end never answers."""
        self.codes.append(code)
        if not self.answers_close:
            await asyncio.Event().wait()

    def frames(self) -> list[tuple[int, bytes]]:
        return list(frames(bytes(self.received)))

    def texts(self) -> list[Any]:
        return [msgspec.json.decode(data) for opcode, data in self.frames() if opcode == TEXT]

    def seqs(self) -> list[int]:
        """The events that arrived, in order; init's own list is not among them."""
        return [one.seq for one in self.envelopes() if one.seq is not None and bytes(one.payload)]

    def envelopes(self) -> list[Envelope]:
        return [_envelope.decode(data) for opcode, data in self.frames() if opcode == TEXT]
