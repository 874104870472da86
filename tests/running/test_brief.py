"""The brief of a batch: honest about what happened, equal to the ledger, harmless whatever the texts in it are."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import events
from db import Database
from running.batch_record import close_interrupted
from running.brief.markdown import as_markdown, escaped
from running.brief.page import as_html
from running.brief.read import brief_lines, read_brief
from running.brief.text import money
from running.brief.views import Brief
from running.brief.writer import BriefWriter
from running.receipts.writer import ReceiptWriter
from store.batches import create_batch, update_batch
from store.commands import create_command
from store.ledger import Window, get_insights
from store.stories import create_story
from tests.api.test_html import read
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner
from tests.running.repositories import by_shell, git

HOSTILE = "<script>alert(1)</script> **bold** [x](http://evil.example) `code` | cell\n# head"


async def brief_of(runner: Runner, batch_id: int, *, alive: bool = True) -> Brief:
    found = await read_brief(runner.workspace, batch_id, alive=alive)
    assert found is not None
    return found


async def test_it_says_what_was_done_and_on_what_evidence(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, verify="true")
    batch_id = await runner.run()
    await ReceiptWriter(runner.workspace).write_all()
    brief = await brief_of(runner, batch_id)
    commit = git(runner.root, "rev-parse", "--short=10", "HEAD")
    assert brief.outcome == f"Batch {batch_id} is complete. 1 of 1 story done."
    assert [(story.story_key, story.has_receipt) for story in brief.done] == [("1-1-a", True)]
    assert brief.done[0].evidence == [f"commit {commit}", "check true passed", "code-review-1: ZERO ISSUES"]
    assert (brief.blocked, brief.open, brief.needs, brief.incidents) == ([], [], [], [])
    assert (brief.tone, brief.lines[2:]) == ("good", ["Nothing needs you.", "Nothing is left that can run."])
    ledger = await runner.database.read(get_insights, Window(batch=batch_id))
    assert brief.lines[1].startswith(f"It cost {money(ledger.total[0].cost_usd)}")
    await runner.database.write(update_batch, batch_id, forecast=None)
    assert "forecast" not in as_markdown(await brief_of(runner, batch_id))


async def test_it_says_why_a_story_is_blocked_and_what_mends_it(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "in-progress", "2-1-b": "backlog"})
    by_shell(runner, "echo '[DEV-STORY-BLOCKED: YES - no key for the service]'")
    runner.settings = msgspec.structs.replace(runner.settings, agent="shell")
    batch_id = await runner.run(1)
    brief = await brief_of(runner, batch_id)
    story = brief.blocked[0]
    assert (story.story_key, "no key for the service" in story.reason) == ("1-1-a", True)
    assert story.mend is not None
    assert story.mend.verb == "sprint-runner hint 1-1-a TEXT --retry"
    assert brief.tone == "warn"
    assert brief.lines[2].startswith("Needs you: 1-1-a is blocked:")
    assert brief.next[0] == "Next in line: 2-1 B."
    assert "cost unknown" in brief.lines[1].lower()
    assert "$0.00" not in brief.lines[1]


async def test_a_batch_whose_server_died_is_not_called_finished(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["hang"]})
    batch_id = await runner.start()
    await runner.until_command("dev-story")
    cut = await brief_of(runner, batch_id, alive=False)
    assert "was cut off: no server runs" in cut.outcome
    assert (cut.tone, cut.needs[0].mend and cut.needs[0].mend.verb) == ("bad", "sprint-runner resume")
    await runner.restart()
    brief = await brief_of(runner, batch_id)
    assert brief.outcome == f"Batch {batch_id} was interrupted and does not run. 0 of 1 story done."
    assert [story.status for story in brief.open] == ["in-progress"]
    assert [incident.kind for incident in brief.incidents] == ["interrupted"]
    assert brief.needs[0].kind == "interrupted"


async def test_a_batch_that_was_given_up_says_so(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["hang"]})
    batch_id = await runner.start()
    await runner.until_command("dev-story")
    await runner.restart()
    await close_interrupted(runner.workspace)
    brief = await brief_of(runner, batch_id)
    assert brief.outcome.startswith(f"Batch {batch_id} was stopped: a new batch was started instead. 0 of 1")


async def test_a_plan_that_is_lost_is_named_and_the_rest_is_told(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    batch_id = await runner.run()
    runner.workspace.project.tracker.write_text("development_status: [")
    brief = await brief_of(runner, batch_id)
    assert len(brief.done) == 1
    assert brief.next[0].startswith("What comes next is not known: the plan cannot be read")
    runner.workspace.project.tracker.unlink()
    assert "the plan cannot be read" in (await brief_of(runner, batch_id)).next[0]


async def test_the_forecast_of_the_start_is_compared(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    batch_id = await runner.run()
    forecast = {"cost_usd": [0.01, 0.02], "seconds": [1000.0, 4000.0], "stories": 1, "basis": "measured defaults"}

    await runner.database.write(update_batch, batch_id, forecast=json.dumps(forecast))
    brief = await brief_of(runner, batch_id)
    assert (brief.cost.against, brief.time.against) == ("above", "below")
    assert "above the forecast of $0.01 to $0.02" in brief.lines[1]


async def test_it_is_written_at_the_end_once(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    batch_id = await runner.run()

    async def ready() -> None:
        return None

    await BriefWriter(runner.workspace, ready).write(batch_id)
    folder = runner.root / ".sprint-runner/briefs"
    page, text = folder / f"batch-{batch_id}.html", folder / f"batch-{batch_id}.md"
    assert [path.stat().st_mode & 0o777 for path in (page, text)] == [0o600, 0o600]
    assert "1 of 1 story done" in text.read_text()
    page.write_text("as it was")
    await BriefWriter(runner.workspace, ready).write(batch_id)
    assert page.read_text() == "as it was"
    assert await brief_lines(runner.workspace, 99) == []


# -- the ledger -------------------------------------------------------------------------------------------------


@pytest.fixture
async def database(tmp_path: Path) -> Any:
    opened = await Database.open(tmp_path / "x.db")
    events.start(opened)
    yield opened
    events.stop()
    await opened.close()


@pytest.mark.parametrize("seed", range(8))
async def test_it_is_equal_to_the_ledger_to_the_cent(make_runner: MakeRunner, seed: int) -> None:
    runner = await make_runner({f"{epic}-{number}-x": "backlog" for epic in (1, 2) for number in range(1, 5)})
    batch_id = await runner.database.write(lambda connection: _random_batch(connection, random.Random(seed)))
    brief = await brief_of(runner, batch_id)
    ledger = await runner.database.read(get_insights, Window(batch=batch_id))
    lines = {line.name: line.cost_usd for line in ledger.by_story}
    shown = {story.story_key: story.cost_usd for story in brief.done}
    shown |= {story.story_key: story.cost_usd for story in brief.blocked}
    shown |= {story.story_key: story.cost_usd for story in brief.open}
    total = ledger.total[0].cost_usd if ledger.total else 0.0
    assert money(brief.cost.usd) == money(total)
    assert money(brief.cost.estimated_usd) == money(ledger.total[0].estimated_usd if ledger.total else 0.0)
    assert {key: money(cost) for key, cost in shown.items()} == {key: money(lines.get(key, 0.0)) for key in shown}
    assert money(brief.cost.project_usd) == money(lines.get("(project)", 0.0))
    assert money(sum(shown.values()) + brief.cost.project_usd) == money(total)
    if total:
        assert money(total) in as_markdown(brief)
        assert money(total) in as_html(brief).decode()


def _random_batch(connection: Any, chance: random.Random) -> int:
    """A batch before it, and one with commands of every kind."""
    for _ in range(2):
        batch = create_batch(connection, None, agent="demo", workflow="classic")
        update_batch(connection, batch, status="completed", ended_at=2_000_000_000_000)
        rows = {}
        for epic in (1, 2):
            for number in range(1, chance.randrange(1, 5)):
                status = chance.choice(("done", "blocked", "in-progress"))
                key = f"{epic}-{number}-x"
                rows[key] = create_story(connection, batch, key, epic=str(epic), status=status, ended_at=1)
        for _ in range(chance.randrange(60)):
            key = chance.choice([*rows, ""])
            cost = chance.choice((None, 0.0, chance.random() / 100, chance.random() * 10, 0.005, 1e-9))
            create_command(
                connection,
                batch,
                chance.choice(("dev-story", "code-review-2", "create-story")),
                story_id=rows.get(key),
                story_key=key,
                story_keys=[key, chance.choice(list(rows))] if key else [],
                agent="demo",
                status=chance.choice(("success", "error", "stopped", "usage-limit")),
                ended_at=chance.choice((None, 5)),
                cost_usd=cost,
                estimated_usd=None if cost is None else cost * chance.choice((0, 0.5, 1)),
            )
    return batch


# -- foreign text -----------------------------------------------------------------------------------------------


async def test_everything_foreign_in_it_is_text_and_masked(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    batch_id = await runner.run()
    key = "sk-ant-api03-" + "q7Zx4Kp9Wm2V" * 6

    def spoil(connection: Any) -> None:
        connection.execute("UPDATE stories SET status = 'blocked', reason = ?", (f"{HOSTILE} {key}",))
        connection.execute("UPDATE batches SET status = 'error', reason = ?", (HOSTILE,))

    await runner.database.write(spoil)
    brief = await brief_of(runner, batch_id)
    page, text = as_html(brief).decode(), as_markdown(brief)
    assert "q7Zx4Kp9Wm2V" not in page + text + json.dumps(msgspec.to_builtins(brief))
    document = read(page.encode())
    assert "script" not in document.tags
    assert "<script>alert(1)</script>" in document.text
    for mark in (r"<script", r"(?<!\\)\*\*bold", r"(?<!\\)\]\(", r"(?<!\\)`code", r"(?<!\\)\| cell", "http://"):
        assert re.search(mark, text) is None
    assert "\n# head" not in text


@pytest.mark.parametrize("text", [HOSTILE, "a_b_c *x* ~~y~~", "www.evil.example", "1. x", "&amp; $x$ @me", "a  \nb"])
def test_escaped_text_is_what_it_was(text: str) -> None:
    shown = re.sub(r"\\([\\`*_\[\]>#|~&$@.:])", r"\1", escaped(text).replace("&lt;", "<"))
    assert shown == " ".join(text.split())
