"""The work trees that are the operator's while a story is taken over, and what of the run still works in them.

The rows are in the database; this is their copy, which every start of a command looks at without waiting. Promises:
nothing of the run begins in a tree that is taken over; a tree is the operator's only when nothing works in it any more;
a session that was taken over is never resumed by the run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from store.takeovers import TakeOverRow

TAKEN_OVER: Final = "take-over"  # the reason of the pause of a run whose own tree is taken over


class TreeTakenOverError(Exception):
    """A story was taken over in the tree of a command whose row was about to be written."""


class Waiting(Protocol):
    """The gate as a part of the run sees it that waits for its tree."""

    def pause(self, reason: str, /) -> None: ...
    async def enter(self) -> None: ...
    async def wait_for_change(self) -> None: ...


class TakenTrees:
    """The take-overs of one server, by their ids."""

    def __init__(self) -> None:
        self._rows: dict[int, TakeOverRow] = {}
        self._working: Counter[str] = Counter()
        self._change = asyncio.Event()

    def put(self, row: TakeOverRow) -> None:
        """Note a take-over that is new or has changed."""
        self._rows[row.id] = row
        self._tell()

    def drop(self, id_: int) -> None:
        """Forget a request that was not stored."""
        self._rows.pop(id_, None)
        self._tell()

    # -- looking -----------------------------------------------------------------------------------------------

    @property
    def open(self) -> list[TakeOverRow]:
        """The take-overs that are not handed back, oldest first."""
        return [row for row in self._rows.values() if row.returned_at is None]

    @property
    def keys(self) -> set[str]:
        """The stories that are taken over."""
        return {row.story_key for row in self.open}

    def of(self, story_key: str) -> TakeOverRow | None:
        """Return the take-over of a story that is not handed back."""
        return next((row for row in self.open if row.story_key == story_key), None)

    def in_tree(self, *roots: Path) -> TakeOverRow | None:
        """Return a take-over that has one of these trees."""
        folders = {str(root) for root in roots}
        return next((row for row in self.open if row.folder in folders), None)

    def check(self, *roots: Path) -> None:
        """Raise `TreeTakenOverError` where one of these trees is taken over."""
        if self.in_tree(*roots) is not None:
            raise TreeTakenOverError

    def returned(self, story_key: str) -> TakeOverRow | None:
        """Return the newest take-over of a story that was handed back."""
        ended = [row for row in self._rows.values() if row.story_key == story_key and row.returned_at is not None]
        return ended[-1] if ended else None

    def is_operators(self, session_id: str) -> bool:
        """Whether a session was taken over: the operator may still have it open."""
        return any(row.session_id == session_id for row in self._rows.values())

    # -- the run -----------------------------------------------------------------------------------------------

    async def hold(self, gate: Waiting, main: Path, root: Path) -> bool:
        """Wait while the tree `root` is taken over, or `main`, with which the whole run waits; whether it was.

        Raises `Stopped`. Where nothing is taken over it does not yield to other tasks.
        """
        held = False
        while (row := self.in_tree(main, root)) is not None:
            held = True
            if row.folder == str(main):
                gate.pause(TAKEN_OVER)
                await gate.enter()
            else:
                await gate.wait_for_change()
        return held

    @contextmanager
    def working(self, root: Path) -> Iterator[None]:
        """Count a piece of work in a tree while it goes on."""
        self._working[str(root)] += 1
        try:
            yield
        finally:
            self._working[str(root)] -= 1
            self._tell()

    async def until_free(self, folder: str) -> None:
        """Return when nothing of the run works in a folder."""
        while self._working[folder] > 0:
            await self._change.wait()

    def _tell(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()
