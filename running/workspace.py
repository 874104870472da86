"""What every part of a run works with: the project, the settings, the agents and the database of one server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from agents import AgentSpec
from db import Database
from events import Event, current_batch, emit
from git.snapshots import Git
from payloads import BatchWarning, Payload
from running.archiving import Archiving
from running.awake import KeepAwake
from running.data_files import DataFiles
from running.live_calls import LiveCalls
from running.machines import CommandPlace, Machines
from running.quota import Quota
from running.taken_trees import TakenTrees
from security.masking import Masker
from settings import Settings
from sprint import Project
from store.batches import update_batch
from store.writer import DatabaseUnavailable

RETRY_S: Final = 1.0  # how often a record that the disk refused is tried again
STOOD_S: Final = 5.0  # a record that took longer, since another process had locked the database, is worth a line

log = logging.getLogger("sprint_runner.run")
T = TypeVar("T")


def _trusted() -> str | None:
    return None


def _nothing() -> bool:
    return False


@dataclass(slots=True, eq=False)
class Workspace:
    """One project under one server. `settings` is a function because they may change while the server runs.

    `clock` is seconds since the epoch; `git` is None where the project is not a git repository, and the one field that
    changes: it is looked for anew when a batch starts. In a lane, `project` and `git` are those of its worktree, and
    `main` is the user's own project, whose tracker is the one that counts, and `place` says on which machine its
    commands run. `machines` are the workers of the fleet; None where the server is in none.
    """

    project: Project
    settings: Callable[[], Settings]
    agents: Mapping[str, AgentSpec]
    database: Database
    data_dir: Path
    prompts: Path
    git: Git | None
    clock: Callable[[], float]
    masker: Masker = field(default_factory=Masker)  # for everything that programs print and the run repeats
    main: Project | None = None
    place: CommandPlace | None = None
    machines: Machines | None = None
    trust_refusal: Callable[[], str | None] = _trusted  # why no agent may be started here yet
    left_out: Callable[[], bool] = _nothing  # whether settings of the folder do not count, since it is not trusted
    awake: KeepAwake = field(default_factory=KeepAwake)
    live_calls: LiveCalls = field(default_factory=LiveCalls)
    archiving: Archiving = field(default_factory=Archiving)
    quota: Quota = field(default_factory=Quota)
    taken_trees: TakenTrees = field(default_factory=TakenTrees)
    data_files: DataFiles | None = None
    until_tracker: Callable[[], Awaitable[None]] | None = None  # of a batch: returns when the tracker can be read

    @property
    def machine(self) -> str | None:
        """The name of the machine that commands run on; None for this one."""
        machine = None if self.place is None else self.place.machine
        return None if machine is None else machine.name

    @property
    def tracked(self) -> Project:
        """The project whose tracker says what is true."""
        return self.main or self.project

    def relative(self, path: Path) -> str:
        """A path as prompts and pages show it: relative to the project where it lies inside."""
        try:
            return path.relative_to(self.project.root).as_posix()
        except ValueError:
            return str(path)


async def until_stored(write: Callable[[], Awaitable[T]]) -> T:
    """Do a write that the run must not continue without; while the disk takes none, wait for it and do it again."""
    refused, started = False, time.monotonic()
    while True:
        try:
            result = await write()
        except DatabaseUnavailable as error:
            log.log(logging.DEBUG if refused else logging.ERROR, "the run waits for the database: %s", error)
            refused = True
            await asyncio.sleep(RETRY_S)
        else:
            break
    batch_id, stood = current_batch.get(), time.monotonic() - started
    if (refused or stood >= STOOD_S) and batch_id is not None:
        message = f"the run stood still for about {max(stood, 1):.0f} s: the database took no writes"
        emit_best_effort(BatchWarning(batch_id=batch_id, warning_type="disk", message=message))
    return result


async def emit_durable(payload: Payload) -> Event:
    """Emit an event that the run must not continue without."""
    return await until_stored(lambda: emit(payload))


async def record_batch(workspace: Workspace, batch_id: int, payload: Payload, **columns: Any) -> None:
    """Change the batch's row and emit its event, in one commit."""
    await record_with(workspace, payload, lambda: workspace.database.write(update_batch, batch_id, **columns))


async def record_with(workspace: Workspace, payload: Payload, change: Callable[[], object]) -> None:
    """Write `change`, which enqueues the rows, and its event, in one commit."""

    def write() -> Awaitable[Event]:
        with workspace.database.atomic():
            change()
            return emit(payload)

    await until_stored(write)


async def record_deferred(workspace: Workspace, payload: Payload, change: Callable[[], object]) -> None:
    """Enqueue `change` and its event, in one commit with the next write: nothing that follows is durable without it.

    For what the next command may start before: the row of that one is such a write. A full disk is waited for here.
    """
    try:
        with workspace.database.atomic(deferred=True):
            change()
            emit(payload)
    except DatabaseUnavailable:
        await record_with(workspace, payload, change)


def emit_best_effort(payload: Payload) -> None:
    """Emit an event that only informs; when the disk takes no writes it is dropped, the transcript has it anyway."""
    try:
        emit(payload)
    except DatabaseUnavailable:
        log.debug("dropped while the database takes no writes: %s", payload.__class__.__name__)
