"""A program that is talked to while it runs: what an adapter's live side may do, and the channel it does it through.

Every line of ours goes into the recording, at the place in the stream where it was sent, and through the adapter's
parser, so that a recording holds all that the call knew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, cast

MAX_UNREAD_BYTES: Final = 64 * 1024 * 1024  # sent to a program that does not read; a whole large file fits many times
STDIN: Final = 0


class Dialogue(Protocol):
    """The live side of one call."""

    def begin(self, channel: Channel) -> None:
        """The process has started."""

    def receive(self, line: bytes) -> None:
        """A line of the program, after its records were delivered. Never raises for content."""

    async def cancel(self, grace_s: float) -> bool:
        """Ask the program to stop its work; whether it has, within `grace_s`, and its input is closed."""

    def answer(self, text: str) -> bool:
        """The operator's answer to the question that waits; False where none does."""

    def say(self, message_id: int, text: str) -> bool:
        """Send a message of the operator when the program takes one; False where its work has ended."""

    async def close(self) -> None:
        """The process has ended: end what was started for it."""


class Channel:
    """`keep` records and parses a line, `hold` stops the limits while a person is asked, `give_up` ends the process."""

    def __init__(
        self,
        transport: asyncio.SubprocessTransport,
        keep: Callable[[bytes], None],
        hold: Callable[[bool], None],
        give_up: Callable[[str], None],
    ) -> None:
        self._pipe = cast(asyncio.WriteTransport, transport.get_pipe_transport(STDIN))
        self.keep, self.hold, self.give_up = keep, hold, give_up

    def send(self, line: bytes, recorded: bytes) -> None:
        """Write a line, which is kept as `recorded`; a program that has ended or closed its input gets nothing."""
        self.keep(recorded)
        if self._pipe.is_closing():
            return
        self._pipe.write(line + b"\n")
        if self._pipe.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.give_up("It does not read what it is sent.")

    def close(self) -> None:
        """No more will be sent: the end of its input, at which most programs end."""
        self._pipe.close()
