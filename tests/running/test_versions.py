"""Unattended builds end to end by the rules of each version of BMAD that has them: real program, scripted agent.

A build halts on a work tree that is not clean; versions differ in the name of the skill, of its file, in the last
status and in where deferred findings go. One story is blocked in the middle of the night, all others are built.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.running.plans import EPIC_A, entries, git, make_repository, make_stories, make_tickets, ticket
from tests.running.test_case_runs import serving
from tests.servers import ROOT, get, post

HERE = "_bmad-output/implementation-artifacts"
TRACKER = "development_status:\n  epic-1: backlog\n  1-1-a: backlog\n  1-2-b: backlog\n  1-3-c: backlog\n"
LIST = "".join(f'- id: "{number}"\n  title: Story {number}\n' for number in (1, 2, 3))


@dataclass(frozen=True)
class Version:
    """A version of BMAD as it is installed: its skill, and what a finished build of a story of a tracker leaves."""

    name: str
    skill: str = "bmad-build-auto"
    record: str = "spec-"
    ending: str = "done"

    @property
    def files(self) -> dict[str, str]:
        shim = "---\nname: bmad-dev-auto\nmetadata:\n  lifecycle: shim\n---\n"
        found = {f".claude/skills/{self.skill}/SKILL.md": f"---\nname: {self.skill}\n---\n"}
        return found if self.name == "6.10" else {".claude/skills/bmad-dev-auto/SKILL.md": shim, **found}


VERSIONS = (
    Version("6.10", skill="bmad-dev-auto"),
    Version("6.11"),
    Version("6.12"),
    Version("7", "bmad-build-auto", "plan-", "built"),
)


def _cases(versions: Sequence[Version]) -> list[Any]:
    """The oldest version and the newest in `make test`, those between them only in `make worlds`."""
    last = len(versions) - 1
    marks = [() if at in (0, last) else pytest.mark.worlds for at in range(len(versions))]
    return [pytest.param(one, marks=mark, id=one.name) for one, mark in zip(versions, marks, strict=True)]


def agent(tmp_path: Path, version: str, blocked: str, found: str) -> tuple[str, ...]:
    """The scripted agent under a version's rules: one story is blocked, the build of another puts something off."""
    script = tmp_path / "script.json"
    script.write_text(
        json.dumps({"build-auto": {blocked: ["blocked:unclear intent"], found: ["deferred:No log is kept"]}})
    )
    return (sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max", "--bmad", version, "--script", str(script))


async def night(client: aiohttp.ClientSession) -> dict[str, str]:
    """Run everything; the statuses afterwards."""
    assert (await post(client, "/api/run/start", {"batch_size": "all"}))[0] == 202
    while (run := await get(client, "/api/run"))["state"] != "idle":
        assert run["state"] != "paused", run
        await asyncio.sleep(0.1)
    return {story["key"]: story["status"] for story in (await get(client, "/api/sprint"))["stories"]}


async def findings(client: aiohttp.ClientSession) -> list[tuple[str, str]]:
    return [(one["story_key"], one["summary"]) for one in (await get(client, "/api/deferred"))["findings"]]


@pytest.mark.parametrize("version", _cases(VERSIONS))
async def test_a_night_beside_a_tracker(tmp_path: Path, version: Version) -> None:
    root = make_repository(tmp_path / "x", {f"{HERE}/sprint-status.yaml": TRACKER, **version.files})
    if version.name == "6.10":
        git(root, "rm", "-q", ".claude/skills/bmad-build-auto/SKILL.md")
    async with serving(root, {}, agent(tmp_path, version.name, "1-2-b", "1-3-c")) as client:
        assert await night(client) == {"1-1-a": "done", "1-2-b": "blocked", "1-3-c": "done"}
        assert await findings(client) == [("1-3-c", "No log is kept")]
        commands = [one["command"] for one in (await get(client, "/api/commands"))["commands"]]
        assert commands.count("build-auto") == 3
        dossier = await get(client, "/api/stories/1-3-c")
        assert [one["summary"] for one in dossier["deferred"]] == ["No log is kept"]
        assert dossier["criteria"]
        assert (await get(client, "/api/stories/1-2-b"))["reason"] == "unclear intent"
    text = (root / HERE / f"{version.record}1-3-c.md").read_text()
    assert f"\nstatus: {version.ending}\n" in text
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("version", _cases(VERSIONS[:-1]))
async def test_a_night_over_a_list_of_stories(tmp_path: Path, version: Version) -> None:
    root = make_stories(tmp_path / "x", LIST, version.files)
    if version.name == "6.10":
        git(root, "rm", "-q", ".claude/skills/bmad-build-auto/SKILL.md")
    async with serving(root, {}, agent(tmp_path, version.name, "2", "3")) as client:
        assert await night(client) == {"1": "done", "2": "blocked", "3": "done"}
        assert await findings(client) == [("3", "No log is kept")]
    assert "\nstatus: done\n" in (root / "specs/x/stories/1-story-1.md").read_text()
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("lanes", [1, 2])
async def test_a_night_over_tickets(tmp_path: Path, lanes: int) -> None:
    listed = entries(
        ticket(1, "One"), ticket(2, "Two", "after = [1]"), ticket(3, "Three"), ticket(4, "Four", "after = [3]")
    )
    root = make_tickets(
        tmp_path / "x", {f"{EPIC_A}/tickets.toml": listed, "sprint-runner.yaml": f"parallel: {lanes}\n"}
    )
    async with serving(root, {}, agent(tmp_path, "7", "1.1", "1.3")) as client:
        assert await night(client) == {"1.1": "blocked", "1.2": "backlog", "1.3": "done", "1.4": "done", "2.1": "done"}
        assert await findings(client) == [("1.3", "No log is kept")]
    plan = (root / EPIC_A / "story-three-plan.md").read_text()
    assert "\nstatus: done\n" in plan
    assert "\nlenses_ran: [correctness]\n" in plan
    assert git(root, "status", "--porcelain") == ""
