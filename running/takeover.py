"""Taking a story over and handing it back: the operator's verbs, and the records of both.

Promises: row and event of each step are one commit; the story is the operator's only when nothing of the run works in
its tree any more; a kill between two steps leaves the one before, from which the next server goes on.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

import sprint
from base.tasks import end_tasks
from events import emit
from git.process import GitError
from git.trees import Diff
from payloads import Metrics, StoryStatus, StoryTakeover, or_unset
from running.batch import Batch
from running.disk import take_snapshot
from running.gates import GateDecision, GateKind
from running.lanes.worktree import place_of
from running.preflight import NotNow
from running.steering import Steering
from running.story_terminal import terminal_of
from running.taken_trees import TAKEN_OVER
from running.workspace import Workspace, until_stored
from runstate.fold import RunState
from store.commands import get_running_commands
from store.stories import Story, count_later_stories, get_story_by_key, update_story
from store.takeovers import NotTaken, TakeOverRow, add_takeover, get_takeovers, return_takeover, update_takeover

log = logging.getLogger("sprint_runner.run")

REPLY: Final = "The operator has taken the story over."  # to a question that waits, and at a gate
DECIDED: Final = (GateKind.PLAN, GateKind.UNREAD)  # gates at which something is to be decided first


class TakeOvers:
    """The take-overs of one project. `batch` returns the batch in progress, None between batches."""

    def __init__(
        self, workspace: Workspace, run_state: RunState, steering: Steering, batch: Callable[[], Batch | None]
    ) -> None:
        self._workspace = workspace
        self._trees = workspace.taken_trees
        self._run_state = run_state
        self._steering = steering
        self._running = batch
        self._lock = asyncio.Lock()  # of two requests at the same time one sees what the other has done
        self._waiting: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Read the take-overs of earlier servers, and go on with requests; once, before anything runs."""
        for row in await self._workspace.database.read(get_takeovers):
            self._trees.put(row)
            if row.state == "requested":
                self._complete_soon(row)

    async def close(self) -> None:
        """End what waits; the next server goes on with it."""
        await end_tasks(*self._waiting)

    # -- taking over -------------------------------------------------------------------------------------------

    async def take_over(self, key: str) -> TakeOverRow:
        """Request a story, whose command is ended. Raises `NotNow`."""
        async with self._lock:
            place = await self._place(key)
            row = await self._request(key, place.project.root)
        for call in self._workspace.live_calls.for_story(key):
            call.end()
        await self._end_waits(key)
        self._pause(row)
        self._complete_soon(row)
        return row

    async def _place(self, key: str) -> Workspace:
        """Return where the story is worked on. Raises `NotNow` where it cannot be taken over."""
        if (taken := self._trees.of(key)) is not None:
            raise NotNow("taken_over", f"{key} is taken over already, in {taken.folder}: hand it back first")
        if self._steering.selection.has_passed(key):
            raise NotNow("done", f"the work on {key} is done and is being committed: set it back when that is over")
        for gate in await self._steering.gates():
            if gate.subject == key and gate.kind in DECIDED:
                raise NotNow("gate", f"{key} waits at a gate: decide there first")
        project = self._workspace.project
        if await asyncio.to_thread(sprint.final_file, project, key) is not None:
            raise NotNow("final", f"the file of {key} ends it for good: try it again first, which makes another one")
        if (machine := await self._left_on(key)) is not None:
            raise NotNow("worker", f"a command for {key} goes on on {machine}: resume the batch, then take it over")
        story = await self._workspace.database.read(get_story_by_key, key)
        if story is None and self._workspace.settings().in_lanes:
            raise NotNow("not_begun", f"{key} gets a worktree of its own when it begins: take it over then")
        place = await place_of(self._workspace, story)
        if (other := self._trees.in_tree(place.project.root)) is not None:
            raise NotNow("taken_over", f"{other.story_key} is taken over in the same folder: hand it back first")
        return place

    async def _left_on(self, key: str) -> str | None:
        """Return the worker that runs a command of the story which nothing follows now."""
        calls = self._workspace.live_calls
        for row in await self._workspace.database.read(get_running_commands):
            if row.machine is not None and calls.get(row.id) is None and key in json.loads(row.story_keys):
                return row.machine
        return None

    async def _request(self, key: str, folder: Path) -> TakeOverRow:
        database = self._workspace.database
        id_ = await database.reserve_id("takeovers")
        message = f"{key} will be yours as soon as what runs in {folder} has ended."
        now = int(self._workspace.clock() * 1000)
        row = TakeOverRow(id=id_, story_key=key, folder=str(folder), requested_at=now, message=message)
        self._trees.put(row)  # before the write: nothing begins in the folder meanwhile
        try:
            await self._record(row, lambda: [database.write(add_takeover, id_, key, row.folder, message)])
        except BaseException:
            self._trees.drop(id_)
            raise
        return row

    async def _end_waits(self, key: str) -> None:
        """What the story waits for is not waited for any more: an answer, or a look at its work."""
        for asked in self._run_state.run.attention:
            if asked.kind == "question" and asked.story_key == key and asked.command_id is not None:
                with suppress(NotNow):  # answered meanwhile
                    await self._steering.answer(asked.command_id, REPLY)
        for gate in await self._steering.gates():
            if gate.subject == key and gate.kind == GateKind.COMMIT:
                with suppress(NotNow):
                    await self._steering.decide(gate.id, GateDecision.BACK, REPLY)

    def _pause(self, row: TakeOverRow) -> None:
        batch = self._running()
        if batch is not None and row.folder == str(self._workspace.project.root):
            batch.gate.pause(TAKEN_OVER)

    def _complete_soon(self, row: TakeOverRow) -> None:
        task = asyncio.get_running_loop().create_task(self._complete(row), name=f"take-over of {row.story_key}")
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _complete(self, row: TakeOverRow) -> None:
        """Give the story to the operator when nothing works in its folder any more."""
        await self._trees.until_free(row.folder)
        story = await self._workspace.database.read(get_story_by_key, row.story_key)
        place = await place_of(self._workspace, story)
        columns: dict[str, Any] = {"taken_at": int(self._workspace.clock() * 1000)}
        columns |= await self._base(place, story)
        terminal = await terminal_of(place, row.story_key, row.folder)
        columns |= msgspec.structs.asdict(terminal)
        taken = msgspec.structs.replace(row, **columns)
        write = self._workspace.database.write
        await until_stored(lambda: self._record(taken, lambda: [write(update_takeover, row.id, **columns)]))
        self._trees.put(taken)

    async def _base(self, place: Workspace, story: Story | None) -> dict[str, Any]:
        """The tree as the operator finds it, and what the work on the story is measured from."""
        if place.git is None:
            return {}
        try:
            tree, head = await take_snapshot(place.git), await place.git.commit("HEAD")
        except GitError as error:
            log.warning("the change by hand cannot be measured: %s", error)
            return {}
        base, commit = tree, head
        # What other stories have left in the tree since would count as this one's.
        others = 0 if story is None else await self._workspace.database.read(count_later_stories, story.id)
        if story is not None and story.commit_base is not None and story.commit_hash is None and not others:
            base, commit = story.commit_base, story.base_commit
        return {"tree_before": tree, "base_tree": base, "base_commit": commit}

    # -- handing back ------------------------------------------------------------------------------------------

    async def hand_back(self, key: str) -> TakeOverRow:
        """Measure what changed, and let the run go on with the story. Raises `NotNow`."""
        async with self._lock:
            row = self._trees.of(key)
            if row is None:
                raise NotNow("not_taken_over", f"{key} is not taken over")
            if row.taken_at is None:
                raise NotNow("not_yet", f"{key} is not yours yet: what runs in {row.folder} has not ended")
            story = await self._workspace.database.read(get_story_by_key, key)
            columns = await self._measured(row, await place_of(self._workspace, story))
            moved = await self._set_back(key, story, worked=bool(columns.get("files_changed")))
            await self._return(row, columns, story, moved)
            rows = await self._workspace.database.read(get_takeovers)
            returned = next(other for other in rows if other.id == row.id)
            self._trees.put(returned)
        self._resume(key, released=moved is not None)
        return returned

    async def _measured(self, row: TakeOverRow, place: Workspace) -> dict[str, Any]:
        """The tree after the work by hand, and the size of its change; empty where that cannot be seen."""
        git = place.git
        if git is None or row.tree_before is None or str(place.project.root) != row.folder:
            return {}
        try:
            tree = await take_snapshot(git)
            change: Diff = await git.diff(row.tree_before, tree)
        except GitError as error:
            log.warning("the change by hand cannot be measured: %s", error)
            return {}
        finally:
            git.outdate()
        sizes = {name: getattr(change, name) for name in ("files_changed", "lines_added", "lines_removed")}
        return {"tree_after": tree, **sizes}

    async def _set_back(self, key: str, story: Story | None, *, worked: bool) -> tuple[str, str] | None:
        """Let a blocked story run again; its statuses before and now, None for any other one. Raises `NotNow`.

        The plan's file comes first: after a kill the story is still taken over, and is handed back once more.
        """
        plan = await asyncio.to_thread(sprint.read, self._workspace.project)
        entry = plan.story(key)
        status = None if entry is None else entry.status.value
        if status != "blocked" and (story is None or story.status != "blocked"):
            return None
        worked = worked or (story is not None and story.base_tree is not None)
        new = "in-progress" if worked and plan.kind is sprint.PlanKind.TRACKER else "ready-for-dev"
        if status == "blocked":
            try:
                await asyncio.to_thread(sprint.set_status, self._workspace.project, key, new, status)
            except (sprint.Conflict, sprint.Refused) as refused:
                raise NotNow("refused", f"{key} cannot be retried: {refused}") from None
        return "blocked", new if status == "blocked" else status or new

    async def _return(
        self, row: TakeOverRow, columns: dict[str, Any], story: Story | None, moved: tuple[str, str] | None
    ) -> None:
        returned = msgspec.structs.replace(row, returned_at=int(self._workspace.clock() * 1000), **columns)
        write = self._workspace.database.write

        def change() -> list[Awaitable[object]]:
            done: list[Awaitable[object]] = [write(return_takeover, row.id, **columns)]
            if moved is not None:
                old, new = moved
                if story is not None:
                    done.append(write(update_story, story.id, status=new, reason=None))
                reason = "handed back by the operator"
                done.append(emit(StoryStatus(story_key=row.story_key, old_status=old, new_status=new, reason=reason)))
            return done

        try:
            await self._record(returned, change)
        except NotTaken:
            raise NotNow("not_taken_over", f"{row.story_key} is not taken over") from None

    def _resume(self, key: str, *, released: bool) -> None:
        batch = self._running()
        if batch is None:
            return
        if released:
            batch.breaker.on_release([key])
        batch.gate.look_again()
        if batch.gate.reason == TAKEN_OVER and self._trees.in_tree(self._workspace.project.root) is None:
            batch.gate.resume("handed back")

    # -- records -----------------------------------------------------------------------------------------------

    async def _record(self, row: TakeOverRow, change: Callable[[], list[Awaitable[object]]]) -> None:
        """Write the change and the event of a step in one commit. Raises `DatabaseUnavailable`."""
        await self._workspace.database.in_one_commit(lambda: [*change(), emit(event_of(row))])


def event_of(row: TakeOverRow) -> StoryTakeover:
    """Return the event of a step."""
    metrics = Metrics(
        files_changed=or_unset(row.files_changed),
        lines_added=or_unset(row.lines_added),
        lines_removed=or_unset(row.lines_removed),
    )
    returned = row.returned_at is not None
    return StoryTakeover(
        story_key=row.story_key,
        takeover_id=row.id,
        state=row.state,  # type: ignore[arg-type]
        folder=row.folder,
        message=f"{row.story_key} was handed back." if returned else row.message,
        command_line=or_unset(None if returned else row.command_line),
        metrics=or_unset(metrics if returned else None),
    )
