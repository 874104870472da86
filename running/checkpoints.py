"""The gates that a plan asks for: a person looks at a plan before it is built, at a build, and at an epic's end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import sprint
from payloads import Error
from running.builds import build_files
from running.clean_tree import NotCommitted, commit_epic
from running.gate import Gate
from running.gates import GateDecision, GateKind, GateRequest, decision_of, print_of
from running.story import StoryRun
from running.workspace import Workspace, emit_durable
from store.gates import GateRow
from store.stories import get_done_keys

SHOWN: Final = 5  # keys that are named in a message


async def plan_decision(workspace: Workspace, gate: Gate, story: StoryRun, round_number: int) -> GateRow:
    """Wait for a person to look at the plan of a story; return the decision. Raises `Stopped`."""
    files = await asyncio.to_thread(build_files, workspace, story)
    name = workspace.relative(files[0]) if files else "its plan"
    content, changed_at = await asyncio.to_thread(print_of, files[0]) if files else ("", None)
    message = f"{story.key} asks for a look at its plan before it is built: read {name}, then build it or send it back"
    request = GateRequest(GateKind.PLAN, story.key, message, content, round_number, story.key, changed_at)
    return await decision_of(workspace, gate, request)


async def unread_decision(workspace: Workspace, gate: Gate, story: StoryRun, reason: str, round_number: int) -> GateRow:
    """Ask what a build came to that has ended and left nothing that can be read. Raises `Stopped`."""
    message = (
        f"{story.key} was built, but {reason}: look at the last commits and the work tree, then say whether it is "
        "finished, is to be built again, or is to be blocked"
    )
    request = GateRequest(GateKind.UNREAD, story.key, message, reason, round_number, story.key)
    return await decision_of(workspace, gate, request)


def closable_epic(plan: sprint.Sprint) -> sprint.EpicEntry | None:
    """Return the first epic that stories wait for and whose own stories cannot continue by themselves."""
    if plan.store:  # which keeps the epics too
        return None
    open_stories = [story for story in plan.stories if story.runnable]
    startable = {story.key for story in open_stories if story.startable}
    for epic in plan.epics:
        gate = epic.gate
        if gate is None or gate.closed or not gate.holds or gate.waits_for or startable & set(gate.missing):
            continue
        # Closing an epic that nothing waits for would change nothing of what can run.
        if any(epic.epic in story.conditions.waiting_for for story in open_stories):
            return epic
    return None


class EpicGates:
    """The epics that hold everything that is left. `skipped` are those that the operator leaves open."""

    def __init__(self, workspace: Workspace, gate: Gate) -> None:
        self._workspace = workspace
        self._gate = gate
        self._skipped: set[str] = set()

    async def open_next(self) -> bool:
        """Have an epic closed that stories wait for; whether one was, so that there may be more to run."""
        plan = await asyncio.to_thread(sprint.read, self._workspace.project)
        epic = closable_epic(plan)
        if epic is None or epic.gate is None or epic.epic in self._skipped:
            return False
        if not await self._may_close(epic):
            row = await decision_of(self._workspace, self._gate, _epic_request(epic, epic.gate))
            if row.decision != GateDecision.GO:
                self._skipped.add(epic.epic)
                return False
        return await self._close(epic, epic.gate)

    async def _may_close(self, epic: sprint.EpicEntry) -> bool:
        """Whether it is set that epics close by themselves, and every story of this one was proved by our records."""
        if self._workspace.settings().close_epics != "auto" or epic.gate is None or epic.gate.missing:
            return False
        plan = await asyncio.to_thread(sprint.read, self._workspace.project)
        names = [story.names for story in plan.stories if story.key in epic.gate.finished]
        done = await self._workspace.database.read(get_done_keys, [name for some in names for name in some])
        return all(done.intersection(some) for some in names)

    async def _close(self, epic: sprint.EpicEntry, gate: sprint.EpicGate) -> bool:
        """Write it and commit it; a refusal is shown and leaves the epic open."""
        project = self._workspace.project
        try:
            await asyncio.to_thread(sprint.close_epic, project, epic.epic, finished=not gate.missing)
            await commit_epic(self._workspace, _epic_file(project, epic))
        except (sprint.Refused, NotCommitted) as refused:
            message = f"The epic {epic.key} could not be closed: {refused}"
            await emit_durable(Error(type="tracker", message=message))
            self._skipped.add(epic.epic)
            return False
        return True


async def close_by_operator(workspace: Workspace, epic_id: str) -> None:
    """Close an epic whose stories are all finished, and commit its file. Raises `sprint.Refused`, `NotCommitted`."""
    plan = await asyncio.to_thread(sprint.read, workspace.project)
    await asyncio.to_thread(sprint.close_epic, workspace.project, epic_id)
    epic = next(epic for epic in plan.epics if epic.epic == epic_id)
    await commit_epic(workspace, _epic_file(workspace.project, epic))


def _epic_file(project: sprint.Project, epic: sprint.EpicEntry) -> Path:
    return project.tracker.parent / epic.key / f"{epic.key}.md"


def _epic_request(epic: sprint.EpicEntry, gate: sprint.EpicGate) -> GateRequest:
    missing = f"; not finished: {_named(gate.missing)}" if gate.missing else ""
    retrospective = "" if gate.retrospective else "; it has no retrospective"
    message = (
        f"Everything that is left waits for the epic {epic.key}, which only you close: {len(gate.finished)} finished"
        f"{missing}{retrospective}. Close epic, or leave it open"
    )
    # It identifies what was decided about: with another set of stories the question is asked again.
    content = ",".join((*gate.finished, "", *gate.missing))
    return GateRequest(GateKind.EPIC, epic.epic, message, content)


def _named(keys: tuple[str, ...]) -> str:
    return ", ".join(keys[:SHOWN]) + (", …" if len(keys) > SHOWN else "")
