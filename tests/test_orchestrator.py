"""Tests of whole runs: a real project, a real agent process, every verb and its effects."""

from __future__ import annotations

import asyncio
import json
import os
import time

import msgspec
import pytest

from orchestrator import BadRequest, NotNow
from running.cycle import Cycle
from settings import AgentConfig, CommandConfig
from tests.conftest import MakeRunner
from tests.running.projects import PAIR, READY, TRACKER, Runner
from tests.store.disks import full


async def test_a_batch_runs_every_story_to_done(make_runner: MakeRunner) -> None:
    runner = await make_runner({**PAIR, "1-10-c": "backlog", "2-1-d": "backlog"})
    batch_id = await runner.run()
    assert set(runner.statuses().values()) == {"done"}
    assert [payload["story_keys"] for payload in runner.of("cycle:start")] == [
        ["1-1-a", "1-2-b"],
        ["1-10-c"],
        ["2-1-d"],
    ]
    shared = [payload for payload in runner.of("command:end") if len(payload.get("story_keys", ())) > 1]
    assert {(payload["command"], *payload["story_keys"]) for payload in shared} >= {("create-story", "1-1-a", "1-2-b")}
    assert runner.of("batch:end") == [{"batch_id": batch_id, "cycles_completed": 3, "status": "completed"}]
    assert runner.events[0].type == "batch:start"
    assert runner.events[-1].type == "batch:end"
    assert [event.seq for event in runner.events] == list(range(1, len(runner.events) + 1))
    assert all(event.batch_id == batch_id for event in runner.events)
    assert runner.log() == [
        "feat(2): implement story 2-1-d",
        "feat(1): implement story 1-10-c",
        "feat(1): implement story 1-2-b",
        "feat(1): implement story 1-1-a",
        "start",
    ]


async def test_the_tracker_keeps_every_other_byte(make_runner: MakeRunner) -> None:
    runner = await make_runner(PAIR)
    before = (runner.root / TRACKER).read_text()
    await runner.run()
    expected = before.replace("epic-1: backlog", "epic-1: in-progress").replace(": backlog ", ": done ")
    assert (runner.root / TRACKER).read_text() == expected


async def test_a_batch_ends_after_its_number_of_cycles(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "review", "2-1-b": "review", "3-1-c": "review"})
    await runner.run(cycles=2)
    assert runner.of("batch:end")[0]["cycles_completed"] == 2
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "done", "3-1-c": "review"}


async def test_every_story_enters_at_its_own_phase(make_runner: MakeRunner) -> None:
    script = {"create-tech-spec": {"2-1-b": ["ok"]}}
    runner = await make_runner({"1-1-a": "in-progress", "1-2-b": "review", "2-1-b": "ready-for-dev"}, script)
    with (runner.root / TRACKER.parent / "2-1-b.md").open("a") as story:
        story.write("\nIt needs a tech-spec.\n")
    await runner.run()
    assert runner.commands() == [
        "1-1-a dev-story",
        "1-1-a code-review-1",
        "1-1-a commit",
        "1-2-b code-review-1",
        "1-2-b commit",
        "2-1-b create-tech-spec",
        "2-1-b tech-spec-review-1",
        "2-1-b dev-story",
        "2-1-b code-review-1",
        "2-1-b commit",
    ]


async def test_the_ledger_adds_up(make_runner: MakeRunner) -> None:
    runner = await make_runner(PAIR, {"dev-story": {"1-1-a": ["fail", "ok"]}})
    batch_id = await runner.run()
    _, commands = await runner.rows(batch_id)
    booked = sum(end["metrics"]["cost_usd"] for end in runner.of("command:end"))
    assert booked == pytest.approx(sum(row.cost_usd for row in commands))
    assert runner.run_state.run.totals.cost_usd == pytest.approx(booked)
    assert booked > 0
    assert all(row.ended_at is not None and row.duration_ms is not None for row in commands)


