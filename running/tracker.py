"""The tracker while a batch runs: an editor, an agent or git may delete, empty or break it at any moment.

Nothing is decided by a tracker that cannot be read: the batch is paused with a call for the operator, and continues by
itself when the file can be read again. An editor replaces a file within milliseconds, which is waited for first.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import sprint
from payloads import Attention
from running.gate import Gate
from running.workspace import Workspace, emit_durable

PAUSED: Final = "tracker"  # the reason of the pause
LOOK_S: Final = 0.5  # between two looks at a file that cannot be read
GRACE_LOOKS: Final = 4  # before the batch is paused


class TrackerUnreadable(RuntimeError):
    """The tracker says nothing reliable; the message is a sentence with its path."""


def read_tracker(workspace: Workspace) -> sprint.Sprint:
    """Return the tracker that counts. Blocks on the disk; raises `TrackerUnreadable`."""
    tracker = sprint.read(workspace.tracked)
    if tracker.broken or not tracker.stories:
        why = tracker.problems[0].message if tracker.problems else "It holds no stories."
        raise TrackerUnreadable(f"{workspace.relative(workspace.tracked.tracker)} cannot be used. {why}")
    return tracker


async def tracker_failure(workspace: Workspace) -> str | None:
    """Return why the tracker cannot be read; None where it can."""
    try:
        await asyncio.to_thread(read_tracker, workspace)
    except TrackerUnreadable as error:
        return str(error)
    return None


async def wait_for_tracker(workspace: Workspace, gate: Gate) -> None:
    """Return when the tracker can be read. The batch is paused until then. Raises `Stopped`."""
    for _ in range(GRACE_LOOKS):
        if await tracker_failure(workspace) is None:
            return
        await gate.sleep(LOOK_S)
    while (failure := await tracker_failure(workspace)) is not None:
        if gate.reason != PAUSED:  # another lane may wait for it already
            gate.pause(PAUSED)
            message = f"{failure} The batch waits for it, and continues by itself when it is back"
            await emit_durable(Attention(kind="tracker", message=message))
        looking = asyncio.create_task(_resume_when_readable(workspace, gate))
        try:
            await gate.enter()
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking


async def _resume_when_readable(workspace: Workspace, gate: Gate) -> None:
    """A pause of the operator, which came meanwhile, stays; at the server's end the batch stays paused."""
    while gate.stop_mode is None and await tracker_failure(workspace) is not None:
        await gate.sleep(LOOK_S)
    if gate.stop_mode is None and gate.reason == PAUSED:
        gate.resume("tracker")
