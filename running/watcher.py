"""The watcher of the project: a tracker or story file that an editor or an agent changed, the plan, the day's cost.

A loop compares the tracker's age and the ledger with what it saw before. A status that changed in the file is emitted
as an event within a second; what no event carries is assigned to the server's part of the run (`ServerState`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import agents
import sprint
from base.tasks import end_tasks
from events import Event, EventType, current_batch
from payloads import StoryStatus
from running.caps import today_ms
from running.workspace import Workspace, emit_best_effort
from runstate.fold import RunState
from runstate.server_state import AgentView, Budgets, ProjectView, ServerState, StoryCounts
from sprint import StoryInfo
from store.commands import cost_since
from store.skips import get_skips

EVERY_S: Final = 0.4  # a changed status is emitted at the second look that sees it, so within a second
LOOKS_FOR_PLAN: Final = 10  # looks between two searches for a plan, which list the whole project
ABSENT: Final = "absent"  # the status of a story that the tracker does not have

log = logging.getLogger("sprint_runner.watcher")


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of what no event carries: `changed` of any change of the server's state, `problem` of a failing
    database, which is None once it takes writes again. `adopt` uses a plan that has come to a project without one."""

    changed: Callable[[], None]
    problem: Callable[[str | None], None]
    adopt: Callable[[], Awaitable[bool]]


class StatusChanges:
    """Which statuses changed in the file without an event.

    A change counts at the second look in a row that sees it: the run writes the file a moment before it emits the
    event, and must not find its own change emitted twice.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(known)
        self._seen: dict[str, str] = {}

    def committed(self, events: Sequence[Event]) -> None:
        """Take the statuses of committed events, of whatever origin, as known."""
        for event in events:
            if event.type is EventType.STORY_STATUS and event.payload["old_status"] != event.payload["new_status"]:
                self._known[event.payload["story_key"]] = event.payload["new_status"]

    def look(self, found: Mapping[str, str], busy: Sequence[str]) -> list[tuple[str, str, str]]:
        """Return key, old and new status of what is to be emitted now; the run emits those of `busy` stories itself."""
        differs = {
            key: found.get(key, ABSENT)
            for key in {*found, *self._known}
            if key not in busy and found.get(key, ABSENT) != self._known.get(key, ABSENT)
        }
        changes = [
            (key, self._known.get(key, ABSENT), new) for key, new in differs.items() if self._seen.get(key) == new
        ]
        self._seen = differs
        return sorted(changes)


def edit_of(old: StoryInfo, new: StoryInfo) -> str | None:
    """Return what changed in a story's file, in words; None when nothing that pages show did."""
    if old.tasks != new.tasks:
        return f"{new.tasks.done} of {new.tasks.total} tasks done"
    if old.file is None and new.file is not None:
        return f"{new.file} was written"
    shown = ("title", "description", "file")
    return "the story file changed" if any(getattr(old, name) != getattr(new, name) for name in shown) else None


