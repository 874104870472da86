"""Guessing the tokens of a run whose program reports them only at its end, in case it never gets there.

A model reads its whole context again at every turn, mostly from the cache, and writes about a token per four
characters. The guess is replaced by the program's own figures as soon as it gives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agents.records import Record, Text, ToolCall, ToolResult, UsageSeen
from agents.spec import Usage

CHARS_PER_TOKEN = 4  # of English and of code, roughly
BASE_TOKENS = 10_000  # instructions and tool descriptions, which every program sends along


class Guess:
    """Follows one call's records and adds a UsageSeen for the turn that is continuing."""

    def __init__(self) -> None:
        self._turn = 0
        self._answering = False  # whether the model is writing; a tool's result ends that
        self._context = 0  # tokens of the turns before
        self._fresh = BASE_TOKENS  # tokens the model has not read before
        self._written = 0  # characters of this turn

    def follow(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records, with guesses among them."""
        for record in records:
            yield record
            if isinstance(record, ToolResult):
                self._answered(record)
            elif isinstance(record, Text | ToolCall):
                yield self._wrote(len(record.text if isinstance(record, Text) else record.summary))

    def _wrote(self, characters: int) -> UsageSeen:
        if not self._answering:
            self._answering, self._turn, self._written = True, self._turn + 1, 0
        self._written += characters
        usage = Usage(self._fresh, self._written // CHARS_PER_TOKEN, self._context)
        return UsageSeen(f"guess-{self._turn}", usage, guessed=True)

    def _answered(self, record: ToolResult) -> None:
        if self._answering:
            self._context += self._fresh + self._written // CHARS_PER_TOKEN
            self._answering, self._fresh = False, 0
        self._fresh += record.size // CHARS_PER_TOKEN
