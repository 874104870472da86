"""Judging an end: why we ended it, the final record, the exit code."""

from __future__ import annotations

import pytest

from agents.adapter import Cause, Ending, QuietParser
from agents.records import Denied, Final, Question, Record, Retry, Started, Text, ToolCall
from agents.registry import ADAPTERS, adapter_for
from agents.spec import OutcomeKind
from agents.usage import Tally

GOOD = Final(OutcomeKind.SUCCESS)
BAD = Final(OutcomeKind.LIMIT, "too many turns")
STARTED = Started("s")


def judge(*records: Record, kind: str = "claude", resumed: bool = False, **ending: object) -> tuple[OutcomeKind, str]:
    tally = Tally(resumed=resumed)
    for record in records:
        tally.add(record)
    made = adapter_for(kind).judge(tally, Ending(**ending))  # type: ignore[arg-type]
    return made.kind, made.reason


@pytest.mark.parametrize(
    ("records", "code", "cause", "kind"),
    [
        ((STARTED, GOOD), 0, None, OutcomeKind.SUCCESS),
        ((STARTED, GOOD), 1, None, OutcomeKind.FAILED),
        ((STARTED, GOOD), 143, None, OutcomeKind.SUCCESS),  # the wait after its result was cut
        ((STARTED, GOOD), -9, Cause.LINGER, OutcomeKind.SUCCESS),
        ((STARTED, GOOD), -2, Cause.STOP, OutcomeKind.STOPPED),
        ((STARTED, BAD), 1, None, OutcomeKind.LIMIT),
        ((STARTED, BAD), 0, None, OutcomeKind.LIMIT),
        ((STARTED, BAD, GOOD), 0, None, OutcomeKind.SUCCESS),  # the last one counts
        ((STARTED, GOOD, BAD), 0, None, OutcomeKind.LIMIT),
        ((STARTED,), 0, None, OutcomeKind.TRUNCATED),
        ((STARTED,), 1, None, OutcomeKind.TRUNCATED),
        ((STARTED,), -9, None, OutcomeKind.TRUNCATED),
        ((), 0, None, OutcomeKind.TRUNCATED),
        ((), 1, None, OutcomeKind.COULD_NOT_START),
        ((), -15, None, OutcomeKind.TRUNCATED),
        ((), None, Cause.STOP, OutcomeKind.STOPPED),
        ((STARTED,), 0, Cause.TIMEOUT, OutcomeKind.TIMEOUT),
        ((STARTED,), 0, Cause.SILENCE, OutcomeKind.STALLED),
        ((STARTED, Retry(1, 2, 1.0, "overloaded")), 0, Cause.SILENCE, OutcomeKind.TRANSIENT),
        ((STARTED,), 0, Cause.AUTH, OutcomeKind.AUTH),
    ],
)
def test_judgements(records: tuple[Record, ...], code: int | None, cause: Cause | None, kind: OutcomeKind) -> None:
    found, reason = judge(*records, exit_code=code, cause=cause, detail="Because.")
    assert found is kind
    assert bool(reason) == (kind is not OutcomeKind.SUCCESS)


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ((), "Why. It never said anything."),
        ((Text("Hm."),), "Why. Last activity: Hm."),
        ((Text("Hm."), Denied("Bash", "t", "not allowed")), "Why. It was last refused a permission: not allowed"),
        ((ToolCall("t", "Bash", "Bash: sleep"),), "Why. It was in the middle of: Bash: sleep"),
        (
            (ToolCall("t", "Ask", "Ask"), Question("Which?")),
            "Why. It was waiting for an answer or a permission: Which?",
        ),
    ],
)
def test_a_stalled_agent_is_reported_with_what_it_did(records: tuple[Record, ...], reason: str) -> None:
    assert judge(*records, exit_code=0, cause=Cause.SILENCE, detail="Why.") == (OutcomeKind.STALLED, reason)


def test_a_session_that_cannot_be_resumed_is_a_failed_attempt() -> None:
    kind, reason = judge(exit_code=1, stderr="Error: Session not found", resumed=True)
    assert kind is OutcomeKind.FAILED
    assert reason.startswith("The session could not be resumed. ")


def test_plain_text_goes_by_the_exit_code() -> None:
    kinds = [judge(Text("x"), kind="text", exit_code=code)[0] for code in (0, 1, -9)]
    assert kinds == [OutcomeKind.SUCCESS, OutcomeKind.FAILED, OutcomeKind.FAILED]


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
def test_who_learns_from_stderr_says_so(kind: str) -> None:
    adapter = adapter_for(kind)
    own: object = type(adapter.parser()).feed_stderr
    assert adapter.complains is (own is not QuietParser.feed_stderr)


@pytest.mark.parametrize("kind", sorted(set(ADAPTERS) - {"text"}))
def test_a_refused_key_comes_with_what_to_do(kind: str) -> None:
    """However it is reported: by the final record, or by a retry that cannot help."""
    said = adapter_for(kind).login
    assert kind in said.lower() or "API_KEY" in said
    refused = Final(OutcomeKind.AUTH, "401 Unauthorized")
    assert judge(STARTED, refused, kind=kind, exit_code=1) == (OutcomeKind.AUTH, f"401 Unauthorized. {said}")
    ended = judge(STARTED, kind=kind, exit_code=-2, cause=Cause.AUTH, detail="The key was refused.")
    assert ended == (OutcomeKind.AUTH, f"The key was refused. {said}")
