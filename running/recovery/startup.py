"""After a server that died: its agents are ended, its open rows closed, and the page is told what happened."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import agents
from events import EventType, current_batch
from running.workspace import Workspace, drop_none, record_batch, record_with, until_stored
from store.batches import Batch, get_active_batch
from store.commands import Command, get_running_commands, update_command
from store.log import BackgroundTask, get_pending_background_tasks, update_background_task

log = logging.getLogger("sprint_runner.run")

TOLD = "The server ended while this was running."


async def recover(workspace: Workspace) -> Batch | None:
    """Bring the records in line with the world; the batch that can be gone on with, None when there is none.

    Its status is `paused` if it stood paused, else `interrupted`.
    """
    ended = await agents.sweep(f"{workspace.database.epoch}:")
    if ended:
        log.warning("ended %d processes that an earlier server had left", len(ended))
    database = workspace.database
    running = await database.read(get_running_commands)
    for command in running:  # where no mark can be read, a group is known by its leader
        await agents.end_group(command.pid, command.pid_start)
    for command in running:
        await _interrupt_command(workspace, command)
    for task in await database.read(get_pending_background_tasks):
        await _interrupt_task(workspace, task)
    batch = await database.read(get_active_batch)
    if batch is None or (batch.status == "paused" and not running):
        return batch
    if batch.status != "interrupted":
        payload = {"batch_id": batch.id, "reason": "interrupted"}
        await record_batch(workspace, batch.id, EventType.BATCH_PAUSE, payload, status="interrupted")
    return await database.read(get_active_batch)


async def _interrupt_command(workspace: Workspace, command: Command) -> None:
    """Row and event in one commit; what was booked while it ran stays booked."""
    ended = {"status": "interrupted", "reason": TOLD, "ended_at": int(workspace.clock() * 1000)}
    metrics = drop_none(
        input_tokens=command.input_tokens,
        output_tokens=command.output_tokens,
        cache_read_tokens=command.cache_read_tokens,
        cache_write_tokens=command.cache_write_tokens,
        cost_usd=command.cost_usd,
        estimated_usd=command.estimated_usd,
    )

    told = EventType.COMMAND_END if command.story_id is not None else EventType.CONTEXT_COMPLETE
    payload = _command(command, metrics) if command.story_id is not None else _context(command, metrics)
    change = partial(workspace.database.write, update_command, command.id, **ended)
    # Taken back afterwards: this runs at start, and what is set then would reach the handlers of requests.
    token = current_batch.set(command.batch_id)
    try:
        await record_with(workspace, told, payload, change)
    finally:
        current_batch.reset(token)


def _command(command: Command, metrics: dict[str, Any]) -> dict[str, Any]:
    return drop_none(
        story_key=command.story_key,
        command=command.command,
        task_id=command.task_id,
        status="interrupted",
        metrics=metrics,
        command_id=command.id,
        attempt=command.attempt,
        agent=command.agent,
        model=command.model,
        background=bool(command.background),
        reason=TOLD,
    )


def _context(command: Command, metrics: dict[str, Any]) -> dict[str, Any]:
    return {"status": "interrupted", "message": f"{command.command}: {TOLD}", "metrics": metrics}


async def _interrupt_task(workspace: Workspace, task: BackgroundTask) -> None:
    ended = {"status": "interrupted", "message": TOLD, "ended_at": int(workspace.clock() * 1000)}
    await until_stored(lambda: workspace.database.write(update_background_task, task.id, **ended))
