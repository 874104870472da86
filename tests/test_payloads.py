"""Tests of payloads: valid and invalid values of every type, the messages, the JSON Schema."""

from __future__ import annotations

import math
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.plain_json import INT64_MAX, MAX_DEPTH
from payloads import PAYLOADS, EventType, InvalidEvent, validate_payload

COMMAND = {"story_key": "2a-1-tea", "command": "dev-story", "task_id": "implement"}
VALID: dict[str, dict[str, Any]] = {
    "batch:start": {"batch_id": 42, "max_cycles": 2},
    "batch:end": {"batch_id": 42, "cycles_completed": 2, "status": "completed"},
    "batch:pause": {"batch_id": 42, "reason": "usage-limit"},
    "batch:resume": {"batch_id": 42, "reason": "operator"},
    "batch:warning": {"batch_id": 42, "warning_type": "budget", "message": "80 % is spent"},
    "cycle:start": {"cycle_number": 1, "story_keys": ["2a-1-tea", "2a-2-cup"]},
    "cycle:end": {"cycle_number": 1, "completed_stories": []},
    "lane:change": {"cycle_number": 1, "story_keys": ["2a-1-tea"], "state": "waiting", "message": "It waits"},
    "command:start": COMMAND,
    "command:progress": {**COMMAND, "message": "Writing tests"},
    "command:end": {**COMMAND, "status": "success"},
    "story:status": {"story_key": "2a-1-tea", "old_status": "backlog", "new_status": "done"},
    "story:hint": {"story_key": "2a-1-tea", "hint_id": 1, "message": "Sort by date."},
    "story:skip": {"story_key": "2a-1-tea", "skipped": True},
    "story:takeover": {
        "story_key": "2a-1-tea",
        "takeover_id": 1,
        "state": "taken",
        "folder": "/home/me/tea",
        "message": "2a-1-tea is yours.",
    },
    "story:delivery": {
        "story_key": "2a-1-tea",
        "delivery_id": 1,
        "state": "open",
        "branch": "deliver/2a-1-tea",
        "message": "the checks are pending",
    },
    "run:queue": {"stories": ["2a-1-tea"]},
    "plan:change": {"tracker": "_bmad-output/initiative-x/tickets.toml", "kind": "tickets", "reason": "initiative"},
    "prompt:change": {"command": "dev-story", "source": "own"},
    "quota:change": {"account": "claude", "window": "5 h", "used_fraction": 0.93, "at": 1_706_112_000_000},
    "agent:switch": {
        "story_key": "2a-1-tea",
        "command": "dev-story",
        "from_agent": "claude",
        "to_agent": "codex",
        "reason": "codex takes over from claude, which waits: at its usage limit until 24 Jan 18:00",
    },
    "error": {"type": "tracker", "message": "cannot be written"},
    "context:create": {"status": "running"},
    "context:refresh": {"status": "running"},
    "context:complete": {"status": "success"},
    "attention": {"kind": "blocked", "message": "a key is missing"},
}
STRANGE: list[Any] = [None, True, 1.5, [], {}, b"1", object()]
NOT_TEXT: list[Any] = [None, True, 1, 1.5, [], {}, b"a", ("a",)]
NOT_KEYS: list[Any] = [None, "2a-1-tea", 1, {"2a-1-tea"}, ["2a-1-tea", 2], [None], {"a": 1}]
METRICS = {
    "duration_ms": 1200,
    "input_tokens": 10,
    "output_tokens": 20,
    "cache_read_tokens": 30,
    "cache_write_tokens": 40,
    "cost_usd": 0.25,
    "estimated_usd": 0.05,
    "turns": 3,
    "exit_code": 0,
    "files_changed": 1,
    "lines_added": 2,
    "lines_removed": 3,
}


class Word(str):
    __slots__ = ()


class Count(int):
    pass


class Share(float):
    pass


class Colour(StrEnum):
    RED = "red"


class Rank(IntEnum):
    FIRST = 1


class Odd(Enum):
    SET = b"x"


REQUIRED = [(type, field) for type, payload in VALID.items() for field in payload]


def refused(type: str, payload: Any) -> str:
    with pytest.raises(InvalidEvent) as caught:
        validate_payload(type, payload)
    assert isinstance(caught.value, ValueError)
    return str(caught.value)


