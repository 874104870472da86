"""What an agent has printed when the server is killed is in the recording, whatever reads, holds or fills the pipe.

The server in miniature is stopped before the agent prints, so that nothing but the guardian can have read it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from agents import stream_lock, until_released
from agents.held_streams import MOST_BYTES, HeldStreams
from tests.agents.children import PATIENCE_S, gone
from tests.agents.test_guarding import MiniServer, _guardians, program

WAITS = """
import json
def wait(name):
    while not os.path.exists(name): time.sleep(0.01)
def say(data):
    left = memoryview(data)
    while left: left = left[os.write(1, left):]
say(b'{"type": "system"}\\n')
here("a"); wait("go")
"""
RESULT = b'{"type": "result", "total_cost_usd": 0.5}'
PROGRAMS = {
    "ends": f"say({RESULT!r})\nhere('printed')",
    "stays, and ignores signals": f"deaf(); say({RESULT!r})\nhere('printed'); sleep()",
    "leaves one behind that holds the pipe": f"""
say({RESULT!r})
daemon("printed", os.setsid)
""",
}


async def stopped(tmp_path: Path, code: str, kind: str = "claude") -> tuple[MiniServer, list[int]]:
    """A server that was stopped while its agent waits, which then has printed as `code` says."""
    server = MiniServer(tmp_path, kind, "--no-cgroup", *program(tmp_path, WAITS + code))
    pids = await server.pids(1)
    recording = tmp_path / "streams/1.ndjson"
    async with asyncio.timeout(PATIENCE_S):
        while not recording.exists() or not recording.read_bytes():
            await asyncio.sleep(0.01)
    os.kill(server.process.pid, signal.SIGSTOP)
    (tmp_path / "go").touch()
    return server, pids


@pytest.mark.parametrize("name", PROGRAMS)
async def test_the_last_line_is_not_lost(tmp_path: Path, name: str) -> None:
    server, _ = await stopped(tmp_path, PROGRAMS[name])
    pids = await server.pids(2)
    await server.killed(pids)
    assert (tmp_path / "streams/1.ndjson").read_bytes() == b'{"type": "system"}\n' + RESULT


async def test_more_than_a_pipe_holds_is_read_to_its_end(tmp_path: Path) -> None:
    """The agent waits for a reader when the server dies, and gets to its result."""
    code = f"deaf(); here('begun'); say(b'x' * 3_000_000 + b'\\n' + {RESULT!r}); here('printed'); sleep()"
    server, _ = await stopped(tmp_path, code)
    await server.killed(await server.pids(2))
    recorded = (tmp_path / "streams/1.ndjson").read_bytes()
    assert recorded == b'{"type": "system"}\n' + b"x" * 3_000_000 + b"\n" + RESULT


async def test_who_prints_for_ever_is_not_waited_for(tmp_path: Path) -> None:
    """It is not found: it has left its group, its parents and its environment while no guardian looked."""
    code = """
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    endless = "import os\\nwhile True: os.write(1, b'y' * 100)"
    os.execve(sys.executable, [sys.executable, "-S", "-c", PRELUDE + "\\nhere('printed')\\n" + endless], {})
os.wait(); os._exit(0)
"""
    server, _ = await stopped(tmp_path, code)
    pids = await server.pids(2)
    began = time.monotonic()
    await server.killed([])
    assert time.monotonic() - began < PATIENCE_S
    assert b"yyy" in (tmp_path / "streams/1.ndjson").read_bytes()
    assert await until_released(tmp_path / "streams/1.ndjson", 0)
    for pid in pids:
        await gone(pid)  # its pipe has no reader any more


async def test_another_guardian_holds_them_as_well(tmp_path: Path) -> None:
    server = MiniServer(tmp_path, "claude", "--no-cgroup", *program(tmp_path, WAITS + PROGRAMS["ends"]))
    await server.pids(1)
    os.kill(server.guardian, signal.SIGKILL)
    await gone(server.guardian)
    async with asyncio.timeout(PATIENCE_S):
        while not (found := _guardians(server.process.pid)):
            await asyncio.sleep(0.02)
    server.guardian = found[0]
    async with asyncio.timeout(PATIENCE_S):
        while len(os.listdir(f"/proc/{server.guardian}/fd")) < DESCRIPTORS_HELD:
            await asyncio.sleep(0.02)
    os.kill(server.process.pid, signal.SIGSTOP)
    (tmp_path / "go").touch()
    await server.killed(await server.pids(2))
    assert (tmp_path / "streams/1.ndjson").read_bytes().endswith(RESULT)


async def test_a_guardian_that_was_killed_too_holds_nothing_up(tmp_path: Path) -> None:
    server, pids = await stopped(tmp_path, "sleep()")
    os.kill(server.guardian, signal.SIGKILL)
    server.process.kill()
    server.process.wait()
    assert server.process.stdout is not None
    server.process.stdout.close()
    os.kill(pids[0], signal.SIGKILL)
    await gone(server.guardian)
    assert await until_released(tmp_path / "streams/1.ndjson", 0)


async def test_a_recording_is_released_by_the_last_that_has_it(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert await until_released(path, 0)
    mine = os.open(path, os.O_CREAT | os.O_RDWR)
    stream_lock.lock(mine)
    other = os.dup(mine)
    os.close(mine)
    assert not await until_released(path, 0)
    waiting = asyncio.create_task(until_released(path))
    await asyncio.sleep(0)
    os.close(other)
    assert await waiting


def test_nothing_is_read_beyond_the_bound(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    recording = os.open(tmp_path / "s", os.O_CREAT | os.O_RDWR)
    streams = HeldStreams()
    streams.hold(1)  # whose descriptors have not come
    for pair in ((reading, recording), (os.dup(reading), os.open("/dev/full", os.O_RDWR))):
        streams.receive([(0, 0, b"".join(one.to_bytes(4, sys.byteorder) for one in pair))])
    streams.hold(2)
    streams.hold(3)
    streams._left[2] = 10
    for _ in range(3):
        os.write(writing, b"z" * 10)
        streams.drain()
    assert os.path.getsize(tmp_path / "s") == 10
    assert MOST_BYTES >= 1 << 26
    streams.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(reading)
    os.close(writing)


DESCRIPTORS_HELD = 6  # three standard streams, the connection's copy, and those of one agent
