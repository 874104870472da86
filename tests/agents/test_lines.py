from __future__ import annotations

import random

import pytest

from agents.lines import LineSplitter, Oversize, Tail

TEXT = "one\ntwo \u2028 still two \x85 \r three\n\n\n".encode() + b"\xff\xfe\nlast without newline"
LINES = [b"one", "two \u2028 still two \x85 \r three".encode(), b"\xff\xfe", b"last without newline"]


def split(chunks: list[bytes], cap: int = 1000) -> list[bytes | Oversize]:
    splitter = LineSplitter(cap)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.close()


def test_only_newlines_split() -> None:
    assert split([TEXT]) == LINES


def test_byte_by_byte() -> None:
    assert split([TEXT[index : index + 1] for index in range(len(TEXT))]) == LINES


@pytest.mark.parametrize("seed", range(20))
def test_random_chunks(seed: int) -> None:
    dice, chunks, rest = random.Random(seed), [], TEXT
    while rest:
        size = dice.randint(1, 9)
        chunks.append(rest[:size])
        rest = rest[size:]
    assert split(chunks) == LINES


def test_a_line_of_exactly_the_cap_is_a_line() -> None:
    assert split([b"x" * 10 + b"\nok\n"], cap=10) == [b"x" * 10, b"ok"]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_longer_line_is_skipped_and_reported(size: int) -> None:
    data = b"a\n" + b"y" * 25 + b"\nb\n" + b"z" * 11
    chunks = [data[index : index + size] for index in range(0, len(data), size)]
    assert split(chunks, cap=10) == [b"a", Oversize(b"y" * 25, 25), b"b", Oversize(b"z" * 11, 11)]


def test_a_skipped_line_is_not_kept_in_memory() -> None:
    splitter = LineSplitter(100)
    for _ in range(1000):
        splitter.feed(b"x" * 1000)
    assert splitter._parts == []
    (skipped,) = splitter.feed(b"\n")
    assert isinstance(skipped, Oversize)
    assert skipped.size == 1_000_000


def test_tail_keeps_the_end() -> None:
    tail = Tail(8)
    for chunk in (b"abc", b"defghij", b"k" * 3, b""):
        tail.add(chunk)
    assert tail.text() == "fghijkkk"
    assert tail.dropped == 5
    tail.add(b"0123456789")
    assert tail.text() == "23456789"
