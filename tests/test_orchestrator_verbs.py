"""Tests of the control of a run: limits, pause, stop, the end of the server."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

import base.plausible
from events import current_batch
from orchestrator import NotNow, StopMode
from tests.conftest import MakeRunner
from tests.running.projects import PAIR, READY, TRACKER, alive


class TestLimits:
    async def test_a_usage_limit_is_waited_out_and_is_no_failure(
        self, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(base.plausible, "LIMIT_BACKOFF_S", (1.0,))
        runner = await make_runner(READY, {"dev-story": ["usage-limit:2", "ok"]})
        await runner.run()
        assert runner.statuses() == {"1-1-a": "done"}
        pause = runner.of("batch:pause")[0]
        assert pause["reason"] == "usage-limit"
        assert abs(pause["until"] / 1000 - time.time()) < 20
        assert runner.commands("usage-limit") == ["1-1-a dev-story"]
        assert {end["attempt"] for end in runner.of("command:end")} == {1}

    async def test_waiting_for_a_limit_can_be_cut_short(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY, {"dev-story": ["usage-limit:3600", "ok"]})
        await runner.start()
        await runner.until(lambda event: event.type == "batch:pause")
        assert runner.orchestrator.state == "waiting"
        await runner.orchestrator.resume()
        await runner.until_end()
        assert runner.statuses() == {"1-1-a": "done"}

    async def test_a_wait_for_a_limit_can_become_a_pause(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY, {"dev-story": ["usage-limit:3600", "ok"]})
        await runner.start()
        await runner.until(lambda event: event.type == "batch:pause")
        runner.orchestrator.pause()
        await runner.until(lambda event: event.type == "batch:pause" and event.payload["reason"] == "operator")
        assert runner.orchestrator.state == "paused"
        assert runner.run_state.run.until is None

    async def test_what_only_a_background_review_waits_for_is_shown(self, make_runner: MakeRunner) -> None:
        """The commit waits for the review, and the review for its limit: the run shows the wait, and can be tried."""
        script = {"story-review": ["critical", "usage-limit:3600", "clean"]}
        runner = await make_runner({"1-1-a": "backlog"}, script)
        await runner.start()
        await runner.until(lambda event: event.type == "batch:pause")
        assert "1-1-a dev-story" in runner.commands("success")
        assert (runner.orchestrator.state, runner.run_state.run.reason) == ("waiting", "usage-limit")
        assert runner.run_state.run.until is not None
        await runner.orchestrator.resume()
        await runner.until_end()
        assert runner.statuses() == {"1-1-a": "done"}

    async def test_a_reached_budget_is_not_opened_by_resume(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY)
        await runner.start(budget_usd=0.001)
        await runner.until(lambda event: event.type == "batch:pause")
        assert runner.of("batch:pause")[0]["reason"] == "budget"
        assert runner.of("attention")[0]["kind"] == "budget"
        with pytest.raises(NotNow, match=r"of the batch's budget of \$0.00 is spent: stop the batch and start another"):
            await runner.orchestrator.resume()
        runner.orchestrator.stop(StopMode.GRACEFUL)
        await runner.until_end()
        assert runner.commands() == ["1-1-a dev-story"]

    async def test_a_raised_budget_opens_the_gate(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY, budget_batch_usd=0.001)
        await runner.start()
        await runner.until(lambda event: event.type == "batch:pause")
        runner.settings = msgspec.structs.replace(runner.settings, budget_batch_usd=100.0)
        await runner.until_end()
        assert runner.of("batch:resume")[0]["reason"] == "budget raised"
        assert runner.statuses() == {"1-1-a": "done"}

    async def test_a_budget_holds_over_a_pause_and_a_restart(self, make_runner: MakeRunner) -> None:
        """The operator pauses while the last command crosses the cap; neither Resume nor a restart opens it."""
        runner = await make_runner(READY, budget_batch_usd=0.001)
        await runner.start()
        await runner.until_command("dev-story")
        runner.orchestrator.pause()
        await runner.until(lambda event: event.type == "batch:pause")
        assert runner.run_state.run.reason == "operator"
        for _ in range(2):
            with pytest.raises(NotNow, match="raise budget_batch_usd"):
                await runner.orchestrator.resume()
            await runner.restart()
        assert runner.commands() == ["1-1-a dev-story"]
        runner.orchestrator.stop(StopMode.GRACEFUL)
        await runner.until_end()


class TestPauseAndStop:
    async def test_pause_lets_the_command_end_and_starts_nothing(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY)
        await runner.start()
        await runner.until_command("dev-story")
        runner.orchestrator.pause()
        await runner.until(lambda event: event.type == "batch:pause")
        assert runner.run_state.run.state == "paused"
        assert runner.commands() == ["1-1-a dev-story"]
        assert runner.run_state.run.operations == ()
        with pytest.raises(NotNow):
            runner.orchestrator.pause()
        await runner.orchestrator.resume()
        await runner.until_end()
        assert runner.statuses() == {"1-1-a": "done"}

    async def test_a_pause_taken_back_in_time_is_as_if_it_had_not_been(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY)
        await runner.start()
        await runner.until_command("dev-story")
        runner.orchestrator.pause()
        await runner.until(lambda event: event.type == "batch:warning")
        assert runner.run_state.run.state == "pausing"
        await runner.orchestrator.resume()
        await runner.until(lambda event: event.type == "batch:resume")
        assert runner.run_state.run.state == "running"
        await runner.until_end()
        assert runner.of("batch:pause") == []

    async def test_a_graceful_stop_ends_once_and_the_next_start_goes_on(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(PAIR)
        await runner.start()
        await runner.until_command("dev-story")
        runner.orchestrator.stop(StopMode.GRACEFUL)
        runner.orchestrator.stop(StopMode.GRACEFUL)
        await runner.until_end()
        assert runner.of("batch:end") == [{"batch_id": 1, "cycles_completed": 0, "status": "stopped"}]
        assert runner.commands()[-1] == "1-1-a dev-story"
        await runner.run()
        assert Counter(runner.commands("success")).most_common(1)[0][1] == 1
        assert runner.statuses() == {"1-1-a": "done", "1-2-b": "done"}
        assert runner.log()[:2] == ["feat(1): implement story 1-2-b", "feat(1): implement story 1-1-a"]

    async def test_stop_now_ends_the_agent_and_the_command_runs_again(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY, {"dev-story": ["slow:60", "ok"]})
        await runner.start()
        await runner.until_called("dev-story")
        runner.orchestrator.stop(StopMode.NOW)
        await runner.until_end()
        assert runner.commands("stopped") == ["1-1-a dev-story"]
        assert runner.of("batch:end")[0]["status"] == "stopped"
        assert alive(runner.database.epoch) == []
        await runner.run()
        assert runner.commands("success")[0] == "1-1-a dev-story"
        assert runner.statuses() == {"1-1-a": "done"}

    async def test_stop_now_ends_the_check_too(self, make_runner: MakeRunner, tmp_path: Path) -> None:
        """The agent's own run of the check passes at once; the runner's, which comes after it, would take a minute."""
        script = f"if [ -e {tmp_path}/ran ]; then touch {tmp_path}/again; sleep 60; fi; touch {tmp_path}/ran"
        runner = await make_runner(READY, verify=f"sh -c '{script}'")
        await runner.start()
        async with asyncio.timeout(30):
            while not (tmp_path / "again").exists():
                await asyncio.sleep(0.02)
        runner.orchestrator.stop(StopMode.NOW)
        await asyncio.wait_for(runner.until_end(), 20)
        assert runner.commands("stopped") == ["1-1-a dev-story"]
        assert runner.of("batch:end")[0]["status"] == "stopped"
        runner.settings = msgspec.structs.replace(runner.settings, verify=None)
        batch_id = await runner.run()  # only the check is repeated: the finished call is not paid again
        _, commands = await runner.rows(batch_id)
        assert [row.cost_usd for row in commands if row.command == "dev-story"] == [None]
        assert runner.statuses() == {"1-1-a": "done"}

    async def test_verbs_out_of_place_are_refused(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY)
        for verb in (runner.orchestrator.pause, lambda: runner.orchestrator.stop(StopMode.NOW)):
            with pytest.raises(NotNow, match="no batch is running"):
                verb()
        with pytest.raises(NotNow, match="nothing to resume"):
            await runner.orchestrator.resume()


class TestRestart:
    async def test_an_interrupted_batch_is_resumed_at_the_same_command(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(PAIR, {"dev-story": {"1-2-b": ["slow:60", "ok"]}})
        await runner.start()
        await runner.until_called("dev-story")
        await runner.restart()
        assert runner.orchestrator.state == "idle"
        assert runner.run_state.run.resumable == 1
        assert runner.commands("interrupted") == ["1-2-b dev-story"]
        assert alive(runner.database.epoch) == []
        assert await runner.orchestrator.resume() == 1
        await runner.until_end()
        assert runner.of("batch:end") == [{"batch_id": 1, "cycles_completed": 1, "status": "completed"}]
        assert Counter(runner.commands("success")).most_common(1)[0][1] == 1
        assert runner.statuses() == {"1-1-a": "done", "1-2-b": "done"}

    async def test_a_story_given_up_before_the_end_of_the_server_leaves_the_other_its_plan(
        self, make_runner: MakeRunner
    ) -> None:
        """Both were planned by one command, which is in the record under the first of them."""
        script = {"dev-story": {"1-1-a": ["blocked:no"], "1-2-b": ["slow:60", "ok"]}}
        runner = await make_runner(PAIR, script)
        await runner.start()
        await runner.until_called("dev-story", times=2)
        await runner.restart()
        await runner.orchestrator.resume()
        await runner.until_end()
        assert runner.statuses() == {"1-1-a": "blocked", "1-2-b": "done"}
        assert Counter(name.split()[1] for name in runner.commands("success"))["create-story"] == 1

    async def test_what_is_emitted_after_a_recovery_belongs_to_no_batch(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY, {"dev-story": ["slow:60", "ok"]})
        await runner.start()
        await runner.until_called("dev-story")
        await runner.restart()
        assert current_batch.get() is None

    async def test_a_new_start_takes_over_from_an_interrupted_batch(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY, {"dev-story": ["slow:60", "ok"]})
        await runner.start()
        await runner.until_called("dev-story")
        await runner.restart()
        assert await runner.run() == 2
        ends = [(end["batch_id"], end["status"]) for end in runner.of("batch:end")]
        assert ends == [(1, "stopped"), (2, "completed")]

    async def test_a_pause_survives_a_restart(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY)
        await runner.start()
        await runner.until_command("dev-story")
        runner.orchestrator.pause()
        await runner.until(lambda event: event.type == "batch:pause")
        await runner.restart()
        assert runner.orchestrator.state == "paused"
        await runner.orchestrator.resume()
        await runner.until_end()
        assert runner.commands() == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]

    async def test_auto_resume_goes_on_by_itself(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY, {"dev-story": ["slow:60", "ok"]}, auto_resume=True)
        await runner.start()
        await runner.until_called("dev-story")
        await runner.restart()
        await runner.until_end()
        assert runner.statuses() == {"1-1-a": "done"}

    async def test_a_story_moved_by_hand_meanwhile_enters_where_it_stands(self, make_runner: MakeRunner) -> None:
        runner = await make_runner(READY, {"dev-story": ["slow:60", "ok"]})
        await runner.start()
        await runner.until_called("dev-story")
        await runner.close()
        tracker = runner.root / TRACKER
        tracker.write_text(tracker.read_text().replace("1-1-a: in-progress", "1-1-a: review"))
        await runner.open()
        runner.run_state.apply(runner.events)
        await runner.orchestrator.recover()
        await runner.orchestrator.resume()
        await runner.until_end()
        assert runner.commands("success") == ["1-1-a code-review-1", "1-1-a commit"]