def test_every_type_has_a_payload_and_an_example() -> None:
    assert set(PAYLOADS) == set(EventType)
    assert set(VALID) == {type.value for type in EventType}


@pytest.mark.parametrize(("type", "payload"), VALID.items())
def test_the_least_payload_of_each_type_is_right(type: str, payload: dict[str, Any]) -> None:
    assert validate_payload(type, payload) is EventType(type)
    assert validate_payload(EventType(type), payload) == type


@pytest.mark.parametrize(("type", "field"), REQUIRED)
def test_a_missing_key_is_named(type: str, field: str) -> None:
    said = refused(type, {name: value for name, value in VALID[type].items() if name != field})
    assert said.startswith(f"{type}: ")
    assert f"`{field}`" in said


def wrong_values(type: str, field: str) -> list[Any]:
    right = VALID[type][field]
    if isinstance(right, bool):
        return [wrong for wrong in STRANGE if wrong is not True]
    if isinstance(right, float):
        return [wrong for wrong in STRANGE if not isinstance(wrong, float)]
    return NOT_TEXT if isinstance(right, str) else NOT_KEYS if isinstance(right, list) else STRANGE


@pytest.mark.parametrize(("type", "field"), REQUIRED)
def test_a_value_of_the_wrong_type_is_named(type: str, field: str) -> None:
    for wrong in wrong_values(type, field):
        said = refused(type, {**VALID[type], field: wrong})
        assert said.startswith(f"{type}: $.{field} ") or f"at `$.{field}" in said


COMMANDS = ("command:start", "command:progress", "command:end")
CONTEXTS = ("context:create", "context:refresh", "context:complete")
OPTIONAL: list[tuple[str, str, Any, Any]] = [
    ("batch:start", "agent", "codex", None),
    ("batch:start", "agents", ["claude", "codex"], "claude"),
    ("quota:change", "resets_at", 1706112000000, "18:00"),
    ("agent:switch", "command_id", 7, "7"),
    ("batch:start", "workflow", "classic", 1),
    ("batch:start", "workflow_reason", "the settings name it", []),
    ("batch:start", "label", "2 cycles", 2),
    ("batch:start", "gates", ["plan", "done"], "plan"),
    ("batch:start", "forecast", {"cost_usd": None, "seconds": [5.0, 7.0], "stories": 9, "basis": "from"}, 3),
    ("batch:start", "forecast", {"cost_usd": [1.0, 2.5], "seconds": [5.0, 7.0], "stories": 9, "basis": "from"}, []),
    ("batch:start", "budget_usd", 20, "20"),
    ("batch:start", "budget_usd", 2.5, True),
    ("batch:end", "reason", "a new batch was started", 1),
    ("batch:pause", "until", 1706112000000, "tomorrow"),
    ("batch:pause", "until", 0, True),
    ("batch:pause", "until", 1, 1.5),
    ("batch:warning", "command_id", 7, "7"),
    ("batch:warning", "story_key", "2a-1-tea", 21),
    ("cycle:start", "branch", "sprint/2a-1", None),
    ("cycle:end", "blocked_stories", ["2a-1-tea"], "2a-1-tea"),
    ("cycle:end", "merge", "0d1f", 7),
    ("lane:change", "machine", "desktop", 7),
    *((name, "machine", "desktop", 7) for name in COMMANDS),
    *((name, "command_id", 7, "7") for name in COMMANDS),
    *((name, "attempt", 2, False) for name in COMMANDS),
    *((name, "agent", "codex", None) for name in COMMANDS),
    *((name, "model", "light", 3) for name in COMMANDS),
    *((name, "background", True, 1) for name in COMMANDS),
    *((name, "story_keys", ["2a-1-tea", "2a-2-cup"], 42) for name in COMMANDS),
    *((name, "story_keys", [], [42]) for name in COMMANDS),
    *((name, "cycle_number", 3, "3") for name in COMMANDS),
    ("command:progress", "kind", "note", 1),
    ("command:progress", "metrics", {"turns": 1}, 1),
    ("command:end", "metrics", METRICS, []),
    ("command:end", "metrics", {}, None),
    ("command:end", "reason", "it failed", {}),
    ("command:end", "verdict", "APPROVED", False),
    ("story:status", "reason", "set by hand", None),
    ("story:hint", "command_id", 7, "7"),
    ("story:skip", "reason", "not now", None),
    ("story:takeover", "command_line", "cd /tea && claude --resume 1", 1),
    ("story:takeover", "metrics", {"files_changed": 1}, None),
    ("run:queue", "only", True, None),
    ("run:queue", "after", "cycle", 1),
    ("run:queue", "at", 1706112000000, "22:00"),
    ("story:hint", "sent_to", 7, "7"),
    ("plan:change", "initiative", "initiative-x", 1),
    ("prompt:change", "message", "changed", 7),
    ("error", "context", {"file": "a.yaml", "line": 3}, "a.yaml"),
    *((name, "task_id", "write", 1) for name in CONTEXTS),
    *((name, "message", "writing", []) for name in CONTEXTS),
    ("context:complete", "metrics", METRICS, "none"),
    ("attention", "story_key", "2a-1-tea", 21),
    ("attention", "command", "dev-story", None),
    ("attention", "command_id", 7, 7.5),
    ("attention", "story_keys", ["1-1-a", "2-1-b"], "1-1-a"),
    ("attention", "question", "Which birds?", ["Which birds?"]),
    ("attention", "options", ["Yes", "No"], "Yes"),
    ("attention", "gate_id", 3, "3"),
    ("attention", "decisions", ["go", "stop"], "go"),
    ("attention", "delivery_id", 3, "3"),
    ("batch:warning", "gate_id", 3, "3"),
    ("story:delivery", "story_keys", ["2a-1-tea"], "2a-1-tea"),
    ("story:delivery", "head", "0d1f", 7),
    ("story:delivery", "url", "https://forge.example/1", None),
    ("story:delivery", "checks", "green", True),
    ("story:delivery", "round", 1, "1"),
    ("story:delivery", "problem", True, 1),
]


