"""The brief of a large batch: 500 stories, 5,000 commands, 300,000 events, beside a plain read of the same rows."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import sprint
from base.program import PROGRAM_DIR
from db import Database
from git.snapshots import Git
from running.brief.markdown import as_markdown
from running.brief.page import as_html
from running.brief.read import read_brief
from running.workspace import Workspace
from settings import Settings
from store.batches import create_batch, update_batch
from store.commands import create_command, get_commands_by_batch
from store.stories import create_story, get_stories_by_batch
from tests.bench.load import table
from tests.running.projects import make_project

STORIES: Final = 500
COMMANDS: Final = 10  # of each story
EVENTS: Final = 300_000
ROUNDS: Final = 9
HEAD: Final = ("what", "promised ms", "first ms", "median ms", "processor ms", "ratio to the plain read")


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        keys = [f"{1 + number // 25}-{1 + number % 25}-story" for number in range(STORIES)]
        root = make_project(Path(folder) / "large", dict.fromkeys(keys, "done"))
        database = await Database.open(Path(folder) / "x.db")
        batch = await database.write(lambda connection: _fill(connection, keys))
        workspace = await _workspace(root, database)

        async def made() -> object:
            brief = await read_brief(workspace, batch)
            assert brief is not None
            assert len(brief.done) + len(brief.blocked) == STORIES
            return as_html(brief), as_markdown(brief)

        async def plain() -> object:
            return await database.read(lambda c: (get_stories_by_batch(c, batch), get_commands_by_batch(c, batch)))

        first = await _ms(made)
        pairs = [(await _ms(made), await _ms(plain)) for _ in range(ROUNDS)]  # in turns, on the same machine
        await database.close()
    (brief, busy), (read, read_busy) = [
        (_median(wall), _median(cpu)) for wall, cpu in map(_split, zip(*pairs, strict=True))
    ]
    ratio = _median([one[0] / other[0] for one, other in pairs])
    rows = [
        ("the brief of 500 stories, with its HTML and Markdown", 200, first[0], brief, busy, ratio),
        ("the rows of its stories and commands, as structs", "-", "-", read, read_busy, 1.0),
    ]
    table("Brief", HEAD, rows)


async def _workspace(root: Path, database: Database) -> Workspace:
    project, settings = sprint.locate(root), Settings()
    return Workspace(
        project=project,
        settings=lambda: settings,
        agents={},
        database=database,
        data_dir=root / ".sprint-runner",
        prompts=PROGRAM_DIR / "prompts",
        git=await Git.find(root, root / ".sprint-runner/snapshots", ()),
        clock=time.time,
    )


def _fill(connection: Any, keys: list[str]) -> int:
    chance, at = random.Random(1), 1_700_000_000_000
    batch = create_batch(connection, None, agent="claude", workflow="classic", started_at=at)
    for number, key in enumerate(keys):
        status = "blocked" if number % 10 == 9 else "done"
        row = create_story(
            connection,
            batch,
            key,
            epic=key.split("-")[0],
            status=status,
            commit_hash=f"{number:040x}",
            reason="two reviews found the same critical fault, and the third one, too",
        )
        for place in range(COMMANDS):
            create_command(
                connection,
                batch,
                "dev-story" if place == 0 else f"code-review-{place}",
                story_id=row,
                story_key=key,
                story_keys=[key],
                status="success",
                word="ZERO ISSUES",
                verdict="{}",
                ended_at=at,
                cost_usd=chance.random(),
            )
    line = json.dumps({"story_key": "1-1-story", "command": "dev-story", "message": "x" * 80})
    connection.executemany(
        "INSERT INTO events (type, timestamp, batch_id, story_key, payload) VALUES ('command:progress', ?, ?, ?, ?)",
        ((at + number, batch, "1-1-story", line) for number in range(EVENTS)),
    )
    warning = json.dumps({"batch_id": batch, "warning_type": "limit", "message": "80 % of the window is used"})
    connection.executemany(
        "INSERT INTO events (type, timestamp, batch_id, payload) VALUES ('batch:warning', ?, ?, ?)",
        ((at + number, batch, warning) for number in range(200)),
    )
    update_batch(connection, batch, status="completed", ended_at=at + 30_000_000)
    return batch


def _split(times: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [wall for wall, _ in times], [cpu for _, cpu in times]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


async def _ms(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """How long it took by the clock, and by the processor, in all threads."""
    began, busy = time.perf_counter(), time.process_time()
    await work()
    return (time.perf_counter() - began) * 1000, (time.process_time() - busy) * 1000
