"""The parts of what lies between two agents: how long each of the run's own functions took there.

Their calls are timed from outside, so that the program knows nothing of it. Parts contain others, and some run at the
same time: they do not add up to the whole.
"""

from __future__ import annotations

import functools
import inspect
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import agents.process
import running.development
from git.differ import Differ
from git.overlay import TreeOverlay
from git.process import Calls
from git.snapshots import Git
from running import preparation, story
from running.attempt_record import AttemptRecord
from running.command import Commander
from store.writer import Writer

# Where, the name there, and what it is.
TIMED: Final[Sequence[tuple[Any, str, str]]] = (
    (agents.process, "sweep_after", "look at all processes for what the agent has left running"),
    (AttemptRecord, "book", "commit of what was used, while the snapshot is taken"),
    (Git, "snapshot", "snapshot of the work tree, whole"),
    (Calls, "run", "of it: `git status`"),
    (TreeOverlay, "tree", "of it: the tree with the changed files"),
    (Differ, "compare", "comparison of two trees for the figures"),
    (running.development, "advance", "new status of the story, whole"),
    (story, "write_status", "of it: the tracker written, proved and synced"),
    (Commander, "ready", "look at HEAD"),
    (preparation, "prompt_of", "prompt, with the story's file"),
    (AttemptRecord, "_create", "commit of the rows and events before the start"),
    (agents.process.AgentProcess, "_launch", "recording opened, process started"),
    (Writer, "_write", "every commit"),
    (os, "fsync", "every sync of a file or folder by us, those of SQLite not counted"),
)


class Span(NamedTuple):
    """One call, in seconds since the epoch."""

    name: str
    began: float
    ended: float


@contextmanager
def timed(spans: list[Span]) -> Iterator[None]:
    """Record the calls that end while the block runs."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in TIMED]
    for (owner, name, function), (_, _, label) in zip(before, TIMED, strict=True):
        setattr(owner, name, _timed(function, label, spans))
    try:
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def part_rows(spans: Sequence[Span], gaps: Sequence[tuple[float, float]]) -> list[tuple[str, str, str]]:
    """Return the name, the calls for each gap and the median ms of those that lay in one, in the order of `TIMED`."""
    rows = []
    for _, _, label in TIMED:
        took = [
            (span.ended - span.began) * 1000
            for span in spans
            if span.name == label and any(began <= span.began and span.ended <= ended for began, ended in gaps)
        ]
        if took:
            rows.append((label, f"{len(took) / len(gaps):.1f}", f"{statistics.median(took):.2f}"))
    return rows


def _timed(function: Callable[..., Any], label: str, spans: list[Span]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def waited(*arguments: Any, **named: Any) -> Any:
            began = time.time()
            try:
                return await function(*arguments, **named)
            finally:
                spans.append(Span(label, began, time.time()))

        return waited

    @functools.wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        began = time.time()
        try:
            return function(*arguments, **named)
        finally:
            spans.append(Span(label, began, time.time()))

    return called
