"""A night in a minute: forty stories, every tenth call goes wrong, limits of the agent, kills, a full disk.

In the morning every story is done, or blocked for a written reason. SPRINT_RUNNER_NIGHT_SEED makes it another night.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import sprint
from tests.running.lanes.lane_runs import git
from tests.unattended import LONG_S, POLL_S, Unattended

SEED = int(os.environ.get("SPRINT_RUNNER_NIGHT_SEED", "1"))
SETTINGS = {
    "retries": 2,
    "silence_timeout_min": 0.1,
    "question_timeout_min": 0.02,
    "verify": "git status --short",
    "budget_batch_usd": 1_000,
}
# What comes in, epic by epic: most of it half way, so that a night of agents is a minute.
EPICS = {
    1: ["review"] * 4 + ["in-progress"] * 2 + ["backlog"] * 2,
    2: ["review"] * 4 + ["in-progress"] * 2 + ["ready-for-dev"] * 2,
    3: ["review"] * 4 + ["in-progress"] * 4,
    4: ["review"] * 4 + ["in-progress"] * 4,
    5: ["review"] * 4 + ["in-progress"] * 4,
}
STORIES = {
    f"{epic}-{number}-part-{number}": status
    for epic, statuses in EPICS.items()
    for number, status in enumerate(statuses, start=1)
}
MISHAPS = [
    *("fail", "crash", "crash:SIGSEGV", "no-final", "cut-off", "no-marker", "limit", "overloaded", "silent", "hang"),
    *("garbage+half-lines", "rate-limited:3", "children:2", "denied+stderr:1", "question:Shall it be the first one?"),
]
NEVER = {
    "dev-story": {
        "3-5-part-5": "fail:the tests of the agent never pass",
        "4-6-part-6": "blocked:the criteria disagree",
    },
    "code-review": {"5-2-part-2": "HIGH:work/5-2-part-2.md: a row is dropped"},
}
LIMITS = [("code-review", "1-3-part-3"), ("dev-story", "3-7-part-7"), ("code-review", "5-3-part-3")]
KILLS = 3
LEFT_BYTES = 64 * 1024


def script(dice: random.Random) -> dict[str, Any]:
    """What the calls meet: some that never succeed, limits, and for the rest every mishap once."""
    entries: dict[str, dict[str, Any]] = {name: dict(turns) for name, turns in NEVER.items()}
    for command, key in LIMITS:
        entries[command][key] = ["usage-limit:3", "ok"]
    developed = [key for key, status in STORIES.items() if status in ("in-progress", "ready-for-dev", "backlog")]
    possible = [("code-review", key) for key in STORIES] + [("dev-story", key) for key in developed]
    free = [(command, key) for command, key in possible if key not in entries[command]]
    for (command, key), mishap in zip(dice.sample(free, len(MISHAPS)), MISHAPS, strict=True):
        entries[command][key] = [mishap, "ok"]
    return entries


@pytest.mark.slow
@pytest.mark.worlds  # with `make night`: the least wait for a limit is a minute
async def test_a_night_in_a_minute(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script(dice)))
    night = Unattended(tmp_path, STORIES, ["--script", str(path)], SETTINGS)
    await night.start()
    try:
        assert await night.post("start", batch_size="all") == (202, {"batch_id": 1})
        await disturb(night, dice)
        run = await until_idle(night)
        assert run["batch"]["status"] == "completed", night.server.errors()[-2000:]
        assert run["reason"].startswith("blocked: ")
        assert await night.faults() == [], f"seed {SEED}"
        check_story(await night.events())
        check_stories(night, run)
    finally:
        await night.end()


async def until_idle(night: Unattended) -> dict[str, Any]:
    """Press "try now" at every wait: the limits of the script are over by then, the steps of the backoff are not."""
    while (run := await night.until(lambda run: run["state"] in ("idle", "waiting")))["state"] == "waiting":
        status, _ = await night.post("resume")
        assert status in (202, 409)  # it may have continued by itself
        await asyncio.sleep(POLL_S)
    return run


async def disturb(night: Unattended, dice: random.Random) -> None:
    """Pull the plug and fill the disk, each after some more events; every second time Resume has to be pressed."""
    for number in range(KILLS + 1):
        seq = (await night.run())["seq"] + dice.randrange(120, 260)
        await night.until(lambda run, seq=seq: run["seq"] >= seq or run["state"] == "idle")  # type: ignore[misc]
        if number == 1:
            await fill_disk(night)
            continue
        await night.kill()
        await night.start(SPRINT_RUNNER_AUTO_RESUME="false" if number == 2 else "true")
        run = await night.run()
        if number == 2 and run["state"] == "idle":
            assert run["resumable"] == 1
            assert await night.post("resume") == (202, {"batch_id": 1})
        assert (await night.run())["state"] != "idle"


async def fill_disk(night: Unattended) -> None:
    """Until the run pauses for it."""
    said = night.server.errors().count("the run waits for the database")
    with night.full_disk(LEFT_BYTES):
        async with asyncio.timeout(LONG_S):
            while night.server.errors().count("the run waits for the database") <= said:
                await asyncio.sleep(POLL_S)
        await night.until(lambda run: run["problem"] is not None)  # it may come and go


def check_story(events: list[dict[str, Any]]) -> None:
    """What the night was: limits that were waited out, kills, a full disk, and mishaps of all kinds."""
    kinds = Counter(
        (event["type"], event["payload"].get("reason") or event["payload"].get("warning_type")) for event in events
    )
    assert kinds["batch:start", None] == sum(kinds[kind] for kind in kinds if kind[0] == "batch:end") == 1
    assert kinds["batch:pause", "usage-limit"] >= 2
    assert kinds["batch:resume", "limit over"] + kinds["batch:resume", "operator"] >= 2
    assert kinds["batch:warning", "disk"] >= 1
    ends = Counter(event["payload"]["status"] for event in events if event["type"] == "command:end")
    assert ends["error"] + ends["stalled"] >= len(MISHAPS) // 2
    assert ends["usage-limit"] >= 2
    assert ends["success"] >= len(STORIES)


def check_stories(night: Unattended, run: dict[str, Any]) -> None:
    """The tracker, the rows and git say the same."""
    emitted = {row["story_key"]: row for row in night.rows("SELECT * FROM stories")}
    status = {story.key: story.raw_status for story in sprint.read(sprint.locate(night.root)).stories}
    assert status.keys() == emitted.keys() == STORIES.keys()
    assert status == {key: row["status"] for key, row in emitted.items()}
    assert {key for key, said in status.items() if said != "done"} >= {key for turns in NEVER.values() for key in turns}
    assert all(row["reason"] for row in emitted.values() if row["status"] == "blocked")
    done = {key for key, said in status.items() if said == "done"}
    assert (run["totals"]["stories_done"], run["totals"]["stories_blocked"]) == (len(done), len(STORIES) - len(done))
    subjects = git(night.root, "log", "--format=%s").splitlines()
    for key in done:
        named = [subject for subject in subjects if key in subject.replace(",", "").split()]
        assert len(named) == 1, f"{key}: {named}"
        if STORIES[key] != "review":
            assert emitted[key]["base_tree"]
            assert git(night.root, "show", f"HEAD:work/{key}.md")
    assert len(done) >= len(STORIES) / 2
