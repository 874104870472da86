"""The parts of a dossier that are rows of the database: checks, hints, comments, take-overs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from api.commands import stored_verdict
from running.questions import DECIDE
from store.checks import Check
from store.commands import Command
from store.gates import GateRow
from store.questions import QuestionRow
from store.takeovers import TakeOverRow
from workflow import kind_of, split_comments

BY_HAND: Final = "by-hand-"  # before a take-over's id: the name of its change


class TaskLine(msgspec.Struct, frozen=True):
    text: str
    done: bool
    depth: int


class CheckLine(msgspec.Struct, frozen=True, kw_only=True):
    """One verify run; `exit_code` is None after its time limit, `tail` is the end of its output."""

    id: int
    command: str
    ok: bool
    exit_code: int | None
    duration_ms: int
    at: int
    tail: str
    machine: str | None  # that it ran on; null: the runner's own


class Hint(msgspec.Struct, frozen=True):
    """A hint of the operator; `command_id` is the last command that got it, None before.

    `sent_to` is the command that it was sent to as a message, None for a hint.
    """

    id: int
    text: str
    at: int
    command_id: int | None
    sent_to: int | None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent asked the operator; `answer` is None while it is open. Times in ms since the epoch.

    `decided` says that the answer leaves the decision to the agent, as it is left where no answer comes in time.
    """

    command_id: int
    question: str
    answer: str | None
    asked_at: int
    answered_at: int | None
    decided: bool


class CommentState(msgspec.Struct, frozen=True):
    """A comment: `open` or `answered`, with the words of the review `by`, None before one has looked at it."""

    text: str
    state: Literal["open", "answered"]
    words: str
    by: str | None


class SentBack(msgspec.Struct, frozen=True):
    """What the operator sent back at a gate; `settled_by` is the review that was given the comments, None before."""

    gate_id: int
    kind: str
    comments: str
    at: int
    settled_by: str | None
    items: list[CommentState] = []


class ByHand(msgspec.Struct, frozen=True, kw_only=True):
    """A take-over of the story: its times in ms since the epoch, and the change once it was handed back.

    `state` is requested, taken or returned; `command_line` continues the agent's session in a terminal.

    `diff` names the change for `GET /api/stories/{key}/changes/{name}`.
    """

    id: int
    story_key: str
    state: str
    folder: str
    message: str
    command_line: str | None
    agent: str | None
    session_id: str | None
    at: int
    returned_at: int | None
    files_changed: int | None
    lines_added: int | None
    lines_removed: int | None
    diff: str | None


def sent_back_view(row: GateRow, commands: Sequence[Command]) -> SentBack:
    at = row.decided_at or row.opened_at
    reviews = [
        command
        for command in commands
        if kind_of(command.command).endswith("-review") and command.status == "success" and command.started_at >= at
    ]
    items = [_comment_state(comment, reviews) for comment in split_comments(row.comments)]
    return SentBack(row.id, row.kind, row.comments or "", at, reviews[0].command if reviews else None, items)


def _comment_state(comment: str, reviews: Sequence[Command]) -> CommentState:
    """What the newest review that was asked says of a comment."""
    said = [
        (command.command, answer)
        for command in reviews
        for answer in stored_verdict(command).answers
        if answer.comment == comment
    ]
    if not said:
        return CommentState(comment, "open", "", None)
    command, answer = said[-1]
    return CommentState(comment, "answered" if answer.answered else "open", answer.words, command)


def by_hand_view(row: TakeOverRow) -> ByHand:
    return ByHand(
        id=row.id,
        story_key=row.story_key,
        state=row.state,
        folder=row.folder,
        message=row.message,
        command_line=row.command_line,
        agent=row.agent,
        session_id=row.session_id,
        at=row.taken_at or row.requested_at,
        returned_at=row.returned_at,
        files_changed=row.files_changed,
        lines_added=row.lines_added,
        lines_removed=row.lines_removed,
        diff=f"{BY_HAND}{row.id}" if row.tree_after else None,
    )


def check_line(check: Check) -> CheckLine:
    fields = {name: getattr(check, name) for name in CheckLine.__struct_fields__}
    return CheckLine(**{**fields, "ok": bool(check.ok)})


def question_view(row: QuestionRow) -> Question:
    fields = {name: getattr(row, name) for name in QuestionRow.__struct_fields__}
    return Question(**fields, decided=row.answer == DECIDE)
