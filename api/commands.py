"""The view of a command in responses: its row with the short form of its verdict, without processes and paths."""

from __future__ import annotations

import msgspec

import agents
from running.snapshot_branch import proposed_branch
from store.commands import Command
from workflow import CommentAnswer


class CommandView(msgspec.Struct, frozen=True, kw_only=True):
    """A command; times in ms since the epoch, cost in US dollars.

    `branch` is a name for a branch of the files as they were before it, None where no snapshot was taken.
    """

    id: int
    batch_id: int
    story_id: int | None
    story_key: str
    command: str
    attempt: int
    status: str
    task_id: str
    agent: str
    model: str | None
    session_id: str | None
    reason: str | None
    started_at: int
    ended_at: int | None
    duration_ms: int | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cost_usd: float | None
    estimated_usd: float | None
    turns: int | None
    exit_code: int | None
    files_changed: int | None
    lines_added: int | None
    lines_removed: int | None
    verdict: str | None
    story_keys: list[str]
    background: bool
    cost_doubted: bool  # it is above ten times what its tokens can cost
    agent_change: str | None
    machine: str | None  # that the agent ran on; null: the runner's own
    branch: str | None


# Fields that a row holds as they are; the others are stored as JSON, as 0 or 1, under another name, or follow from it.
_SAME: frozenset[str] = frozenset(CommandView.__struct_fields__) - {
    *("verdict", "story_keys", "background", "cost_doubted", "branch")
}


class StoredVerdict(msgspec.Struct, frozen=True):
    """The parts of a verdict that are shown: of a commit its hash, of a review its findings and their numbers.

    `said` are the findings as the reviewer wrote them, `findings` as normalised texts, `answers` what it says of the
    operator's comments.
    """

    commit: str | None = None
    counts: tuple[int, int, int, int] | None = None
    said: list[str] = []
    findings: list[str] = []
    answers: list[CommentAnswer] = []


def stored_verdict(command: Command) -> StoredVerdict:
    """Return the verdict in a row; an empty one for a row without, and for a verdict of another form."""
    try:
        return msgspec.json.decode(command.verdict or "{}", type=StoredVerdict)
    except msgspec.ValidationError:  # such as the list of decisions of create-story
        return StoredVerdict()


def command_view(command: Command) -> CommandView:
    return CommandView(
        **{name: getattr(command, name) for name in _SAME},
        verdict=command.word,
        story_keys=msgspec.json.decode(command.story_keys, type=list[str]),
        background=bool(command.background),
        cost_doubted=_is_doubted(command),
        branch=proposed_branch(command),
    )


def _is_doubted(command: Command) -> bool:
    """Whether the part of the cost that its agent has reported cannot be true for its tokens."""
    usage = agents.Usage(
        command.input_tokens or 0,
        command.output_tokens or 0,
        command.cache_read_tokens or 0,
        command.cache_write_tokens or 0,
    )
    reported = (command.cost_usd or 0.0) - (command.estimated_usd or 0.0)
    return agents.is_cost_doubted(usage, command.model, reported)
