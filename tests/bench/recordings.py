"""How long a transcript of a recording of 200 MiB takes to answer, beside six others of 30 MiB.

All seven answer as many entries; the others are shorter so that their first readings do not take minutes.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from api.recordings import Recordings
from security.masking import Masker
from tests.bench.load import table

SIZE: Final = 200 << 20
OTHER_SIZE: Final = 30 << 20
OTHERS: Final = 6
ROUNDS: Final = 5
HEAD: Final = ("what", "ms")


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.ndjson" for number in range(OTHERS + 1)]
        for path in paths:
            await asyncio.to_thread(_write, path, SIZE if path is paths[0] else OTHER_SIZE)
        recordings, mask = Recordings(), Masker().value

        async def look(path: Path) -> float:
            began = time.perf_counter()
            await recordings.read(path, "claude", mask, False, lambda index: b",".join(index.ends()))
            return (time.perf_counter() - began) * 1000

        first = [await look(path) for path in paths]
        found = [await asyncio.gather(*(look(path) for path in paths)) for _ in range(ROUNDS)]
        await asyncio.to_thread(_grow, paths[0])
        grown = await look(paths[0])
        recordings.close()
    rows: list[tuple[Any, ...]] = [
        (f"first reading of {SIZE >> 20} MiB: the index is made", first[0]),
        (f"again, {OTHERS + 1} at once: the slowest, worst of {ROUNDS}", max(max(times) for times in found)),
        ("again, after 1 MiB more was recorded", grown),
    ]
    table("Transcripts of long recordings", HEAD, rows)


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
