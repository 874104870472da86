"""The mirror of a lane: its worktree at the coordinator, kept as the tree of the worker that holds the lane.

Promises: trees are applied in the order in which they were sent, each once: it holds only what changed since the one
before. One that cannot be used changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from fleet.stream.broker import Broker, BrokerProblem
from fleet.work.link import BrokerLink
from fleet.work.messages import TreeRef
from fleet.work.names import do_subject, lanes_stream, said_subject
from fleet.work.queue import purge
from fleet.work.trees import SharedTree
from git.process import GitError
from running.machines import LaneJob, MachineLostError

KEPT: Final = 1  # messages of each side: by the newest one both know their places


class Mirror:
    """The mirror of the lane of a job. `have` are commits that the worker has which holds the lane.

    `keep` is awaited when a tree was applied, before anything follows from it.
    """

    def __init__(
        self,
        link: BrokerLink,
        project: str,
        lane: str,
        job: LaneJob,
        tree: SharedTree,
        keep: Callable[[], Awaitable[None]],
        on_problem: Callable[[str], None],
    ) -> None:
        self.tree = tree
        self.have: set[str] = set()
        self.applied = 0  # the place of the newest message whose tree the mirror has
        self._link, self._project, self._lane = link, project, lane
        self._job, self._keep, self._on_problem = job, keep, on_problem

    async def send(self, *, is_idle: bool) -> tuple[TreeRef, tuple[str, ...]]:
        """Put what the worker lacks into the object store; return the state, and its untracked files that count.

        `is_idle`: nothing of the lane runs, so that the worker takes the whole state. Raises `MachineLostError`.
        """
        named = await self._named()
        try:
            if is_idle:  # all that was said before is done with
                await self._link.call(self._shorten)
            tree = await self.tree.send(sorted(self.have), named, whole=is_idle)
        except (GitError, BrokerProblem) as error:
            raise MachineLostError(f"the tree of the lane {self._lane} could not be sent: {error}") from None
        self.have |= {tree.commit, tree.head}
        return tree, named

    async def apply(self, tree: TreeRef | None, place: int, machine: str) -> str | None:
        """Set the mirror to what changed on a worker, as the message at this place says; return why it could not be.

        An earlier server has applied what it had kept as applied, and the mirror may have changed since.
        """
        if tree is None or place <= self.applied:
            return None
        try:
            await self.tree.take(tree, await self._named())
        except (GitError, BrokerProblem) as error:
            why = f"the work of {machine} cannot be taken: {error}"
            self._on_problem(why)
            return why
        self.have |= {tree.commit, tree.head}
        self.applied = place
        await self._keep()
        return None

    async def _named(self) -> tuple[str, ...]:
        prefix = f"{self._job.prefix.rstrip('/')}/" if self._job.prefix else ""
        return tuple(f"{prefix}{path}" for path in await asyncio.to_thread(self._job.untracked))

    async def _shorten(self, broker: Broker) -> None:
        """Remove what was handled from the lane's streams, but for the newest message of each side."""
        stream = lanes_stream(self._project).name
        for subject in (said_subject(self._project, self._lane), do_subject(self._project, self._lane)):
            await purge(broker, stream, subject, keep=KEPT)
