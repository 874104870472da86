"""The project's own test command (`verify`): run with bounds, and recorded.

Every run is a row with its exit code, duration and the end of its output; the output itself goes to a file of the data
folder. Memory and disk are bounded whatever the check prints: of a long output the beginning and the end are kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shlex
import shutil
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agents import GUARDING
from base.files import atomic_write
from running.surroundings import SurroundingsFailed
from running.workspace import Workspace, until_stored
from store.checks import create_check, get_checks_by_key

CHECK_TIMEOUT_S: Final = 1800.0  # the project's own check
HEAD_BYTES: Final = 256 * 1024  # of the output that are kept from its beginning
TAIL_BYTES: Final = 256 * 1024  # and from its end
DRAIN_S: Final = 2.0  # for the last of the output, when the check has ended
TAIL_CHARS: Final = 2000  # of the output that go into the row and the reason: the end is where failures are summed up


@dataclass(frozen=True, slots=True)
class VerifyContext:
    """What a run of the check is for. `say` puts a line into the log; without a batch nothing is kept."""

    batch_id: int | None = None
    story_key: str = ""
    say: Callable[[str], None] = lambda _: None
    command_id: int | None = None


NO_CONTEXT: Final = VerifyContext()


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """How the check ended: exit code (None after the time limit) and output, its middle left out if it is long.

    `problem` says why it could not be started.
    """

    exit_code: int | None
    output: bytes
    duration_ms: int
    problem: str | None = None

    @property
    def tail(self) -> str:
        return self.output.decode(errors="replace")[-TAIL_CHARS:].strip()


async def verify_failure(workspace: Workspace, about: VerifyContext = NO_CONTEXT) -> str | None:
    """Run the verify command; return how it failed and the end of its output, None where it passes or none is set.

    Raises `SurroundingsFailed` where it cannot be started: that says nothing about the work.
    """
    command = workspace.settings().verify
    if command is None:
        return None
    began = workspace.clock()
    argv = arguments(command)
    if not argv:
        raise SurroundingsFailed("verify", f"the check `{command}` cannot be started: its quotes do not match")
    ran = await run(argv, workspace.project.root)
    if workspace.git is not None:
        workspace.git.outdate()  # the check may write files
    if ran.problem is not None:
        message = f"the check `{command}` cannot be started ({ran.problem}): install it, or change verify"
        raise SurroundingsFailed("verify", message)
    tail = workspace.masker.text(ran.tail)
    ending = f"took longer than {CHECK_TIMEOUT_S / 60:.0f} minutes"
    if ran.exit_code is not None:
        ending = f"ended with {ran.exit_code}"
    if about.batch_id is not None:
        await _keep(workspace, about, command, ran, tail, began)
    if ran.exit_code == 0:
        about.say(f"The check `{command}` passed in {ran.duration_ms / 1000:.1f} s")
        return None
    about.say(f"The check `{command}` {ending}: {' '.join(tail.split())[-200:]}")
    return f"the check `{command}` {ending}:\n{tail}"


def arguments(command: str) -> list[str]:
    """The words of the verify command; none where its quotes do not match."""
    try:
        return shlex.split(command)
    except ValueError:
        return []


def missing_program(command: str, root: Path) -> str | None:
    """Return why the verify command cannot be started in a project, None where its program is there."""
    argv = arguments(command)
    if not argv:
        return f"the check `{command}` cannot be started: its quotes do not match"
    program = str(root / argv[0]) if "/" in argv[0] else argv[0]
    if shutil.which(program) is not None:
        return None
    return f"the check `{command}` cannot be started: {argv[0]} was not found: install it, or change verify"


async def _keep(
    workspace: Workspace, about: VerifyContext, command: str, ran: VerifyResult, tail: str, began: float
) -> None:
    batch_id = about.batch_id
    assert batch_id is not None  # noqa: S101 - asked by the only caller
    count = len(await workspace.database.read(get_checks_by_key, about.story_key)) + 1
    name = f"checks/{batch_id}/{about.story_key or 'batch'}-{int(began * 1000)}-{count}.txt"
    output = workspace.masker.text(ran.output.decode(errors="replace"))
    content = output.encode()
    written = await asyncio.to_thread(_write, workspace.data_dir / name, content)
    columns = {
        "command_id": about.command_id,
        "command": command,
        "ok": int(ran.exit_code == 0),
        "exit_code": ran.exit_code,
        "duration_ms": ran.duration_ms,
        "at": int(began * 1000),
        "tail": tail,
        "file": name if written else None,
        "output_sha256": hashlib.sha256(content).hexdigest() if written else None,
    }
    await until_stored(lambda: workspace.database.write(create_check, batch_id, about.story_key, **columns))


def _write(path: Path, content: bytes) -> bool:
    """Whether the disk took it; the row has the end of it anyway."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content)
    except OSError:
        return False
    return True


async def run(argv: list[str], folder: Path) -> VerifyResult:
    """Run the check; the whole process group is gone afterwards."""
    began, problem = time.monotonic(), None
    source, sink = os.pipe()  # our own, so that it can be closed while something that left the group holds it
    kept = _Kept()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: kept, os.fdopen(source, "rb", 0))
    try:
        code = await _run(argv, folder, sink)
        with suppress(TimeoutError):
            await asyncio.wait_for(kept.ended.wait(), DRAIN_S)
    except OSError as error:
        code, problem = 127, error.strerror or str(error)
    finally:
        transport.close()
    return VerifyResult(code, kept.output(), round((time.monotonic() - began) * 1000), problem)


async def _run(argv: list[str], folder: Path, sink: int) -> int | None:
    """The exit code, None after the time limit. Closes our end of the pipe. Raises OSError."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=folder, start_new_session=True, stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink
        )
    finally:
        os.close(sink)
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            with GUARDING.command(process.pid):
                return await process.wait()
    except TimeoutError:
        return None
    finally:
        with suppress(ProcessLookupError):  # the usual case: no process of the group is left
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


class _Kept(asyncio.Protocol):
    """The beginning and the end of an output, as it comes; `ended` when nothing can be added to it any more."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = self._left_out = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        room = HEAD_BYTES - len(self._head)
        self._head += data[:room]
        if len(data) > room:
            self._tail.append(data[room:])
            self._tail_size += len(self._tail[-1])
        while self._tail_size - len(self._tail[0] if self._tail else b"") >= TAIL_BYTES:
            dropped = self._tail.popleft()
            self._tail_size -= len(dropped)
            self._left_out += len(dropped)

    def output(self) -> bytes:
        gap = f"\n… {self._left_out} bytes are left out here …\n".encode() if self._left_out else b""
        return bytes(self._head) + gap + b"".join(self._tail)
