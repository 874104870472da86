"""A workspace with a database and recordings, and nothing that runs."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

import agents
from db import Database
from running.search.find import Finder, Wanted
from running.search.indexer import SearchIndexer
from running.search.query import parse_query
from running.search.views import SearchResults
from running.workspace import Workspace
from security.masking import Masker
from settings import Settings
from store.batches import create_batch
from store.commands import create_command, update_command
from store.rows import now_ms

CLAUDE = agents.AgentSpec(name="claude", kind="claude", command=("claude",))


def add_events(connection: Any, texts: Sequence[str]) -> None:
    """Add events of progress, as the writer does."""
    last = connection.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()[0]
    for seq, text in enumerate(texts, last + 1):
        fixed = {"story_key": "1-1-a", "command": "dev-story", "task_id": "t", "command_id": 1}
        payload = json.dumps({**fixed, "message": text}, ensure_ascii=False)
        values = (seq, "command:progress", seq * 1000, 1, "1-1-a", payload)
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", values)


def stream(texts: Sequence[str], begin: int = 0) -> bytes:
    """The lines that an agent prints: for each text what it says, then a call and its answer."""
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(texts, begin):
        call = {"type": "tool_use", "id": f"t{number}", "name": "Read", "input": {"file_path": f"src/f{number}.py"}}
        answer = {"type": "tool_result", "tool_use_id": f"t{number}", "content": f"answer to {text}"}
        lines.append(
            {"type": "assistant", "message": {"id": f"m{number}", "content": [{"type": "text", "text": text}, call]}}
        )
        lines.append({"type": "user", "message": {"content": [answer]}})
    return b"".join(json.dumps({"session_id": "s", **line}).encode() + b"\n" for line in lines)


class SearchProject:
    """The records of a project and their indexer; `work` is one look of it."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        self.workspace = workspace_of(folder, database)
        self.indexer = SearchIndexer(self.workspace)

    async def command(self, content: bytes, *, ended: bool = True, packed: bool = False, story: str = "1-1-a") -> int:
        """Add a command with its recording."""
        database = self.database
        id_ = await database.write(create_command, 1, "dev-story", agent="claude", story_key=story, story_keys=[story])
        path = self.folder / f"streams/1/{id_}.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        if packed:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
        else:
            path.write_bytes(content)
        await database.write(update_command, id_, stream_path=path.relative_to(self.folder).as_posix())
        if ended:
            await self.end(id_)
        return id_

    async def end(self, id_: int) -> None:
        await self.database.write(update_command, id_, status="success", ended_at=now_ms())

    async def events(self, *texts: str) -> None:
        await self.database.write(add_events, texts)
        self.database.writer._seq += len(texts)  # as if the writer had written them

    async def find(self, query: str, **wanted: Any) -> SearchResults:
        finder = Finder(self.workspace, self.indexer)
        return await finder.find(Wanted(terms=parse_query(query), **wanted))

    async def places(self, query: str, **wanted: Any) -> list[tuple[int, int]]:
        """Where a query is found: of events 0 and the seq, of transcripts the command and the entry."""
        found = (await self.find(query, **wanted)).results
        return [(0, one.seq) if one.seq is not None else (one.command_id or 0, one.entry or 0) for one in found]

    async def reopen(self) -> None:
        """Go on as another server."""
        await self.indexer.stop()
        await self.database.close()
        self.database = await Database.open(self.folder / "sprint-runner.db")
        self.workspace = workspace_of(self.folder, self.database)
        self.indexer = SearchIndexer(self.workspace)


def workspace_of(folder: Path, database: Database, secrets: Sequence[str] = ("correct-horse-battery",)) -> Workspace:
    nothing, settings = cast(Any, None), Settings()
    specs = {"claude": CLAUDE}
    masker = Masker(secrets)
    return Workspace(nothing, lambda: settings, specs, database, folder, folder, None, lambda: 0.0, masker=masker)


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[SearchProject]:
    database = await Database.open(tmp_path / "sprint-runner.db")
    await database.write(create_batch, 1)
    made = SearchProject(tmp_path, database)
    yield made
    await made.indexer.stop()
    await made.database.close()
