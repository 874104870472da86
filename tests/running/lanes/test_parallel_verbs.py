"""Tests of the control of parallel stories: rejected starts, pause, stop, the end of the server."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from orchestrator import NotNow, StopMode
from running.gate import Gate
from running.lanes.merge import Merge
from running.lanes.worktree import Worktree
from running.workspace import Workspace
from tests.conftest import MakeRunner
from tests.running.lanes.lane_runs import branches, ends, git, sh, worktrees
from tests.running.projects import TRACKER, Runner, alive

TWO = {"1-1-a": "in-progress", "2-1-b": "in-progress"}


def finished_once(runner: Runner) -> bool:
    """No command was run again after it had succeeded."""
    return Counter(runner.commands("success")).most_common(1)[0][1] == 1


def all_done(runner: Runner) -> bool:
    return (
        set(runner.statuses().values()) == {"done"}
        and {path.name for path in (runner.root / "work").iterdir()} == {"1-1-a.md", "2-1-b.md"}
        and git(runner.root, "log", "--first-parent", "--format=%s").splitlines()
        == ["merge(2): stories 2-1-b", "merge(1): stories 1-1-a", "start"]
        and (branches(runner.root), worktrees(runner)) == ([], [])
    )


class TestRefused:
    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            ("echo more >> README.md", "these files are changed and not committed: README.md: commit or stash them"),
            ("git checkout -q --detach", "no branch is checked out"),
            ("rm -rf .git && git init -q", "has no commit yet"),
            ("git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),vendored", "submodules"),
        ],
    )
    async def test_a_repository_that_is_not_fit(self, make_runner: MakeRunner, spoil: str, why: str) -> None:
        runner = await make_runner(TWO, parallel=2)
        (runner.root / "README.md").write_text("# Tiny\n")
        git(runner.root, "add", "README.md")
        git(runner.root, "commit", "-qm", "read me")
        sh(runner.root, spoil)
        with pytest.raises(NotNow, match=why) as refused:
            await runner.start()
        assert "or set parallel: 1" in str(refused.value)
        assert runner.events == []

    async def test_no_repository(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(TWO, git=False, parallel=2)
        with pytest.raises(NotNow, match="not a git repository"):
            await runner.start()

    async def test_a_changed_tracker_is_the_runs_own(self, make_runner: MakeRunner) -> None:
        runner = await make_runner({"1-1-a": "review"}, parallel=2)
        tracker = runner.root / TRACKER
        tracker.write_text(tracker.read_text() + "# one more comment\n")
        await runner.run()
        assert runner.statuses() == {"1-1-a": "done"}


class TestPauseAndStopOfLanes:
    async def test_a_pause_is_emitted_when_the_last_lane_has_stopped(self, make_runner: MakeRunner) -> None:
        script = {"dev-story": {"1-1-a": ["slow:1+ok"], "2-1-b": ["slow:3+ok"]}}
        runner = await make_runner(TWO, script, parallel=2)
        await runner.start()
        await runner.until_command("dev-story", times=2)
        runner.orchestrator.pause()
        await runner.until(lambda event: event.type == "batch:pause")
        assert runner.run_state.run.operations == ()
        assert sorted(runner.commands()) == ["1-1-a dev-story", "2-1-b dev-story"]
        assert len(runner.of("batch:pause")) == 1
        await runner.orchestrator.resume()
        await runner.until_end()
        assert all_done(runner)

    async def test_a_merge_that_is_made_again_waits_for_the_end_of_a_pause(
        self, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The branch moves on while the merge is checked, and the operator pauses: no second check begins."""
        runner = await make_runner({"1-1-a": "in-progress"}, parallel=2)
        check, may_start = Merge._check, []

        async def checked(merge: Merge, *words: Any) -> None:
            may_start.append(merge._gate.may_start)
            if len(may_start) == 1:
                git(runner.root, "commit", "-q", "--allow-empty", "-m", "the user's")
                runner.orchestrator.pause()
            await check(merge, *words)

        monkeypatch.setattr(Merge, "_check", checked)
        await runner.start()
        await runner.until(lambda event: event.type == "batch:pause")
        assert runner.commands("error") == ["1-1-a merge"]
        assert len(may_start) == 1
        await runner.orchestrator.resume()
        await runner.until_end()
        assert (may_start, runner.statuses()) == ([True, True], {"1-1-a": "done"})

    async def test_a_paused_batch_makes_no_worktree_ready(
        self, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The server was started again while the batch was paused; a worktree that is gone would be made anew."""
        script = {"dev-story": {"1-1-a": ["slow:2+ok"]}}
        runner = await make_runner({"1-1-a": "in-progress"}, script, parallel=2)
        await runner.start()
        await runner.until_command("dev-story")
        runner.orchestrator.pause()
        await runner.until(lambda event: event.type == "batch:pause")
        opened, verb = Worktree.open, ["pause"]
        after: list[str] = []

        async def noted(worktree: Worktree) -> Workspace:
            after.append(verb[-1])
            return await opened(worktree)

        enter, waits = Gate.enter, asyncio.Event()

        async def entered(gate: Gate) -> None:
            waits.set()
            await enter(gate)

        monkeypatch.setattr(Worktree, "open", noted)
        monkeypatch.setattr(Gate, "enter", entered)
        await runner.restart()
        await waits.wait()
        await asyncio.sleep(0)  # the lane's task was made before the queue came to the gate
        verb.append("resume")
        await runner.orchestrator.resume()
        await runner.until_end()
        assert (after, runner.statuses()) == (["resume"], {"1-1-a": "done"})

    async def test_a_stopped_batch_keeps_its_lanes_and_the_next_one_goes_on_in_them(
        self, make_runner: MakeRunner
    ) -> None:
        script = {"dev-story": {"1-1-a": ["slow:60", "ok"]}}
        runner = await make_runner(TWO, script, parallel=2)
        await runner.start()
        await runner.until_called("dev-story")
        await runner.until(lambda event: event.type == "command:end" and event.payload["command"] == "commit")
        runner.orchestrator.stop(StopMode.NOW)
        await runner.until_end()
        assert runner.of("batch:end") == [{"batch_id": 1, "cycles_completed": 0, "status": "stopped"}]
        assert runner.statuses() == {"1-1-a": "in-progress", "2-1-b": "review"}
        assert worktrees(runner) == ["1-1-1-a", "1-2-1-b"]
        assert alive(runner.database.epoch) == []
        await runner.run()
        assert [start.get("branch") for start in runner.of("cycle:start")[2:]] == [
            "sprint-runner/1/1-1-a",
            "sprint-runner/1/2-1-b",
        ]
        assert finished_once(runner)
        assert all_done(runner)

    async def test_lanes_are_finished_where_stories_run_one_by_one_again(self, make_runner: MakeRunner) -> None:
        script = {"code-review": {"1-1-a": ["slow:60", "ZERO ISSUES"], "2-1-b": ["slow:60", "ZERO ISSUES"]}}
        runner = await make_runner(TWO, script, parallel=2)
        await runner.start()
        await runner.until_called("code-review", times=2)
        await runner.close()
        runner.settings = type(runner.settings)(agent="demo", retries=1, parallel=1)
        await runner.open()
        runner.run_state.apply(runner.events)
        await runner.orchestrator.recover()
        await runner.orchestrator.resume()
        await runner.until_end()
        assert ends(runner) == [(1, ["1-1-a"], []), (2, ["2-1-b"], [])]
        assert finished_once(runner)
        assert all_done(runner)

    async def test_an_agent_that_cannot_run_pauses_every_lane(self, make_runner: MakeRunner) -> None:
        script = {"dev-story": {"1-1-a": ["slow:1", "ok"], "2-1-b": ["auth", "ok"]}}
        runner = await make_runner(TWO, script, parallel=2)
        await runner.start()
        pause = await runner.until(lambda event: event.type == "batch:pause")
        assert pause.payload["reason"] == "agent"
        assert [emitted["kind"] for emitted in runner.of("attention")] == ["agent"]
        await runner.orchestrator.resume()
        await runner.until_end()
        assert all_done(runner)


class TestRestartOfLanes:
    async def test_both_lanes_go_on_at_the_same_command(self, make_runner: MakeRunner) -> None:
        script = {"dev-story": {"1-1-a": ["slow:60", "ok"]}, "code-review": {"2-1-b": ["slow:60", "ZERO ISSUES"]}}
        runner = await make_runner(TWO, script, parallel=2)
        await runner.start()
        await runner.until_called("dev-story")
        await runner.until_called("code-review")
        await runner.restart()
        assert runner.run_state.run.resumable == 1
        assert sorted(runner.commands("interrupted")) == ["1-1-a dev-story", "2-1-b code-review-1"]
        assert [cycle.number for cycle in runner.run_state.run.cycles] == [1, 2]
        await runner.orchestrator.resume()
        await runner.until_end()
        assert len(runner.of("cycle:start")) == 2
        assert ends(runner) == [(1, ["1-1-a"], []), (2, ["2-1-b"], [])]
        assert finished_once(runner)
        assert all_done(runner)

    async def test_a_story_given_up_leaves_the_other_its_plan(self, make_runner: MakeRunner) -> None:
        """The first is done in its lane and waits for its turn to be merged; both were planned by one command."""
        stories = {"1-1-a": "in-progress", "2-1-b": "backlog", "2-2-c": "backlog"}
        script = {"dev-story": {"1-1-a": ["slow:60", "ok"], "2-2-c": ["blocked:no"]}}
        runner = await make_runner(stories, script, parallel=2)
        await runner.start()
        await runner.until_command("commit", "command:end")
        await runner.until_called("dev-story", times=2)
        await runner.restart()
        await runner.orchestrator.resume()
        await runner.until_end()
        assert runner.statuses() == {"1-1-a": "done", "2-1-b": "done", "2-2-c": "blocked"}
        assert finished_once(runner)

    async def test_auto_resume_that_is_refused_is_said(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(TWO, {"dev-story": ["slow:60", "ok"]}, parallel=2, auto_resume=True)
        await runner.start()
        await runner.until_called("dev-story")
        (runner.root / ".gitignore").write_text(".sprint-runner/\nmore\n")
        await runner.restart()
        assert runner.orchestrator.state == "idle"
        assert "these files are changed" in runner.of("attention")[-1]["message"]
