"""Tests of request bodies: the range of each field, and the error message outside of it."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from api.bodies import (
    AnswerBody,
    BadField,
    BadJson,
    BoardViewBody,
    Body,
    EmptyBody,
    QueueBody,
    SkipBody,
    StartBody,
    StatusBody,
    StopBody,
    WritableStatus,
    decode_body,
    decode_object,
)
from api.operations import OPERATIONS
from sprint.status import WRITABLE

SIZE = 'batch_size: must be a whole number from 1 to 1000, or "all"'
STORIES = "stories: must be a list of story keys"
AGENT = "agent: must be the name of an agent, or a list of names in their order"
BUDGET = "budget_usd: must be a number above 0, at most 1000000"
GATES = "gates: must be a list of plan, commit, done"
KEYS = "stories: must be a list of at most 1000 story keys"
AFTER = "after: must be one of story, cycle, time, or null"
REASON = "reason: must be a reason of 1 to 16384 bytes"
ANSWER = {"command_id": 7, "text": "blue"}
ID = "command_id: must be the id of the command that asked"
TEXT = "text: must be a text of 1 to 20000 characters"
STATUS = {"status": "done", "expected": "review"}


def test_nothing_sent_is_an_empty_object() -> None:
    assert decode_body(b"", StartBody) == StartBody()
    assert decode_body(b"{}", EmptyBody) == EmptyBody()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (StartBody, {"batch_size": 1, "stories": None, "agent": None, "budget_usd": None}),
        (StartBody, {"batch_size": 1000, "stories": ["1-1-a"], "agent": "codex", "budget_usd": 1_000_000}),
        (StartBody, {"batch_size": "all", "budget_usd": 0.01}),
        (StartBody, {"gates": ["plan", "done"]}),
        (QueueBody, {"stories": ["1-1-a"], "only": True, "after": "time", "at": 1706112000000}),
        (QueueBody, {"stories": [], "after": None}),
        (BoardViewBody, {"name": "Mine", "query": None}),
        (SkipBody, {"reason": "waits for the design"}),
        (StopBody, {"mode": "now"}),
        (AnswerBody, {"command_id": 2**63 - 1, "text": "x" * 20_000}),
        (AnswerBody, {"command_id": 1, "text": " blue\n"}),
        (StatusBody, STATUS),
    ],
)
def test_what_is_within_bounds_arrives(kind: type[Body], fields: dict[str, Any]) -> None:
    body = decode_body(msgspec.json.encode(fields), kind)
    assert {name: getattr(body, name) for name in fields} == fields


REFUSED: list[tuple[type[Body], Any, str]] = [
    *((StartBody, {"batch_size": value}, SIZE) for value in (0, 1001, True, 1.5, 1.0, "2", "ALL", None, [2], {"a": 1})),
    *((StartBody, {"stories": value}, STORIES) for value in ([], "1-1-a", [1], ["a", None], {"a": 1}, True)),
    *((StartBody, {"gates": value}, GATES) for value in ("plan", ["merge"], [1], {"plan": True})),
    *((QueueBody, {"stories": value}, KEYS) for value in ("1-1-a", [1], ["a"] * 1001, None)),
    *((QueueBody, {"after": value}, AFTER) for value in ("now", 1, ["story"], True)),
    *((QueueBody, {"at": value}, "at: must be a time in ms since the epoch") for value in (0, -1, 1.5, "22:00")),
    *((SkipBody, fields, REASON) for fields in ({}, {"reason": ""}, {"reason": "  "}, {"reason": 7})),
    *((StartBody, {"agent": value}, AGENT) for value in (7, True, [7], [])),
    *((StartBody, {"budget_usd": value}, BUDGET) for value in (0, -1, 1_000_001, True, "5", [1])),
    *((StopBody, {"mode": value}, 'mode: must be "graceful" or "now"') for value in ("maybe", None, ["now"], 1)),
    *((AnswerBody, {**ANSWER, "command_id": value}, ID) for value in (0, -1, True, "7", None, 7.0, 2**63)),
    *((AnswerBody, {**ANSWER, "text": value}, TEXT) for value in ("", " \n", "x" * 20_001, None, 7, ["x"])),
    (AnswerBody, {"text": "blue"}, ID),
    (AnswerBody, {"command_id": 7}, TEXT),
    *(
        (StatusBody, {**STATUS, "status": value}, f"status: must be one of {', '.join(get_args(WritableStatus))}")
        for value in ("parked", "done\n", "", None, 1)
    ),
    *((StatusBody, {**STATUS, "expected": value}, "expected: must be a status") for value in ("", None, 1)),
    (StatusBody, {"status": "done"}, "expected: must be a status"),
    (
        StartBody,
        {"size": 2},
        "size: there is no such field; known are batch_size, stories, agent, budget_usd, gates, write_tracker,"
        " start_at, synced",
    ),
    (EmptyBody, {"x": 1}, "x: there is no such field; known are "),
    (StopBody, {"": 1}, ": there is no such field; known are mode"),
    (StopBody, {"a` - at `$.mode": 1}, "a` - at `$.mode: there is no such field; known are mode"),
]


@pytest.mark.parametrize(("kind", "fields", "sentence"), REFUSED)
def test_what_is_not_is_refused_by_the_rule_of_its_field(kind: type[Body], fields: Any, sentence: str) -> None:
    with pytest.raises(BadField) as refused:
        decode_body(msgspec.json.encode(fields), kind)
    assert str(refused.value) == sentence


def refused_as_setting(number: bytes) -> str:
    try:
        decode_object(b'{"retries": %b}' % number)
    except BadField as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("number", [b"1" + b"0" * 30, b"9" * 400, b"9" * 5000, b"1e999", b"-1e999"])
def test_numbers_that_no_computer_counts_to_are_refused(number: bytes) -> None:
    for field in ("batch_size", "budget_usd"):
        with pytest.raises(BadField, match=f"^{field}: must be a "):
            decode_body(b'{"%b": %b}' % (field.encode(), number), StartBody)
    with pytest.raises(BadField, match=r"^unknown: there is no such field"):
        decode_body(b'{"unknown": %b}' % number, EmptyBody)
    assert refused_as_setting(number) in ("", "retries: contains a number that is out of range")


@pytest.mark.parametrize(
    "raw",
    [
        b" ",
        b"1" + b"0" * 400,
        b"[]",
        b"null",
        b"7",
        b'"x"',
        b"{",
        b"\xff",
        b'{"agent": "\xff"}',
        b'{"agent": "\\ud800"}',
        b"[" * 200_000,
    ],
)
def test_what_is_no_object_of_json_is_no_body(raw: bytes) -> None:
    with pytest.raises(BadJson):
        decode_body(raw, StartBody)


def test_every_field_has_a_sentence() -> None:
    kinds = [row.body for row in OPERATIONS if isinstance(row.body, type) and issubclass(row.body, Body)]
    for kind in kinds:
        properties = msgspec.json.schema(kind)["$defs"][kind.__name__]["properties"]
        assert all(schema["description"].startswith("must be ") for schema in properties.values())


def test_the_statuses_are_those_that_can_be_written() -> None:
    assert set(get_args(WritableStatus)) == {status.value for status in WRITABLE}
