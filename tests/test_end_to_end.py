"""From `python server.py --demo` to a finished sprint: the real process, a real client, a real repository."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sqlite3
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from demo.fresh import SOURCE, TRACKER
from tests.servers import demo, get, post

RUN_S = 240.0  # a whole demo at full speed takes some 20 s; a busy machine may need much longer


async def collect(line: aiohttp.ClientWebSocketResponse, until: str) -> list[dict[str, Any]]:
    """Every event up to the first of the given type."""
    events = []
    async with asyncio.timeout(RUN_S):
        async for message in line:
            event = json.loads(message.data)
            if "seq" in event and "payload" in event:
                events.append(event)
                if event["type"] == until:
                    return events
    raise AssertionError(f"the line closed before {until}")


async def test_a_whole_sprint(tmp_path: Path) -> None:
    before = (SOURCE / TRACKER).read_text()
    async with demo(tmp_path) as (server, client):
        assert "project Perch, agent demo 2.1.330" in server.line
        async with client.ws_connect("/ws") as line:
            init = json.loads((await line.receive()).data)
            assert init["type"] == "init"
            assert init["payload"]["batch"] is None
            assert init["payload"]["events"] == []
            assert await post(client, "/api/run/start", {"batch_size": "all"}) == (202, {"batch_id": 1})
            events = await collect(line, "batch:end")
        check_events(events)
        run = await get(client, "/api/run")
        assert run["state"] == "idle"
        assert run["totals"]["stories_done"] == 6
        assert run["totals"]["stories_blocked"] == 1
        stored = (await get(client, "/api/events?limit=10000"))["events"]
        assert stored[: len(events)] == events
        assert server.end() == 0
        assert "Traceback" not in server.errors()
    project = tmp_path / "demo"
    check_tracker(before, (project / TRACKER).read_text())
    check_git(project)
    check_rows(project / ".sprint-runner/sprint-runner.db", events)
    check_files(project)


def check_events(events: list[dict[str, Any]]) -> None:
    """In order, without a gap, one batch from its start to its end."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {event["batch_id"] for event in events if not is_edit(event)} == {1}
    assert events[0]["type"] == "batch:start"
    ended = {"batch_id": 1, "cycles_completed": 4, "status": "completed", "reason": "blocked: 2-2-share-with-the-club"}
    assert events[-1]["payload"] == ended
    kinds = Counter(event["type"] for event in events)
    assert kinds["cycle:start"] == kinds["cycle:end"] == 4
    assert kinds["command:start"] == kinds["command:end"]
    assert kinds["batch:end"] == 1
    ends = [event["payload"] for event in events if event["type"] == "command:end"]
    assert {end["status"] for end in ends} == {"success"}
    rounds = Counter(end["story_key"] for end in ends if end["command"].startswith("code-review-"))
    assert max(rounds.values()) == 2
    blocked = [event["payload"] for event in events if event["payload"].get("new_status") == "blocked"]
    assert len(blocked) == 1
    assert blocked[0]["reason"]


def check_tracker(before: str, after: str) -> None:
    """Only the values of statuses and of `last_updated` are different."""
    assert len(before.splitlines()) == len(after.splitlines())
    for old, new in zip(before.splitlines(), after.splitlines(), strict=True):
        if old == new:
            continue
        if old.startswith("last_updated:"):
            assert re.fullmatch(r"last_updated: \d{4}-\d\d-\d\d", new)
        else:
            assert re.sub(r": [a-z-]+", ": X", old, count=1) == re.sub(r": [a-z-]+", ": X", new, count=1)
    assert after.count(": done") - before.count(": done") == 6


def check_git(project: Path) -> None:
    log = subprocess.run(["git", "log", "--format=%s"], cwd=project, capture_output=True, text=True, check=True)
    subjects = log.stdout.splitlines()
    assert len(subjects) == 7
    assert subjects[-2] == "feat(1): implement story 1-1-friendly-dates"
    check_tests(project)


def check_tests(project: Path) -> None:
    """The demo project's own."""
    tests = subprocess.run(["python3", "-m", "unittest"], cwd=project, capture_output=True, text=True, check=False)
    assert tests.returncode == 0, tests.stderr


def check_rows(path: Path, events: list[dict[str, Any]]) -> None:
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT status, cycles_completed FROM batches").fetchall() == [("completed", 4)]
        assert database.execute("SELECT COUNT(*) = MAX(seq) FROM events").fetchone() == (1,)
        statuses = Counter(row[0] for row in database.execute("SELECT status FROM stories"))
        assert statuses == {"done": 6, "blocked": 1}
        assert database.execute("SELECT COUNT(*) FROM commands WHERE ended_at IS NULL").fetchone() == (0,)
        booked = database.execute("SELECT SUM(cost_usd) FROM commands").fetchone()[0]
        emitted = sum(event["payload"].get("metrics", {}).get("cost_usd", 0) for event in events if is_end(event))
        assert abs(booked - emitted) < 1e-6
    database.close()


