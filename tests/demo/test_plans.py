"""The demos of BMAD's other kinds of plan, from an empty folder to everything done, by the program itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.servers import Server, get, post


async def decided(client: aiohttp.ClientSession) -> list[str]:
    """Run everything, and say go at every gate; the kinds of the gates."""
    kinds: list[str] = []
    assert (await post(client, "/api/run/start", {"batch_size": "all"}))[0] == 202
    while (await get(client, "/api/run"))["state"] != "idle":
        for gate in (await get(client, "/api/gates"))["gates"]:
            kinds.append(gate["kind"])
            assert (await post(client, f"/api/gates/{gate['id']}", {"decision": "go"}))[0] == 202
        await asyncio.sleep(0.1)
    return kinds


@pytest.mark.parametrize(
    ("kind", "gates", "done"),
    [("v7", ["plan", "epic"], ["1.1", "1.2", "1.3", "2.1"]), ("stories", ["plan"], ["1", "2", "3"])],
)
async def test_a_demo_comes_to_its_end(tmp_path: Path, kind: str, gates: list[str], done: list[str]) -> None:
    arguments = [str(tmp_path / "demo"), f"--demo={kind}", "--port", "0"]
    server = Server(arguments, tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            assert await decided(client) == gates
            sprint = await get(client, "/api/sprint")
            assert [story["key"] for story in sprint["stories"] if story["status"] == "done"] == done
            assert (tmp_path / "demo/perch/commands/fix.py").is_file()
    finally:
        assert server.end() == 0
    assert "Traceback" not in server.errors()
