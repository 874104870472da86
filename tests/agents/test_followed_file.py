"""Programs whose stdout is a file: the stream is whole, arrives while it grows, and is the recording."""

from __future__ import annotations

import asyncio
import gzip
import os
from pathlib import Path

import pytest

from agents import OutcomeKind, Text
from agents.followed_file import follow, open_for_writing
from tests.agents.children import PATIENCE_S, AgentBench, ended

# Prints as Gemini does, 2 MB in one piece, into a stdout that does not wait for its reader, and is gone.
LOSES_THE_END = """
import fcntl
if os.fstat(1).st_mode & 0o170000 == 0o010000:
    fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK)
now = {"timestamp": "2026-01-01T00:00:00Z"}
lines = [{"type": "init", "session_id": "s", "model": "m", **now}]
lines += [{"type": "message", "role": "assistant", "content": "x" * 2_000_000 + "\\n[DONE]\\n", "delta": True, **now}]
lines += [{"type": "result", "status": "success", "stats": {}, **now}]
data = "".join(json.dumps(line) + "\\n" for line in lines).encode()
try:
    while data:
        data = data[os.write(1, data):]
except BlockingIOError:
    pass
os._exit(0)
"""


async def test_the_end_of_the_stream_is_not_lost(bench: AgentBench) -> None:
    outcome = await bench.run(LOSES_THE_END, "gemini")
    assert outcome.kind is OutcomeKind.SUCCESS, outcome.reason
    assert outcome.text.endswith("[DONE]")
    (packed,) = (bench.folder / "streams").iterdir()
    assert packed.name == "1.ndjson.gz"
    assert gzip.decompress(packed.read_bytes()).count(b"\n") == 3
    assert packed.stat().st_mode & 0o777 == 0o600


async def test_it_is_read_while_it_grows(bench: AgentBench) -> None:
    script = """
    now = {"timestamp": "t"}
    print(json.dumps({"type": "message", "role": "assistant", "content": "first", **now}), flush=True)
    while not os.path.exists("go"): time.sleep(0.02)
    print(json.dumps({"type": "result", "status": "success", "stats": {}, **now}), flush=True)
    """
    process = await bench.start(script, "gemini")
    await bench.until(Text)
    (bench.folder / "go").touch()
    assert (await ended(process)).kind is OutcomeKind.SUCCESS


async def test_one_that_is_stopped_leaves_its_recording(bench: AgentBench) -> None:
    script = """
    print(json.dumps({"type": "message", "role": "assistant", "content": "first", "timestamp": "t"}), flush=True)
    time.sleep(600)
    """
    process = await bench.start(script, "gemini")
    await bench.until(Text)
    process.stop()
    assert (await ended(process)).kind is OutcomeKind.STOPPED
    assert b"first" in gzip.decompress((bench.folder / "streams/1.ndjson.gz").read_bytes())


async def test_a_very_long_recording_keeps_its_beginning_and_its_end(
    bench: AgentBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.stream_file.MAX_BYTES", 1000)
    monkeypatch.setattr("agents.stream_file.TAIL_BYTES", 500)
    await bench.run("print('a' * 5000); print('the end')", "gemini")
    kept = gzip.decompress((bench.folder / "streams/1.ndjson.gz").read_bytes())
    assert kept.startswith(b"a" * 1000 + b"\n[3,509 bytes")
    assert kept.endswith(b"the end\n")


async def test_nothing_is_read_while_the_reader_is_behind(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "stream"
    descriptor = open_for_writing(path)
    ended_, behind, got = asyncio.Event(), True, bytearray()
    task = asyncio.create_task(follow(path, ended_, lambda: behind, got.extend))
    await asyncio.to_thread(path.write_bytes, b"x" * 1_000_000)
    ended_.set()
    await asyncio.sleep(0)
    assert not got
    behind = False
    await asyncio.wait_for(task, PATIENCE_S)
    assert len(got) == 1_000_000
    os.close(descriptor)
