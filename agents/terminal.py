"""A session of an agent in a person's own terminal: the command line that continues it there. Starts nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

from agents.registry import adapter_for
from agents.spec import AgentSpec


def terminal_command(spec: AgentSpec, session_id: str, folder: Path) -> str | None:
    """Return the command line for a shell, None where the program has no way to continue a session. Raises
    `UnknownKind`."""
    argv = adapter_for(spec.kind).terminal_argv(spec, session_id)
    return None if argv is None else f"cd {shlex.quote(str(folder))} && {shlex.join(argv)}"
