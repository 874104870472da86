"""The container of an animated WebP: sizes, places and times of its frames, and only the pictures of their files."""

from __future__ import annotations

import pytest

from tests.shots.webp import Frame, animated


def chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def file(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def test_frames_have_their_places_and_only_their_pictures() -> None:
    pictures = [chunk(b"VP8 ", b"odd"), chunk(b"VP8L", b"even")]
    first = file(chunk(b"VP8X", bytes(10)), chunk(b"ICCP", b"profile"), pictures[0])
    frames = [Frame(0, 0, 640, 400, first, 500), Frame(20, 6, 31, 8, file(pictures[1]), 1200)]
    content = animated(640, 400, frames)
    assert content[:4] == b"RIFF"
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    assert b"ICCP" not in content
    assert content.count(b"ANMF") == 2
    assert content.endswith(pictures[1])
    assert pictures[0] in content
    at = content.rindex(b"ANMF") + 8
    numbers = [int.from_bytes(content[at + 3 * n : at + 3 * n + 3], "little") for n in range(5)]
    assert numbers == [10, 3, 30, 7, 1200]  # places are counted in pairs of pixels, sizes less one


def test_a_file_without_a_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="no picture"):
        animated(2, 2, [Frame(0, 0, 2, 2, file(chunk(b"ICCP", b"profile")), 1)])
