"""QR codes of short texts (ISO/IEC 18004): byte mode, versions 1 to 10, error correction level M.

`encode` returns the modules, `path` draws them as one SVG path. A text of more than 213 bytes does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

Matrix = list[list[bool]]  # rows of modules, True is dark

# By version from 1: codewords in all, blocks, and error correction codewords of each block.
_SIZES: Final = (
    *((26, 1, 10), (44, 1, 16), (70, 1, 26), (100, 2, 18), (134, 2, 24)),
    *((172, 4, 16), (196, 4, 18), (242, 4, 22), (292, 5, 22), (346, 5, 26)),
)
# The centres of the alignment patterns, by version from 1.
_ALIGNMENT: Final[tuple[tuple[int, ...], ...]] = (
    *((), (6, 18), (6, 22), (6, 26), (6, 30)),
    *((6, 34), (6, 22, 38), (6, 24, 42), (6, 26, 46), (6, 28, 50)),
)
_LONG_COUNT: Final = 10  # the first version whose count of bytes has 16 bits
_FORMAT_MASK: Final = 0x5412
_FINDER: Final = (True, False, True, True, True, False, True)  # a row through the middle of a finder pattern


class TooLong(ValueError):
    """The text does not fit into version 10."""


def encode(text: str) -> Matrix:
    """Return the modules of the smallest code that holds the text. Raises `TooLong`."""
    data = text.encode()
    version = _version_for(len(data))
    codewords = _interleaved(_padded(data, version), version)
    size = 17 + 4 * version
    fixed = _function_patterns(version)
    bits = (bool(word >> shift & 1) for word in codewords for shift in range(7, -1, -1))
    plain = {place: next(bits, False) for place in _data_places(size, fixed)}
    candidates = [_masked(size, fixed, plain, mask) for mask in range(8)]
    return min(candidates, key=_penalty)


def path(matrix: Matrix) -> str:
    """Return the dark modules as the `d` of an SVG path, one unit for each, without the quiet zone."""
    return "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)


def _version_for(length: int) -> int:
    for version in range(1, len(_SIZES) + 1):
        if 4 + _count_bits(version) + 8 * length <= 8 * _data_words(version):
            return version
    raise TooLong(f"{length} bytes are too many for a QR code of version {len(_SIZES)}")


def _count_bits(version: int) -> int:
    return 16 if version >= _LONG_COUNT else 8


def _data_words(version: int) -> int:
    total, blocks, correction = _SIZES[version - 1]
    return total - blocks * correction


# -- codewords -------------------------------------------------------------------------------------------------


def _padded(data: bytes, version: int) -> bytes:
    """Return the data codewords: mode, count, data, terminator, padding."""
    bits = f"0100{len(data):0{_count_bits(version)}b}" + "".join(f"{byte:08b}" for byte in data)
    capacity = 8 * _data_words(version)
    bits += "0" * min(4, capacity - len(bits))
    bits += "0" * (-len(bits) % 8)
    words = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    padding = b"\xec\x11" * _data_words(version)
    return words + padding[: _data_words(version) - len(words)]


def _interleaved(data: bytes, version: int) -> list[int]:
    """Return the codewords in the order of the symbol: column by column over the blocks, data before correction."""
    _, count, correction = _SIZES[version - 1]
    short, longer = divmod(len(data), count)
    blocks, at = [], 0
    for number in range(count):
        size = short + (number >= count - longer)  # the longer blocks come last
        blocks.append(data[at : at + size])
        at += size
    divisor = _generator(correction)
    remainders = [_remainder(block, divisor) for block in blocks]
    return [*_columns(blocks), *_columns(remainders)]


def _columns(blocks: Sequence[Sequence[int]]) -> Iterator[int]:
    for at in range(max(map(len, blocks))):
        yield from (block[at] for block in blocks if at < len(block))


def _times(one: int, other: int) -> int:
    """Multiply in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1."""
    product = 0
    for shift in range(7, -1, -1):
        product = product << 1 ^ (product >> 7) * 0x11D
        product ^= (other >> shift & 1) * one
    return product


def _generator(degree: int) -> list[int]:
    """Return the coefficients of the Reed-Solomon generator polynomial without the leading one."""
    coefficients, root = [*[0] * (degree - 1), 1], 1
    for _ in range(degree):
        for at in range(degree):
            coefficients[at] = _times(coefficients[at], root)
            if at + 1 < degree:
                coefficients[at] ^= coefficients[at + 1]
        root = _times(root, 2)
    return coefficients


def _remainder(block: bytes, divisor: Sequence[int]) -> list[int]:
    rest = [0] * len(divisor)
    for byte in block:
        factor = byte ^ rest[0]
        rest = [after ^ _times(each, factor) for after, each in zip([*rest[1:], 0], divisor, strict=True)]
    return rest


# -- modules ---------------------------------------------------------------------------------------------------

Fixed = dict[tuple[int, int], bool]  # (x, y) -> dark, of the modules that hold no data


def _function_patterns(version: int) -> Fixed:
    size = 17 + 4 * version
    fixed: Fixed = {}
    for at in range(size):  # the timing patterns; finders replace their ends
        fixed[at, 6] = fixed[6, at] = at % 2 == 0
    for x, y in ((3, 3), (size - 4, 3), (3, size - 4)):
        fixed.update(_finder(x, y, size))
    centres = _ALIGNMENT[version - 1]
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for x, y in ((x, y) for x in centres for y in centres if (x, y) not in corners):
        ring = [(dx, dy) for dx in range(-2, 3) for dy in range(-2, 3)]
        fixed.update({(x + dx, y + dy): max(abs(dx), abs(dy)) != 1 for dx, dy in ring})
    fixed.update(dict.fromkeys([*_format_places(size)[0], *_format_places(size)[1]], False))
    fixed[8, size - 8] = True
    if version >= 7:
        fixed.update(_version_modules(version, size))
    return fixed


def _finder(x: int, y: int, size: int) -> Fixed:
    """Return a finder pattern around its centre, with its light border as far as that is inside."""
    places = [(x + dx, y + dy) for dx in range(-4, 5) for dy in range(-4, 5)]
    inside = [(px, py) for px, py in places if 0 <= px < size and 0 <= py < size]
    return {(px, py): max(abs(px - x), abs(py - y)) not in (2, 4) for px, py in inside}


def _format_places(size: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return where the 15 bits of the format are, lowest first: around the first finder, and beside the two others."""
    first = [*((8, y) for y in (0, 1, 2, 3, 4, 5, 7, 8)), *((x, 8) for x in (7, 5, 4, 3, 2, 1, 0))]
    second = [*((size - 1 - at, 8) for at in range(8)), *((8, size - 7 + at) for at in range(7))]
    return first, second


