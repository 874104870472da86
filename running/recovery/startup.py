"""After a server that died: its agents are ended, its open rows closed, and the page is told what happened."""

from __future__ import annotations

import logging
from functools import partial

import agents
from events import current_batch
from payloads import BatchPause, CommandEnd, ContextComplete, Metrics, or_unset
from running.subject import CommandSubject
from running.workspace import Workspace, record_batch, record_with, until_stored
from store.batches import BatchRow, get_active_batch
from store.commands import Command, get_running_commands, update_command
from store.log import BackgroundTask, get_pending_background_tasks, update_background_task

log = logging.getLogger("sprint_runner.run")

TOLD = "The server ended while this was running."


async def recover(workspace: Workspace) -> BatchRow | None:
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
        payload = BatchPause(batch_id=batch.id, reason="interrupted")
        await record_batch(workspace, batch.id, payload, status="interrupted")
    return await database.read(get_active_batch)


async def _interrupt_command(workspace: Workspace, command: Command) -> None:
    """Row and event in one commit; what was booked while it ran stays booked."""
    ended = {"status": "interrupted", "reason": TOLD, "ended_at": int(workspace.clock() * 1000)}
    payload = _command_end(command) if command.story_id is not None else _context_complete(command)
    change = partial(workspace.database.write, update_command, command.id, **ended)
    # Taken back afterwards: this runs at start, and what is set then would reach the handlers of requests.
    token = current_batch.set(command.batch_id)
    try:
        await record_with(workspace, payload, change)
    finally:
        current_batch.reset(token)


def _command_end(command: Command) -> CommandEnd:
    subject = CommandSubject(
        story_key=command.story_key,
        command=command.command,
        command_id=command.id,
        attempt=command.attempt,
        agent=or_unset(command.agent),
        model=or_unset(command.model),
        background=bool(command.background),
    )
    return subject.end(command.task_id, "interrupted", _metrics(command), reason=TOLD)


def _context_complete(command: Command) -> ContextComplete:
    message = f"{command.command}: {TOLD}"
    return ContextComplete(status="interrupted", message=message, metrics=_metrics(command))


def _metrics(command: Command) -> Metrics:
    return Metrics(
        input_tokens=or_unset(command.input_tokens),
        output_tokens=or_unset(command.output_tokens),
        cache_read_tokens=or_unset(command.cache_read_tokens),
        cache_write_tokens=or_unset(command.cache_write_tokens),
        cost_usd=or_unset(command.cost_usd),
        estimated_usd=or_unset(command.estimated_usd),
    )


async def _interrupt_task(workspace: Workspace, task: BackgroundTask) -> None:
    ended = {"status": "interrupted", "message": TOLD, "ended_at": int(workspace.clock() * 1000)}
    await until_stored(lambda: workspace.database.write(update_background_task, task.id, **ended))
