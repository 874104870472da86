"""The tree of a lane as both sides have it: own changes are sent as a bundle in the object store, others are applied.

Promises: a bundle is verified before anything of it is used; a state is applied completely or not at all, and applied
once more after it was cut off. Both sides may change their trees at once: only what changed at one is set at the other.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleet.stream.broker import Broker
from fleet.work.link import BrokerLink
from fleet.work.messages import TreeRef
from fleet.work.names import OBJECTS, bundles_bucket
from git.bundles import is_known, set_ref, take_bundle, write_bundle
from git.carried_tree import CarriedTree, TreeState


@dataclass(kw_only=True)
class SharedTree:
    """One side of a lane's tree, at `top`; `scratch` is a folder of its own, `repository` where commits are.

    `branch` is what is checked out where a whole state is taken. `keep` are the refs below which what was taken and
    sent is kept, "" for none: the other side may build on that.
    """

    link: BrokerLink
    project: str
    top: Path
    repository: Path
    scratch: Path
    branch: str = ""
    keep: str = ""
    prefix: str = ""
    planning: tuple[str, ...] = ()
    last: TreeState | None = None  # what both sides have of this one
    peer_head: str = ""  # a commit that the other side has on a branch
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def tree(self) -> CarriedTree:
        return CarriedTree(self.top, self.scratch / "index", self.prefix)

    async def state(self, named: Sequence[str] = ()) -> TreeState:
        """Return the state as it is now. Raises `GitError`."""
        async with self._lock:
            return await self.tree.state(named, self.planning)

    async def send(self, have: Sequence[str], named: Sequence[str] = (), *, whole: bool = False) -> TreeRef:
        """Put what the other side lacks into the object store; `have` are commits that it has.

        Raises `GitError`, `BrokerProblem`.
        """
        async with self._lock:
            before, state = self.last, await self.tree.state(named, self.planning)
            paths = None
            if before is not None and not whole:
                paths = tuple(await self.tree.changed(before.commit, state.commit))
            since = state.head if before is None else before.head
            name = digest = ""
            if state.commit not in have:
                name, digest = await self._store(state.commit, have)
            if self.keep:
                await set_ref(self.repository, f"{self.keep}/{state.commit}", state.commit)
            self.last = state  # not before: what was not sent is sent with the next one
        return TreeRef(head=state.head, commit=state.commit, since=since, paths=paths, bundle=name, digest=digest)

    async def take(self, ref: TreeRef, named: Sequence[str] = ()) -> None:
        """Apply a state of the other side. Raises `GitError`, `BrokerProblem`; nothing is applied then."""
        async with self._lock:
            await self._fetch(ref)
            state = TreeState(ref.head, ref.commit)
            if ref.paths is None:
                await self.tree.force(state, self.branch)
                self.last = state
            else:
                await self.tree.change(state, ref.paths, ref.since)
                # Not the tree as it is now, which holds own changes that are still to be sent.
                base = self.last or await self.tree.state(named, self.planning)
                self.last = await self.tree.combined(base, state, ref.paths, ref.since)
            self.peer_head = ref.head

    async def fetch(self, ref: TreeRef) -> None:
        """Take the commits of a state into the repository, and apply nothing. Raises as `take`."""
        async with self._lock:
            await self._fetch(ref)

    async def _store(self, commit: str, have: Sequence[str]) -> tuple[str, str]:
        """Store a bundle; return the name of the object, and its digest."""
        name = secrets.token_hex(16)
        file = self.scratch / f"{name}.bundle"
        try:
            digest = await write_bundle(self.repository, commit, have, file)
            await self.link.call(lambda broker: self._put(broker, name, file))
            return name, digest
        finally:
            file.unlink(missing_ok=True)

    async def _put(self, broker: Broker, name: str, file: Path) -> None:
        with file.open("rb") as body:
            await broker.objects.put(bundles_bucket(self.project), name, body, OBJECTS)

    async def _get(self, broker: Broker, name: str, file: Path) -> None:
        with file.open("wb") as body:
            await broker.objects.get(bundles_bucket(self.project), name, body)

    async def _fetch(self, ref: TreeRef) -> None:
        if not ref.bundle or await is_known(self.repository, ref.commit, ref.head):
            if self.keep:
                await set_ref(self.repository, f"{self.keep}/{ref.commit}", ref.commit)
            return
        self.scratch.mkdir(parents=True, exist_ok=True)
        file = self.scratch / f"{ref.bundle}.bundle"
        try:
            await self.link.call(lambda broker: self._get(broker, ref.bundle, file))
            kept = f"{self.keep}/{ref.commit}" if self.keep else None
            await take_bundle(self.repository, ref.commit, file, ref.digest, kept)
        finally:
            file.unlink(missing_ok=True)
