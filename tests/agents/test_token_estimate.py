from __future__ import annotations

from agents.records import Final, Text, ToolCall, ToolResult, UsageSeen
from agents.spec import OutcomeKind, Usage
from agents.token_estimate import BASE_TOKENS, Guess
from agents.usage import Tally


def test_the_context_is_read_again_at_every_turn() -> None:
    guess = Guess()
    records = list(
        guess.follow(
            [
                Text("x" * 400),
                ToolCall("1", "Bash", "y" * 40),
                ToolCall("2", "Bash", "y" * 40),
                ToolResult("1", True, "", 4000),
                ToolResult("2", True, "", 400),
                Text("z" * 80),
            ]
        )
    )
    seen = {record.message_id: record.usage for record in records if isinstance(record, UsageSeen)}
    assert seen == {
        "guess-1": Usage(BASE_TOKENS, 120),
        "guess-2": Usage(1100, 20, BASE_TOKENS + 120),
    }


def test_the_truth_replaces_the_guess() -> None:
    tally, guess = Tally(), Guess()
    for record in guess.follow([Text("x" * 400)]):
        tally.add(record)
    assert tally.usage.input_tokens == BASE_TOKENS
    tally.add(Final(OutcomeKind.SUCCESS, usage=Usage(7, 8, 9), cumulative=True))
    assert tally.usage == Usage(7, 8, 9)
