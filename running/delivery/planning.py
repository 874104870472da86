"""Which finished work is delivered: at a cycle's end a row for each commit, before the cycle counts as ended.

Every step may happen twice: a commit that a delivery of its branch holds already makes no other one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from git.worktrees import Repository
from payloads import Attention
from running.delivery.branches import BadName, branch_name, subject_of
from running.delivery.record import open_delivery, record
from running.story import StoryRun
from running.workspace import Workspace, emit_durable
from store.batches import get_batch
from store.deliveries import (
    ENDED,
    MENDING,
    PLANNED,
    REQUESTING,
    WAITING,
    DeliveryChanged,
    DeliveryRow,
    get_newest_of_branch,
)
from store.job import NotWritten


async def plan_deliveries(workspace: Workspace, batch_id: int, stories: Sequence[StoryRun]) -> None:
    """Plan the delivery of the stories of a cycle that are done. Does nothing where work is only committed."""
    if workspace.settings().deliver == "commit" or workspace.git is None:
        return
    for commit, some in _by_commit(stories).items():
        keys = [story.key for story in some]
        failures = [story.commit_failure for story in some if story.commit_failure]
        if failures:
            await _call(keys, f"a part of its work is not committed: {failures[0]}")
            continue
        try:
            await _until_planned(workspace, Repository.of(workspace.git), batch_id, some, commit)
        except BadName as error:
            await _call(keys, str(error))


async def _until_planned(
    workspace: Workspace, repository: Repository, batch_id: int, stories: Sequence[StoryRun], commit: str
) -> None:
    while True:
        try:
            await _plan(workspace, repository, batch_id, stories, commit)
        except (DeliveryChanged, NotWritten):  # the watcher has moved it on meanwhile
            continue
        return


def _by_commit(stories: Sequence[StoryRun]) -> dict[str, list[StoryRun]]:
    """The stories that are done, by their commit; one that had nothing to commit has nothing to deliver."""
    found: dict[str, list[StoryRun]] = {}
    for story in stories:
        if story.status == "done" and story.commit_hash:
            found.setdefault(story.commit_hash, []).append(story)
    return found


async def _plan(
    workspace: Workspace, repository: Repository, batch_id: int, stories: Sequence[StoryRun], named: str
) -> None:
    settings, first = workspace.settings(), stories[0]
    commit = await repository.full_hash(named) or named
    subject = subject_of(settings.deliver_per, first.key, first.epic)
    branch = await branch_name(workspace, subject=subject, key=first.key, epic=first.epic, batch_id=batch_id)
    known = await workspace.database.read(get_newest_of_branch, settings.remote, branch)
    if known is not None and await _holds(repository, known, commit):
        return
    keys = [story.key for story in stories]
    if known is not None and known.state not in ENDED:
        await _extend(workspace, repository, known, keys, commit)
        return
    batch = await workspace.database.read(get_batch, batch_id)
    await open_delivery(
        workspace,
        keys,
        f"{', '.join(keys)} goes to {branch} at {settings.remote}",
        batch_id=batch_id,
        kind=settings.deliver,
        subject=subject,
        epic=first.epic,
        remote=settings.remote,
        branch=branch,
        base=settings.deliver_base,
        target=None if batch is None else batch.branch,
        wanted=commit,
    )


async def _holds(repository: Repository, known: DeliveryRow, commit: str) -> bool:
    return known.wanted == commit or await repository.is_ancestor(commit, known.wanted)


async def _extend(
    workspace: Workspace, repository: Repository, row: DeliveryRow, keys: Sequence[str], commit: str
) -> None:
    """Have a delivery that is under way hold a further commit: the branch moves on, the request stays."""
    wanted = await joined(repository, row.wanted, commit)
    if wanted is None:
        await _call(keys, f"it conflicts with what is on {row.branch}: merge {commit[:10]} into it by hand and push it")
        return
    columns: dict[str, Any] = {"wanted": wanted, "story_keys": json.dumps(list(dict.fromkeys([*row.keys, *keys])))}
    if row.state not in (WAITING, MENDING, REQUESTING):  # whose end pushes what is wanted then
        columns["state"] = PLANNED
    await record(workspace, row, f"{', '.join(keys)} goes to {row.branch} too", **columns, checks=None, looks=0)


async def joined(repository: Repository, head: str, commit: str) -> str | None:
    """Return the commit that comes after both, made where neither does; None where the two disagree."""
    if await repository.is_ancestor(head, commit):
        return commit
    tree, conflicts = await repository.merged(head, commit)
    return None if conflicts else await repository.commit_tree(tree, [head, commit], f"merge {commit[:10]}")


async def _call(keys: Sequence[str], why: str) -> None:
    message = f"{', '.join(keys)} is done but was not delivered: {why}"
    await emit_durable(Attention(kind="delivery", message=message, story_key=keys[0]))
