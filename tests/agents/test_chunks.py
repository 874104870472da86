"""Whatever the chunks, and wherever a stream is cut, parsers say the same and never raise."""

from __future__ import annotations

import random

import pytest

from agents.registry import ADAPTERS
from tests.agents.streams import read, recording

SMALL = [
    ("claude", "tools_denied_default"),
    ("claude", "unicode"),
    ("codex", "unicode"),
    ("gemini", "tools_yolo"),
    ("opencode", "tools_permission_ask"),
    ("qwen", "err_auth_401"),
]
CUT = [("claude", "text_bare"), ("codex", "tools_env"), ("gemini", "text_arg"), ("opencode", "text_arg")]


@pytest.mark.parametrize(("kind", "case"), SMALL)
def test_byte_by_byte(kind: str, case: str) -> None:
    recorded = recording(kind, case)
    whole, _ = read(recorded)
    data = recorded.stream
    assert read(recorded, [data[index : index + 1] for index in range(len(data))])[0] == whole


@pytest.mark.parametrize(("kind", "case"), SMALL)
def test_random_chunks(kind: str, case: str) -> None:
    recorded, dice = recording(kind, case), random.Random(case)
    whole, _ = read(recorded)
    for _ in range(20):
        chunks, rest = [], recorded.stream
        while rest:
            size = dice.choice((1, 7, 100, 4096))
            chunks.append(rest[:size])
            rest = rest[size:]
        assert read(recorded, chunks)[0] == whole


@pytest.mark.parametrize(("kind", "case"), CUT)
def test_cut_at_every_byte(kind: str, case: str) -> None:
    recorded = recording(kind, case)
    for end in range(len(recorded.stream)):
        _, tally = read(recorded, [recorded.stream[:end]])
        assert tally.malformed <= 1
        assert tally.final is None or recorded.stream[:end].count(b"\n") >= recorded.stream.count(b"\n") - 1


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
@pytest.mark.parametrize("seed", range(3))
def test_damaged_lines_never_raise(kind: str, seed: int) -> None:
    """Fields of the wrong shape, in lines that are otherwise right."""
    dice = random.Random(seed)
    values = [b"null", b"true", b"-1", b"1e999", b'""', b'"x"', b"[]", b"{}", b"[null]", b'[{"type":"text"}]']
    keys = b"message content usage item part state error stats event tokens tool_input permission_denials modelUsage"
    keys += b" model_usage_since_last_result rate_limit_info subtype num_turns total_cost_usd tasks changes errors"
    types = b"assistant user system result stream_event rate_limit_event init message tool_use tool_result error text"
    types += b" step_finish step_start thread.started turn.completed turn.failed item.started item.completed"
    subtypes = (b"init", b"api_retry", b"permission_denied", b"success", b"background_tasks_changed")
    for _ in range(2000):
        fields = [b'"%s":%s' % (key, dice.choice(values)) for key in dice.sample(keys.split(), 5)]
        fields.append(b'"type":"%s"' % dice.choice(types.split()))
        fields.append(b'"subtype":"%s"' % dice.choice(subtypes))
        ADAPTERS[kind].parser().feed(b"{" + b",".join(fields) + b"}")