async def test_of_eight_simultaneous_starts_one_wins(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    results = await asyncio.gather(*(runner.start() for _ in range(8)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NotNow"] * 7 + ["int"]
    assert {str(result) for result in results if isinstance(result, NotNow)} == {
        "a batch is being started: all stories"
    }
    with pytest.raises(NotNow, match="a batch is running already: batch 1, all stories"):
        await runner.start(2)
    assert runner.run_state.run.batch is not None
    assert runner.run_state.run.batch.label == "all stories"
    await runner.until_end()
    assert len(runner.of("batch:start")) == len(runner.of("batch:end")) == 1


async def test_a_missing_agent_is_refused_before_anything_starts(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    with pytest.raises(NotNow, match="no-such-agent-anywhere"):
        await runner.start(agent="missing")
    with pytest.raises(BadRequest, match="agent"):
        await runner.start(agent="nobody")
    with pytest.raises(BadRequest, match="stories"):
        await runner.start(stories=["9-9-x"])
    assert runner.events == []
    assert runner.statuses() == {"1-1-a": "in-progress"}


async def test_nothing_to_run_is_said(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "done", "1-2-b": "deferred"})
    with pytest.raises(NotNow, match="no story can run: all are done, blocked or out of scope"):
        await runner.start()


async def test_what_cannot_be_worked_with_is_named_when_nothing_runs(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "done", "1-2-b": "nearly-there"})
    with pytest.raises(NotNow, match=r"these cannot be worked with: 1-2-b \(nearly-there\)") as refused:
        await runner.start()
    assert refused.value.code == "cannot_run"


async def test_an_agent_that_cannot_log_in_pauses_the_batch_and_judges_no_story(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["auth", "ok"]})
    await runner.start()
    pause = await runner.until(lambda event: event.type == "batch:pause")
    assert pause.payload["reason"] == "agent"
    assert [attention["kind"] for attention in runner.of("attention")] == ["agent"]
    assert runner.statuses() == {"1-1-a": "in-progress"}
    await runner.restart()
    assert runner.orchestrator.state == "paused"
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.of("error") == []


async def test_a_check_that_cannot_be_started_judges_no_story(make_runner: MakeRunner) -> None:
    """The agent's own run of the check takes the program away; the finished call is not repeated."""
    runner = await make_runner(READY)
    program = runner.root.parent / "check-it"
    program.write_text('#!/bin/sh\nchmod 644 "$0"\n')
    program.chmod(0o755)
    runner.settings = msgspec.structs.replace(runner.settings, verify=str(program))
    await runner.start()
    pause = await runner.until(lambda event: event.type == "batch:pause")
    assert pause.payload["reason"] == "verify"
    assert "cannot be started (Permission denied)" in runner.of("attention")[0]["message"]
    assert runner.statuses() == {"1-1-a": "in-progress"}
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    _, commands = await runner.rows(1)
    developed = [(row.status, row.cost_usd is None) for row in commands if row.command == "dev-story"]
    assert developed == [("unchecked", False), ("success", True)]


async def test_a_check_whose_program_is_missing_is_refused_at_the_start(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, verify="no-such-check --all")
    with pytest.raises(NotNow, match="no-such-check was not found"):
        await runner.start()
    assert runner.events == []


async def test_an_exception_of_ours_ends_the_batch_and_the_next_one_starts(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await make_runner(READY)
    with monkeypatch.context() as patch:
        patch.setattr(Cycle, "run", lambda *_: (_ for _ in ()).throw(ValueError("broken inside")))
        await runner.run()
    assert runner.of("batch:end") == [
        {"batch_id": 1, "cycles_completed": 0, "status": "error", "reason": "broken inside"}
    ]
    assert runner.of("error")[0]["message"] == "broken inside"
    assert runner.orchestrator.state == "idle"
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("no-marker", "unreadable verdict"),
        ("fail", "dev-story failed 2 times"),
        ("crash", "dev-story failed 2 times"),
        ("no-change", "nothing was changed"),
    ],
)
async def test_what_cannot_be_believed_is_retried_and_then_blocks(
    make_runner: MakeRunner, behaviour: str, reason: str
) -> None:
    runner = await make_runner({"1-1-a": "in-progress", "1-2-b": "review"}, {"dev-story": {"1-1-a": [behaviour]}})
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked", "1-2-b": "done"}
    assert runner.commands("error") == ["1-1-a dev-story"] * 2
    assert reason in runner.of("attention")[0]["message"]
    assert runner.of("cycle:end")[0]["completed_stories"] == ["1-2-b"]
    assert runner.of("cycle:end")[0]["blocked_stories"] == ["1-1-a"]