def _format_bits(mask: int) -> int:
    """Return level M (00) and the mask with their check bits (BCH 15, 5)."""
    rest = mask
    for _ in range(10):
        rest = rest << 1 ^ (rest >> 9) * 0x537
    return (mask << 10 | rest) ^ _FORMAT_MASK


def _version_modules(version: int, size: int) -> Fixed:
    rest = version
    for _ in range(12):
        rest = rest << 1 ^ (rest >> 11) * 0x1F25
    bits = version << 12 | rest
    modules: Fixed = {}
    for at in range(18):
        far, near = size - 11 + at % 3, at // 3
        modules[far, near] = modules[near, far] = bool(bits >> at & 1)
    return modules


def _data_places(size: int, fixed: Fixed) -> Iterator[tuple[int, int]]:
    """Yield the places of the data in order: two columns at a time from the right, up and down in turns."""
    upwards = True
    for right in (x for x in range(size - 1, 0, -2)):
        column = right if right > 6 else right - 1  # the vertical timing pattern has its column for itself
        for step in range(size):
            y = size - 1 - step if upwards else step
            yield from ((x, y) for x in (column, column - 1) if (x, y) not in fixed)
        upwards = not upwards


def _inverts(mask: int, x: int, y: int) -> bool:
    product = x * y
    return (
        (x + y) % 2,
        y % 2,
        x % 3,
        (x + y) % 3,
        (x // 3 + y // 2) % 2,
        product % 2 + product % 3,
        (product % 2 + product % 3) % 2,
        ((x + y) % 2 + product % 3) % 2,
    )[mask] == 0


def _masked(size: int, fixed: Fixed, plain: Fixed, mask: int) -> Matrix:
    modules = {**fixed, **{(x, y): dark != _inverts(mask, x, y) for (x, y), dark in plain.items()}}
    bits = _format_bits(mask)
    for places in _format_places(size):
        modules.update({place: bool(bits >> at & 1) for at, place in enumerate(places)})
    return [[modules[x, y] for x in range(size)] for y in range(size)]


# -- the choice of the mask ------------------------------------------------------------------------------------


def _penalty(matrix: Matrix) -> int:
    """Return how badly a mask suits: long runs, blocks, what looks like a finder, and too much of one colour."""
    lines = [*matrix, *map(list, zip(*matrix, strict=True))]
    dark = sum(map(sum, matrix))
    total = len(matrix) ** 2
    return (
        sum(map(_run_penalty, lines))
        + _block_penalty(matrix)
        + sum(map(_finder_penalty, lines))
        + 10 * (abs(20 * dark - 10 * total) // total)
    )


def _run_penalty(line: Sequence[bool]) -> int:
    penalty, run = 0, 1
    for before, module in zip(line, [*line[1:], None], strict=True):
        if module == before:
            run += 1
            continue
        penalty += run - 2 if run >= 5 else 0
        run = 1
    return penalty


def _block_penalty(matrix: Matrix) -> int:
    rows = pairwise(matrix)
    return 3 * sum(
        upper[x] == upper[x + 1] == lower[x] == lower[x + 1] for upper, lower in rows for x in range(len(upper) - 1)
    )


def _finder_penalty(line: Sequence[bool]) -> int:
    light = (False,) * 4
    shapes = ((*_FINDER, *light), (*light, *_FINDER))
    return 40 * sum(tuple(line[at : at + 11]) in shapes for at in range(len(line) - 10))


__all__ = ["Matrix", "TooLong", "encode", "path"]
