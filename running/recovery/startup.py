"""After a server that died: its agents are ended, its open rows closed, and what happened is emitted."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import agents
from agents import Outcome, OutcomeKind, Usage
from events import current_batch
from payloads import BatchPause, CommandEnd, ContextComplete, Metrics, or_unset
from running.journal import CommandStatus
from running.metrics import columns_of, used
from running.subject import CommandSubject
from running.taken_messages import store_taken
from running.workspace import Workspace, record_batch, record_with, until_stored
from store.batches import BatchRow, get_active_batch
from store.commands import Command, get_commands_by_key, get_running_commands, update_command
from store.log import BackgroundTask, get_pending_background_tasks, update_background_task
from workflow.presets import CONTEXT_COMMANDS, kind_of

log = logging.getLogger("sprint_runner.run")

INTERRUPTED = "The server ended while this was running."
FINISHED = "The server ended when the agent had finished: its work is checked when the batch continues."


async def recover(workspace: Workspace) -> BatchRow | None:
    """Bring the records in line with the world; the batch that can be continued, None when there is none.

    Its status is `paused` if it stood paused, else `interrupted`.
    """
    ended = await agents.sweep(f"{workspace.database.epoch}:")
    if ended:
        log.warning("ended %d processes that an earlier server had left", len(ended))
    database = workspace.database
    running = [command for command in await database.read(get_running_commands) if not _goes_on(workspace, command)]
    for command in running:  # where no mark can be read, a group is known by its leader
        await agents.end_group(command.pid, command.pid_start)
    for path in (workspace.data_dir / command.stream_path for command in running if command.stream_path):
        if not await agents.until_released(path):  # the guardian appends what was left in the agent's pipe
            log.warning("%s is read while something still writes to it", path)
    for command in running:
        await _interrupt_command(workspace, command)
    for task in await database.read(get_pending_background_tasks):
        await _interrupt_task(workspace, task)
    batch = await database.read(get_active_batch)
    if batch is None or (batch.status == "paused" and not running):
        return batch
    if batch.status != "interrupted":
        payload = BatchPause(batch_id=batch.id, reason="interrupted")
        await record_batch(workspace, batch.id, payload, status="interrupted")
    return await database.read(get_active_batch)


async def interrupt_left(workspace: Workspace) -> None:
    """Close the rows of commands that workers have run on without this server, and that no batch adopts any more."""
    for command in await workspace.database.read(get_running_commands):
        if command.machine is not None:
            await _interrupt_command(workspace, command)


def _goes_on(workspace: Workspace, command: Command) -> bool:
    """Whether a worker has the command, which is adopted when the batch continues."""
    return command.machine is not None and workspace.machines is not None


async def _interrupt_command(workspace: Workspace, command: Command) -> None:
    """Row and event in one commit, with what the recording shows: cost, usage, and whether the agent had finished."""
    recorded = await _recorded(workspace, command)
    of_context = kind_of(command.command) in CONTEXT_COMMANDS
    finished = recorded is not None and recorded.kind is OutcomeKind.SUCCESS and not of_context
    reason = FINISHED if finished else INTERRUPTED
    ended: dict[str, Any] = {
        "status": (CommandStatus.UNCHECKED if finished else CommandStatus.INTERRUPTED).value,
        "reason": reason,
        "ended_at": int(workspace.clock() * 1000),
    }
    metrics = _booked(command)
    if recorded is not None:
        ended["session_id"] = recorded.session_id or command.session_id
        if recorded.usage.total >= _usage(command).total:  # else the row was ahead of the recording
            metrics = used(recorded.usage, recorded.cost_usd, recorded.estimated_usd)
    ended |= columns_of(metrics)
    payload = _context_end(command, metrics) if of_context else _command_end(command, metrics, reason)
    change = partial(workspace.database.write, update_command, command.id, **ended)
    # Taken back afterwards: this runs at start, and what is set then would reach the handlers of requests.
    token = current_batch.set(command.batch_id)
    try:
        if recorded is not None and recorded.taken:
            await store_taken(workspace, command.id, recorded.taken)
        await record_with(workspace, payload, change)
    finally:
        current_batch.reset(token)


async def _recorded(workspace: Workspace, command: Command) -> Outcome | None:
    """The outcome that the command's recording shows, None where there is none."""
    spec = workspace.agents.get(command.agent)
    if command.stream_path is None or spec is None:
        return None
    path, root = workspace.data_dir / command.stream_path, workspace.project.root

    async def replayed(booked: Usage | None) -> Outcome:
        code = command.exit_code
        return await asyncio.to_thread(
            agents.replay, spec, path, root, model=command.model, exit_code=code, booked=booked
        )

    try:
        outcome = await replayed(None)
        booked = await _booked_before(workspace, command, outcome.session_id)
        return outcome if booked is None else await replayed(booked)
    except OSError:
        return None


async def _booked_before(workspace: Workspace, command: Command, session_id: str | None) -> Usage | None:
    """What earlier calls of the session were booked with, None where the call began it."""
    rows = await workspace.database.read(get_commands_by_key, command.story_key)
    usages = [_usage(row) for row in rows if row.id < command.id and session_id and row.session_id == session_id]
    return sum(usages, Usage()) if usages else None


def _usage(row: Command) -> Usage:
    return Usage(row.input_tokens or 0, row.output_tokens or 0, row.cache_read_tokens or 0, row.cache_write_tokens or 0)


def _command_end(command: Command, metrics: Metrics, reason: str) -> CommandEnd:
    subject = CommandSubject(
        story_key=command.story_key,
        command=command.command,
        command_id=command.id,
        attempt=command.attempt,
        agent=or_unset(command.agent),
        model=or_unset(command.model),
        background=bool(command.background),
    )
    return subject.end(command.task_id, "interrupted", metrics, reason=reason)


def _context_end(command: Command, metrics: Metrics) -> ContextComplete:
    return ContextComplete(status="interrupted", message=f"{command.command}: {INTERRUPTED}", metrics=metrics)


def _booked(command: Command) -> Metrics:
    return Metrics(
        input_tokens=or_unset(command.input_tokens),
        output_tokens=or_unset(command.output_tokens),
        cache_read_tokens=or_unset(command.cache_read_tokens),
        cache_write_tokens=or_unset(command.cache_write_tokens),
        cost_usd=or_unset(command.cost_usd),
        estimated_usd=or_unset(command.estimated_usd),
    )


async def _interrupt_task(workspace: Workspace, task: BackgroundTask) -> None:
    ended = {"status": "interrupted", "message": INTERRUPTED, "ended_at": int(workspace.clock() * 1000)}
    await until_stored(lambda: workspace.database.write(update_background_task, task.id, **ended))