async def test_a_failed_attempt_is_made_good_by_the_next(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["crash", "ok"]})
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert [end["attempt"] for end in runner.of("command:end") if end["command"] == "dev-story"] == [1, 2]


async def test_the_agents_own_word_that_it_is_blocked(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["blocked:two rules contradict each other"]})
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked"}
    assert "two rules contradict each other" in runner.of("attention")[0]["message"]
    assert runner.commands() == ["1-1-a dev-story"]


@pytest.mark.parametrize(
    ("verdicts", "rounds", "status"),
    [
        (["ZERO ISSUES"], 1, "done"),
        (["HIGH:one", "ZERO ISSUES"], 2, "done"),
        (["CRITICAL:one", "HIGH:two", "MEDIUM:three"], 3, "done"),
        (["HIGH:the same", "HIGH:the same", "HIGH:the same"], 3, "blocked"),
        (["CRITICAL:one", "CRITICAL:two", "CRITICAL:three", "CRITICAL:four"], 4, "blocked"),
        (["CRITICAL:one", "crash"], 1, "blocked"),
    ],
)
async def test_the_code_review_loop(make_runner: MakeRunner, verdicts: list[str], rounds: int, status: str) -> None:
    script = {"code-review": verdicts}
    runner = await make_runner({"1-1-a": "review"}, script, max_code_review_attempts=4)
    await runner.run()
    assert runner.statuses() == {"1-1-a": status}
    good = [name for name in runner.commands("success") if "code-review" in name]
    assert good == [f"1-1-a code-review-{number}" for number in range(1, rounds + 1)]


async def test_later_reviews_use_the_light_model(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "review"}, {"code-review": ["HIGH:x", "ZERO ISSUES"]})
    await runner.run()
    starts = {start["command"]: start.get("model") for start in runner.of("command:start")}
    assert starts["code-review-1"] == "sonnet"
    assert starts["code-review-2"] == "haiku"


async def test_models_and_agents_of_single_commands(make_runner: MakeRunner) -> None:
    runner = await make_runner(
        {"1-1-a": "in-progress"},
        {"code-review": ["HIGH:x", "ZERO ISSUES"]},
        agents={"demo": AgentConfig("claude", ["unused"], review_model="opus")},
        commands={"commit": CommandConfig(model="haiku")},
        commit_by="agent",
    )
    await runner.run()
    starts = {start["command"]: start["model"] for start in runner.of("command:start")}
    expected = {"dev-story": "sonnet", "code-review-1": "opus", "code-review-2": "haiku", "commit": "haiku"}
    assert starts == expected


async def test_a_check_that_fails_keeps_a_story_from_being_done(make_runner: MakeRunner) -> None:
    """The agent's own run of the check passes; the runner's, which comes after it, does not."""
    count = "n=$(cat ../runs 2>/dev/null || echo 0); n=$((n + 1)); echo $n > ../runs; exit $(((n + 1) % 2))"
    runner = await make_runner(READY, verify=f"sh -c '{count}'")
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked"}
    assert "ended with 1" in runner.of("attention")[0]["message"]


