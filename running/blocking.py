"""Giving stories up, which the breaker may prevent."""

from __future__ import annotations

from collections.abc import Sequence

from running.command import Commander
from running.story import StoryRun, block


async def give_up(commander: Commander, stories: Sequence[StoryRun], command: str, reason: str) -> None:
    """Block the stories of a command that failed as often as it may. Raises `TryAgain`."""
    times = commander.workspace.settings().retries + 1
    await block_or_try_again(commander, stories, command, f"{command} failed {times} times: {reason}")


async def block_or_try_again(commander: Commander, stories: Sequence[StoryRun], command: str, reason: str) -> None:
    """Block the stories, unless the one before was blocked for the same reason. Raises `TryAgain`."""
    live = [story for story in stories if story.live]
    if live:
        await commander.breaker.check([story.key for story in live], command, reason)
    for story in live:
        await block(commander.workspace, story, reason)
