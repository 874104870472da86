"""Tests of the journal: the results of a cycle, read back from its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from running.journal import FAILURES, CommandStatus, Journal, Result, dump
from store.batches import create_batch
from store.commands import Command, create_command, get_commands_by_batch
from store.questions import answer_question, ask_question, get_questions
from store.schema import migrate
from workflow import (
    CodeReviewVerdict,
    CommitVerdict,
    DevVerdict,
    ReviewVerdict,
    Severity,
    read_code_review,
    read_commit,
    read_dev_story,
    read_review,
    read_tech_spec_decisions,
)

PLACE = ("1-1-a", "dev-story", 1)


class Rows:
    """Rows of commands of one batch, made one after the other."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._batch = create_batch(connection, 1)

    def add(
        self, status: str, *, attempt: int = 1, command: str = "dev-story", key: str = "1-1-a", **more: Any
    ) -> None:
        ended = None if status == "running" else 9
        columns = {"status": status, "attempt": attempt, "story_key": key, "agent": "codex", "ended_at": ended, **more}
        create_command(self._connection, self._batch, command, **columns)

    def ask(self, question: str, answer: str | None = None, **columns: Any) -> None:
        """A call that ended with a question, which may have been answered since."""
        self.add("question", session_id="s-1", reason=question, **columns)
        id = get_commands_by_batch(self._connection, self._batch)[-1].id
        ask_question(self._connection, id, question)
        if answer is not None:
            answer_question(self._connection, id, answer)

    def read(self, *, failures: bool) -> Journal:
        rows: list[Command] = get_commands_by_batch(self._connection, self._batch)
        questions = get_questions(self._connection, [row.id for row in rows])
        return Journal.of(rows, failures=failures, questions=questions)


@pytest.fixture
def rows() -> Iterator[Rows]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        yield Rows(connection)


# status, whether it counts in the same batch, whether it counts in a new one, whether its session is continued
COUNTS = [
    ("success", True, True, False),
    ("error", True, False, False),
    ("timeout", True, False, False),
    ("stalled", True, False, False),
    ("stopped", False, False, True),
    ("interrupted", False, False, True),
    ("usage-limit", False, False, True),
    ("transient", False, False, True),
    ("question", False, False, True),
    ("unchecked", False, False, True),
    ("running", False, False, True),
]


@pytest.mark.parametrize(("status", "same", "new", "session"), COUNTS)
def test_what_counts_and_what_is_gone_on_with(rows: Rows, status: str, same: bool, new: bool, session: bool) -> None:
    rows.add(status, session_id="s-1", reason="why")
    for failures, counts in ((True, same), (False, new)):
        journal = rows.read(failures=failures)
        found = journal.find(*PLACE)
        assert (found is not None) is counts
        if found is not None:
            assert (found.status, found.reason, found.ok) == (status, "why", status == "success")
        kept = journal.session(*PLACE, "codex")
        assert (kept.id if kept else None) == ("s-1" if session else None)


def test_every_status_is_known_here() -> None:
    assert {row[0] for row in COUNTS} - {"running"} | {"refused", "lost"} == set(CommandStatus)


@pytest.mark.parametrize("status", list(CommandStatus))
def test_what_the_wire_says_of_a_status(status: CommandStatus) -> None:
    protocol = {"success", "error", "timeout", "stalled", "stopped", "interrupted", "usage-limit"}
    assert status.on_wire in protocol
    other = "stopped" if status in (CommandStatus.QUESTION, CommandStatus.UNCHECKED) else "error"
    assert status.on_wire == (status.value if status.value in protocol else other)
    assert status not in FAILURES or status.value in ("error", "timeout", "stalled")


def test_stories_commands_and_attempts_are_kept_apart(rows: Rows) -> None:
    rows.add("error", attempt=1)
    rows.add("success", attempt=2)
    rows.add("success", command="code-review-1")
    rows.add("success", key="1-1-ab", verdict="true")
    journal = rows.read(failures=True)
    assert [getattr(journal.find("1-1-a", "dev-story", n), "status", None) for n in (1, 2, 3)] == [
        "error",
        "success",
        None,
    ]
    assert journal.find("1-1-a", "code-review-1", 1) is not None
    assert journal.find("1-1-a", "code-review-2", 1) is None
    other = journal.find("1-1-ab", "dev-story", 1)
    assert other is not None
    assert other.read(bool) is True


def test_in_a_new_batch_a_late_success_is_the_first_attempt(rows: Rows) -> None:
    rows.add("error", attempt=1)
    rows.add("timeout", attempt=2)
    rows.add("success", attempt=3, verdict="[true]")
    journal = rows.read(failures=False)
    found = journal.find(*PLACE)
    assert found is not None
    assert found.read(list[bool]) == [True]
    assert journal.find("1-1-a", "dev-story", 3) is None


def test_the_newest_row_of_an_attempt_counts(rows: Rows) -> None:
    rows.add("interrupted", session_id="s-1")
    rows.add("error", reason="first")
    rows.add("success", reason="")
    assert rows.read(failures=True).results[PLACE].status is CommandStatus.SUCCESS


