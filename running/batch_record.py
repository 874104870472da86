"""The record of a batch: opened with its preset and `batch:start` in one commit, closed when another replaces it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from git.head import HeadState
from payloads import BatchEnd, BatchForecast, BatchStart, BatchWarning, or_unset
from running.backup import back_up
from running.batch import end_batch
from running.lanes.place import forget_lanes
from running.plan_pin import pin_name
from running.preflight import NotNow
from running.recovery.startup import interrupt_left
from running.workspace import Workspace, emit_durable, record_with, until_stored
from settings import AgentNames, Settings, names_of
from store.batches import BatchRow, create_batch, get_active_batch
from store.meta import keep_preset, set_meta
from workflow import Preset
from workflow.labels import batch_label


class StartRequest(msgspec.Struct, frozen=True):
    """The options of a batch: number of cycles (None: all), stories (None: any), agents, budget in US dollars.

    `gates`: where this batch waits for a person, None as the preset and the settings say.
    `start_at` is when the batch begins to work, in seconds since the epoch; None: at once. `write_tracker`: the
    operator allows to write a tracker that another program makes; it is remembered.
    `synced`: the operator says that a copy of tickets that a tracker keeps is fresh.
    `purpose`: what a batch without stories is for.
    """

    cycles: int | None
    stories: Sequence[str] | None = None
    agent: AgentNames | None = None
    budget_usd: float | None = None
    write_tracker: bool = False
    gates: Sequence[str] | None = None
    start_at: float | None = None
    synced: bool = False
    purpose: str = ""

    def agents(self, settings: Settings) -> tuple[str, ...]:
        """Return the agents of the batch in their order."""
        return tuple(dict.fromkeys(names_of(self.agent or settings.agent)))

    @property
    def label(self) -> str:
        """The label of the batch, as text for the operator."""
        return self.purpose or batch_label(self.cycles, self.stories)


async def open_batch(
    workspace: Workspace,
    request: StartRequest,
    names: Sequence[str],
    preset: Preset,
    head: HeadState | None,
    forecast: BatchForecast | None = None,
) -> BatchRow:
    """Write batch, preset, forecast and `batch:start` in one commit: a kill leaves all of them or nothing."""
    database = workspace.database
    # Reserved before the row exists: the backup is named after it, and the event of the same commit contains it.
    batch_id = await until_stored(lambda: database.reserve_id("batches"))
    if not preset.makes_plan:
        await asyncio.to_thread(back_up, workspace.project.tracker, workspace.data_dir / "backups", batch_id)
    payload = BatchStart(
        batch_id=batch_id,
        max_cycles=request.cycles or "all",
        agent=names[0],
        agents=list(names) if len(names) > 1 else UNSET,
        workflow=preset.title,
        workflow_reason=preset.why or UNSET,
        budget_usd=or_unset(request.budget_usd),
        label=request.label,
        gates=list(preset.gates) if preset.gates else UNSET,
        forecast=or_unset(forecast),
    )

    def create() -> None:
        database.write(
            create_batch,
            request.cycles,
            id=batch_id,
            agent=names[0],
            agents=json.dumps(list(names)) if len(names) > 1 else None,
            workflow=preset.title,
            budget_usd=request.budget_usd,  # that of the settings may be raised while the batch runs
            only_stories=None if request.stories is None else json.dumps(list(request.stories)),
            started_at=int(workspace.clock() * 1000),
            branch=None if head is None else head.branch,
            head_commit=None if head is None else head.commit,
            start_at=None if request.start_at is None else int(request.start_at * 1000),
            forecast=None if forecast is None else msgspec.json.encode(forecast).decode(),
        )
        database.write(keep_preset, batch_id, msgspec.json.encode(preset).decode())
        if not preset.makes_plan:
            database.write(set_meta, pin_name(batch_id), workspace.relative(workspace.project.tracker))

    await record_with(workspace, payload, create)
    if workspace.git is None:
        message = "the project is not a git repository: nothing is committed, and changes cannot be proved"
        await emit_durable(BatchWarning(batch_id=batch_id, warning_type="git", message=message))
    row = await database.read(get_active_batch)
    if row is None:
        raise NotNow("database", "the batch could not be read back")
    return row


async def close_interrupted(workspace: Workspace) -> None:
    """End an interrupted batch as stopped, because a new one replaces it."""
    row = await workspace.database.read(get_active_batch)
    if row is not None:
        await forget_lanes(workspace, row.id)
        await interrupt_left(workspace)
        reason, ended = "a new batch was started instead", int(workspace.clock() * 1000)
        payload = BatchEnd(batch_id=row.id, cycles_completed=row.cycles_completed, status="stopped", reason=reason)
        await end_batch(workspace, payload, ended)


def head_at_start(row: BatchRow) -> HeadState | None:
    """Return the state of HEAD at the start of the batch; None where it is not recorded."""
    known = row.branch is not None or row.head_commit is not None
    return HeadState(row.branch, row.head_commit, None, None) if known else None


def agents_of(row: BatchRow) -> list[str]:
    """Return the agents of the batch in their order."""
    names: list[str] = [row.agent] if row.agents is None else json.loads(row.agents)
    return names


def only_stories(row: BatchRow) -> list[str]:
    """Return the stories that the operator chose; empty for any."""
    keys: list[str] = [] if row.only_stories is None else json.loads(row.only_stories)
    return keys
