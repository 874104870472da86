"""Options of newer versions of Claude Code: given where the program has them and the call has a use for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents import messages
from agents.claude import Claude
from agents.claude_options import (
    BUDGET,
    FALLBACK,
    INPUT,
    MESSAGES,
    OPTIONAL,
    PROMPTS,
    REPLAY,
    SCHEMA,
    optional_argv,
    reads_messages,
)
from agents.records import Final, Note
from agents.spec import AgentSpec, Call, OutcomeKind
from tests.agents.streams import read, recording


def call(**fields: Any) -> Call:
    return Call("the prompt", Path("/p"), "m", Path("/s"), **fields)


def spec(*words: str, **fields: Any) -> AgentSpec:
    return AgentSpec("c", "claude", ("claude", *words), **fields)


EVERYTHING = {"schema": '{"type": "object"}', "budget_usd": 1.5}


def test_an_older_program_is_called_as_ever() -> None:
    old = spec(model="opus", fallback_model="sonnet")
    assert Claude().argv(old, call(**EVERYTHING)) == [
        *("claude", "-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages"),
        *("--model", "opus"),
    ]
    assert Claude().prompt(call(**EVERYTHING)) == "the prompt"
    assert not Claude().takes_messages(call(**EVERYTHING))


def test_a_newer_one_gets_what_the_call_has() -> None:
    newer = call(options=OPTIONAL, **EVERYTHING)
    assert optional_argv(spec(model="opus", fallback_model="sonnet,haiku"), newer) == [
        *(SCHEMA, '{"type": "object"}', BUDGET, "1.5000", FALLBACK, "sonnet,haiku"),
        *(PROMPTS, "none", INPUT, "stream-json", REPLAY),
    ]
    assert optional_argv(spec(), call(options=OPTIONAL)) == [PROMPTS, "none", INPUT, "stream-json", REPLAY]
    assert optional_argv(spec(), call(options=frozenset({INPUT}))) == []
    assert optional_argv(spec(), call(options=frozenset({BUDGET}), **EVERYTHING)) == [BUDGET, "1.5000"]


@pytest.mark.parametrize(("left", "given"), [(0.0, "0.0100"), (0.00301, "0.0100"), (0.12345, "0.1235"), (7, "7.0000")])
def test_a_budget_is_never_nothing_and_never_less_than_what_is_left(left: float, given: str) -> None:
    assert optional_argv(spec(), call(options=frozenset({BUDGET}), budget_usd=left)) == [BUDGET, given]


def test_a_model_does_not_stand_in_for_itself() -> None:
    offered = frozenset({FALLBACK})
    assert optional_argv(spec(model="sonnet", fallback_model="sonnet"), call(options=offered)) == []
    assert optional_argv(spec(fallback_model="haiku"), call(options=offered, model="haiku")) == []


def test_the_operators_own_answer_to_prompts_is_left() -> None:
    own = spec("--permission-prompt-tool", "mcp__x__y")
    assert optional_argv(own, call(options=frozenset({PROMPTS}))) == []


@pytest.mark.parametrize(
    ("command", "reads"),
    [
        ("claude", True),
        ("/opt/bin/claude --verbose", True),
        ("npx -y @anthropic-ai/claude-code@latest", True),
        ("docker run -i image claude", True),
        ("my-claude.sh", False),
        ("bash -c ./claude-wrapper", False),
        ("python agent.py", False),
    ],
)
def test_only_the_program_itself_is_sent_messages(command: str, reads: bool) -> None:
    """A script may read all of its input before it starts the program."""
    assert reads_messages(command.split()) is reads
    assert Claude().options_for(command.split()) >= OPTIONAL - MESSAGES
    assert (INPUT in Claude().options_for(command.split())) is reads


def test_a_message_is_one_line_whatever_it_holds() -> None:
    text = 'a\nb "c" \u2028 ü'
    message = Claude().message(5, text)
    assert message.count("\n") == 1
    assert message.endswith("\n")
    sent = json.loads(message)
    assert messages.id_of(sent["uuid"]) == 5
    assert messages.of_operator(sent["message"]["content"][0]["text"]) == text


@pytest.mark.parametrize("version", ["2.1.332", "2.1.197"])
def test_a_structured_verdict_is_read_and_the_text_before_it_is_kept(version: str) -> None:
    _, tally = read(recording("claude", f"verdict_structured_{version}"))
    outcome = tally.outcome(OutcomeKind.SUCCESS, "", 0, 1)
    assert json.loads(outcome.structured or "") == {"complete": True, "blocked": False, "reason": ""}
    assert outcome.text == "All is done.\n\n[DEV-STORY-COMPLETE: YES]"


def test_a_verdict_that_never_fits_leaves_the_text_to_count() -> None:
    records, tally = read(recording("claude", "verdict_misfit_2.1.332"))
    assert tally.final is not None
    assert (tally.final.kind, tally.final.structured, tally.final.exit_code) == (OutcomeKind.SUCCESS, None, 1)
    assert tally.text.endswith("[DEV-STORY-COMPLETE: YES]")
    assert [record.text for record in records if isinstance(record, Note)] == [
        "Its structured verdict never fitted the schema; what counts is the marker in its text."
    ]


def test_a_message_in_the_middle_is_taken_up_in_the_same_turn() -> None:
    records, tally = read(recording("claude", "message_meanwhile_2.1.332"))
    assert sum(isinstance(record, Final) for record in records) == 1
    assert tally.text == "after bash"
