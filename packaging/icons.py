"""The icons of the installed app, drawn as PNG: `python packaging/icons.py` writes them into `webapp/`.

The mark is that of `webapp/icon.svg`: two chevrons on a rounded square, of 24 units a side.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[1] / "webapp"
GROUND: Final = (0, 84, 95)
UNITS: Final = 24.0
RADIUS: Final = 5.5  # of the corners
HALF_STROKE: Final = 1.6
# From x and y, to x and y, opacity.
LINES: Final = (
    (5.5, 6.5, 11.0, 12.0, 0.55),
    (11.0, 12.0, 5.5, 17.5, 0.55),
    (12.5, 6.5, 18.0, 12.0, 1.0),
    (18.0, 12.0, 12.5, 17.5, 1.0),
)
SAFE: Final = 0.8  # a system may cut a maskable icon to a circle of this size
ICONS: Final = {"icon-192.png": (192, False), "icon-512.png": (512, False), "icon-maskable-512.png": (512, True)}


def png(size: int, *, maskable: bool) -> bytes:
    """Return the icon with so many pixels a side; a maskable one fills its square, with the mark inside."""
    rows = bytearray()
    for y in range(size):
        rows.append(0)  # no filter
        for x in range(size):
            rows += _pixel((x + 0.5) * UNITS / size, (y + 0.5) * UNITS / size, size / UNITS, maskable=maskable)
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)  # 8 bits of red, green, blue and opacity
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pixel(x: float, y: float, scale: float, *, maskable: bool) -> bytes:
    """Return the colour of a place in units; `scale` is pixels a unit, by which edges are smoothed."""
    inside = 1.0 if maskable else _covered(_from_square(x, y), scale)
    middle, zoom = UNITS / 2, 1 / SAFE if maskable else 1.0
    mx, my = middle + (x - middle) * zoom, middle + (y - middle) * zoom
    white = max(opacity * _covered(_from_line(mx, my, *line), scale / zoom) for *line, opacity in LINES)
    return bytes([*(round(part + (255 - part) * white) for part in GROUND), round(255 * inside)])


def _covered(distance: float, scale: float) -> float:
    return min(1.0, max(0.0, 0.5 - distance * scale))


def _from_square(x: float, y: float) -> float:
    """Return the distance from the edge of the rounded square, negative inside."""
    middle = UNITS / 2
    dx, dy = (abs(at - middle) - middle + RADIUS for at in (x, y))
    return math.hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - RADIUS


def _from_line(x: float, y: float, from_x: float, from_y: float, to_x: float, to_y: float) -> float:
    """Return the distance from a line with round ends, negative inside."""
    dx, dy = to_x - from_x, to_y - from_y
    along = min(1.0, max(0.0, ((x - from_x) * dx + (y - from_y) * dy) / (dx * dx + dy * dy)))
    return math.hypot(x - from_x - along * dx, y - from_y - along * dy) - HALF_STROKE


if __name__ == "__main__":
    for name, (size, maskable) in ICONS.items():
        (FOLDER / name).write_bytes(png(size, maskable=maskable))
