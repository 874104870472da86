"""The breaker for no progress: so much spent, or so many commands, while no story has moved on.

The batch pauses with an attention. After the operator's Resume it counts anew.
"""

from __future__ import annotations

from typing import Final

from payloads import Attention
from running.gate import Gate
from running.surroundings import hold
from running.workspace import Workspace
from settings import Settings
from store.spending import Progress, spent_without_progress

NO_PROGRESS: Final = "no-progress"  # the reason of the pause


async def hold_without_progress(workspace: Workspace, gate: Gate) -> None:
    """Pause the batch where the settings' bound is reached; return when it has been resumed. Raises `Stopped`."""
    settings = workspace.settings()
    if settings.no_progress_usd is None and settings.no_progress_commands is None:
        return
    spent = await workspace.database.read(spent_without_progress, gate.batch_id)
    why = reached(spent, settings)
    if why is not None:
        message = f"{why} without any story moving on: look at what runs, then resume or stop"
        await hold(gate, NO_PROGRESS, Attention(kind=NO_PROGRESS, message=message))


def reached(spent: Progress, settings: Settings) -> str | None:
    """Return what was spent where a bound is reached, None below both."""
    if settings.no_progress_usd is not None and spent.usd >= settings.no_progress_usd:
        return f"${spent.usd:.2f} spent in {_commands(spent.commands)}"
    if settings.no_progress_commands is not None and spent.commands >= settings.no_progress_commands:
        return f"{_commands(spent.commands)} have run"
    return None


def _commands(count: int) -> str:
    return f"{count} command{'' if count == 1 else 's'}"