def test_every_optional_key_has_an_example() -> None:
    declared = {(type.value, name) for type, payload in PAYLOADS.items() for name in payload.__struct_fields__}
    assert declared - set(REQUIRED) == {(type, field) for type, field, *_ in OPTIONAL}


@pytest.mark.parametrize(("type", "field", "right", "wrong"), OPTIONAL)
def test_optional_keys_are_checked_when_they_are_there(type: str, field: str, right: Any, wrong: Any) -> None:
    validate_payload(type, {**VALID[type], field: right})
    assert f"$.{field}" in refused(type, {**VALID[type], field: wrong})


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_a_finite_number(name: str) -> None:
    for wrong in (True, "1", None, math.nan, math.inf, 10**30):
        assert f"$.metrics.{name}" in refused("command:end", {**VALID["command:end"], "metrics": {name: wrong}})


@pytest.mark.parametrize("cycles", ["all", 1, 1000])
def test_a_batch_is_of_so_many_cycles_or_of_all(cycles: Any) -> None:
    validate_payload("batch:start", {"batch_id": 1, "max_cycles": cycles})


@pytest.mark.parametrize("cycles", ["ALL", "1", "", None, 1.0])
def test_other_words_are_no_number_of_cycles(cycles: Any) -> None:
    assert "$.max_cycles" in refused("batch:start", {"batch_id": 1, "max_cycles": cycles})


@pytest.mark.parametrize("status", ["completed", "stopped", "error"])
def test_a_batch_ends_in_one_of_three_ways(status: str) -> None:
    validate_payload("batch:end", {**VALID["batch:end"], "status": status})
    assert "$.status" in refused("batch:end", {**VALID["batch:end"], "status": f"{status}!"})


@pytest.mark.parametrize(
    "type", ["", "batch", "batch:Start", "BATCH_START", "story:status ", None, 7, ["error"], b"error"]
)
def test_an_unknown_type_is_named(type: Any) -> None:
    assert repr(type) in refused(type, {})


@pytest.mark.parametrize("payload", [None, [], "x", 3, b"{}", [("status", "running")]])
def test_a_payload_is_an_object(payload: Any) -> None:
    assert refused("context:create", payload).startswith("context:create: the payload must be an object")


