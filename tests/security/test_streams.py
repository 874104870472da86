"""A recording without its secrets, wherever the pieces of one are."""

from __future__ import annotations

import itertools
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from security.masking import Masker
from security.streams import StreamMasker
from tests.security.test_masking import LETTERS, PEM, SECRETS, core

WHOLE = [secret for secret in SECRETS if "\\n" not in secret and "\r" not in secret]


def delta(text: str, number: int) -> bytes:
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return json.dumps({"type": "stream_event", "event": event, "uuid": f"u-{number}"}).encode() + b"\n"


def said(text: str) -> bytes:
    return json.dumps({"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}}).encode() + b"\n"


def shown(stream: bytes, cuts: list[int]) -> bytes:
    """The stream, fed in pieces of whole lines."""
    lines = stream.splitlines(keepends=True)
    edges = sorted({min(cut, len(lines)) for cut in cuts} | {0, len(lines)})
    masker = StreamMasker(Masker())
    fed = [masker.feed(b"".join(lines[a:b])) for a, b in itertools.pairwise(edges)]
    return b"".join(fed) + masker.close()


@given(st.sampled_from(WHOLE), st.lists(st.integers(1, 100), max_size=4), st.lists(st.integers(0, 9), max_size=3))
@settings(deadline=None)
def test_a_secret_in_pieces(secret: str, cuts: list[int], edges: list[int]) -> None:
    text = f"the key is {secret} and that is all"
    places = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    stream = b"".join(delta(piece, number) for number, piece in enumerate(pieces)) + said(text)
    response = [json.loads(line) for line in shown(stream, edges).splitlines()]
    whole = "".join(line["event"]["delta"]["text"] for line in response[:-1])
    assert core(secret) not in whole
    assert core(secret) not in json.dumps(response)
    assert whole.startswith("the key is ")
    assert whole.endswith(" and that is all")
    assert [line["uuid"] for line in response[:-1]] == [f"u-{number}" for number in range(len(pieces))]


@given(st.sampled_from(SECRETS), st.sampled_from(["\n", "\r", "\t", "\x1b[31m", '"', "<b>"]))
@settings(deadline=None)
def test_a_secret_in_json_in_json(secret: str, before: str) -> None:
    line = said(json.dumps({"output": f"x{before}{secret}"}))
    assert core(secret).encode() not in shown(line, [])


def test_a_private_key_that_is_printed_line_by_line() -> None:
    stream = ("it is\n" + PEM.format("RSA ", "\n") + "\nbye\n").encode()
    masked = shown(stream, [2, 3, 4])
    assert LETTERS[4:30].encode() not in masked
    assert masked.startswith(b"it is\n")
    assert masked.endswith(b"\nbye\n")


@given(st.lists(st.binary(max_size=30), max_size=8), st.lists(st.integers(0, 8), max_size=3))
@settings(deadline=None)
def test_what_holds_no_secret_stays_as_it_is_to_the_byte(lines: list[bytes], edges: list[int]) -> None:
    stream = b"".join(line.replace(b"\r", b"") + b"\n" for line in lines)
    assert shown(stream, edges) == stream
