"""Tests of the evidence for a status: a table of records and of the sentences that follow."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from api.reviews import reviews_of
from api.status_evidence import Records, evidence_for_status, evidence_of
from git.trees import Diff
from sprint import StoryInfo
from sprint.views import Drift, TaskCount
from store.checks import Check
from store.commands import Command
from store.status_evidence import StatusChange
from store.stories import Story

COMMAND: dict[str, Any] = dict.fromkeys(Command.__struct_fields__)
ROW: dict[str, Any] = dict.fromkeys(Story.__struct_fields__)
BY_HAND = StatusChange("review", "done", "set by hand", 5)
IN_FILE = StatusChange("review", "done", "changed in the sprint status file", 5)
BY_RUNNER = StatusChange("review", "done", "code review 1 found zero issues", 5)


def story(status: str, **fields: Any) -> StoryInfo:
    known = {"key": "1-1-a", "epic": "1", "title": "A", "description": "", "raw_status": status, "runnable": False}
    rest: dict[str, Any] = {"tasks": TaskCount(), "file": None, "files": [], "drift": None, "line": 1, "comment": ""}
    return StoryInfo(**{**known, **rest, "status": status, **fields})


def row(status: str, reason: str | None = None) -> Story:
    return Story(**{**ROW, "id": 1, "story_key": "1-1-a", "status": status, "reason": reason, "started_at": 1})


def command(command: str, status: str = "success", word: str | None = None, attempt: int = 1, **fields: Any) -> Command:
    common = {"id": 1, "batch_id": 1, "command": command, "status": status, "word": word, "attempt": attempt}
    return Command(**{**COMMAND, **common, "background": 0, "ended_at": 9, **fields})


def review(number: int, word: str, *found: str, counts: tuple[int, ...] | None = None) -> Command:
    verdict = msgspec.json.encode({"severity": 1, "findings": [], "said": found, "counts": counts}).decode()
    return command(f"code-review-{number}", word=word, verdict=verdict, id=number)


DEV = command("dev-story", word="complete", files_changed=4, lines_added=120, lines_removed=8, verdict="{}")
COMMIT = command("commit", word="abc1234")
CARDS = [
    ("backlog", Records(), None),
    ("review", Records(), ("info", "Nothing of it was run here")),
    ("done", Records(), ("warn", "Done before this runner knew it, nothing is proved")),
    (
        "done",
        Records(row=row("done"), commands=[DEV, review(1, "HIGH"), review(2, "LOW"), COMMIT], change=BY_RUNNER),
        ("good", "2 reviews, last: low · abc1234"),
    ),
    ("done", Records(row=row("done"), commands=[review(1, "LOW")]), ("good", "1 review: low · no commit recorded")),
    (
        "done",
        Records(row=row("blocked", "the check\nended with 1"), commands=[DEV]),
        ("bad", "The runner left it at blocked: the check ended with 1"),
    ),
    ("done", Records(row=row("blocked"), commands=[DEV], change=BY_HAND), ("warn", "Set to done by hand · No review")),
    ("done", Records(change=IN_FILE), ("warn", "Set to done in the status file · No review")),
    ("blocked", Records(row=row("blocked", "no key"), commands=[DEV]), ("bad", "no key")),
    ("blocked", Records(), ("warn", "Blocked, not by this runner")),
    (
        "in-progress",
        Records(
            row=row("in-progress"), commands=[command("dev-story", "error", attempt=2, reason="nothing was changed")]
        ),
        ("bad", "dev-story, attempt 2 failed: nothing was changed"),
    ),
    ("review", Records(row=row("review"), commands=[DEV, review(1, "HIGH")]), ("info", "1 review: high")),
]


@pytest.mark.parametrize(("status", "records", "expected"), CARDS)
def test_the_line_on_a_card(status: str, records: Records, expected: tuple[str, str] | None) -> None:
    evidence = evidence_for_status(story(status), records)
    assert (None if evidence is None else (evidence.tone, evidence.words)) == expected


def sentences(
    status: str, records: Records, tree: Diff | None = None, commits: int = 0, checks: Any = (), **fields: Any
) -> dict[str, str]:
    commands = [command for command in records.commands if isinstance(command, Command)]
    made = evidence_of(story(status, **fields), records, commands, checks, tree, False, commits)
    return {sentence.text: sentence.tone for sentence in made}


def test_all_that_a_finished_story_rests_on() -> None:
    ended = [DEV, review(1, "HIGH"), review(2, "LOW", counts=(0, 0, 0, 2)), COMMIT]
    records = Records(row=row("done", "code review 2 found nothing critical"), commands=ended, change=BY_RUNNER)
    assert sentences("done", records, Diff(4, 120, 8), tasks=TaskCount(7, 7)) == {
        "The runner set it to done: code review 2 found nothing critical.": "good",
        "Reviewed twice, the last verdict is LOW (2 low).": "good",
        "Development changed 4 files, +120 \N{MINUS SIGN}8.": "good",
        "The tree has changed since its development began: 4 files, +120 \N{MINUS SIGN}8.": "info",
        "Commit abc1234 holds the work.": "good",
        "7 of 7 tasks are ticked in its file.": "info",
    }


def test_nothing_supports_a_status_that_was_only_written() -> None:
    assert sentences("done", Records(), tasks=TaskCount(1, 3), drift=Drift("review")) == {
        "The runner has not worked on this story: its status is only what the status file says.": "warn",
        "No code review of it has ended with a verdict.": "warn",
        "No commit names the story.": "warn",
        "1 of 3 tasks are ticked in its file.": "warn",
        "The story file says review, the status file done; the status file counts.": "warn",
    }


def test_a_status_that_the_runner_would_not_have_given() -> None:
    failed = [command("dev-story", "error", attempt=n, reason="nothing was changed") for n in (1, 2)]
    records = Records(row=row("blocked", "gave up"), commands=failed)
    found = sentences("done", records, Diff())
    assert found["The status file says done, but the runner left the story at blocked: gave up"] == "bad"
    assert found["2 of 2 commands failed, the last one was dev-story, attempt 2: nothing was changed"] == "bad"
    assert found["Nothing in the project is different from when its development began."] == "bad"
    assert (
        sentences("done", Records(row=row("done"), commands=[review(1, "CRITICAL")]))[
            "Reviewed once, the verdict is CRITICAL."
        ]
        == "warn"
    )


def test_the_last_run_of_the_check_is_reported() -> None:
    runs: list[dict[str, Any]] = [{"ok": 0, "exit_code": 1}, {"ok": 1, "exit_code": 0}, {"ok": 0, "exit_code": None}]
    common: dict[str, Any] = dict.fromkeys(Check.__struct_fields__)
    checks = [Check(**{**common, "command": "pytest -q", **run}) for run in runs]
    records = Records(row=row("in-progress"))
    assert sentences("in-progress", records, checks=checks[:1])["The check `pytest -q` ended with 1."] == "bad"
    assert sentences("in-progress", records, checks=checks[:2])["The check `pytest -q` passed."] == "good"
    assert sentences("in-progress", records, checks=checks)["The check `pytest -q` took too long."] == "bad"


def test_a_story_that_has_not_begun_needs_no_evidence() -> None:
    assert sentences("backlog", Records(), tasks=TaskCount(0, 5)) == {}


# -- rounds of reviews -------------------------------------------------------------------------------------------


def test_findings_are_followed_from_round_to_round() -> None:
    rounds = reviews_of(
        [
            review(1, "HIGH", "[HIGH] `a.py:12`: loses data", "[LOW] a word"),
            command("code-review-2", "error", reason="unreadable verdict"),
            review(3, "MEDIUM", "[MEDIUM] a.py:40: loses data", "new"),
            review(4, "ZERO ISSUES"),
        ]
    )[0].rounds
    assert [[(one.text, one.severity, one.again) for one in each.findings] for each in rounds] == [
        [("`a.py:12`: loses data", "high", False), ("a word", "low", False)],
        [],
        [("a.py:40: loses data", "medium", True), ("new", "", False)],
        [],
    ]
    assert [[one.text for one in each.gone] for each in rounds] == [[], [], ["a word"], ["a.py:40: loses data", "new"]]
    assert [each.readable for each in rounds] == [True, False, True, True]


def test_rows_of_older_versions_and_other_reviews() -> None:
    old = command("code-review-1", word="HIGH", verdict='{"severity":3,"findings":["a.py: wrong","none"]}')
    story_review = command("story-review-2", word="critical", verdict='{"critical":true}')
    reviews = reviews_of([command("create-story", verdict="[true]"), old, story_review])
    assert [review.kind for review in reviews] == ["story-review", "code-review"]
    assert [one.text for one in reviews[1].rounds[0].findings] == ["a.py: wrong"]
    assert reviews[0].rounds[0].findings == []
