"""Findings that builds have put off: collected from a story's files when it ends, and made tickets by the operator.

Collecting may happen twice: a finding is known by its story and its summary.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec

import sprint
from base.regular import read_or_empty
from events import emit
from git.process import ask_git
from payloads import BatchWarning
from running.builds import build_files
from running.preflight import NotNow
from running.story import StoryRun
from running.workspace import Workspace, until_stored
from sprint import DeferredFinding, Intake
from sprint.deferred import deferred_findings, ledger_findings, ledger_paths
from sprint.markdown import MAX_BYTES
from store.findings import AlreadyTicket, NothingNew, add_findings, get_finding, set_ticket
from store.job import NotWritten

SHOWN: Final = 3  # findings that are named in the event


async def collect_deferred(workspace: Workspace, batch_id: int, story: StoryRun) -> None:
    """Keep what the builds and reviews of a story have put off, with the event of it; nothing where that is known."""
    found = await asyncio.to_thread(_in_files, workspace, story)
    found += await _in_ledger(workspace, story)
    if not found:
        return
    named = "; ".join(finding.summary for finding in found[:SHOWN]) + ("; …" if len(found) > SHOWN else "")
    payload = BatchWarning(
        batch_id=batch_id,
        warning_type="deferred",
        message=f"{story.key} puts off {len(found)} finding{'' if len(found) == 1 else 's'}: {named}",
        story_key=story.key,
    )
    rows = [_masked(workspace, finding) for finding in found]

    database = workspace.database
    try:
        await until_stored(
            lambda: database.in_one_commit(
                lambda: [database.write(add_findings, batch_id, story.key, rows), emit(payload)]
            )
        )
    except (NothingNew, NotWritten):
        return


def _masked(workspace: Workspace, finding: DeferredFinding) -> dict[str, str]:
    return {name: workspace.masker.text(value) for name, value in msgspec.to_builtins(finding).items()}


def _in_files(workspace: Workspace, story: StoryRun) -> list[DeferredFinding]:
    paths = build_files(workspace, story)[:1]
    return [finding for path in paths for finding in deferred_findings(path)]


async def _in_ledger(workspace: Workspace, story: StoryRun) -> list[DeferredFinding]:
    """What the ledgers have that they had not when the work on the story began."""
    found: list[DeferredFinding] = []
    for path in await asyncio.to_thread(ledger_paths, workspace.project):
        text = (await asyncio.to_thread(read_or_empty, path, MAX_BYTES)).decode("utf-8", "replace")
        known = {finding.summary for finding in ledger_findings(await _before(workspace, story, path))}
        found += [finding for finding in ledger_findings(text) if finding.summary not in known]
    return found


async def _before(workspace: Workspace, story: StoryRun, path: Path) -> str:
    """The text of a file when the work on the story began, "" where it is not in that commit."""
    git = workspace.git
    if git is None or story.base_commit is None:
        return ""
    name = await asyncio.to_thread(_name_in, git.top, path)
    return "" if name is None else await ask_git(git.top, "show", f"{story.base_commit}:{name}") or ""


def _name_in(top: Path, path: Path) -> str | None:
    """A file's name relative to the top of a repository; None outside of it. Blocks on the disk."""
    path, top = path.resolve(), top.resolve()
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else None


async def make_ticket(workspace: Workspace, finding_id: int, place: Intake) -> str:
    """Write a finding as a loose ticket; its path, relative to the project. Raises `NotNow`, `sprint.Refused`."""
    row = await workspace.database.read(get_finding, finding_id)
    if row is None:
        raise NotNow("no_finding", f"there is no finding {finding_id}")
    if row.ticket is not None:
        raise NotNow("ticket", f"it became {row.ticket} already")
    finding = DeferredFinding(row.summary, row.evidence, row.location, row.severity)
    path = await asyncio.to_thread(sprint.keep_finding, workspace.project, finding, row.story_key, place)
    name = workspace.relative(path)
    try:
        await until_stored(lambda: workspace.database.write(set_ticket, finding_id, name))
    except AlreadyTicket as error:
        raise NotNow("ticket", str(error)) from None
    return name
