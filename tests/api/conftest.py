"""A client of the module's own `server`, which is started for it and has to end in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.servers import Server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with the started server."""
    server.start()
    async with aiohttp.ClientSession(server.url) as session:
        yield session
    assert await asyncio.to_thread(server.end) == 0
    assert "Traceback" not in server.errors()
