"""A long recording that is read for the first time: an answer at once, and the rest in the background."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from db import Database
from store.batches import create_batch, update_batch
from store.commands import create_command, update_command
from store.rows import now_ms
from tests.running.projects import make_project
from tests.servers import Server, get

ENTRIES = 20_000
PATH = "/api/commands/1/transcript"


async def test_a_long_recording_is_read_in_the_background(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "done"})
    await record(project / ".sprint-runner")
    server = Server([str(project), "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            seen = [await get(client, f"{PATH}?limit=3")]
            assert [entry["text"][:6] for entry in seen[0]["entries"]] == ["line 0", "line 1", "line 2"]
            assert seen[0]["reading"]
            assert seen[0]["total"] < ENTRIES
            while seen[-1]["reading"]:
                await asyncio.sleep(0.05)
                seen.append(await get(client, f"{PATH}?limit=3"))
            totals = [each["total"] for each in seen]
            assert totals == sorted(totals)
            assert totals[-1] == ENTRIES
            end = await get(client, f"{PATH}?from={ENTRIES - 1}&limit=3")
            assert end["entries"][0]["text"].startswith(f"line {ENTRIES - 1} ")
    finally:
        assert await asyncio.to_thread(server.end) == 0


async def test_a_server_ends_while_it_reads_one(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "done"})
    await record(project / ".sprint-runner")
    server = Server([str(project), "--port", "0"], tmp_path).start()
    async with aiohttp.ClientSession(server.url) as client:
        assert (await get(client, f"{PATH}?limit=1"))["reading"]
    assert await asyncio.to_thread(server.end) == 0
    assert "Traceback" not in server.errors()


async def record(data: Path) -> None:
    """One ended command with a long recording."""
    write_recording(data / "streams" / "1.ndjson")
    database = await Database.open(data / "sprint-runner.db")
    batch = await database.write(create_batch, 1)
    await database.write(update_batch, batch, status="completed")
    command = await database.write(create_command, batch, "dev-story", agent="claude", stream_path="streams/1.ndjson")
    await database.write(update_command, command, status="success", ended_at=now_ms())
    await database.close()


def write_recording(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True)
    with path.open("wb") as file:
        for number in range(ENTRIES):
            file.write(line(type="assistant", message=reply(number)))


def reply(number: int) -> dict[str, Any]:
    return {"id": f"m-{number}", "content": [{"type": "text", "text": f"line {number} " + "of a long day " * 60}]}


def line(**fields: Any) -> bytes:
    return json.dumps({"session_id": "s-1", **fields}).encode() + b"\n"
