"""The search over 100,000 events and 200 MiB of transcripts: its index, its queries, and what emitting costs beside it.

Texts are lines of this program's own files in random order, with the words that queries look for. Every query is
compared with a search without an index over the same texts in the same run. Emits are timed with the indexer at work
and without, by turns.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import events
from base.program import PROGRAM_DIR
from db import Database
from payloads import CommandProgress
from running.search.find import Finder, Wanted
from running.search.indexer import SearchIndexer
from running.search.query import parse_query
from store.batches import create_batch
from store.commands import create_command, update_command
from store.rows import now_ms
from store.search import get_size
from store.search_text import unpack
from tests.bench.load import table
from tests.running.search.conftest import workspace_of

EVENTS: Final = 100_000
BYTES: Final = 200 << 20
RECORDINGS: Final = 40
EMITS: Final = 2_000
ROUNDS: Final = 5
TRIES: Final = 20
RARE: Final = "quixotic"  # in one entry of 5,000
QUERIES: Final = (
    ("a rare word", RARE),
    ("a part of a word", "uixot"),
    ("a phrase", '"the writer thread"'),
    ("two words", "database atomic"),
    ("a frequent word", "return"),
    ("two letters", "qu"),
    ("nothing", "zyzzyva"),
)


async def run() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = await Database.open(folder / "sprint-runner.db")
        await database.write(create_batch, 1)
        lines = _lines()
        await database.write(_add_events, lines)
        database.writer._seq = EVENTS
        await _record(folder, database, lines)
        workspace = workspace_of(folder, database)
        indexer = SearchIndexer(workspace)
        try:
            alone = await _emits(database)
            beside = await _index(indexer, database)
            table("Emitting", ("what", "alone", "beside the indexer", "x"), _compared(alone, beside))
            await _queries(Finder(workspace, indexer), database)
        finally:
            await indexer.stop()
            await database.close()


async def _index(indexer: SearchIndexer, database: Database) -> list[float]:
    """Fill the index while events are emitted; return how long each took to be committed, in ms."""
    began, cpu = time.perf_counter(), time.process_time()
    work = asyncio.create_task(_work(indexer))
    took: list[float] = []
    while not work.done():
        took += await _emits(database, rounds=1)
        await asyncio.sleep(0.5)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    size = await database.read(get_size)
    stored = await database.read(_bytes)
    chars = size.events + size.transcripts
    rows = [
        ("until all is indexed, s", took_s),
        ("the same in seconds of the processor, with the emits", cpu_s),
        ("MB of text", chars / 1e6),
        ("index, % of the text", 100 * stored[0] / chars),
        ("compressed texts, % of the text", 100 * stored[1] / chars),
        ("both, % of the recordings and events", 100 * sum(stored) / (BYTES + EVENTS * 150)),
    ]
    table("The index", ("what", "figure"), rows)
    return took


async def _work(indexer: SearchIndexer) -> None:
    while await indexer.work() is not None or (await indexer.backlog()).transcripts:
        pass


def _bytes(connection: sqlite3.Connection) -> tuple[int, int]:
    index = connection.execute("SELECT SUM(LENGTH(block)) FROM search_index_data").fetchone()[0]
    return index, connection.execute("SELECT SUM(LENGTH(text)) FROM search_blocks").fetchone()[0]


async def _emits(database: Database, rounds: int = ROUNDS) -> list[float]:
    """Emit events one by one, as a run does; return how long each took until it was committed, in ms."""
    events.start(database)
    took = []
    for _ in range(rounds):
        for number in range(EMITS // 20):
            payload = CommandProgress(story_key="1-1-a", command="dev-story", task_id="t", message=f"line {number}")
            began = time.perf_counter()
            await events.emit(payload)
            took.append((time.perf_counter() - began) * 1000)
    events.stop()
    return took


def _compared(alone: Sequence[float], beside: Sequence[float]) -> list[tuple[Any, ...]]:
    named = (("p50, ms to the commit", 0.5), ("p99, ms to the commit", 0.99), ("the slowest, ms", 1.0))
    rows = []
    for name, part in named:
        first, second = _at(alone, part), _at(beside, part)
        rows.append((name, first, second, second / first))
    return rows


def _at(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


async def _queries(finder: Finder, database: Database) -> None:
    rows = []
    for name, query in QUERIES:
        took: list[float] = []
        count = ""
        for _ in range(TRIES):
            began = time.perf_counter()
            found = await finder.find(Wanted(terms=parse_query(query), limit=12))
            took.append((time.perf_counter() - began) * 1000)
            count = f"{found.count}{'+' if found.more else ''}"
        began = time.perf_counter()
        await database.read(_scan, query.strip('"').split()[0])
        scan = (time.perf_counter() - began) * 1000
        p50 = statistics.median(took)
        rows.append((name, count, p50, _at(took, 0.99), scan / p50))
    table("Queries: a page of 12, and the count", ("what", "found", "p50 ms", "p99 ms", "times as fast as LIKE"), rows)


def _scan(connection: sqlite3.Connection, text: str) -> int:
    """Search all texts without the index, as LIKE does: events by SQLite, transcripts one block after the other."""
    like = "SELECT COUNT(*) FROM events WHERE payload LIKE '%' || ? || '%'"
    count: int = connection.execute(like, (text,)).fetchone()[0]
    connection.create_function("unpacked", 1, _unpacked, deterministic=True)
    sql = "SELECT COUNT(*) FROM search_blocks WHERE source <> 0 AND unpacked(text) LIKE '%' || ? || '%'"
    count += connection.execute(sql, (text,)).fetchone()[0]
    return count


def _unpacked(text: bytes) -> str:
    return unpack(text)


def _lines() -> list[str]:
    files = [*PROGRAM_DIR.glob("*/*.py"), *PROGRAM_DIR.glob("*/*/*.py"), *PROGRAM_DIR.glob("docs/*.md")]
    files = [file for file in files if "node_modules" not in file.parts]
    return [line for file in files for line in file.read_text("utf-8", "replace").splitlines() if len(line) > 20]


def _add_events(connection: sqlite3.Connection, lines: Sequence[str]) -> None:
    rng = random.Random(1)
    for seq in range(1, EVENTS + 1):
        message = rng.choice(lines).strip() + (f" {RARE}" if seq % 5_000 == 0 else "")
        fixed = {"story_key": f"{seq % 9}-{seq % 7}-a", "command": "dev-story", "task_id": "t"}
        payload = json.dumps({**fixed, "message": message})
        values = (seq, "command:progress", now_ms(), 1, fixed["story_key"], payload)
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", values)


async def _record(folder: Path, database: Database, lines: Sequence[str]) -> None:
    rng = random.Random(2)
    for number in range(RECORDINGS):
        stream = f"streams/1/{number}.ndjson"
        command = await database.write(create_command, 1, "dev-story", agent="claude", stream_path=stream)
        await database.write(update_command, command, status="success", ended_at=now_ms())
        (folder / stream).parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(_write, folder / stream, rng, lines)


def _write(path: Path, rng: random.Random, lines: Sequence[str]) -> None:
    size, number = 0, 0
    with path.open("wb") as file:
        while size < BYTES // RECORDINGS:
            number += 1
            for line in _call(rng, lines, number):
                file.write(line)
                size += len(line)


def _call(rng: random.Random, lines: Sequence[str], number: int) -> Iterator[bytes]:
    """What an agent says, and a call with its answer of a kilobyte."""
    said = " ".join(line.strip() for line in rng.choices(lines, k=3)) + (f" {RARE}" if number % 5_000 == 0 else "")
    call = {"type": "tool_use", "id": f"t{number}", "name": "Read", "input": {"file_path": f"src/{number}.py"}}
    yield _line(type="assistant", message={"id": f"m{number}", "content": [{"type": "text", "text": said}, call]})
    answer = "\n".join(rng.choices(lines, k=25))
    result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": answer}
    yield _line(type="user", message={"content": [result]})


def _line(**fields: Any) -> bytes:
    return json.dumps({"session_id": "s", **fields}).encode() + b"\n"
