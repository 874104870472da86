"""A batch that an agent without prices has worked on and that failed, as the page tells it from the records."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from store.batches import create_batch
from store.commands import create_command
from store.rows import now_ms
from store.stories import create_story

from .conftest import PageServer, picture, visit

pytestmark = pytest.mark.browser

STORY = "1-1-friendly-dates"
REASON = "the disk of this machine is gone"


def record(connection: sqlite3.Connection) -> None:
    """The events and rows of one batch: its agent reported neither cost nor tokens, and its end is an error."""
    at = now_ms() - 60_000
    known = {"story_key": STORY, "command": "dev-story", "command_id": 1, "task_id": "setup", "agent": "plain"}
    events: list[tuple[str, dict[str, Any]]] = [
        ("batch:start", {"batch_id": 1, "max_cycles": 1, "agent": "plain"}),
        ("command:start", {**known, "story_keys": [STORY]}),
        ("command:end", {**known, "status": "success", "verdict": "complete", "metrics": {"duration_ms": 5000}}),
        ("batch:end", {"batch_id": 1, "cycles_completed": 0, "status": "error", "reason": REASON}),
    ]
    for seq, (type_, payload) in enumerate(events, 1):
        values = (seq, type_, at + seq * 1000, 1, payload.get("story_key"), json.dumps(payload))
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", values)
    ended = {"started_at": at, "ended_at": at + 5000}
    batch = create_batch(connection, 1, status="error", reason=REASON, agent="plain", **ended)
    story = create_story(connection, batch, STORY, epic="1", status="in-progress", **ended)
    named = {"story_id": story, "story_key": STORY, "story_keys": [STORY], "agent": "plain"}
    create_command(
        connection, batch, "dev-story", status="success", word="complete", duration_ms=5000, **named, **ended
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server with that batch. No test starts another one."""
    server = PageServer(tmp_path_factory.mktemp("recorded"), "max").start()
    server.end()
    with closing(sqlite3.connect(server.data / "sprint-runner.db")) as connection, connection:
        record(connection)
    yield server.start()
    server.close()


def test_a_failed_batch_has_its_reason_and_a_way_on_at_the_top(context: BrowserContext, recorded: PageServer) -> None:
    page = visit(context, recorded)
    call = page.locator("#attention-list li[data-kind=failed]")
    expect(call).to_contain_text(f"Batch 1 failed: {REASON}")
    expect(call.get_by_role("button", name="Start again")).to_be_visible()
    expect(page.locator("#start")).to_be_visible()


# The words of an element, without the axes of its charts, which begin at 0.
WORDS = """el => {
  const copy = el.cloneNode(true);
  for (const chart of copy.querySelectorAll("svg")) chart.remove();
  return copy.textContent;
}"""
# What each view says of the command once it has read it.
KNOWN = {
    "run": "dev",
    "timeline": "dev",
    "history": "unknown",
    "insights": "unknown",
    f"board?story={STORY}": "unknown",
}


def test_what_no_agent_has_reported_is_no_zero(context: BrowserContext, recorded: PageServer) -> None:
    page = visit(context, recorded)
    expect(page.locator("#figures")).to_contain_text("unknown")
    expect(page.locator("#tile-cost")).to_have_attribute("title", re.compile("^unknown tokens"))
    for tab, words in KNOWN.items():
        page.goto(f"{recorded.url}#{tab}")
        shown = page.get_by_role("dialog") if "?" in tab else page.locator(f"#tab-{tab}")
        expect(shown).to_contain_text(words)
        assert re.findall(r"\$0(?:\.00)?(?![\d.])|\b0 (?:output )?tokens", shown.evaluate(WORDS)) == [], tab
        picture(page, f"unknown-{tab.partition('?')[0]}")