EXTRA: list[Any] = [
    None,
    False,
    0,
    -INT64_MAX,
    INT64_MAX,
    0.1,
    "é✓😀",
    [],
    {},
    [1, [2]],
    {"a": {"b": (1, 2)}},
    Colour.RED,
    Rank.FIRST,
]


@pytest.mark.parametrize("value", EXTRA)
def test_unknown_keys_may_hold_whatever_json_can(value: Any) -> None:
    validate_payload("attention", {**VALID["attention"], "extra": value})


NO_JSON: list[tuple[Any, str]] = [
    (math.nan, "nan"),
    (math.inf, "inf"),
    (-math.inf, "-inf"),
    (INT64_MAX + 1, "64 bits"),
    (-(10**30), "64 bits"),
    ({1, 2}, "set"),
    (frozenset("a"), "frozenset"),
    (b"bytes", "bytes"),
    (bytearray(b"x"), "bytearray"),
    (object(), "object"),
    (1 + 2j, "complex"),
    (EventType, "EnumType"),
    (range(3), "range"),
    (MappingProxyType({"a": 1}), "mappingproxy"),
    (Word("a"), "Word"),
    (Count(1), "Count"),
    (Share(0.5), "Share"),
    (Odd.SET, "Odd"),
    ("half \ud83d of a pair", "lone surrogate"),
]


@pytest.mark.parametrize(("value", "word"), NO_JSON)
@pytest.mark.parametrize("place", ["top", "list", "object"])
def test_what_json_cannot_carry_is_named_wherever_it_stands(value: Any, word: str, place: str) -> None:
    held = {"top": value, "list": [0, value], "object": {"b": value}}[place]
    path = {"top": "$.extra", "list": "$.extra[1]", "object": "$.extra.b"}[place]
    said = refused("attention", {**VALID["attention"], "extra": held})
    assert said.startswith(f"attention: {path} ")
    assert word in said


@pytest.mark.parametrize("field", ["batch_id", "max_cycles", "extra"])
def test_a_number_too_long_to_be_written_down_is_named(field: str) -> None:
    said = refused("batch:start", {**VALID["batch:start"], field: 10**5000})
    assert said.startswith("batch:start: ")
    assert f"$.{field}" in said


@pytest.mark.parametrize("type", VALID)
def test_a_lone_surrogate_in_a_text_is_named(type: str) -> None:
    field = next((name for name, value in VALID[type].items() if isinstance(value, str) and name != "status"), "extra")
    assert f"$.{field} contains a lone surrogate" in refused(type, {**VALID[type], field: "\udc80"})


@pytest.mark.parametrize("key", [1, None, b"a", Word("a"), ("a",)])
def test_keys_are_text(key: Any) -> None:
    assert refused("error", {**VALID["error"], "extra": {key: 1}}).startswith("error: $.extra has the key")


def test_a_key_may_not_hold_a_lone_surrogate_either() -> None:
    said = refused("error", {**VALID["error"], "\ud800": 1})
    assert said == "error: $.\\ud800 contains a lone surrogate, which UTF-8 cannot encode"


@pytest.mark.parametrize("make", [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: (inner,)])
def test_nesting_is_bounded(make: Any) -> None:
    value: Any = 0
    for _ in range(MAX_DEPTH - 1):
        value = make(value)
    validate_payload("error", {**VALID["error"], "extra": value})
    assert f"deeper than {MAX_DEPTH} levels" in refused("error", {**VALID["error"], "extra": make(value)})


def test_what_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    assert "nested deeper" in refused("error", {**VALID["error"], "context": {"a": value}})


def test_a_very_deep_value_costs_no_stack() -> None:
    value: Any = 0
    for _ in range(100_000):
        value = [value]
    assert "nested deeper" in refused("error", {**VALID["error"], "context": {"a": value}})
    while value:  # taken apart here: freeing it in one go would be the interpreter's own recursion
        value = value[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-INT64_MAX, INT64_MAX) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
FIELDS = sorted({name for payload in PAYLOADS.values() for name in payload.__struct_fields__} | {"extra"})


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(max_size=8).filter(lambda name: name not in FIELDS), JSON, max_size=4))
def test_any_json_may_stand_in_unknown_keys(extra: dict[str, Any]) -> None:
    known = {"type": "a", "message": "b"}
    validate_payload("error", {**extra, **known})