class ProjectWatcher:
    """Keeps the server's state true while the server runs; of the fold it only reads which stories are worked on."""

    def __init__(
        self, workspace: Workspace, run_state: RunState, server_state: ServerState, listener: Listener
    ) -> None:
        self._workspace = workspace
        self._run = run_state.run
        self._state = server_state
        self._listener = listener
        self._changes = StatusChanges({})
        self._statuses: dict[str, str] = {}
        self._tracker_state: tuple[int, int] | None = None
        self._plan: sprint.Sprint | None = None
        self._stories: dict[str, StoryInfo] = {}
        self._skipped: set[str] = set()
        self._project = workspace.project
        self._looks = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Fill in everything once, then keep it up."""
        await self.look_at_agent()
        self._skipped = set(await self._workspace.database.read(get_skips))
        await self._begin_project()
        await self._look()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep()), loop.create_task(self._ask_for_options())]

    async def _begin_project(self) -> None:
        """Look at a project for the first time: nothing has changed yet, and nothing of the one before counts."""
        project = self._project = self._workspace.project
        self._tracker_state = self._plan = None
        self._statuses, self._stories = {}, {}
        await self._read_tracker()
        self._changes = StatusChanges(self._statuses)
        tracker = self._workspace.relative(project.tracker)
        self._state.project = ProjectView(name=project.name, root=str(project.root), tracker=tracker)

    async def stop(self) -> None:
        await end_tasks(*self._tasks)

    def committed(self, events: Sequence[Event]) -> None:
        """Take note of a commit; a subscriber of events."""
        self._changes.committed(events)
        skips = [event.payload for event in events if event.type == EventType.STORY_SKIP]
        for payload in skips:
            (self._skipped.add if payload["skipped"] else self._skipped.discard)(payload["story_key"])
        if skips:  # before the pages get the commit, whose snapshot has these counts
            self._count()
            self._listener.changed()

    async def look_at_agent(self) -> None:
        """Ask the agent for its version, unless the settings that name agents do not count yet."""
        spec = self._workspace.agents[self._workspace.settings().first_agent]
        if self._workspace.left_out():
            self._state.agent = AgentView(name=spec.name, kind=spec.kind, version=None, problem=None)
            return
        found = await agents.preflight(spec)
        problem = None if found.problem is None else self._workspace.masker.text(found.problem)
        self._state.agent = AgentView(name=spec.name, kind=spec.kind, version=found.version, problem=problem)

    async def _ask_for_options(self) -> None:
        """Ask the agent's program for its help before anything is sent, so that a preview knows the whole command."""
        if self._state.agent.version is not None and await asyncio.to_thread(self._workspace.trust_refusal) is None:
            await agents.OPTIONS.of(self._workspace.agents[self._workspace.settings().first_agent])

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self._look()
            except Exception:
                log.exception("the project could not be read; trying again")

    async def _look(self) -> None:
        await self._check_database()
        await self._look_for_plan()
        switched = self._workspace.project is not self._project
        if switched:
            await self._begin_project()
        changed = await self._read_tracker() or switched
        self._emit_changes()
        await self._emit_edits()
        settings = self._workspace.settings()
        # Read at every look: at midnight the day's cost changes without an event.
        today = await self._workspace.database.read(cost_since, today_ms(self._workspace.clock()))
        limits = Budgets(settings.budget_batch_usd, settings.budget_day_usd, today)
        if changed or limits != self._state.limits:
            self._state.limits = limits
            self._listener.changed()

    async def _look_for_plan(self) -> None:
        """A terminal beside the page may have made the plan."""
        self._looks += 1
        missing = self._workspace.project.kind is sprint.PlanKind.NONE and self._run.state == "idle"
        if missing and self._looks % LOOKS_FOR_PLAN == 0:
            await self._listener.adopt()

    async def _check_database(self) -> None:
        """A database that takes no writes cannot store an event that says so."""
        files = self._workspace.data_files
        if files is not None:
            await files.restore()
        failure = self._workspace.database.writer.failure or (None if files is None else files.failure)
        problem = None if failure is None else f"Nothing can be saved, so the run waits: {failure}"
        if problem != self._state.problem:
            self._state.problem = problem
            self._listener.problem(problem)

    def _emit_changes(self) -> None:
        busy = [key for cycle in self._run.cycles for key in cycle.story_keys]
        for key, old, new in self._changes.look(self._statuses, busy):
            tracker = self._workspace.project.kind is sprint.PlanKind.TRACKER
            reason = "changed in the sprint status file" if tracker else "changed in the story's own file"
            emit_best_effort(StoryStatus(story_key=key, old_status=old, new_status=new, reason=reason))

    async def _emit_edits(self) -> None:
        """Story files that an agent or an editor wrote: an event whose status stays, so that pages look again."""
        overview = await asyncio.to_thread(sprint.overview, self._workspace.project)
        before, self._stories = self._stories, {story.key: story for story in overview.stories}
        for story in overview.stories:
            old = before.get(story.key)
            # Identity first: without a changed file the overview is the same object, and nothing is compared.
            if old is not None and old is not story and (what := edit_of(old, story)):
                self._emit_edit(story, what)

    def _emit_edit(self, story: StoryInfo, what: str) -> None:
        """An edit of a story that the run works on belongs to its batch."""
        batch = self._run.batch
        working = batch is not None and any(story.key in cycle.story_keys for cycle in self._run.cycles)
        # This task was created outside of any batch, so its context has none.
        token = current_batch.set(batch.id if working and batch is not None else None)
        same = story.status
        emit_best_effort(StoryStatus(story_key=story.key, old_status=same, new_status=same, reason=what))
        current_batch.reset(token)

    async def _read_tracker(self) -> bool:
        """Read the plan if it changed since the last time; return whether it did."""
        project = self._workspace.project
        # Plans of other kinds are spread over many files, whose readers compare the stamps.
        if project.kind is sprint.PlanKind.TRACKER and not await self._has_changed(project.tracker):
            return False
        read = await asyncio.to_thread(sprint.read, project)
        if read == self._plan:
            return False
        self._plan = read
        if not read.broken:  # a broken file says nothing reliable: keep the statuses from before
            self._statuses = {story.key: story.status.value for story in read.stories}
        self._count()
        return True

    def _count(self) -> None:
        stories = () if self._plan is None else self._plan.stories
        self._state.plan = StoryCounts(
            done=sum(story.status == "done" for story in stories),
            total=sum(story.status != "parked" for story in stories),
            blocked=sum(story.status == "blocked" for story in stories),
            runnable=sum(story.runnable and story.key not in self._skipped for story in stories),
        )

    async def _has_changed(self, tracker: Path) -> bool:
        """Whether the file is another one than at the last look; not while it cannot be looked at."""
        try:
            found = await asyncio.to_thread(tracker.stat)
        except OSError:
            return False
        state = (found.st_mtime_ns, found.st_size)
        changed, self._tracker_state = state != self._tracker_state, state
        return changed
