"""The standard input of one agent: its prompt, and further messages where its program takes them.

The prompt of most programs is a file, which never blocks and always ends (`spawn.prompt_file`). A program that takes
messages gets a pipe: it works until the pipe is closed, which is done at its final record, and before it is ended.
"""

from __future__ import annotations

import asyncio
from typing import cast

STDIN = 0


class Stdin:
    """The pipe to an agent that takes messages; without one nothing is sent."""

    def __init__(self) -> None:
        self._pipe: asyncio.WriteTransport | None = None

    def open(self, transport: asyncio.SubprocessTransport, prompt: str) -> None:
        """Send the prompt through the pipe of a process that was started with one."""
        self._pipe = cast(asyncio.WriteTransport, transport.get_pipe_transport(STDIN))
        self.send(prompt)

    def send(self, message: str) -> bool:
        """Whether the message could still be sent; it is buffered while the agent does not read."""
        if self._pipe is None or self._pipe.is_closing():
            return False
        self._pipe.write(message.encode("utf-8", "replace"))
        return True

    def close(self) -> None:
        """No message follows: the program ends when it has answered what it has."""
        if self._pipe is not None:
            self._pipe.close()
