"""The project's own test command (`verify`): run with bounds, and recorded.

Every run is a row with its exit code, duration and the end of its output; the output itself goes to a file of the data
folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from base.files import atomic_write
from running import check_process
from running.check_process import VerifyResult
from running.machines import MachineLostError
from running.surroundings import SurroundingsFailed
from running.workspace import Workspace, until_stored
from store.checks import create_check, get_checks_by_key


@dataclass(frozen=True, slots=True)
class VerifyContext:
    """What a run of the check is for. `say` puts a line into the log; without a batch nothing is kept."""

    batch_id: int | None = None
    story_key: str = ""
    say: Callable[[str], None] = lambda _: None
    command_id: int | None = None


NO_CONTEXT: Final = VerifyContext()


async def verify_failure(workspace: Workspace, about: VerifyContext = NO_CONTEXT) -> str | None:
    """Run the verify command; return how it failed and the end of its output, None where it passes or none is set.

    Raises `SurroundingsFailed` where it cannot be started: that says nothing about the work.
    """
    command = workspace.settings().verify
    if command is None:
        return None
    if not arguments(command):
        raise SurroundingsFailed("verify", f"the check `{command}` cannot be started: its quotes do not match")
    for on_worker in _where(workspace):
        if (why := await _failure(workspace, about, command, on_worker=on_worker)) is not None:
            return why
    return None


def _where(workspace: Workspace) -> list[bool]:
    """Return where the work is verified, on the worker that has the lane or here, in this order."""
    place, wanted = workspace.place, workspace.settings().verify_on
    if place is None or (place.is_ready and place.machine is None) or wanted == "coordinator":
        return [False]
    return [True] if wanted == "worker" else [True, False]


async def _failure(workspace: Workspace, about: VerifyContext, command: str, *, on_worker: bool) -> str | None:
    began = workspace.clock()
    ran, machine = await _run(workspace, command, on_worker=on_worker)
    where = "" if machine is None else f" on {machine}"
    if workspace.git is not None:
        workspace.git.outdate()  # the check may write files
    if ran.problem is not None:
        message = f"the check `{command}` cannot be started{where} ({ran.problem}): install it, or change verify"
        raise SurroundingsFailed("verify", message)
    tail = workspace.masker.text(ran.tail)
    ending = f"took longer than {check_process.CHECK_TIMEOUT_S / 60:.0f} minutes"
    if ran.exit_code is not None:
        ending = f"ended with {ran.exit_code}"
    ending += where
    if about.batch_id is not None:
        await _keep(workspace, about, command, ran, tail, began, machine)
    if ran.exit_code == 0:
        about.say(f"The check `{command}` passed{where} in {ran.duration_ms / 1000:.1f} s")
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


async def _run(workspace: Workspace, command: str, *, on_worker: bool) -> tuple[VerifyResult, str | None]:
    """Run the check; with the worker's name, or None. One that loses the lane is followed by where that goes on.

    Raises `Stopped`.
    """
    place = workspace.place
    while on_worker and place is not None:
        await place.ready()
        if (machine := place.machine) is None:
            break
        try:
            return await machine.verify(command), machine.name
        except MachineLostError as lost:
            await place.lost(machine, str(lost))
    return await check_process.run(arguments(command), workspace.project.root), None


async def _keep(
    workspace: Workspace,
    about: VerifyContext,
    command: str,
    ran: VerifyResult,
    tail: str,
    began: float,
    machine: str | None,
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
        "machine": machine,
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
