"""The evidence for a story's status: one line for its card, several sentences for its dossier.

Pure. A status is not trusted: the sentences follow from the runner's own records, and point out where the tracker
claims more than these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from api.reviews import Counts, reviews_of
from base.outcome import outcome_of
from git.trees import Diff
from sprint import StoryInfo
from store.checks import Check
from store.commands import Command
from store.status_evidence import CommandSummary, StatusChange
from store.stories import Story
from workflow import kind_of

Tone = Literal["good", "info", "warn", "bad"]

BY_HAND: Final = {"set by hand": "by hand", "changed in the sprint status file": "in the status file"}
FAILED: Final = frozenset({"error", "timeout", "stalled", "refused"})
CARD_CHARS: Final = 140  # of a reason on a card; the dossier has the complete text
UNTOUCHED: Final = ("backlog", "ready-for-dev", "parked", "unknown")  # statuses that claim no work


class StatusEvidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """The evidence in one line; `tone` is whether it supports the status.

    `before`: the story was done before the runner came, as most are in a project that is older than it.
    """

    tone: Tone
    words: str
    before: bool = False


class Sentence(msgspec.Struct, frozen=True):
    """One piece of evidence for or against the status."""

    tone: Tone
    text: str


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """The records of one story: its newest row, its commands (oldest first), the last change of its status."""

    row: Story | None = None
    commands: Sequence[CommandSummary | Command] = ()
    change: StatusChange | None = None

    @property
    def reviews(self) -> list[CommandSummary | Command]:
        """The code reviews that ended with a verdict."""
        return [
            command
            for command in self.commands
            if kind_of(command.command) == "code-review" and command.verdict is not None
        ]

    @property
    def commit(self) -> str | None:
        """The hash from the last successful commit command; None if there was nothing to commit."""
        words = [
            command.word
            for command in self.commands
            if kind_of(command.command) == "commit" and command.status == "success"
        ]
        return words[-1] if words and words[-1] != "nothing to commit" else None


def evidence_for_status(story: StoryInfo, records: Records) -> StatusEvidence | None:
    """Return the line for the story's card; None for a story without evidence."""
    hand = set_by_person(story, records)
    if story.status == "done":
        return _done(records, hand)
    if story.status == "blocked":
        return _blocked(records, hand)
    if hand is not None and records.commands:
        return StatusEvidence("info", f"Set {hand}")
    last = records.commands[-1] if records.commands else None
    if last is None:
        return None if story.status in UNTOUCHED else StatusEvidence("info", "Nothing of it was run here")
    if last.status in FAILED:
        return StatusEvidence("bad", _short(f"{_name(last)} failed: {last.reason or last.status}"))
    reviews = records.reviews
    return StatusEvidence("info", _reviewed(reviews)) if reviews else None


def _done(records: Records, hand: str | None) -> StatusEvidence:
    reviewed = _reviewed(records.reviews) if records.reviews else "No review"
    if hand is not None:
        return StatusEvidence("warn", f"Set to done {hand} · {reviewed}")
    if records.row is None:
        return StatusEvidence("warn", "Done before this runner knew it, nothing is proved", before=True)
    if records.row.status != "done":
        return StatusEvidence(
            "bad", _short(f"The runner left it at {records.row.status}: {records.row.reason or 'no end'}")
        )
    if records.commit is None:
        return StatusEvidence("good", f"{reviewed} · no commit recorded")
    return StatusEvidence("good", f"{reviewed} · {records.commit[:7]}")


def _blocked(records: Records, hand: str | None) -> StatusEvidence:
    row = records.row
    if hand is not None or row is None or row.status != "blocked":
        return StatusEvidence("warn", f"Blocked {hand}" if hand else "Blocked, not by this runner")
    return StatusEvidence("bad", _short(row.reason or "Blocked by the runner"))


def evidence_of(
    story: StoryInfo,
    records: Records,
    commands: Sequence[Command],
    checks: Sequence[Check],
    tree: Diff | None,
    others: bool,
    commits: int,
) -> list[Sentence]:
    """Return all evidence for the status.

    `checks` are the verify runs, oldest first; `tree` is the change since development began, `others` whether other
    stories were worked on since then; `commits` is the number of commits that git finds for the story.
    """
    parts = [
        _source(story, records),
        _reviews(story, commands),
        _work(story, records.commands),
        _tree(story, tree, others),
        _check(checks),
        _commit(story, records, commits),
        _tasks(story),
        _drift(story),
        _failures(records.commands),
    ]
    return [part for part in parts if part is not None]


def _source(story: StoryInfo, records: Records) -> Sentence | None:
    """Return the sentence on who set the status that the tracker has."""
    hand, row = set_by_person(story, records), records.row
    if hand is not None:
        return Sentence("warn" if story.status == "done" else "info", f"The status was set {hand}, not by the runner.")
    if row is None:
        text = "The runner has not worked on this story: its status is only what the status file says."
        return None if story.status in UNTOUCHED else Sentence("warn", text)
    if row.status == story.status:
        because = f": {row.reason.rstrip('.')}" if row.reason else ""
        tone: Tone = {"done": "good", "blocked": "bad"}.get(row.status, "info")  # type: ignore[assignment]
        return Sentence(tone, f"The runner set it to {_words(row.status)}{because}.")
    text = f"The status file says {story.raw_status}, but the runner left the story at {_words(row.status)}"
    return Sentence("bad" if story.status == "done" else "warn", f"{text}{f': {row.reason}' if row.reason else '.'}")


