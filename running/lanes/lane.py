"""One cycle in a worktree of its own: its work, its merge, its events, and the end of its worktree."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from git.process import GitError
from payloads import Attention
from running.clean_tree import NotCommitted, commit_status
from running.cycle import Cycle
from running.cycle_source import PlannedCycle
from running.gate import StopMode
from running.lanes.merge import MERGE, Merge, MovedOn, NotMerged
from running.lanes.migrated import catch_up
from running.lanes.place import LanePlace, Places, job_of
from running.lanes.worktree import LaneFailed, Worktree, named
from running.run_context import RunContext
from running.runner_task import RunnerTask
from running.story import StoryRun, advance, block
from running.surroundings import SurroundingsFailed, until_possible
from running.verify import VerifyContext
from running.workspace import Workspace, emit_durable, until_stored
from sprint import PlanKind
from store.lanes import Lane, end_lane, get_finished_lanes, update_lane

log = logging.getLogger("sprint_runner.run")


class LaneRun:
    """The run of one cycle beside others. `merged` is the commit by which the user's branch took its work."""

    def __init__(self, context: RunContext, cycle: PlannedCycle, names: Lane, places: Places) -> None:
        self.merged: str | None = names.merged
        self._context = context
        self._workspace = context.workspace
        self._gate = context.gate
        self._taken = cycle
        self._names = names
        self._cycle: Cycle | None = None  # None where the lane could not begin
        self._places = places
        self._place: LanePlace | None = None
        self._has_looked = False  # the operator, at what stashed work may have brought into the branch

    async def work(self) -> None:
        """Everything up to the commit in the worktree. Raises `Stopped`."""
        self._worktree = await Worktree.of(self._workspace, self._names)
        await self._may_use_worktree()  # making it ready runs a command of the project's
        try:
            lane = await self._gate.run_interruptible(self._worktree.open())
        except GitError as error:
            raise LaneFailed(f"the worktree {self._worktree.place} could not be made: {error}") from None
        if not await self._caught_up(lane):
            return
        lane = replace(lane, place=await self._placed())
        context = self._context.in_lane(lane).for_cycle(self._taken.number, self._taken.journal, self._names.branch)
        self._cycle = Cycle(context, self._taken.stories)
        async with self._in_place():
            await self._cycle.run()
            await context.background.wait()

    async def finish(self) -> list[str]:
        """Merge what is done; the keys of the stories that are done now. Raises `Stopped`."""
        if self._cycle is not None:
            async with self._in_place():
                await self._cycle.approve()
        refused = await until_possible(self._gate, self._try_merge)
        await self._bring_back()
        for story in self._taken.stories:
            await self._settle(story, refused)
        return [story.key for story in self._taken.stories if story.status == "done"]

    async def close(self) -> None:
        """Remove the worktree where nothing would be lost with it; else say where it is."""
        why = await remove_unless_needed(self._workspace, self._worktree)
        if why is not None:
            message = f"The worktree {self._worktree.place} (branch {self._names.branch}) stays: {why}"
            await emit_durable(Attention(kind="worktree", message=message, story_key=self._taken.stories[0].key))

    # -- inside ------------------------------------------------------------------------------------------------

    @property
    def _root(self) -> Path:
        """The project's copy in the worktree."""
        return self._worktree.untracked.copy.root

    async def _placed(self) -> LanePlace:
        keys = [story.key for story in self._taken.stories]
        job = await job_of(self._worktree, self._context.commander.agents.all_names, keys)
        self._place = LanePlace(self._workspace, self._gate, self._places, self._names, job)
        return self._place

    @asynccontextmanager
    async def _in_place(self) -> AsyncIterator[None]:
        """Give the lane's place back afterwards: no other lane waits for one that only waits for its merge."""
        try:
            yield
        except BaseException:
            # What an ending server leaves on a worker goes on there.
            if self._place is not None and self._gate.stop_mode is not StopMode.INTERRUPT:
                await self._place.close(keep=True)
            raise
        if self._place is not None:
            await self._place.close(keep=False)

    async def _may_use_worktree(self) -> None:
        """Return when the run may go on and neither tree is the operator's. Raises `Stopped`."""
        while True:
            await self._gate.enter()
            if not await self._workspace.taken_trees.hold(self._gate, self._workspace.project.root, self._root):
                return

    async def _caught_up(self, lane: Workspace) -> bool:
        """Whether the lane holds the plan of its stories, which are blocked where it cannot."""
        keys = [story.key for story in self._taken.stories]
        try:
            why = await self._gate.run_interruptible(catch_up(self._worktree, lane, keys))
        except GitError as error:
            raise LaneFailed(f"the worktree {self._worktree.place} cannot take in the new plan: {error}") from None
        for story in self._taken.stories if why is not None else ():
            await block(self._workspace, story, why or "")
        return why is None

    async def _try_merge(self) -> str | None:
        while True:
            await self._may_use_worktree()
            trees, main = self._workspace.taken_trees, self._workspace.project.root
            with self._gate.command(), trees.working(main), trees.working(self._root), suppress(MovedOn):
                return await self._merge_failure()

    async def _merge_failure(self) -> str | None:
        """Merge the branch; return why it was not merged, None where it was or nothing was to be."""
        # A story of this lane may have been merged before, while the other one was skipped.
        stories = self._taken.stories
        done = [story.key for story in stories if story.held] or [story.key for story in stories if story.passed]
        if not done:
            return None
        # Without a commit on the branch a merge would succeed and bring nothing.
        if not await self._worktree.begun() and (left := await self._worktree.uncommitted()):
            return f"its work was not committed and is in {self._worktree.place}: {named(left)}"
        self._ask_about_stash()
        message = f"merge({self._taken.epic}): stories {', '.join(done)}"
        try:
            commit = await self._perform(Merge(self._worktree, self._gate, message), done)
        except NotMerged as refused:
            why = self._workspace.masker.text(str(refused))
            return f"the branch {self._names.branch} is kept, and not merged into {self._names.target}: {why}"
        if commit is not None:
            self.merged = commit
            await until_stored(lambda: self._workspace.database.write(update_lane, self._names.id, merged=commit))
        return None

    def _ask_about_stash(self) -> None:
        """Raises `SurroundingsFailed` once where the stash was used; who resumes the batch has looked at the branch."""
        stashed = [story.key for story in self._taken.stories if story.passed and story.stash]
        if not stashed or self._has_looked:
            return
        self._has_looked = True
        branch, target = self._names.branch, self._names.target
        raise SurroundingsFailed(
            MERGE,
            f"`git stash`, which all worktrees share, was used while commands ran for {', '.join(stashed)}, so the"
            f" branch {branch} may hold another story's work: look at it (`git diff {target}...{branch}`). Resume"
            " merges it; to give it up, stop the batch and set the story back",
        )

    async def _perform(self, merge: Merge, done: list[str]) -> str | None:
        """The merge as pages show it, task by task; None where there is nothing to merge."""
        if not await merge.needed():
            return None
        gate, number = self._gate, self._taken.number
        task = RunnerTask(self._workspace, gate, "merge", "merge", number, done)

        async def work(task: RunnerTask) -> str | None:
            task.say(f"Merging {self._names.branch} into {self._names.target}")
            commit = await merge.run(VerifyContext(self._context.batch_id, done[0], task.say, task.id))
            task.say(f"{self._names.target} is at {(commit or '')[:10]} now")
            return commit

        first = next(story for story in self._taken.stories if story.key == done[0])
        return await task.perform(first.row_id, work)

    async def _bring_back(self) -> None:
        lane = await self._worktree.lane()
        await self._worktree.untracked.bring_back(self._worktree.repository, lane)

    async def _settle(self, story: StoryRun, refused: str | None) -> None:
        """What was done in the lane is done, or blocked where the merge was refused."""
        if story.status == "blocked":
            await self._commit_status(story)
        if not story.held:
            return
        story.held = False
        if refused is not None:
            await block(self._workspace, story, refused)
        else:
            how = f" by {self.merged[:10]}" if self.merged else ""
            await advance(self._workspace, story, "done", f"merged into {self._names.target}{how}")
            await self._commit_status(story)

    async def _commit_status(self, story: StoryRun) -> None:
        """Commit the status where it is in a story's own file; a failure is logged, the story is done."""
        if self._workspace.project.kind is PlanKind.TRACKER:
            return
        try:
            await commit_status(self._workspace, story)
        except NotCommitted as error:
            message = f"{story.key} is {story.status}, but its status was not committed: {error}"
            await emit_durable(Attention(kind="commit", message=message, story_key=story.key))


async def remove_unless_needed(workspace: Workspace, worktree: Worktree) -> str | None:
    """Remove a worktree and record its end; return why it stays where something would be lost with it."""
    if workspace.taken_trees.in_tree(worktree.untracked.copy.root) is not None:
        return "you have taken a story over in it"
    try:
        why = await worktree.unsaved_work()
        if why is None:
            await worktree.remove()
    except (GitError, OSError) as error:
        why = str(error)
    if why is None:
        at = int(workspace.clock() * 1000)
        await until_stored(lambda: workspace.database.write(end_lane, worktree.names.worktree, at))
    return why


async def tidy(workspace: Workspace) -> None:
    """Remove the worktrees of finished cycles that a crash has left, or whose leftovers were put away."""
    if workspace.git is None:
        return
    for names in await workspace.database.read(get_finished_lanes):
        why = await remove_unless_needed(workspace, await Worktree.of(workspace, names))
        if why is not None:
            log.info("the worktree %s stays: %s", names.worktree, why)
        await asyncio.sleep(0)
