"""One delivery from its story to its merge, with a kill -9 at every step.

`killed.py ROOT SCRIPT SETTINGS` runs one life after the other, each a process of its own. A life is killed at the first
step at which none was killed before, so the way ends after as many lives as there are steps; the steps are printed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from running.delivery import mending, programs, push, record, remote
from running.lanes.merge import Merge
from running.lanes.worktree import Worktree
from running.recovery.fold import restore_fold
from settings import Settings
from store.batches import get_active_batch
from store.deliveries import MENDING, MERGED, WAITING, get_deliveries
from tests.running.delivery.forges import advance
from tests.running.projects import Runner

LIVES_MAX: Final = 200
STEPS_MAX: Final = 60  # of one life


EFFECTS: Final = (
    (record, "until_stored", "a record"),
    (mending, "commit_paths", "the commit"),
    (mending, "take_branch", "the branch"),
    (push, "take_branch", "the branch"),
    (mending, "put_away", "putting away"),
    (Merge, "run", "the merge"),
    (Worktree, "open", "the worktree"),
)


class Killer:
    """Kills this process at a step at which none was killed before; `path` has a line for each of those."""

    def __init__(self, path: Path, database: Path) -> None:
        self._path = path
        self._database = database

    def at(self, name: str) -> None:
        step = f"{name} in {self._place()}"
        killed = self._path.read_text().splitlines() if self._path.exists() else []
        if step not in killed:
            with self._path.open("a") as file:
                file.write(f"{step}\n")
                file.flush()
                os.fsync(file.fileno())
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: Callable[[tuple[Any, ...]], str], work: Callable[..., Awaitable[Any]]) -> Any:
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.at(f"before {name(args)}")
            result = await work(*args, **kwargs)
            self.at(f"after {name(args)}")
            return result

        return wrapped

    def _place(self) -> str:
        with sqlite3.connect(self._database) as connection:
            row = connection.execute(
                "SELECT state, round, checks, looks, url IS NULL, requested_at IS NULL FROM deliveries"
            ).fetchone()
        return " ".join(map(str, row)) if row else "no delivery"


def watch(killer: Killer) -> None:
    """Have every effect of a delivery be a step, and every commit of its row."""

    def program(args: tuple[Any, ...]) -> str:
        return " ".join(str(word) for word in args[0] if str(word).isalpha())

    watched = killer.around(program, programs.run_program)
    setattr(programs, "run_program", watched)  # noqa: B010 - as the others
    setattr(remote, "run_program", watched)  # noqa: B010
    for place, name, words in EFFECTS:
        setattr(place, name, killer.around(lambda _, words=words: words, getattr(place, name)))  # type: ignore[misc]


async def live(root: Path, script: Path, settings: dict[str, Any]) -> bool:
    """Continue until the delivery is merged; whether it is."""
    runner = Runner(root, script, Settings(**settings))
    await runner.open()
    await restore_fold(runner.database, runner.run_state)
    watch(Killer(root.parent / "killed", runner.database.path))
    await runner.orchestrator.recover()
    for _ in range(STEPS_MAX):
        if await runner.database.read(get_active_batch) is not None:
            await runner.orchestrator.resume()
            await runner.until_end()
        rows = await runner.database.read(get_deliveries)
        if not rows or rows[0].state in (WAITING, MENDING):
            assert not rows or rows[0].problem is None, rows[0].problem
            await runner.run()
        elif rows[0].state == MERGED:
            break
        else:
            assert rows[0].problem is None, rows[0].problem
            await advance(runner, most=1)
    await runner.close()
    return True


def main(arguments: list[str]) -> int:
    root, script, settings = Path(arguments[0]), Path(arguments[1]), json.loads(arguments[2])
    for _ in range(LIVES_MAX):
        child = os.fork()  # nothing runs yet that a fork would leave behind
        if child == 0:
            code = 1
            try:
                code = 0 if asyncio.run(live(root, script, settings)) else 1
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
    return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
