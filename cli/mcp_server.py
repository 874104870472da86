"""The verbs of the running server as tools of the Model Context Protocol, over stdio, for agents that steer a sprint.

The protocol is the official package's, an extra (`sprint-runner[mcp]`); what a tool does is what the verb of the same
name does, and a refusal is the server's sentence.
"""

from __future__ import annotations

import argparse
from typing import Any

from cli import remote
from cli.config import ServerConfig
from cli.errors import CannotStart
from cli.remote import Refused, RemoteServer

MISSING = "the tools for agents need the package mcp: install sprint-runner[mcp], or `pip install mcp`"
INSTRUCTIONS = (
    "Steers Sprint Runner, which works through a project's backlog with coding agents. Look with `status` and `needs` "
    "first. `answer`, `start`, `resume` and `stop` act on a run that costs money: use them when your user asked for it."
)


def serve_tools(config: ServerConfig) -> int:
    """Serve the tools on standard input and output until the input ends. Raises `CannotStart` without the package."""
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ImportError:
        raise CannotStart(MISSING) from None

    def call(verb: str, **given: Any) -> Any:
        options = argparse.Namespace(**given)
        try:
            # Looked for at each call: the server may be started later, or again at another port.
            return remote.ACTIONS[verb](RemoteServer(config), options)
        except (Refused, CannotStart) as error:
            raise ToolError(str(error)) from None

    server = MCPServer("sprint-runner", instructions=INSTRUCTIONS)

    @server.tool()
    def status() -> dict[str, Any]:
        """The state of the run: batch, running commands, stories, cost, what needs the operator."""
        run: dict[str, Any] = call("status")[0]
        return run

    @server.tool()
    def needs() -> list[dict[str, Any]]:
        """What needs the operator now: questions, gates, blocked stories, with the ids that `answer` takes."""
        found: list[dict[str, Any]] = call("needs")[0]
        return found

    @server.tool()
    def answer(id: str, text: str) -> str:
        """Answer the question of an agent, or decide at a gate (`gate-3` with go, back, skip or stop)."""
        return str(call("answer", id=id, text=[text])[1])

    @server.tool()
    def hint(key: str, text: str, retry: bool = False, confirm: bool = False) -> str:
        """Give the next command of a story a hint; `retry` tries a blocked story again."""
        return str(call("hint", key=key, text=[text], retry=retry, confirm=confirm)[1])

    @server.tool()
    def message(command_id: int, text: str) -> str:
        """Send a message to the agent of a running command."""
        return str(call("message", id=command_id, text=[text])[1])

    @server.tool()
    def take_over(key: str) -> str:
        """Pause a story for your user, and return the command line that continues its agent's session in a terminal."""
        return str(call("take-over", key=key)[1])

    @server.tool()
    def hand_back(key: str) -> str:
        """Hand a story back that was taken over: what was changed by hand is reviewed next."""
        return str(call("hand-back", key=key)[1])

    @server.tool()
    def start(
        stories: list[str] | None = None,
        batch_size: int | None = None,
        budget_usd: float | None = None,
        agent: str | None = None,
        at: str | None = None,
    ) -> str:
        """Start a batch: of these stories, or of so many cycles; with a budget in US dollars; now, or at HH:MM."""
        return str(call("start", story=stories, batch=batch_size, budget=budget_usd, agent=agent, at=at)[1])

    @server.tool()
    def pause() -> str:
        """Pause the batch after the current command."""
        return str(call("pause")[1])

    @server.tool()
    def resume() -> str:
        """Continue a paused or interrupted batch."""
        return str(call("resume")[1])

    @server.tool()
    def stop(now: bool = False) -> str:
        """End the batch after the current command; `now` ends the command too."""
        return str(call("stop", now=now)[1])

    server.run("stdio")
    return 0
