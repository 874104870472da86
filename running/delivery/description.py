"""The title and the body of a request, made from what the run has recorded of the stories. Bounded, and masked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sprint
from git.history import CommitInfo, commits_of
from git.process import GitError
from running.workspace import Workspace
from store.checks import get_checks_by_key
from store.commands import Command, get_commands_by_key
from store.deliveries import DeliveryRow
from workflow import kind_of

TITLE_CHARS: Final = 200
BODY_BYTES: Final = 60_000  # GitHub takes 65536 characters
COMMITS: Final = 20  # of one story that are listed
REVIEWS: Final = 20


@dataclass(frozen=True, slots=True)
class Description:
    title: str
    body: str


def marker_of(workspace: Workspace, row: DeliveryRow) -> str:
    """Return the text by which a request is recognised as that of this delivery."""
    return f"sprint-runner-delivery-{workspace.database.epoch}-{row.id}"


async def describe(workspace: Workspace, row: DeliveryRow) -> Description:
    """Return what the request says: the stories with their changes, reviews, checks and cost."""
    titles = await asyncio.to_thread(sprint.titles, workspace.project, row.keys)
    parts = [await _story(workspace, key, titles.get(key, key)) for key in row.keys]
    text = workspace.masker.text("\n\n".join(parts))
    mark = f"\n\n<!-- {marker_of(workspace, row)} -->\n"
    body = text.encode("utf-8", "replace")[:BODY_BYTES].decode("utf-8", "ignore") + mark
    return Description(_title(workspace, row, titles.get(row.keys[0], "")), body)


def _title(workspace: Workspace, row: DeliveryRow, title: str) -> str:
    whole = f"{row.subject}: {title}" if row.keys == [row.subject] else f"{row.subject}: {', '.join(row.keys)}"
    return " ".join(workspace.masker.text(whole).split())[:TITLE_CHARS]


async def _story(workspace: Workspace, key: str, title: str) -> str:
    commands = await workspace.database.read(get_commands_by_key, key)
    sections = (
        f"## {key}: {_plain(title)}",
        await _changes(workspace, key),
        _reviews(commands),
        await _checks(workspace, key),
        _cost(commands),
    )
    return "\n\n".join(section for section in sections if section)


async def _changes(workspace: Workspace, key: str) -> str:
    if workspace.git is None:
        return ""
    try:
        commits = await commits_of(workspace.git, key)
    except GitError:
        return ""
    return _listed("What was changed", [_commit(commit) for commit in commits[:COMMITS]])


def _commit(commit: CommitInfo) -> str:
    size = f"{commit.files_changed} files, +{commit.lines_added} -{commit.lines_removed}"
    return f"{commit.hash[:10]} {_plain(commit.subject)} ({size})"


def _reviews(commands: Sequence[Command]) -> str:
    rounds = [row for row in commands if kind_of(row.command).endswith("-review") and row.status == "success"]
    return _listed("Reviews", [f"{row.command}: {_plain(row.word or 'no verdict')}" for row in rounds[-REVIEWS:]])


async def _checks(workspace: Workspace, key: str) -> str:
    runs = await workspace.database.read(get_checks_by_key, key)
    return _listed(
        "Check",
        [
            f"`{run.command.replace('`', '')}` {'passed' if run.ok else 'failed'} in {run.duration_ms / 1000:.1f} s"
            for run in runs[-1:]
        ],
    )


def _cost(commands: Sequence[Command]) -> str:
    cost = sum(row.cost_usd or 0.0 for row in commands)
    minutes = sum(row.duration_ms or 0 for row in commands) / 60_000
    agents = ", ".join(dict.fromkeys(row.agent for row in commands if row.agent != "runner"))
    return (
        f"### Cost\n\n${cost:.2f} in {len(commands)} commands and {minutes:.0f} minutes, by {agents}" if agents else ""
    )


def _listed(title: str, lines: Sequence[str]) -> str:
    return f"### {title}\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""


def _plain(text: str) -> str:
    """Return one line that mentions no user and closes no issue: a forge reads `@name` and `#7` in it."""
    return " ".join(text.split()).replace("@", "@\u200b").replace("#", "#\u200b").replace("<", "&lt;")
