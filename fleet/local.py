"""The source of the runners of this machine: those of the registry, each followed by its own `/ws`."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import aiohttp

from fleet.client import ENDED, RunnerClient
from fleet.follow import Follower
from fleet.registry import Entry, Registry
from fleet.source import (
    Listed,
    News,
    Removed,
    RunnerId,
    RunnerInfo,
    RunnerRequest,
    RunnerResponse,
    StreamEnded,
    Unreachable,
)
from security.grants import Role

LOOK_S: Final = 1.0  # between two looks at the registry
NEWS_MAX: Final = 1000  # news that wait; a follower that is ahead waits as well, and its runner with it
LOCAL: Final = "local"
RESTARTS: Final = 1012  # RFC 6455 registry: the service restarts, reconnect


@dataclass(frozen=True, slots=True)
class _Followed:
    follower: Follower
    task: asyncio.Task[None]


class LocalRunners:
    """The runners of this machine. A server that ends in order is removed; a killed one stays, as lost."""

    name = LOCAL

    def __init__(self, registry: Registry, client: RunnerClient) -> None:
        self._registry = registry
        self._client = client
        self._followed: dict[RunnerId, _Followed] = {}
        self._news: asyncio.Queue[News] = asyncio.Queue(NEWS_MAX)

    async def news(self) -> AsyncIterator[News]:
        """Yield the news of all runners until it is closed."""
        looks = asyncio.create_task(self._look_forever())
        try:
            while True:
                yield await self._news.get()
        finally:
            tasks = [looks, *(one.task for one in self._followed.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._followed.clear()

    def resync(self, runner: RunnerId) -> None:
        """Begin a runner anew with a snapshot."""
        if (followed := self._followed.get(runner)) is not None:
            followed.follower.resync()

    async def request(self, runner: RunnerId, request: RunnerRequest) -> RunnerResponse:
        """Send a request to a runner. Raises `Unreachable`."""
        return await self._client.request(self._entry(runner), request)

    async def messages(self, runner: RunnerId, query: str, role: Role) -> AsyncIterator[bytes]:
        """Yield the messages of the runner's `/ws`. Raises `StreamEnded` and `Unreachable`."""
        async with self._client.socket(self._entry(runner), query, role) as socket:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    yield message.data.encode()
            raise StreamEnded(socket.close_code or RESTARTS)

    def _entry(self, runner: RunnerId) -> Entry:
        followed = self._followed.get(runner)
        if followed is None:
            raise Unreachable(ENDED)
        return followed.follower.entry

    async def _look_forever(self) -> None:
        while True:
            found = await asyncio.to_thread(self._look)
            for id in [id for id in self._followed if id not in found]:
                await self._remove(id)
            for id, (entry, info) in found.items():
                await self._news.put(Listed(id, info))
                self._follow(id, entry)
            await asyncio.sleep(LOOK_S)

    def _look(self) -> dict[RunnerId, tuple[Entry, RunnerInfo]]:
        """Return the entries of the registry by their ids: those that run, and those that were followed before."""
        found = {RunnerId(LOCAL, entry.key): entry for entry in self._registry.entries()}
        return {id: (one, _info(one)) for id, one in found.items() if id in self._followed or one.is_running}

    def _follow(self, id: RunnerId, entry: Entry) -> None:
        if (followed := self._followed.get(id)) is not None:
            followed.follower.replace(entry)
            return
        follower = Follower(self._client, id, entry, self._news.put)
        self._followed[id] = _Followed(follower, asyncio.create_task(follower.run()))

    async def _remove(self, id: RunnerId) -> None:
        followed = self._followed.pop(id)
        followed.task.cancel()
        await asyncio.gather(followed.task, return_exceptions=True)
        await self._news.put(Removed(id))


def _info(entry: Entry) -> RunnerInfo:
    return RunnerInfo(
        project=entry.name,
        machine=platform.node(),
        folder=entry.folder,
        branch=entry.branch,
        started_at=entry.started_at,
        epoch=entry.epoch,
        host=platform.node(),
    )
