"""Trouble with the disk under a running server: the loop is on time, nothing unsaved is shown, and it heals."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import pytest

from tests.realtime.pages import PageClient
from tests.realtime.server import DrivenServer


@contextmanager
def locked(server: DrivenServer) -> Iterator[None]:
    other = sqlite3.connect(server.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def full(server: DrivenServer) -> Iterator[None]:
    """No file of the server may be written: every write fails in the system, however small, as on a full disk."""
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))


async def healthy(server: DrivenServer, status: int) -> None:
    async with asyncio.timeout(240):
        while True:
            async with server.session.get(server.url + "healthz") as response:
                if response.status == status:
                    return
            await asyncio.sleep(0.05)


async def test_a_lock_of_two_seconds_delays_events_and_nothing_else(server: DrivenServer) -> None:
    page = PageClient(server, await server.epoch())
    await server.emit(5)
    await page.until(5)
    with locked(server):
        waiting = asyncio.create_task(server.emit(5))
        await healthy(server, 503)
        await server.get("drive/facts")
        for _ in range(20):  # all of them are answered while the lock lasts, since it ends with this block
            async with asyncio.timeout(20):
                async with server.session.get(server.url) as response:
                    assert response.status == 200
                async with server.connect() as line:
                    assert (await line.receive_json())["payload"]["seq"] == 5
            await asyncio.sleep(0.1)
        assert not waiting.done()
        assert page.seen == [1, 2, 3, 4, 5]
    await waiting
    await page.until(10)
    await page.leave()
    assert page.seen == list(range(1, 11))
    await healthy(server, 200)


async def test_a_disk_that_takes_nothing_is_said_and_heals(server: DrivenServer) -> None:
    page = PageClient(server, await server.epoch())
    await server.emit(5)
    await page.until(5)
    with full(server):
        with pytest.raises((AssertionError, aiohttp.ClientError)):
            await server.emit(200, 1_000)
        await healthy(server, 503)
        async with server.session.post(server.url + "drive/emit", json={}) as response:
            assert response.status == 503
            assert (await response.json())["error"]["code"] == "database"
        async with server.connect() as line:
            assert (await line.receive_json())["payload"]["seq"] == 5
        assert page.seen == [1, 2, 3, 4, 5]
    await healthy(server, 200)
    await server.emit(5)
    # What still waited to be written when the disk was mended was written then, and is no less true.
    newest = (await server.get("healthz"))["seq"]
    assert newest >= 10
    await page.until(newest)
    await page.leave()
    assert page.seen == list(range(1, newest + 1))
    assert "Traceback" not in server.errors.read_text()
