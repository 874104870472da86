"""What nobody tells: the tracker changed by an editor or an agent, the plan in numbers, the day's cost, the agent.

A small loop looks at the tracker's age and the ledger. A status that changed in the file is told as an event within a
second; the rest goes into the run's snapshot.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

import agents
import sprint
from db import cost_since
from events import Event, EventType, current_batch
from running.budget import today_ms
from running.workspace import Workspace, emit_best_effort
from runstate.fold import RunState
from runstate.views import AgentView, Limits, Plan, ProjectView
from sprint import StoryInfo
from websocket.hub import Hub

EVERY_S: Final = 0.4  # two looks and a half in a second: a moved status is told at the second look that sees it
ABSENT: Final = "absent"  # the status of a story that the tracker does not have

log = logging.getLogger("sprint_runner.upkeep")


class StatusChanges:
    """Which statuses changed without having been told.

    A change counts at the second look in a row that sees it, so that the run, which writes the file a moment before its
    event is committed, tells of its own changes itself.
    """

    def __init__(self, told: Mapping[str, str]) -> None:
        self._told = dict(told)
        self._seen: dict[str, str] = {}

    def tell(self, events: Sequence[Event]) -> None:
        """Events that were committed, whoever emitted them."""
        for event in events:
            if event.type is EventType.STORY_STATUS and event.payload["old_status"] != event.payload["new_status"]:
                self._told[event.payload["story_key"]] = event.payload["new_status"]

    def look(self, found: Mapping[str, str], busy: Sequence[str]) -> list[tuple[str, str, str]]:
        """Key, old and new status of what is to be told now; `busy` stories are the run's own to tell of."""
        differs = {
            key: found.get(key, ABSENT)
            for key in {*found, *self._told}
            if key not in busy and found.get(key, ABSENT) != self._told.get(key, ABSENT)
        }
        moves = [(key, self._told.get(key, ABSENT), new) for key, new in differs.items() if self._seen.get(key) == new]
        self._seen = differs
        return sorted(moves)


def edit_of(old: StoryInfo, new: StoryInfo) -> str:
    """What changed in a story's file, in words; "" when nothing that pages show did."""
    if old.tasks != new.tasks:
        return f"{new.tasks.done} of {new.tasks.total} tasks done"
    if old.file is None and new.file is not None:
        return f"{new.file} was written"
    shown = ("title", "description", "file")
    return "the story file changed" if any(getattr(old, name) != getattr(new, name) for name in shown) else ""


class ProjectWatcher:
    """Keeps those parts of the snapshot true while the server runs."""

    def __init__(self, workspace: Workspace, run_state: RunState, hub: Hub) -> None:
        self._workspace = workspace
        self._run = run_state.run
        self._hub = hub
        self._moves = StatusChanges({})
        self._statuses: dict[str, str] = {}
        self._tracker_state: tuple[int, int] | None = None
        self._stories: dict[str, StoryInfo] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fill in everything once, then keep it up."""
        project = self._workspace.project
        tracker = self._workspace.relative(project.tracker)
        self._run.project = ProjectView(name=project.name, root=str(project.root), tracker=tracker)
        await self._ask_agent()
        await self._read_tracker()
        self._moves = StatusChanges(self._statuses)
        await self._look()
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def committed(self, events: Sequence[Event]) -> None:
        """What the pages were just told."""
        self._moves.tell(events)

    async def _ask_agent(self) -> None:
        spec = self._workspace.agents[self._workspace.settings().agent]
        found = await agents.preflight(spec)
        problem = None if found.problem is None else self._workspace.masker.text(found.problem)
        self._run.agent = AgentView(name=spec.name, kind=spec.kind, version=found.version, problem=problem)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self._look()
            except Exception:
                log.exception("the snapshot could not be kept up; trying again")

    async def _look(self) -> None:
        self._tell_trouble()
        changed = await self._read_tracker()
        self._tell_moves()
        await self._tell_edits()
        settings = self._workspace.settings()
        today = await self._workspace.database.read(cost_since, today_ms(self._workspace.clock()))
        limits = Limits(settings.budget_batch_usd, settings.budget_day_usd, today)
        if changed or limits != self._run.limits:
            self._run.limits = limits
            self._hub.refresh()

    def _tell_trouble(self) -> None:
        """A database that takes no writes stores no event that says so."""
        failure = self._workspace.database.writer.failure
        problem = None if failure is None else f"Nothing can be saved, so the run waits: {failure}"
        if problem != self._run.problem:
            self._run.problem = problem
            self._hub.trouble(problem)

    def _tell_moves(self) -> None:
        busy = [key for cycle in self._run.cycles for key in cycle.story_keys]
        for key, old, new in self._moves.look(self._statuses, busy):
            reason = "changed in the sprint status file"
            payload = {"story_key": key, "old_status": old, "new_status": new, "reason": reason}
            emit_best_effort(EventType.STORY_STATUS, payload)

    async def _tell_edits(self) -> None:
        """Story files that an agent or an editor wrote: an event whose status stays, so that pages look again."""
        overview = await asyncio.to_thread(sprint.overview, self._workspace.project)
        if self._workspace.project.kind is not sprint.PlanKind.TRACKER:  # stories keep their status themselves
            self._statuses = {story.key: story.status for story in overview.stories}
        before, self._stories = self._stories, {story.key: story for story in overview.stories}
        for story in overview.stories:
            old = before.get(story.key)
            if old is not None and old is not story and (what := edit_of(old, story)):
                self._tell_edit(story, what)

    def _tell_edit(self, story: StoryInfo, what: str) -> None:
        """An edit of a story that the run works on belongs to its batch."""
        batch = self._run.batch
        working = batch is not None and any(story.key in cycle.story_keys for cycle in self._run.cycles)
        token = current_batch.set(batch.id if working and batch is not None else None)
        payload = {"story_key": story.key, "old_status": story.status, "new_status": story.status, "reason": what}
        emit_best_effort(EventType.STORY_STATUS, payload)
        current_batch.reset(token)

    async def _read_tracker(self) -> bool:
        """Read the tracker if its file is another one than before; whether it was."""
        tracker = self._workspace.project.tracker
        try:
            found = await asyncio.to_thread(tracker.stat)
        except OSError:
            return False
        state = (found.st_mtime_ns, found.st_size)
        if state == self._tracker_state:
            return False
        self._tracker_state = state
        read = await asyncio.to_thread(sprint.read, self._workspace.project)
        stories = read.stories
        if not read.broken:  # what a broken file seems to say is nobody's decision
            self._statuses = {story.key: story.status.value for story in stories}
        self._run.plan = Plan(
            done=sum(story.status == "done" for story in stories),
            total=sum(story.status != "parked" for story in stories),
            blocked=sum(story.status == "blocked" for story in stories),
            runnable=sum(story.runnable for story in stories),
        )
        return True
