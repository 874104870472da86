"""Damage of the agent's output: floods, endless lines, binary data, broken lines.

The same session id gives the same garbage. A signal is heard between pieces, so that a flood can be ended politely.
"""

from __future__ import annotations

import sys
import zlib
from typing import Any

from demo.script import Turn
from demo.stage import Stage

MIB = 1024 * 1024
PIECE_CHARS = 16 * 1024  # of a line of the flood: what a chatty command prints between two looks
NOISE_BYTES = 300  # of a line of garbage, at most


def spoil(stage: Stage, turn: Turn) -> None:
    """Everything of this kind that the turn asks for; the run continues afterwards."""
    if "garbage" in turn:
        garbage(stage, turn.count("garbage", 20))
    if "half-lines" in turn:
        half_lines(stage)
    if "long-line" in turn:
        long_line(stage, turn.count("long-line", 20))
    if "flood" in turn:
        flood(stage, turn.count("flood", 100))
    if "stderr" in turn:
        grumble(stage, turn.count("stderr", 5))


def flood(stage: Stage, megabytes: int) -> None:
    """So many MiB of a tool's output, as fast as they are taken."""
    piece = stage.stream.encoded(_output("It never ends. " * (PIECE_CHARS // 15)))
    block = piece * (MIB // len(piece) + 1)
    for _ in range(megabytes):
        stage.stream.raw(block)
        stage.pause(0)


def long_line(stage: Stage, megabytes: int) -> None:
    """One line of this length, as a command makes it that prints a whole database."""
    stage.stream.line(_output("x" * (megabytes * MIB)))


def garbage(stage: Stage, lines: int) -> None:
    """Bytes of all kinds: no UTF-8, no JSON, zeros, lone carriage returns; now and then what begins like a line."""
    from random import Random  # only here: it takes a while to load, and most calls need no garbage

    chance = Random(zlib.crc32(stage.stream.session_id.encode()))
    for _ in range(lines):
        noise = chance.randbytes(chance.randrange(NOISE_BYTES))
        begins = chance.choice((b"", b'{"type":"assistant"', b"\xff\xfe", b"\x1b[31mnpm warn ", b"\r\r"))
        stage.stream.raw(begins + noise.replace(b"\n", b"\r") + b"\n")


def half_lines(stage: Stage) -> None:
    """Half a line; a line in the middle of another; two on one line; a line that has its own newline too early."""
    whole = stage.stream.encoded({"type": "system", "subtype": "informational", "content": "one of two writers"})
    other = stage.stream.encoded({"type": "system", "subtype": "informational", "content": "the other one"})
    half = whole[: len(whole) // 2]
    stage.stream.raw(half + b"\n")
    stage.stream.raw(half + other)
    stage.stream.raw(whole.rstrip(b"\n") + other)
    stage.stream.raw(half + b"\n" + whole[len(half) :])


def cut_off(stage: Stage) -> None:
    """The last line, of which the pipe has got only the half."""
    line = stage.stream.encoded({"type": "result", "subtype": "success", "is_error": False, "result": "done"})
    stage.stream.raw(line[: len(line) // 2])


def grumble(stage: Stage, megabytes: int) -> None:
    """So many MiB on standard error."""
    block = b"warn: something that is never read is deprecated\n" * (MIB // 48)
    for _ in range(megabytes):
        sys.stderr.buffer.write(block)
        stage.pause(0)
    sys.stderr.flush()


def _output(text: str) -> dict[str, Any]:
    """A line with the answer of a tool, which costs no tokens of the model's."""
    block = {"tool_use_id": "toolu_demo_flood", "type": "tool_result", "content": text, "is_error": False}
    return {"type": "user", "message": {"role": "user", "content": [block]}, "parent_tool_use_id": None}
