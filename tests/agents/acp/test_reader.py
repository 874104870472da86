"""Whatever a program sends, reading it raises nothing, in a call and in its recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents import Note, Text
from agents.acp import forms, permissions
from agents.acp.options import MODE, MODEL, choice_of
from agents.acp.reader import AcpParser
from agents.acp.usage import turn_usage
from agents.usage import Tally
from tests.agents.streams import cases, recording

WORDS = [
    "sessionUpdate",
    "update",
    "params",
    "content",
    "type",
    "text",
    "toolCallId",
    "kind",
    "status",
    "rawInput",
    "rawOutput",
    "locations",
    "path",
    "messageId",
    "usage",
    "cost",
    "amount",
    "currency",
    "USD",
    "_meta",
    "codex",
    "claudeCode",
    "threadStatus",
    "error",
    "willRetry",
    "codexErrorInfo",
    "httpStatusCode",
    "quota",
    "model_usage",
    "token_count",
    "inputTokens",
    "totalTokens",
    "cachedReadTokens",
    "stopReason",
    "end_turn",
    "agent_message_chunk",
    "tool_call",
    "tool_call_update",
    "usage_update",
    "session_info_update",
    "state_update",
    "state",
    "idle",
    "configOptions",
    "options",
    "value",
    "category",
    "model",
    "mode",
    "modes",
    "availableModes",
    "id",
    "name",
    "toolCall",
    "subject",
    "outcome",
    "optionId",
    "selected",
    "requestedSchema",
    "properties",
    "oneOf",
    "const",
    "enum",
    "required",
    "command",
    "completed",
    "failed",
    "in_progress",
    "execute",
    "edit",
    "object",
    "array",
    "message",
    "data",
    "details",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=6)
METHODS = st.sampled_from(["session/update", "session/request_permission", "elicitation/create", "initialize", "x"])
OURS = st.sampled_from(["initialize", "session/new", "session/load", "session/prompt", "session/cancel"])
IDS = st.none() | st.integers(0, 3) | st.text(max_size=1) | st.lists(st.integers(), max_size=1)
THEIRS = st.one_of(
    st.builds(
        lambda method, id, params: {"method": method, "id": id, "params": params}, METHODS, IDS, OBJECTS | VALUES
    ),
    st.builds(lambda id, result: {"id": id, "result": result}, IDS, OBJECTS | VALUES),
    st.builds(lambda id, error: {"id": id, "error": error}, IDS, OBJECTS | VALUES),
    st.builds(lambda update: {"method": "session/update", "params": {"update": update}}, OBJECTS),
)
SENT = st.one_of(
    st.builds(lambda method, id, params: {"method": method, "id": id, "params": params}, OURS, IDS, OBJECTS),
    st.builds(lambda id, result: {"id": id, "result": result}, IDS, OBJECTS),
)
NOTED = st.builds(lambda key, value: {key: value}, st.sampled_from(["asked", "ended", "sent"]), VALUES)
LINES = st.one_of(
    THEIRS.map(lambda message: {"jsonrpc": "2.0", **message}),
    SENT.map(lambda message: {"sent": {"jsonrpc": "2.0", **message}}),
    NOTED,
    st.lists(THEIRS, max_size=2),
)


@given(st.lists(LINES, max_size=12))
@settings(max_examples=100, deadline=None)
def test_no_line_of_either_side_raises(lines: list[Any]) -> None:
    parser, tally = AcpParser("/project"), Tally()
    for line in lines:
        for record in parser.feed(json.dumps(line).encode()):
            tally.add(record)
    for record in parser.close():
        tally.add(record)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_raise(line: bytes) -> None:
    AcpParser().feed(line.replace(b"\n", b" "))


@given(OBJECTS)
@example({"toolCall": {"kind": []}})
@settings(max_examples=300, deadline=None)
def test_no_shape_raises_where_it_is_looked_at(value: dict[str, Any]) -> None:
    choice_of(value, MODEL)
    choice_of(value, MODE)
    turn_usage(value)
    permissions.decide("acceptEdits", value, Path("/project"))
    permissions.answered(value, "yes")
    permissions.question_of(value, "/project")
    forms.question_of(value)
    forms.answer_of(value, "yes")


def test_a_reply_is_whole_however_it_comes_in_pieces() -> None:
    """A verdict may be cut anywhere."""
    text = "First.\n\n[DEV-STORY-COMPLETE: YES]\n" + "line\n" * 40_000 + "[X: Y]"
    parser, tally = AcpParser(), Tally()
    for start in range(0, len(text), 1000):
        content = {"type": "text", "text": text[start : start + 1000]}
        update = {"sessionUpdate": "agent_message_chunk", "content": content}
        line = {"jsonrpc": "2.0", "method": "session/update", "params": {"update": update}}
        for record in parser.feed(json.dumps(line).encode()):
            tally.add(record)
    for record in parser.close():
        tally.add(record)
    assert tally.text == text


def test_what_programs_say_of_themselves_is_not_said_by_the_agent() -> None:
    for case in cases("acp"):
        parser = AcpParser()
        for line in recording("acp", case).stream.splitlines():
            for record in parser.feed(line):
                assert not (isinstance(record, Text) and "[MODE_UPDATE]" in record.text), case


def test_opencode_s_tokens_are_those_of_its_last_reply() -> None:
    parser = AcpParser()
    records = [
        record for line in recording("acp", "opencode_story").stream.splitlines() for record in parser.feed(line)
    ]
    assert [record.text for record in records if isinstance(record, Note)] == [
        "opencode reports over ACP the tokens of its last reply only; its cost is that of all."
    ]
