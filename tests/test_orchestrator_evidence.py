"""Tests of whole runs with false claims: a claim without evidence fails, and a status by others is respected."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import pytest

import running.command_waits
from agents import AgentSpec
from orchestrator import StopMode
from settings import CommandConfig
from store.checks import get_checks_by_key
from store.stories import get_stories_by_batch
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner


def head(runner: Runner) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=runner.root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def row_statuses(runner: Runner, batch_id: int) -> dict[str, str]:
    return {row.story_key: row.status for row in await runner.database.read(get_stories_by_batch, batch_id)}


# -- the tracker ---------------------------------------------------------------------------------------------------


async def test_an_agent_that_writes_done_and_fails_is_blocked(make_runner: MakeRunner) -> None:
    """Pitfall: the board lies, cards on Done while the agent failed. The tracker is not set back; the run says why."""
    runner = await make_runner(READY, {"dev-story": ["sets-status:done+no-marker"]})
    batch_id = await runner.run()
    assert await row_statuses(runner, batch_id) == {"1-1-a": "blocked"}
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.of("attention")[-1]["kind"] == "blocked"
    assert runner.of("cycle:end")[0]["completed_stories"] == []
    assert not any("commit" in command for command in runner.commands())


async def test_an_agent_that_writes_done_is_reviewed_all_the_same(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["sets-status:done"]})
    await runner.run()
    assert runner.commands("success") == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]
    moves = [(move["old_status"], move["new_status"]) for move in runner.of("story:status")]
    assert moves == [("in-progress", "review"), ("review", "done")]


async def test_a_story_that_is_parked_meanwhile_is_left(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["sets-status:deferred"]})
    await runner.run()
    assert runner.statuses() == {"1-1-a": "deferred"}
    assert runner.commands() == ["1-1-a dev-story"]
    assert runner.of("batch:end")[0]["status"] == "completed"


# -- files and git -------------------------------------------------------------------------------------------------


LIAR = f"{sys.executable} -c \"print('[NO-CHANGES-TO-COMMIT]')\""


async def test_nothing_to_commit_is_not_believed_while_the_work_is_uncommitted(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, commands={"commit": CommandConfig(agent="liar")}, commit_by="agent")
    agents = cast(dict[str, AgentSpec], runner.workspace.agents)
    agents["liar"] = AgentSpec(name="liar", kind="text", command=tuple(shlex.split(LIAR)))
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.commands("error") == ["1-1-a commit"] * 2
    attention = runner.of("attention")[-1]
    assert attention["kind"] == "commit"
    assert "there is nothing to commit, but these are not committed: work/1-1-a.md" in attention["message"]


async def test_every_run_of_the_check_is_kept(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"code-review": ["ZERO ISSUES"]}, verify="sh -c 'echo 7 passed'")
    await runner.run()
    checks = await runner.database.read(get_checks_by_key, "1-1-a")
    assert [(check.ok, check.tail) for check in checks] == [(1, "7 passed")] * 2
    said = [
        emitted["message"] for emitted in runner.of("command:progress") if emitted["message"].startswith("The check ")
    ]
    assert len(said) == 2


async def test_a_failing_check_asks_for_another_review(make_runner: MakeRunner, tmp_path: Path) -> None:
    """The reviewer's own run passes, the runner's after it fails, and everything after that passes."""
    script = tmp_path / "check.sh"
    script.write_text("echo run >> ../runs\n[ $(wc -l < ../runs) != 2 ] || { echo tea is cold; exit 1; }\n")
    runner = await make_runner({"1-1-a": "review"}, verify=f"sh {script}")
    await runner.run()
    checks = await runner.database.read(get_checks_by_key, "1-1-a")
    assert [(check.ok, check.tail) for check in checks] == [(0, "tea is cold"), (1, "")]
    assert runner.commands("success")[:2] == ["1-1-a code-review-1", "1-1-a code-review-2"]
    assert runner.statuses() == {"1-1-a": "done"}


@pytest.mark.parametrize(("changed", "status"), [(False, "blocked"), (True, "done")])
async def test_a_story_at_review_has_work_since_its_baseline(
    make_runner: MakeRunner, changed: bool, status: str
) -> None:
    """The story file says from which commit it was developed; planning documents are not the work."""
    runner = await make_runner({"1-1-a": "review"})
    file = runner.workspace.project.artifacts / "1-1-a.md"
    file.write_text(f"---\nbaseline_commit: {head(runner)}\n---\n{file.read_text()}")
    if changed:
        (runner.root / "tea.py").write_text("tea\n")
    await runner.run()
    assert runner.statuses() == {"1-1-a": status}
    if not changed:
        assert runner.commands() == []
        assert "nothing was changed in the project since commit" in runner.of("attention")[0]["message"]


# -- faults that are no story's failure ------------------------------------------------------------------------------


async def test_a_service_that_stays_away_is_waited_for_and_blocks_no_story(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.command_waits, "TRANSIENT_BACKOFF_S", (0.01,))
    monkeypatch.setattr(running.command_waits, "UNREACHABLE_S", 0.2)
    runner = await make_runner(READY, {"dev-story": ["overloaded"] * 3 + ["ok"]}, retries=0)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert [emitted["reason"] for emitted in runner.of("batch:pause")] == ["unreachable"] * 2
    assert [emitted["kind"] for emitted in runner.of("attention")] == ["service"]


@pytest.mark.parametrize(
    ("mishap", "status"),
    [
        ("usage-limit:3600", "usage-limit"),
        ("usage-limit:1", "usage-limit"),  # a reset time that is not believed is warned of while a batch runs
        ("overloaded", "transient"),
        ("auth", "refused"),
        ("crash", "error"),
    ],
)
async def test_work_beside_the_run_that_outlives_the_batch_changes_nothing_about_its_state(
    make_runner: MakeRunner, mishap: str, status: str
) -> None:
    """Pitfall: a chain in the background ends after the batch and sets the state back to running."""
    runner = await make_runner({"1-1-a": "review"}, {"refresh-project-context": [f"slow:4+{mishap}", "ok"]})
    old = time.time() - 25 * 3600
    os.utime(runner.root / "_bmad-output/project-context.md", (old, old))
    await runner.run()
    assert runner.orchestrator.state == "idle"
    ended = len(runner.events)
    async with asyncio.timeout(30):
        while not [event for event in runner.events[ended:] if event.type == "context:complete"]:
            await asyncio.sleep(0.05)
        await runner.orchestrator._background.wait()
    assert runner.orchestrator.state == "idle"
    later = {event.type for event in runner.events[ended:]}
    assert later <= {"context:complete", "quota:change"}
    refreshed = [row.status for row in (await runner.rows(1))[1] if row.command == "refresh-project-context"]
    assert refreshed == [status]  # nothing is tried again for a batch that is over


async def test_a_cold_start_reads_rows_that_are_finished(make_runner: MakeRunner) -> None:
    """Pitfall: an exception, or a stop, leaves rows open."""
    runner = await make_runner({"1-1-a": "in-progress", "1-2-b": "in-progress"}, {"dev-story": {"1-1-a": ["auth"]}})
    batch_id = await runner.start()
    await runner.until(lambda event: event.type == "batch:pause")
    runner.orchestrator.stop(StopMode.GRACEFUL)
    await runner.until_end()
    stories, commands = await runner.rows(batch_id)
    assert all(row.ended_at is not None for row in (*stories, *commands))
    assert {row.status for row in stories} == {"in-progress"}
