"""Tests of the watcher: a change of the tracker by others is emitted soon and exactly once."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from events import Event, EventType
from running.watcher import StatusChanges
from tests.running.projects import TRACKER, make_project
from tests.servers import Server


def status_event(key: str, new: str) -> Event:
    payload = {"story_key": key, "old_status": "x", "new_status": new}
    return Event(type=EventType.STORY_STATUS, payload=payload, timestamp=0)


def test_a_change_is_emitted_at_the_second_look_and_only_once() -> None:
    changes = StatusChanges({"1-1-a": "backlog"})
    found = {"1-1-a": "review"}
    assert changes.look(found, []) == []
    reported = changes.look(found, [])
    assert reported == [("1-1-a", "backlog", "review")]
    changes.committed([status_event("1-1-a", "review")])
    assert changes.look(found, []) == []


def test_what_the_run_emits_itself_is_not_emitted_again() -> None:
    changes = StatusChanges({"1-1-a": "backlog"})
    assert changes.look({"1-1-a": "done"}, []) == []
    changes.committed([status_event("1-1-a", "done")])
    assert changes.look({"1-1-a": "done"}, []) == []


def test_stories_of_the_current_cycle_are_left_to_the_run() -> None:
    changes = StatusChanges({"1-1-a": "backlog"})
    for _ in range(3):
        assert changes.look({"1-1-a": "done"}, ["1-1-a"]) == []


@pytest.mark.parametrize(
    ("before", "after", "move"),
    [({}, {"1-1-a": "backlog"}, ("absent", "backlog")), ({"1-1-a": "done"}, {}, ("done", "absent"))],
)
def test_stories_come_and_go(before: dict[str, str], after: dict[str, str], move: tuple[str, str]) -> None:
    changes = StatusChanges(before)
    changes.look(after, [])
    assert changes.look(after, []) == [("1-1-a", *move)]


async def test_an_edit_shows_up_in_every_page_within_a_second_or_so(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog", "1-2-b": "backlog"})
    server = Server([str(project), "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client, client.ws_connect("/ws") as line:
            await line.receive()
            text = (project / TRACKER).read_text()
            edited_at = time.monotonic()
            (project / TRACKER).write_text(text.replace("1-2-b: backlog", "1-2-b: review"))
            event: dict[str, Any] = json.loads((await asyncio.wait_for(line.receive(), 10)).data)
            took = time.monotonic() - edited_at
        assert event["type"] == "story:status"
        assert event["payload"]["old_status"] == "backlog"
        assert event["payload"]["new_status"] == "review"
        assert event["batch_id"] is None
        assert took < 5  # a second on a machine with nothing else to do
    finally:
        server.end()


async def test_a_box_ticked_in_a_story_file_is_emitted(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "in-progress"})
    file = (project / TRACKER).with_name("1-1-a.md")
    file.write_text("# Story 1.1: A\n\nStatus: in-progress\n\n## Tasks / Subtasks\n\n- [ ] one\n- [ ] two\n")
    server = Server([str(project), "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client, client.ws_connect("/ws") as line:
            await line.receive()
            file.write_text(file.read_text().replace("- [ ] one", "- [x] one"))
            event: dict[str, Any] = json.loads((await asyncio.wait_for(line.receive(), 10)).data)
            assert event["payload"] == {
                "story_key": "1-1-a",
                "old_status": "in-progress",
                "new_status": "in-progress",
                "reason": "1 of 2 tasks done",
            }
            async with client.get("/api/sprint") as response:
                assert (await response.json())["stories"][0]["tasks"] == {"done": 1, "total": 2}
    finally:
        server.end()


async def test_a_status_in_the_story_file_is_emitted(tmp_path: Path) -> None:
    folder = tmp_path / "lamp/_bmad-output/light"
    (folder / "epic-lamp").mkdir(parents=True)
    (folder / "tickets.toml").write_text('[[epic]]\nid = 1\nslug = "epic-lamp"\ntitle = "A lamp that listens"\n')
    (folder / "epic-lamp/tickets.toml").write_text('[[entry]]\nid = 1\ntype = "story"\ntitle = "Switch on"\n')
    plan = folder / "epic-lamp/story-switch-on-plan.md"
    plan.write_text("---\nticket: 1\nstatus: draft\n---\n# Switch on\n")
    server = Server([str(tmp_path / "lamp"), "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client, client.ws_connect("/ws") as line:
            await line.receive()
            plan.write_text(plan.read_text().replace("draft", "built"))
            event: dict[str, Any] = json.loads((await asyncio.wait_for(line.receive(), 10)).data)
        moved = (event["payload"]["story_key"], event["payload"]["old_status"], event["payload"]["new_status"])
        assert moved == ("1.1", "backlog", "review")
    finally:
        server.end()