def is_edit(event: dict[str, Any]) -> bool:
    """A story file was written; noticed by looking, perhaps only after its batch has ended."""
    payload = event["payload"]
    return event["type"] == "story:status" and bool(payload["old_status"] == payload["new_status"])


def is_end(event: dict[str, Any]) -> bool:
    return event["type"] in ("command:end", "context:complete")


def check_files(project: Path) -> None:
    stories = sorted(path.name for path in (project / TRACKER.parent).glob("[12]-*.md"))
    assert len(stories) == 7
    text = (project / TRACKER.parent / "1-2-correct-a-sighting.md").read_text()
    assert "- [x]" in text
    assert "## Acceptance Criteria" in text


async def test_two_epics_side_by_side(tmp_path: Path) -> None:
    """Stories of both add a row to the same table of the README; each side's row is there at the end."""
    async with demo(tmp_path, SPRINT_RUNNER_PARALLEL="2") as (server, client):
        async with client.ws_connect("/ws") as line:
            wanted = {"batch_size": "all", "stories": ["1-2-correct-a-sighting", "2-1-life-list"]}
            assert (await post(client, "/api/run/start", wanted))[0] == 202
            await collect(line, "batch:end")
        totals = (await get(client, "/api/run"))["totals"]
        assert (totals["stories_done"], totals["stories_blocked"]) == (2, 0)
        assert server.end() == 0
    check_merged(tmp_path / "demo")


def check_merged(project: Path) -> None:
    rows = [row for row in (project / "README.md").read_text().splitlines() if row.startswith("| `")]
    assert sorted(row.split("`")[1].split()[0] for row in rows) == ["add", "fix", "life", "list"]
    check_tests(project)


async def test_the_plug_is_pulled_and_the_run_goes_on(tmp_path: Path) -> None:
    """kill -9 in mid-run, the same command again, Resume: nothing is lost and nothing is done twice."""
    async with demo(tmp_path, SPRINT_RUNNER_DEMO_SPEED="10") as (server, client):
        async with client.ws_connect("/ws") as line:
            await line.receive()
            await post(client, "/api/run/start", {"batch_size": 2})
            shown = await collect(line, "command:end")
        server.end(signal.SIGKILL)
        server.start()
        async with aiohttp.ClientSession(server.url) as again:
            run = await get(again, "/api/run")
            assert (run["state"], run["resumable"]) == ("idle", 1)
            stored = (await get(again, "/api/events?limit=10000"))["events"]
            assert stored[: len(shown)] == shown
            async with again.ws_connect("/ws") as line:
                init = json.loads((await line.receive()).data)["payload"]
                assert init["batch"] is None
                assert init["events"][-1]["payload"]["reason"] == "interrupted"
                assert await post(again, "/api/run/resume") == (202, {"batch_id": 1})
                await collect(line, "batch:end")
            events = (await get(again, "/api/events?limit=10000"))["events"]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        ends = [event["payload"] for event in events if event["type"] == "command:end"]
        finished = Counter((end["story_key"], end["command"]) for end in ends if end["status"] == "success")
        assert max(finished.values()) == 1
        assert events[-1]["payload"]["cycles_completed"] == 2


async def test_stop_and_start_go_on_where_it_stopped(tmp_path: Path) -> None:
    async with demo(tmp_path, SPRINT_RUNNER_DEMO_SPEED="10") as (_, client), client.ws_connect("/ws") as line:
        await line.receive()
        await post(client, "/api/run/start", {"batch_size": 1})
        await collect(line, "story:status")
        status, accepted = await post(client, "/api/run/stop", {"mode": "graceful"})
        assert status == 202
        assert accepted["state"] in ("stopping", "idle")  # never what it was before
        assert (await collect(line, "batch:end"))[-1]["payload"]["status"] == "stopped"
        status, error = await post(client, "/api/run/stop", {"mode": "now"})
        assert (status, error["error"]["code"]) == (409, "idle")
        await post(client, "/api/run/start", {"batch_size": 1})
        assert (await collect(line, "batch:end"))[-1]["payload"]["status"] == "completed"
        events = (await get(client, "/api/events?limit=10000&type=command:end"))["events"]
        finished = Counter((end["payload"]["story_key"], end["payload"]["command"]) for end in events)
        assert max(finished.values()) == 1
