"""Animated WebP (the container of RFC 9649) of frames that a browser has encoded; each holds what has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEADER: Final = 12  # bytes of RIFF, its size and WEBP
ANIMATION: Final = 0x02  # the flag of a file with frames
PICTURES: Final = (b"VP8 ", b"VP8L")
REPLACE: Final = 0x02  # the flag of a frame that is not blended with the one before


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle that changes, as a WebP file of its own, and how long the film rests there, in ms."""

    x: int
    y: int
    width: int
    height: int
    image: bytes
    rest_ms: int


def animated(width: int, height: int, frames: list[Frame]) -> bytes:
    """Return the file; frames begin at even places, as the format demands."""
    head = _chunk(b"VP8X", bytes([ANIMATION, 0, 0, 0]) + _three(width - 1) + _three(height - 1))
    loops = _chunk(b"ANIM", bytes(4) + (0).to_bytes(2, "little"))  # without end, on no ground
    body = b"WEBP" + head + loops + b"".join(map(_frame, frames))
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _frame(frame: Frame) -> bytes:
    place = _three(frame.x // 2) + _three(frame.y // 2) + _three(frame.width - 1) + _three(frame.height - 1)
    return _chunk(b"ANMF", place + _three(frame.rest_ms) + bytes([REPLACE]) + _picture(frame.image))


def _picture(image: bytes) -> bytes:
    """Return the chunk with the picture; a frame has none of the others that a file may have, such as a profile."""
    at = HEADER
    while at < len(image):
        size = int.from_bytes(image[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        if image[at : at + 4] in PICTURES:
            return image[at:end]
        at = end
    raise ValueError("the image has no picture")


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")
