from __future__ import annotations

import pytest

from agents import account
from agents import usage as module
from agents.records import Final, Noise, Question, Retry, Started, Text, ToolCall, ToolResult, UsageSeen
from agents.spec import OutcomeKind, Usage
from agents.usage import Tally


def fold(*records: object, model: str | None = None) -> Tally:
    made = Tally(model)
    for record in records:
        made.add(record)  # type: ignore[arg-type]
    return made


def done(usage: Usage | None = None, cost: float | None = None, cumulative: bool = False) -> Final:
    return Final(OutcomeKind.SUCCESS, usage=usage, cost_usd=cost, cumulative=cumulative)


def test_usage_is_counted_once_per_message() -> None:
    made = fold(UsageSeen("a", Usage(10, 1)), UsageSeen("a", Usage(10, 5)), UsageSeen("b", Usage(1, 1)))
    assert made.usage == Usage(11, 6)
    assert made.cost_usd is None


def test_a_final_replaces_what_was_estimated() -> None:
    made = fold(UsageSeen("a", Usage(10, 1)), done(Usage(20, 9), 0.5), UsageSeen("a", Usage(10, 1)))
    assert (made.usage, made.cost_usd) == (Usage(20, 9), 0.5)


def test_several_finals_add_up_unless_they_are_totals() -> None:
    assert fold(done(Usage(1), 0.5), done(Usage(2), 0.25)).usage == Usage(3)
    assert fold(done(Usage(1), 0.5), done(Usage(2), 0.25)).cost_usd == 0.75
    assert fold(done(Usage(1), 0.5, True), done(Usage(3), 0.75, True)).cost_usd == 0.75


def test_what_came_after_the_last_final_is_added() -> None:
    made = fold(done(Usage(1), 0.5), UsageSeen("n", Usage(1_000_000)), model="claude-sonnet-4-5")
    assert (made.usage, made.cost_usd) == (Usage(1_000_001), 3.5)


def test_an_empty_final_keeps_the_estimate() -> None:
    made = fold(UsageSeen("a", Usage(1_000_000)), done(Usage(), 0.0), model="claude-sonnet-4-5")
    assert (made.usage, made.cost_usd) == (Usage(1_000_000), 3.0)
    assert fold(done(Usage(), 0.0)).cost_usd == 0.0


def test_what_is_estimated_is_marked() -> None:
    seen = UsageSeen("a", Usage(1_000_000))
    made = fold(seen, model="claude-sonnet-4-5")
    assert (made.cost_usd, made.estimated_usd) == (3.0, 3.0)
    made.add(done(Usage(1_000_000), 2.5))
    assert (made.cost_usd, made.estimated_usd) == (2.5, 0.0)
    made.add(UsageSeen("b", Usage(1_000_000)))
    assert (made.cost_usd, made.estimated_usd) == (5.5, 3.0)


def test_a_reply_that_reports_its_cost_is_no_estimate() -> None:
    made = fold(UsageSeen("a", Usage(7), None, 0.25), UsageSeen("a", Usage(9), None, 0.5), model="claude-sonnet-4-5")
    assert (made.usage, made.cost_usd, made.estimated_usd) == (Usage(9), 0.5, 0.0)


def test_a_million_replies_take_no_memory_and_are_all_counted() -> None:
    made = Tally("claude-sonnet-4-5")
    for number in range(account.MAX_REPLIES * 3):
        made.add(UsageSeen(f"m-{number}", Usage(1000)))
    assert len(made._account._replies) == account.MAX_REPLIES
    assert made.usage == Usage(account.MAX_REPLIES * 3000)
    assert made.cost_usd == pytest.approx(account.MAX_REPLIES * 3 * 0.003)
    made.add(done(Usage(5), 1.0))
    assert (made.usage, made.cost_usd, made.estimated_usd) == (Usage(5), 1.0, 0.0)


def test_empty_texts_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TEXT_CHARS", 1000)
    assert len(fold(*(Text("") for _ in range(1000)))._texts) < 20


def test_text_is_bounded_at_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TEXT_CHARS", 2 * (8 + module.TEXT_COSTS_CHARS))
    made = fold(*(Text(f"line {n:03}") for n in range(100)))
    assert made.text == "line 098\nline 099"


def test_open_calls() -> None:
    made = fold(ToolCall("1", "Bash", "Bash: sleep"), ToolCall("2", "Read", "Read x"), ToolResult("2", True, ""))
    assert (made.open_call, made.last_activity) == ("Bash: sleep", "Read x")


def test_a_question_is_open_until_it_is_answered() -> None:
    assert fold(Question("Which?")).question == "Which?"
    assert fold(Question("Which?"), ToolResult("1", True, "this")).question is None


def test_a_retry_is_over_when_something_comes() -> None:
    assert fold(Retry(1, 2, 0.5, "overloaded")).retry is not None
    assert fold(Retry(1, 2, 0.5, "overloaded"), Text("on we go")).retry is None


def test_noise_and_retries_are_no_start() -> None:
    assert not fold(Noise("x", 1), Retry(1, 2, 0.5, "x")).started
    assert fold(Started("s")).started
