from __future__ import annotations

import pytest

from agents import json_values
from agents.json_values import Json, read_line


def top(value: Json) -> bool:
    return "session_id" in value


@pytest.mark.parametrize(
    ("line", "values", "noises"),
    [
        (b'{"a": 1}', [{"a": 1}], 0),
        (b'  {"a": 1}\r', [{"a": 1}], 0),
        (b'{"a": 1}{"b": 2}', [{"a": 1}, {"b": 2}], 0),
        (b'{"a": 1} {"b": 2}', [{"a": 1}, {"b": 2}], 0),
        (b"Loading\xe2\x80\xa6", [], 1),
        (b"[1, 2]", [], 1),
        (b"17", [], 1),
        (b'{"a": "\xff"}', [{"a": "\ufffd"}], 0),
        (b'{"a": "\\ud800"}', [{"a": "?"}], 0),
        (b'{"a": NaN, "n": 1e999}', None, 0),
        (b'warning: x {"session_id": "s", "b": 2}', [{"session_id": "s", "b": 2}], 1),
        (b'{"type":"assi{"session_id":"s","t":1}stant","session_id":"s"}', [{"session_id": "s", "t": 1}], 1),
        (b'{"session_id": "s", "m": {"type": "result", "x": [1, 2', [], 1),
        (b'{"a": 1}{"session_id": "s", "m": {"b": ', [{"a": 1}], 1),
        (b"[" * 200_000, [], 1),
        (b'{"a":' * 100_000, [], 1),
        (b" \r ", [], 0),
    ],
)
def test_read_line(line: bytes, values: list[Json] | None, noises: int) -> None:
    reading = read_line(line, top)
    if values is not None:
        assert reading.objects == values
    assert len(reading.noise) == noises


def test_noise_is_an_excerpt_with_its_size() -> None:
    (noise,) = read_line(b"x" * 10_000, top).noise
    assert len(noise.text) == json_values.EXCERPT_CHARS
    assert noise.size == 10_000


@pytest.mark.parametrize("value", [None, True, "5", [], {}, -1, float("nan"), float("inf"), 1e300, 10**30])
def test_what_is_not_a_count_is_zero(value: object) -> None:
    assert json_values.as_int(value) == 0


def test_getters_never_raise() -> None:
    for value in (None, 1, 1.5, "x", "", [], [1, {}], {}, {"a": 1}, True):
        json_values.as_int(value)
        json_values.as_number(value)
        json_values.as_text(value)
        json_values.as_object(value)
        json_values.as_objects(value)
    assert json_values.as_objects([1, {"a": 1}, None]) == [{"a": 1}]
