"""Tests of retention: which streams are removed, which never, and the message to a reader afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

import events
import running.retention
from db import Database
from running.retention import DAY_S, Retention, remove_old
from running.runner_task import RUNNER
from running.workspace import Workspace
from settings import Settings
from store.batches import create_batch, update_batch
from store.commands import create_command, update_command
from tests.running.projects import make_project
from tests.servers import Server, get

NOW = time.time()


def stream(folder: Path, name: str, days: float) -> Path:
    """A stream that was last written so many days ago."""
    file = folder / "streams" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b'{"type":"system"}\n')
    os.utime(file, (NOW - days * DAY_S,) * 2)
    return file


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder / "streams")) for path in (folder / "streams").rglob("*"))


def test_what_is_old_goes_and_with_it_the_folder(tmp_path: Path) -> None:
    stream(tmp_path, "1/1.ndjson.gz", 31)
    stream(tmp_path, "1/2.ndjson", 40)  # of a server that died: never compressed
    stream(tmp_path, "2/3.ndjson.gz", 31)
    stream(tmp_path, "2/4.ndjson.gz", 29)
    assert remove_old(tmp_path / "streams", NOW - 30 * DAY_S, ()) == 3
    assert left(tmp_path) == ["2", "2/4.ndjson.gz"]


def test_no_streams_at_all(tmp_path: Path) -> None:
    assert remove_old(tmp_path / "streams", NOW, ()) == 0


def test_nothing_but_streams_is_touched(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").touch()
    os.utime(other / "precious", (0, 0))
    stream(tmp_path, "1/1.ndjson", 99)
    (tmp_path / "streams" / "1" / "link").symlink_to(other / "precious")
    (tmp_path / "streams" / "2").symlink_to(other, target_is_directory=True)
    (tmp_path / "streams" / "note").touch()
    assert remove_old(tmp_path / "streams", NOW, ()) == 1
    assert (other / "precious").exists()
    assert left(tmp_path) == ["1", "1/link", "2", "note"]


@pytest.mark.parametrize(
    ("days", "kept"),
    [(30, {"2", "3", "4"}), (1, {"2", "3"}), (None, {"1", "2", "3", "4"})],
    ids=["a month", "a day", "for ever"],
)
async def test_open_batches_and_running_commands_keep_theirs(tmp_path: Path, days: int | None, kept: set[str]) -> None:
    """1 has ended; 2 has ended, but a task of its continues; 3 was interrupted; 4 is young."""
    database = await Database.open(tmp_path / "db")
    for _ in range(4):
        batch = await database.write(create_batch, 1)
        await database.write(update_batch, batch, status="completed")
    await database.write(update_batch, 3, status="interrupted")
    await database.write(create_command, 2, "refresh-project-context")
    for name, age in (("1/1", 90), ("2/2", 90), ("3/3", 90), ("4/4", 20)):
        stream(tmp_path, f"{name}.ndjson.gz", age)
    nothing = cast(Any, None)
    settings = Settings(retention_days=days)
    workspace = Workspace(nothing, lambda: settings, {}, database, tmp_path, tmp_path, None, lambda: NOW)
    assert await Retention(workspace, print).look() == 4 - len(kept)
    assert {path.name for path in (tmp_path / "streams").iterdir()} == kept
    await database.close()


async def test_old_events_are_deleted_and_the_hub_notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.retention, "PRUNED_AT_ONCE", 3)
    database = await Database.open(tmp_path / "db")
    events.start(database)
    for age in (50, 50, 50, 50, 5, 5):
        emitted = {"type": events.EventType.ERROR, "payload": {"type": "t", "message": "m"}}
        await events.broadcast({**emitted, "timestamp": int((NOW - age * DAY_S) * 1000)})
    events.stop()
    nothing, oldest = cast(Any, None), list[int]()
    days: list[int | None] = [None, 60, 30, 1]
    settings = [Settings(event_retention_days=count) for count in days]
    workspace = Workspace(nothing, lambda: settings[0], {}, database, tmp_path, tmp_path, None, lambda: NOW)
    removed = []
    for _ in days:
        removed.append(await Retention(workspace, oldest.append).prune())
        settings.append(settings.pop(0))
    assert removed == [0, 0, 4, 1]  # the newest event stays, whatever its age
    assert oldest == [4, 5, 6]
    await database.close()


class Outbox:
    """Nothing after the second event is published; notes for how long that was so when events had to go."""

    def __init__(self) -> None:
        self.said: list[int] = []

    async def first_unpublished(self) -> int | None:
        return 3

    def gave_up(self, days: int) -> None:
        self.said.append(days)


async def test_events_wait_for_the_outbox_within_a_bound(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "db")
    events.start(database)
    for age in (50, 50, 35, 20, 5):
        emitted = {"type": events.EventType.ERROR, "payload": {"type": "t", "message": "m"}}
        await events.broadcast({**emitted, "timestamp": int((NOW - age * DAY_S) * 1000)})
    events.stop()
    nothing, oldest, outbox = cast(Any, None), list[int](), Outbox()
    settings = Settings(event_retention_days=10)
    now = [NOW]
    workspace = Workspace(nothing, lambda: settings, {}, database, tmp_path, tmp_path, None, lambda: now[0])
    retention = Retention(workspace, oldest.append, outbox=outbox)
    assert (await retention.prune(), oldest, outbox.said) == (2, [3], [])
    assert await retention.prune() == 0
    now[0] += 6 * DAY_S  # the third is 41 days old now
    assert (await retention.prune(), oldest, outbox.said) == (1, [3, 4], [40])
    await database.close()


async def execute(data: Path, statement: str) -> None:
    """Change a row as the server that has this database open would do it."""

    def change() -> None:
        with contextlib.closing(sqlite3.connect(data / "sprint-runner.db", timeout=10)) as connection, connection:
            connection.execute(statement)

    await asyncio.to_thread(change)


async def test_the_transcript_says_why_its_stream_is_not_there(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "done"})
    data = project / ".sprint-runner"
    data.mkdir(mode=0o700)
    database = await Database.open(data / "sprint-runner.db")
    batch = await database.write(create_batch, 1)
    await database.write(update_batch, batch, status="completed")
    for number, age in ((1, 40), (2, 20), (3, 20)):
        ended = int((NOW - age * DAY_S) * 1000)
        command = await database.write(create_command, batch, "dev-story", agent="claude")
        path = f"streams/1/{number}.ndjson"
        await database.write(update_command, command, status="success", ended_at=ended, stream_path=path)
    await database.write(create_command, batch, "merge", agent=RUNNER)
    await database.close()
    old = stream(data, "1/1.ndjson.gz", 40)
    stream(data, "1/2.ndjson", 20)
    server = Server([str(project), "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            while old.exists():
                await get(client, "/api/run")
            emitted = [(await get(client, f"/api/commands/{number}/transcript"))["entries"] for number in (1, 2, 3, 4)]
            assert [entry["text"] for entry in emitted[0]] == ["The stream was removed after 30 days."]
            assert emitted[1] == []
            assert [entry["text"] for entry in emitted[2]] == ["Command 3 has left no transcript."]
            assert emitted[3][0]["text"].startswith("The runner did this itself")
            async with client.get("/api/commands/1/transcript?raw=1") as response:
                assert response.status == 404
                assert "removed after 30 days" in await response.text()
            await execute(data, "UPDATE commands SET ended_at = NULL, status = 'running' WHERE id = 3")
            young = await get(client, "/api/commands/3/transcript")
            assert (young["entries"], young["total"], young["reading"]) == ([], 0, False)
            async with client.get("/api/commands/3/transcript?raw=1") as response:
                assert response.status == 404
    finally:
        assert server.end() == 0
