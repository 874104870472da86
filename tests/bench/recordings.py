"""How long the transcript of a recording of 200 MiB takes over HTTP, beside six others of 30 MiB.

All seven have as many entries in a response; the others are shorter so that their first readings do not take minutes.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from db import Database
from store.batches import create_batch, update_batch
from store.commands import create_command, update_command
from store.rows import now_ms
from tests.bench.load import table
from tests.realtime.server import SERVER, DrivenServer

SIZE: Final = 200 << 20
OTHER_SIZE: Final = 30 << 20
OTHERS: Final = 6
ROUNDS: Final = 5
PAGE: Final = 200  # entries, as the page asks for them
HEAD: Final = ("what", "ms", "x GET /healthz")


async def run() -> None:
    with tempfile.TemporaryDirectory() as name:
        server = DrivenServer(Path(name), SERVER)
        paths = await _record(server)
        await server.start()
        try:
            baseline = min([await _ms(server, "healthz") for _ in range(ROUNDS * 4)])
            first = [await _ms(server, _page(number)) for number in paths]
            began = time.perf_counter()
            while any([await _is_being_read(server, number) for number in paths]):
                await asyncio.sleep(0.1)
            indexed = (time.perf_counter() - began) * 1000
            again = [await _ms(server, _page(1)) for _ in range(ROUNDS)]
            beside = [await asyncio.gather(*(_ms(server, _page(number)) for number in paths)) for _ in range(ROUNDS)]
            await asyncio.to_thread(_grow, paths[1])
            grown = await _ms(server, _page(1))
        finally:
            await server.end()
            await server.__aexit__(None, None, None)
    rows: list[tuple[str, float, float]] = [
        (what, took, took / baseline)
        for what, took in (
            (f"the first time, {SIZE >> 20} MiB: the first page", first[0]),
            ("the same for the six others, which come while that one is read: the slowest", max(first[1:])),
            ("until all seven were read to their ends in the background", indexed),
            (f"again, alone: worst of {ROUNDS}", max(again)),
            (f"again, beside {OTHERS} others at once: worst of {ROUNDS}", max(times[0] for times in beside)),
            ("again, after 1 MiB more was recorded", grown),
        )
    ]
    table("Transcripts of long recordings, over HTTP", HEAD, rows)


async def _record(server: DrivenServer) -> dict[int, Path]:
    """The recordings by the ids of their commands, in the database of a server that does not run yet."""
    server.database.parent.mkdir(mode=0o700)
    database = await Database.open(server.database)
    batch = await database.write(create_batch, 1)
    await database.write(update_batch, batch, status="completed")
    paths: dict[int, Path] = {}
    for number in range(OTHERS + 1):
        stream = f"streams/{number}.ndjson"
        command = await database.write(create_command, batch, "dev-story", agent="claude", stream_path=stream)
        await database.write(update_command, command, status="success", ended_at=now_ms())
        paths[command] = server.database.parent / stream
        paths[command].parent.mkdir(exist_ok=True)
        await asyncio.to_thread(_write, paths[command], OTHER_SIZE if number else SIZE)
    await database.close()
    return paths


def _page(command: int) -> str:
    return f"api/commands/{command}/transcript?limit={PAGE}"


async def _is_being_read(server: DrivenServer, command: int) -> bool:
    """Whether the recording is still being read."""
    return bool((await server.get(f"api/commands/{command}/transcript?limit=1"))["reading"])


async def _ms(server: DrivenServer, path: str) -> float:
    began = time.perf_counter()
    async with server.session.get(server.url + path) as response:
        body = await response.read()
    assert response.status == 200, body
    return (time.perf_counter() - began) * 1000


def _lines(number: int) -> Iterator[bytes]:
    """A reply in pieces, a call and its answer: what fills a recording."""
    for piece in range(40):
        delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": f"word {piece} " * 4}}
        yield _line(type="stream_event", event=delta, uuid="0" * 36)
    text = {"type": "text", "text": "I look at the next file and say so. " * 20}
    call = {"type": "tool_use", "id": f"t-{number}", "name": "Read", "input": {"file_path": f"src/{number}.py"}}
    yield _line(type="assistant", message={"id": f"m-{number}", "content": [text, call]})
    result = {"type": "tool_result", "tool_use_id": f"t-{number}", "content": "x = 1  # a line of code\n" * 500}
    yield _line(type="user", message={"content": [result]})


def _line(**fields: Any) -> bytes:
    return json.dumps({"session_id": "s-1", **fields}).encode() + b"\n"


def _write(path: Path, size: int) -> None:
    block = b"".join(line for number in range(50) for line in _lines(number))
    with path.open("wb") as file:
        for _ in range(size // len(block) + 1):
            file.write(block)


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"".join(line for number in range(50) for line in _lines(number)))