def _reviews(story: StoryInfo, commands: Sequence[Command]) -> Sentence | None:
    rounds = [one for review in reviews_of(commands) if review.kind == "code-review" for one in review.rounds]
    read = [one for one in rounds if one.readable]
    if not read:
        text = "No code review of it has ended with a verdict."
        return Sentence("warn", text) if story.status in ("done", "review") else None
    last = read[-1]
    # From the third round on a review with minor findings is accepted, so only these two contradict `done`.
    grave = last.verdict in ("CRITICAL", "HIGH") and story.status == "done"
    text = "the verdict is" if len(read) == 1 else "the last verdict is"
    text = f"Reviewed {_times(len(read))}, {text} {last.verdict}{_numbers(last.counts)}."
    return Sentence("warn" if grave else "good" if story.status == "done" else "info", text)


def _numbers(counts: Counts | None) -> str:
    """Return the numbers of findings by severity, without zeros."""
    if counts is None:
        return ""
    some = [f"{number} {name}" for name, number in msgspec.structs.asdict(counts).items() if number]
    return f" ({', '.join(some)})" if some else ""


def _work(story: StoryInfo, commands: Sequence[CommandSummary | Command]) -> Sentence | None:
    """Return the sentence on the changes that git measured while the story's commands ran."""
    sizes = []
    for name, kind in (("development", "dev-story"), ("the build", "build-auto"), ("reviews", "code-review")):
        own = [command for command in commands if kind_of(command.command) == kind and command.files_changed]
        if own:
            added, removed = (
                sum(command.lines_added or 0 for command in own),
                sum(command.lines_removed or 0 for command in own),
            )
            # Not the sum: the rounds of a story change mostly the same files.
            files = max(command.files_changed or 0 for command in own)
            sizes.append(f"{name} changed {_files(files)}, {_size(added, removed)}")
    if sizes:
        text = "; ".join(sizes)
        return Sentence("good" if story.status == "done" else "info", f"{text[:1].upper()}{text[1:]}.")
    text = "git has seen no change while its commands ran."
    return Sentence("warn", text) if story.status == "done" and commands else None


def _tree(story: StoryInfo, tree: Diff | None, others: bool) -> Sentence | None:
    if tree is None or (others and tree.files_changed and story.status == "done"):
        return None  # later changes are no evidence for this story
    if not tree.files_changed:
        text = "Nothing in the project is different from when its development began."
        return Sentence("bad" if story.status == "done" else "info", text)
    shared = ", work on later stories included" if others else ""
    size = f"{_files(tree.files_changed)}, {_size(tree.lines_added, tree.lines_removed)}"
    return Sentence("info", f"The tree has changed since its development began: {size}{shared}.")


def _check(checks: Sequence[Check]) -> Sentence | None:
    if not checks:
        return None
    last = checks[-1]
    if last.ok:
        return Sentence("good", f"The check `{last.command}` passed.")
    how = "took too long" if last.exit_code is None else f"ended with {last.exit_code}"
    return Sentence("bad", f"The check `{last.command}` {how}.")


def _commit(story: StoryInfo, records: Records, commits: int) -> Sentence | None:
    if records.commit is not None:
        return Sentence("good", f"Commit {records.commit[:10]} holds the work.")
    if commits:
        return Sentence("info", f"{_count(commits, 'commit names', 'commits name')} the story.")
    return Sentence("warn", "No commit names the story.") if story.status == "done" else None


def _tasks(story: StoryInfo) -> Sentence | None:
    """Return the sentence on ticked tasks, which are a weak hint: agents forget to tick them, or tick them early."""
    done, total = story.tasks.done, story.tasks.total
    if not total or story.status in UNTOUCHED:
        return None
    open_ones = total - done
    tone: Tone = "warn" if open_ones and story.status == "done" else "info"
    return Sentence(tone, f"{done} of {total} tasks are ticked in its file.")


def _drift(story: StoryInfo) -> Sentence | None:
    if story.drift is None:
        return None
    text = f"The story file says {story.drift.file_status}, the status file {story.raw_status}; the status file counts."
    return Sentence("warn", text)


def _failures(commands: Sequence[CommandSummary | Command]) -> Sentence | None:
    ended = [command for command in commands if command.ended_at is not None]
    failed = [command for command in ended if outcome_of(command.status, command.word) == "failed"]
    if not failed:
        return None
    last = failed[-1]
    text = f"{len(failed)} of {_count(len(commands), 'command', 'commands')} failed, the last one was {_name(last)}"
    reason = f": {last.reason}" if last.reason else "."
    return Sentence("bad" if last is commands[-1] else "info", text + reason)


# -- text -------------------------------------------------------------------------------------------------------


def set_by_person(story: StoryInfo, records: Records) -> str | None:
    """Return how a person set the status that the tracker has; None where the runner set it or no person is known."""
    row, change = records.row, records.change
    # Where the row has the same status, the run reached it as well, even if a person wrote it first.
    if change is None or change.new != story.status or (row is not None and row.status == story.status):
        return None
    return BY_HAND.get(change.reason)


def _reviewed(reviews: Sequence[CommandSummary | Command]) -> str:
    count = "1 review:" if len(reviews) == 1 else f"{len(reviews)} reviews, last:"
    return f"{count} {(reviews[-1].word or 'unreadable').lower()}"


def _name(command: CommandSummary | Command) -> str:
    return f"{command.command}, attempt {command.attempt}" if command.attempt > 1 else command.command


def _words(status: str) -> str:
    return status.replace("-", " ")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CARD_CHARS else line[: CARD_CHARS - 1].rstrip() + "…"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _files(number: int) -> str:
    return _count(number, "file", "files")


def _size(added: int, removed: int) -> str:
    return f"+{added:,} \N{MINUS SIGN}{removed:,}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
