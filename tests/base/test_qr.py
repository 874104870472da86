"""QR codes against an independent decoder, of every version, and what does not fit."""

from __future__ import annotations

import random

import pytest
import zxingcpp

from base.qr import Matrix, TooLong, encode, path

LONGEST = (14, 26, 42, 62, 84, 106, 122, 152, 180, 213)  # bytes, by version from 1
SCALE, QUIET = 3, 4  # pixels of a module, modules of the light border


def picture(matrix: Matrix) -> memoryview:
    """Grey pixels, as a camera would see the code."""
    size = (len(matrix) + 2 * QUIET) * SCALE
    rows = bytearray(b"\xff" * size * size)
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            for line in range(SCALE if dark else 0):
                at = ((y + QUIET) * SCALE + line) * size + (x + QUIET) * SCALE
                rows[at : at + SCALE] = bytes(SCALE)
    return memoryview(rows).cast("B", (size, size))


def decoded(matrix: Matrix) -> tuple[bytes, str]:
    (found,) = zxingcpp.read_barcodes(picture(matrix), formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]))
    return found.bytes, found.ec_level


@pytest.mark.parametrize("version", range(1, 11))
def test_a_decoder_reads_the_shortest_and_the_longest_of_every_version(version: int) -> None:
    rng = random.Random(version)
    shortest = LONGEST[version - 2] + 1 if version > 1 else 1
    for length in (shortest, LONGEST[version - 1]):
        text = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789:/.-_~") for _ in range(length))
        matrix = encode(text)
        assert len(matrix) == 17 + 4 * version
        assert decoded(matrix) == (text.encode(), "M")


def test_text_is_utf_8() -> None:
    assert decoded(encode("Größe 🔥"))[0] == "Größe 🔥".encode()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TooLong):
        encode("x" * (LONGEST[-1] + 1))


def test_the_path_has_one_square_for_each_dark_module() -> None:
    matrix = encode("https://box.example.org/pair/x")
    assert path(matrix).count("M") == sum(map(sum, matrix))
    assert path(matrix).startswith("M0 0h1v1h-1z")