def test_a_session_is_gone_on_with_by_its_own_agent_only(rows: Rows) -> None:
    rows.add("stopped", session_id="s-1", input_tokens=5)
    rows.add("interrupted", session_id="s-1", input_tokens=7, output_tokens=1)
    rows.add("interrupted", session_id=None)
    journal = rows.read(failures=True)
    assert journal.session(*PLACE, "claude") is None
    kept = journal.session(*PLACE, "codex")
    assert kept is not None
    assert (kept.id, kept.booked.input_tokens, kept.booked.output_tokens) == ("s-1", 12, 1)
    rows.add("stopped", session_id="s-2", input_tokens=1)
    kept = rows.read(failures=True).session(*PLACE, "codex")
    assert kept is not None
    assert (kept.id, kept.booked.input_tokens) == ("s-2", 1)


def test_a_story_that_was_moved_by_hand_is_forgotten(rows: Rows) -> None:
    rows.add("success")
    rows.add("stopped", command="code-review-1", session_id="s-1")
    rows.add("success", key="1-1-ab")
    journal = rows.read(failures=True)
    journal.forget("1-1-a")
    assert journal.find(*PLACE) is None
    assert journal.session("1-1-a", "code-review-1", 1, "codex") is None
    assert journal.find("1-1-ab", "dev-story", 1) is not None


def test_nothing_recorded_is_nothing_found() -> None:
    journal = Journal.of([], failures=True)
    assert journal.find(*PLACE) is None
    assert journal.session(*PLACE, "codex") is None


VERDICTS: list[tuple[Any, Any]] = [
    (list[bool], read_tech_spec_decisions("[TECH-SPEC-DECISION: SKIP]", 2)),
    (ReviewVerdict, read_review("[CRITICAL-ISSUES-FOUND: YES]")),
    (DevVerdict, read_dev_story("[DEV-STORY-BLOCKED: YES] the key é is missing")),
    (CodeReviewVerdict, read_code_review("## Findings\n- b\n- a\n\nHIGHEST SEVERITY: HIGH")),
    (CodeReviewVerdict, CodeReviewVerdict(Severity.ZERO)),
    (CommitVerdict, read_commit("[COMMIT-SUCCESS: 1ef5bb3]")),
]


@pytest.mark.parametrize(("kind", "verdict"), VERDICTS, ids=[f"{n}" for n in range(len(VERDICTS))])
def test_a_verdict_is_read_back_as_it_was(kind: Any, verdict: Any) -> None:
    """After a restart the rounds before must weigh what they weighed: findings, severity and order."""
    assert Result(CommandStatus.SUCCESS, verdict=dump(verdict)).read(kind) == verdict


def test_a_session_of_a_later_attempt_is_gone_on_with_in_a_new_batch(rows: Rows) -> None:
    """The first attempt failed, the second was stopped in its session: a new batch begins with that one."""
    rows.add("error", attempt=1, session_id="s-1")
    rows.add("stopped", attempt=2, session_id="s-2")
    again = rows.read(failures=False).session(*PLACE, "codex")
    assert again is not None
    assert again.id == "s-2"
    same = rows.read(failures=True)
    assert same.session(*PLACE, "codex") is None
    assert same.session("1-1-a", "dev-story", 2, "codex") is not None


def test_a_session_that_ended_in_a_failure_is_not_gone_on_with(rows: Rows) -> None:
    rows.add("interrupted", session_id="s-1")
    rows.add("error", session_id="s-1")
    assert rows.read(failures=False).session(*PLACE, "codex") is None


def test_a_question_waits_until_something_ran_after_it(rows: Rows) -> None:
    rows.ask("Which colour?")
    asked = rows.read(failures=True).asked[PLACE]
    assert (asked.question, asked.answer) == ("Which colour?", None)
    rows.add("interrupted", session_id="s-1")
    assert rows.read(failures=True).asked == {}


def test_answers_are_remembered_for_a_prompt_that_is_given_afresh(rows: Rows) -> None:
    rows.ask("Which colour?", "blue")
    rows.add("error", session_id="s-1")
    rows.ask("Which size?", attempt=2)
    journal = rows.read(failures=False)
    assert [(emitted.question, emitted.answer) for emitted in journal.answered[PLACE[:2]]] == [
        ("Which colour?", "blue")
    ]
    assert journal.asked[PLACE].question == "Which size?"
    journal.forget("1-1-a")
    assert (journal.asked, journal.answered, journal.sessions) == ({}, {}, {})


def test_a_command_has_begun_as_soon_as_anything_of_it_is_recorded(rows: Rows) -> None:
    rows.add("error", command="code-review-2")
    rows.add("stopped", command="code-review-3", session_id="s-3")
    journal = rows.read(failures=True)
    assert [journal.begun("1-1-a", f"code-review-{number}") for number in (1, 2, 3)] == [False, True, True]
