"""The messages that arrive on standard input while the agent works, as Claude Code takes them with
`--input-format stream-json --replay-user-messages`.

The first one is the prompt. A later one is taken between two replies, or after the last one, where it begins another
turn; the line with which it is repeated is the sign that it was taken. The run ends when the input does.
"""

from __future__ import annotations

import json
import os
import select
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from demo.options import UsageError

STDIN = 0


@dataclass(slots=True)
class Inbox:
    """The lines of standard input; `is_open` until its end was read."""

    is_open: bool = True
    _rest: bytes = b""
    _lines: list[bytes] = field(default_factory=list)

    def prompt(self) -> tuple[str, dict[str, Any]]:
        """Wait for the first message and return its text and itself."""
        first = next(self._take(wait=True), None)
        if first is None:
            return "", {}
        return text_of(first), first

    def arrived(self) -> list[dict[str, Any]]:
        """Return the messages that have arrived, without waiting."""
        return list(self._take(wait=False))

    def next(self) -> dict[str, Any] | None:
        """Wait for the next message; None at the end of the input."""
        return next(self._take(wait=True), None)

    def _take(self, *, wait: bool) -> Iterator[dict[str, Any]]:
        while True:
            while self._lines:
                yield _message(self._lines.pop(0))
            if not self.is_open or not (wait or _is_ready()):
                return
            data = os.read(STDIN, 65536)
            self.is_open = bool(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._lines += [line for line in lines if line.strip()]


def text_of(message: dict[str, Any]) -> str:
    content = message["message"]["content"]
    return content if isinstance(content, str) else "\n".join(str(block.get("text", "")) for block in content)


def operator_words(text: str) -> str:
    """Return what the operator wrote, in the text that the runner made of it."""
    _, begun, rest = text.partition("<operator-message>\n")
    return rest.partition("\n</operator-message>")[0] if begun else text


def _is_ready() -> bool:
    return bool(select.select([STDIN], [], [], 0)[0])


def _message(line: bytes) -> dict[str, Any]:
    try:
        message: dict[str, Any] = json.loads(line)
        text_of(message)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"Error parsing streaming input line: {error}") from None
    return message
