"""What a command changed in the work tree, and in the stash that all lanes share."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial

from git.head import stash_tip
from git.process import GitError
from git.snapshots import Git
from git.trees import Diff
from payloads import Attention
from running.disk import retry_while_full
from running.journal import CommandStatus, Result
from running.spec import AttemptContext, CommandSpec
from running.work_guard import lost_work
from running.workspace import Workspace, emit_durable

log = logging.getLogger("sprint_runner.run")


class CommandChange:
    """The change of one command. Made before its agent starts; `ended` is when that ended, by the monotonic clock.

    `tree` is the work tree's after it, None until that is measured.
    """

    def __init__(self, workspace: Workspace, spec: CommandSpec, context: AttemptContext, command_id: int) -> None:
        self.ended = 0.0
        self.tree: str | None = None
        self._workspace = workspace
        self._spec = spec
        self._context = context
        self._command_id = command_id
        self._stash: str | None = None
        self._ahead_at = 0.0
        self._ahead: asyncio.Task[str] | None = None

    async def begin(self) -> None:
        """Remember what the agent finds."""
        self._stash = await self._stash_tip()

    def look_ahead(self) -> None:
        """The agent has exited: begin the snapshot for the evidence, which counts if it has left nothing running."""
        if self._workspace.git is not None and self._context.tree is not None:
            self._ahead_at = time.monotonic()
            self._ahead = asyncio.create_task(self._workspace.git.snapshot())

    def end(self, moment: float) -> None:
        """The agent has ended: no snapshot before this moment is one of its work."""
        self.ended = moment
        if self._ahead is not None and moment > self._ahead_at:  # it has left something running: that is outdated
            self._ahead.cancel()
        if self._workspace.git is not None:
            self._workspace.git.outdate(moment)

    async def close(self) -> None:
        """Return when nothing of it runs any more."""
        if self._ahead is not None:
            self._ahead.cancel()  # without effect on one that was needed
            await asyncio.gather(self._ahead, return_exceptions=True)  # one that failed is taken again

    async def measure(self, result: Result) -> tuple[Diff | None, Result]:
        """Return what the command changed, and its result: none that counts where the story's work is gone."""
        measured = await self._compare(result)
        await self._compare_stash()
        return measured

    async def _compare(self, result: Result) -> tuple[Diff | None, Result]:
        git, before = self._workspace.git, self._context.tree
        if git is None or before is None:
            return None, result
        checked = self._workspace.settings().verify is not None  # which may have written files
        work = git.snapshot if checked else partial(git.snapshot_since, self.ended)
        try:
            after = await retry_while_full(work)
        except GitError as error:  # only a figure is missing
            log.warning("the change of command %d could not be measured: %s", self._command_id, error)
            return None, result
        self.tree = after
        story = self._spec.stories[0]
        try:
            if await lost_work(self._workspace, story, story.work_tree or before, after):
                reason = f"the work on {story.key} went out of the tree while {self._spec.command} ran"
                result = replace(result, status=CommandStatus.LOST, reason=reason, verdict=None)
            else:
                story.work_tree = after
        except GitError:  # what was there before is not known any more: the tree of now may not take its place
            log.warning("whether the work on %s is still there cannot be seen", story.key)
        try:
            return await _diff(git, self._context.first_tree, before, after), result
        except GitError as error:  # the data folder was removed meanwhile, and the snapshot with it
            log.warning("the change of command %d could not be measured: %s", self._command_id, error)
            return None, result

    async def _stash_tip(self) -> str | None:
        git = self._workspace.git
        return await stash_tip(git.root) if git is not None and self._workspace.main is not None else None

    async def _compare_stash(self) -> None:
        """Lanes share the stash: what one puts there another may take, so such a story waits for the operator."""
        now = await self._stash_tip()
        if now == self._stash or not self._spec.stories:
            return
        for story in self._spec.stories:
            story.stash = now or "dropped"
        message = (
            f"`git stash` was used while {self._spec.command} ran for {', '.join(self._spec.story_keys)}; all lanes"
            " share the stash, so what is in this worktree may belong to another story: look at it before it is merged"
        )
        await emit_durable(Attention(kind="git", message=message, story_key=self._spec.story_key))


async def _diff(git: Git, first: str | None, before: str, after: str) -> Diff:
    """Return the change since the first call, whose snapshot may be gone; then since this one."""
    try:
        return await git.diff(first or before, after)
    except GitError:
        return await git.diff(before, after)