async def test_further_reviews_run_in_the_background_and_end_before_the_batch(make_runner: MakeRunner) -> None:
    script = {"story-review": ["critical", "slow:1+clean"], "create-story": ["ok"]}
    runner = await make_runner({"1-1-a": "backlog"}, script)
    await runner.run()
    beside = [start for start in runner.of("command:start") if start["background"]]
    assert [start["command"] for start in beside] == ["story-review-2"]
    assert beside[0]["model"] == "haiku"
    order = runner.commands()
    assert order.index("1-1-a story-review-2") < order.index("1-1-a commit")
    assert runner.events[-1].type == "batch:end"
    assert runner.orchestrator.state == "idle"


async def test_a_status_the_agent_moved_itself_is_respected(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, {"dev-story": ["sets-status:review"]})
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    moves = [(move["old_status"], move["new_status"]) for move in runner.of("story:status")]
    assert moves == [("in-progress", "review"), ("review", "done")]


async def test_without_git_nothing_is_committed_and_it_is_said(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, git=False)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert [warning["warning_type"] for warning in runner.of("batch:warning")] == ["git"]
    assert runner.commands() == ["1-1-a dev-story", "1-1-a code-review-1"]


class TestContext:
    async def test_missing_is_made_first(self, make_runner: MakeRunner) -> None:
        runner = await make_runner({"1-1-a": "review"}, context=False)
        batch_id = await runner.run()
        types = [event.type for event in runner.events]
        assert types[:4] == ["batch:start", "context:create", "context:complete", "cycle:start"]
        assert (runner.root / "_bmad-output/project-context.md").is_file()
        _, commands = await runner.rows(batch_id)
        assert (commands[0].command, commands[0].story_id, commands[0].status) == (
            "create-project-context",
            None,
            "success",
        )
        assert runner.run_state.run.totals.commands == len(commands)

    async def test_old_is_refreshed_beside_the_run(self, make_runner: MakeRunner) -> None:
        runner = await make_runner({"1-1-a": "review"}, {"refresh-project-context": ["slow:2"]})
        context = runner.root / "_bmad-output/project-context.md"
        old = time.time() - 25 * 3600
        os.utime(context, (old, old))
        await runner.run()
        assert len(runner.of("context:refresh")) == 1
        assert runner.of("batch:end")[0]["status"] == "completed"
        assert runner.of("context:complete") == []
        assert runner.orchestrator.state == "idle"
        await runner.until(lambda event: event.type == "context:complete")
        assert runner.orchestrator.state == "idle"

    async def test_fresh_is_left_alone(self, make_runner: MakeRunner) -> None:
        runner = await make_runner({"1-1-a": "review"})
        await runner.run()
        assert not [event for event in runner.events if event.type.startswith("context:")]


async def test_a_full_disk_stops_the_run_for_as_long_as_it_lasts(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    await runner.start()
    await runner.until_command("dev-story")
    with full(runner.database):
        async with asyncio.timeout(30):
            while runner.database.writer.failure is None:
                await asyncio.sleep(0.02)
        emitted = len(runner.events)
        await asyncio.sleep(2)
        assert len(runner.events) == emitted
        assert runner.orchestrator.state == "running"
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert runner.commands("success") == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]
    assert [warning["warning_type"] for warning in runner.of("batch:warning")] == ["disk"]
    assert [event.seq for event in runner.events] == list(range(1, len(runner.events) + 1))


async def test_the_rows_say_what_the_events_say(make_runner: MakeRunner) -> None:
    runner: Runner = await make_runner(PAIR, {"code-review": {"1-1-a": ["HIGH:x", "ZERO ISSUES"]}})
    batch_id = await runner.run()
    stories, commands = await runner.rows(batch_id)
    assert [(row.story_key, row.status) for row in stories] == [("1-1-a", "done"), ("1-2-b", "done")]
    emitted = {end["command_id"]: end for end in runner.of("command:end")}
    assert {row.id for row in commands} == set(emitted)
    for row in commands:
        assert row.status == emitted[row.id]["status"]
        assert row.word == emitted[row.id].get("verdict")
        assert json.loads(row.story_keys)
