"""Repositories in which no batch can be committed: the server runs, and a start is refused before anything is paid."""

from __future__ import annotations

import aiohttp
import pytest

from tests.servers import Server, get, post
from tests.worlds import World, worlds

REFUSED = ("foreign", "nameless", "rebasing")


@pytest.mark.parametrize("world", worlds(REFUSED, lanes=(1,), refused=True), indirect=True)
async def test_a_start_is_refused_in_gits_words(world: World) -> None:
    server = Server([str(world.root), "--agent", "demo", "--port", "0"], world.root.parent).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            status, answer = await post(client, "/api/run/start", {"batch_size": 1})
            assert status == 409, answer
            assert world.layout.refused is not None
            assert world.layout.refused in answer["error"]["message"]
            assert (await get(client, "/api/batches"))["total"] == 0
            assert (await get(client, "/api/run"))["state"] == "idle"
    finally:
        server.end()
