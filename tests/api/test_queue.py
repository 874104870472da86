"""The queue over HTTP, with a real server that is killed."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import aiohttp
import pytest

from tests.api.test_hints import server
from tests.servers import Server, get

__all__ = ["server"]  # a fixture
KEY = "1-2-b"


async def put(client: aiohttp.ClientSession, **fields: Any) -> tuple[int, Any]:
    async with client.put("/api/run/queue", json=fields) as response:
        return response.status, await response.json()


async def test_the_queue_is_part_of_the_run_and_survives_a_kill(client: aiohttp.ClientSession, server: Server) -> None:
    empty = {"stories": [], "only": False, "after": None, "at": None}
    assert (await get(client, "/api/run"))["queue"] == empty
    queued = {**empty, "stories": [KEY]}
    assert await put(client, stories=[KEY]) == (200, {**queued, "notes": []})
    assert (await get(client, "/api/run"))["queue"] == queued
    await asyncio.to_thread(server.end, signal.SIGKILL)
    await asyncio.to_thread(server.start)
    async with aiohttp.ClientSession(server.url) as again:
        assert (await get(again, "/api/run"))["queue"] == queued
        assert await put(again, only=True) == (200, {**queued, "only": True, "notes": []})
        assert await put(again, stories=[], only=False) == (200, {**empty, "notes": []})


async def test_the_order_of_a_run_is_told_before_it_starts(client: aiohttp.ClientSession) -> None:
    assert await get(client, "/api/run/order") == {"cycles": [[KEY]], "waits": {}}
    assert await get(client, "/api/run/order?stories=1-3-c&batch_size=2") == {"cycles": [], "waits": {}}


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"stories": ["9-9-z"]}, 400, "stories: the plan has no story '9-9-z'"),
        ({"only": True}, 400, "only: no story is chosen: choose at least one, or have the batch stop after this story"),
        ({"stories": ["1-3-c"]}, 409, "1-3-c is done"),
        ({"stories": ["1-1-a"]}, 409, "1-1-a is blocked: try it again first"),
        ({"stories": "1-1-a"}, 400, "stories: must be a list of at most 1000 story keys"),
        ({"after": "later"}, 400, "after: must be one of story, cycle, time, or null"),
        ({"after": "time"}, 400, "at: must be a time to come, in ms since the epoch"),
        ({"after": "time", "at": int(time.time() * 1000) - 3_600_000}, 400, "at: must be a time to come"),
        ({"after": "cycle"}, 409, "no batch is running that could be stopped later"),
        ({"next": [KEY]}, 400, "next: there is no such field; known are stories, only, after, at"),
    ],
)
async def test_what_cannot_be_is_refused_in_a_sentence(
    client: aiohttp.ClientSession, fields: dict[str, Any], status: int, message: str
) -> None:
    found, refused = await put(client, **fields)
    assert (found, refused["error"]["message"][: len(message)]) == (status, message)
