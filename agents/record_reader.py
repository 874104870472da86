"""What one agent prints, as records: cut into lines, parsed, added to the tally, delivered to the receiver in order.

A fault of the receiver or of a parser must not leave the agent running: it is kept as `broken`, and reported once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

from agents.adapter import Parser
from agents.deadlines import Deadlines
from agents.json_values import noise
from agents.lines import LineSplitter, Oversize
from agents.pipes import Pipes
from agents.records import Final, Record, Retry
from agents.usage import Tally

SLICE_S = 0.001  # of parsing before other tasks get their turn; eight agents at full speed make 8 ms
MAX_COMPLAINT_BYTES = 64 * 1024  # of a stderr line that is looked at for retries and denials
COMPLAINTS_AT_ONCE = 200  # lines of a piece of stderr; who floods it announces nothing there


class RecordReader:
    """The reader of one call. `react` is called for each record before the receiver `on_record`, `fail` at a fault."""

    def __init__(
        self,
        parser: Parser,
        tally: Tally,
        limits: Deadlines,
        on_record: Callable[[Record], None],
        react: Callable[[Record], None],
        fail: Callable[[], None],
    ) -> None:
        self._parser, self._tally, self._limits = parser, tally, limits
        self._on_record, self._react, self._fail = on_record, react, fail
        self._complaints = LineSplitter(MAX_COMPLAINT_BYTES)
        self.broken: Exception | None = None
        self.ignores_finals = False  # of an agent that is ended after its final record: our signal causes another one

    async def read(self, pipes: Pipes, receive: Callable[[bytes], None] | None) -> None:
        """Read stdout to its end; `receive` is called with each line after its records."""
        splitter, turn = LineSplitter(), time.perf_counter()
        while not (pipes.eof.is_set() and not pipes.behind):
            chunk = pipes.take()
            if chunk is None:
                await pipes.readable.wait()
                turn = time.perf_counter()
                continue
            lines = splitter.feed(chunk)
            if not lines:  # a long line grows
                self._limits.progress(time.monotonic())
            for line in lines:
                self._consume(line, receive)
                if time.perf_counter() - turn > SLICE_S:
                    await asyncio.sleep(0)
                    turn = time.perf_counter()
        for line in splitter.close():
            self._consume(line, receive)
        self.deliver(self._guarded(self._parser.close))

    def parse_own(self, line: bytes) -> None:
        """Deliver the records of a line of ours in a dialogue."""
        self.deliver(self._guarded(partial(self._parser.feed, line)))

    def read_stderr(self, data: bytes) -> None:
        """Deliver the records of a piece of stderr."""
        for line in self._complaints.feed(data)[:COMPLAINTS_AT_ONCE]:
            if not isinstance(line, Oversize):
                self.deliver(self._guarded(partial(self._parser.feed_stderr, line)))

    def deliver(self, records: Sequence[Record]) -> None:
        """Count records, and pass them to the receiver."""
        for record in records:
            if isinstance(record, Final) and self.ignores_finals:
                continue
            self._tally.add(record)
            self._react(record)
            if self.broken is None:
                self._guarded(partial(self._on_record, record))

    def _consume(self, line: bytes | Oversize, receive: Callable[[bytes], None] | None) -> None:
        if isinstance(line, Oversize):
            records: Sequence[Record] = [noise(line.head, line.size)]
        else:
            records = self._guarded(partial(self._parser.feed, line))
        if not records or not all(isinstance(record, Retry) for record in records):
            self._limits.progress(time.monotonic())  # announcing retry after retry is none
        self.deliver(records)
        if receive is not None and not isinstance(line, Oversize):
            receive(line)

    def _guarded(self, work: Callable[[], Sequence[Record] | None]) -> Sequence[Record]:
        try:
            return work() or ()
        except Exception as error:
            self.broken = self.broken or error
            self._fail()
            return ()
