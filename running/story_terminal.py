"""How the operator continues the newest agent session of a story in a terminal."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agents import terminal_command
from running.workspace import Workspace
from store.commands import Command, get_commands_by_key


class Terminal(msgspec.Struct, frozen=True):
    """`command_line` is for a shell; without one `message` says why there is none, and where to work."""

    agent: str | None
    session_id: str | None
    command_line: str | None
    message: str


async def terminal_of(workspace: Workspace, story_key: str, folder: str) -> Terminal:
    """Return how a story's newest session is continued in the folder of its work."""
    commands = await workspace.database.read(get_commands_by_key, story_key)
    command = newest_session(commands)
    spec = None if command is None else workspace.agents.get(command.agent)
    if command is None or command.session_id is None or spec is None:
        words = f"{story_key} is yours. No agent has a session for it: work in {folder}, then hand it back."
        return Terminal(None, None, None, words)
    if command.machine is not None:
        words = (
            f"{story_key} is yours. Its session of {command.agent} is on {command.machine}: work in {folder}, which has"
            " everything up to the end of the last command, then hand it back."
        )
        return Terminal(command.agent, None, None, words)
    line = terminal_command(spec, command.session_id, Path(folder))
    if line is None:
        words = (
            f"{story_key} is yours. {command.agent} has no command that continues its session in a terminal: "
            f"work in {folder}, then hand it back."
        )
        return Terminal(command.agent, command.session_id, None, words)
    given = f" A run gives it these variables: {', '.join(sorted(spec.env))}." if spec.env else ""
    words = f"{story_key} is yours: continue the session of {command.agent} in your terminal, then hand it back.{given}"
    return Terminal(command.agent, command.session_id, line, words)


def newest_session(commands: list[Command]) -> Command | None:
    """Return the newest command with a session; one beside the run only where there is no other."""
    with_session = [command for command in commands if command.session_id is not None]
    return max(with_session, key=lambda command: (not command.background, command.id), default=None)
