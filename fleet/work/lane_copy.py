"""The copy of a lane's tree on a worker: brought to the coordinator's state, made ready, and sent back.

Promises: a state is there completely or not at all; before anything runs in a new copy, the project's own command has
made it ready.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from fleet.stream.broker import BrokerProblem
from fleet.work.copies import LANES, ProjectCopy
from fleet.work.lane_call import LaneCall
from fleet.work.link import BrokerLink
from fleet.work.messages import LaneOffer, RunCall, RunCheck, TreeRef
from fleet.work.trees import SharedTree
from git.process import GitError
from running.check_process import run

PROJECT: Final = "SPRINT_RUNNER_PROJECT"  # in the environment of `worktree_setup`: the worker's own folder


class LaneCopy:
    """The copy of the lane of a job, on the worker `name`."""

    def __init__(self, name: str, job: LaneOffer, copy: ProjectCopy, tree: SharedTree) -> None:
        self._name, self._job = name, job
        self._copy, self._tree = copy, tree
        self._is_fresh = False  # nothing has made the copy ready yet

    @property
    def project(self) -> Path:
        """The project's folder in the copy."""
        return self._tree.top / self._job.prefix

    async def bring(self, order: RunCall | RunCheck, call: LaneCall | None) -> str | None:
        """Bring the copy to the coordinator's state; return why that is not possible, nothing is changed then.

        What makes it ready ends with a stop of the call.
        """
        try:
            if not await self._copy.is_made(self._job.lane):
                await self._make(order.tree)
            await self._tree.take(order.tree, order.named)
            return await self._set_up(call)
        except (GitError, BrokerProblem, OSError) as error:
            return f"The tree could not be brought to the worker {self._name}: {error}."

    async def send(self, order: RunCall | RunCheck) -> tuple[TreeRef | None, str | None]:
        """Send what changed here; without success, return the reason."""
        try:
            return await self._tree.send([self._tree.peer_head], order.named), None
        except (GitError, BrokerProblem, OSError) as error:
            return None, f"The work on {self._name} could not be sent: {error}."

    async def _make(self, tree: TreeRef) -> None:
        self._is_fresh = True
        await self._tree.fetch(tree)
        await self._copy.make(self._job.lane, tree.head)

    async def _set_up(self, call: LaneCall | None) -> str | None:
        command = self._job.setup
        if not self._is_fresh or command is None:
            return None
        try:
            words = shlex.split(command)
        except ValueError:
            return f"worktree_setup `{command}` cannot be started: its quotes do not match"
        work = run(["env", f"{PROJECT}={self._copy.own}", *words], self.project)
        done = await (work if call is None else call.unless_stopped(work))
        if done is None:
            return None  # the call reports that it was stopped, and the next one begins with this again
        if done.exit_code == 0:
            self._is_fresh = False
            return None
        ending = done.problem or ("took too long" if done.exit_code is None else f"ended with {done.exit_code}")
        return f"worktree_setup `{command}` {ending} on the worker {self._name}:\n{done.tail}"


def tree_of(link: BrokerLink, job: LaneOffer, copy: ProjectCopy) -> SharedTree:
    """Return the worker's side of a lane's tree."""
    return SharedTree(
        link=link,
        project=job.project,
        top=copy.top(job.lane),
        repository=copy.repository,
        scratch=copy.folder / "carried" / job.project / job.lane,
        branch=job.branch,
        keep=f"{LANES}/{job.lane}",
        prefix=job.prefix,
        planning=job.planning,
    )
