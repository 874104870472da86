"""Gates of settings and batches: at the plan, before a commit, after a story; with lanes and restarts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents import Call
from running.gates import GateDecision
from store.commands import get_commands_by_key
from store.stories import get_commits_of
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner
from tests.running.test_gates import at_gate, decide

NEW = {"1-1-a": "backlog"}
PAIR = {"1-1-a": "ready-for-dev", "1-2-b": "ready-for-dev"}


async def answer(runner: Runner, *decisions: GateDecision | str, first: int = 1) -> list[dict[str, Any]]:
    """Decide at one gate after the other; a text sends back with it. The calls for the decisions."""
    seen = []
    for number, choice in enumerate(decisions, start=first):
        seen.append(await at_gate(runner, number))
        decision = choice if isinstance(choice, GateDecision) else GateDecision.BACK
        await decide(runner, seen[-1], decision, choice if decision is GateDecision.BACK else None)
    return seen


async def until_paused(runner: Runner, times: int = 1) -> None:
    """The run has been paused so often."""
    await runner.until(lambda _event: len(runner.of("batch:pause")) >= times)


async def test_a_plan_is_sent_back_with_comments_and_then_approved(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(NEW, gates=["plan"])
    await runner.start()
    gate = await at_gate(runner)
    assert gate["message"].endswith("1-1-a.md before the first line of code")
    assert runner.statuses() == {"1-1-a": "ready-for-dev"}
    await decide(runner, gate, GateDecision.BACK, "1-1-a.md:3: say which date")
    await answer(runner, GateDecision.GO, first=2)
    await runner.until_end()
    assert runner.of("batch:start")[0]["gates"] == ["plan"]
    made = [command.partition(" ")[2] for command in runner.commands()]
    assert sorted(made[:2]) == ["create-story", "story-discovery"]
    assert made[2:6] == ["story-review-1", "create-story-2", "story-review-4", "dev-story"]
    prompts = {name: call.prompt for name, call in zip(made, calls, strict=False)}
    assert "Deal with every comment:\n\n1. 1-1-a.md:3: say which date" in prompts["create-story-2"]
    assert "comment by comment" in prompts["story-review-4"]
    assert "say which date" not in prompts["dev-story"]
    assert runner.statuses() == {"1-1-a": "done"}


async def test_work_is_sent_back_before_its_commit(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, gates=["commit"])
    await runner.start()
    gate = await at_gate(runner)
    assert (runner.log(), runner.statuses()) == (["start"], {"1-1-a": "review"})
    await until_paused(runner)
    await runner.restart()
    await decide(runner, gate, GateDecision.BACK, "src/app.py:12: mind the empty list")
    second = await at_gate(runner, 2)
    await until_paused(runner, 2)
    await runner.restart()
    await decide(runner, second, GateDecision.GO)
    await runner.until_end()
    assert runner.commands("success")[:4] == [
        "1-1-a dev-story",
        "1-1-a code-review-1",
        "1-1-a dev-story-3",
        "1-1-a code-review-2",
    ]
    assert "1. src/app.py:12: mind the empty list" in calls[2].prompt
    assert "comment by comment" in calls[3].prompt
    assert runner.log() == ["feat(1): implement story 1-1-a", "start"]
    assert len([call for call in runner.of("attention") if call["kind"] == "gate"]) == 2


async def test_a_story_that_is_skipped_at_its_gate_comes_again_when_it_is_brought_back(make_runner: MakeRunner) -> None:
    runner = await make_runner(PAIR, gates=["commit"])
    await runner.start()
    await answer(runner, GateDecision.SKIP, GateDecision.GO)
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "review", "1-2-b": "done"}
    assert runner.of("story:skip") == [{"story_key": "1-1-a", "skipped": True, "reason": "put aside at its gate"}]
    await runner.orchestrator.steering.bring_back("1-1-a")
    await runner.start()
    await answer(runner, GateDecision.GO, first=3)
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done", "1-2-b": "done"}


async def test_a_skip_decides_the_gate_of_its_story(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, gates=["commit"])
    await runner.start()
    await at_gate(runner)
    assert await runner.orchestrator.steering.skip("1-1-a", "later") is True
    await runner.until_end()
    assert await runner.orchestrator.steering.gates() == []
    assert runner.of("story:skip")[0]["reason"] == "later"
    assert runner.statuses() == {"1-1-a": "review"}


async def test_a_batch_has_gates_of_its_own(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, gates=["commit"])
    await runner.run(gates=[])
    assert runner.statuses() == {"1-1-a": "done"}
    assert "gates" not in runner.of("batch:start")[0]


async def test_a_run_goes_on_after_a_story_when_it_is_told_to(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "ready-for-dev", "2-1-b": "ready-for-dev"}, gates=["done"])
    await runner.start()
    gate = await at_gate(runner)
    assert gate["decisions"] == ["go", "back", "skip", "stop"]
    assert runner.log()[0] == "feat(1): implement story 1-1-a"
    await decide(runner, gate, GateDecision.STOP)
    await runner.until_end()
    assert runner.of("batch:end")[-1]["status"] == "stopped"
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "ready-for-dev"}


async def test_a_lane_is_merged_when_its_gate_is_passed(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "ready-for-dev", "2-1-b": "ready-for-dev"}, gates=["done"], parallel=2)
    await runner.start()
    gate = await at_gate(runner)
    assert not any(subject.startswith("merge(") for subject in runner.log())
    await decide(runner, gate, GateDecision.GO)
    await answer(runner, GateDecision.GO, first=2)
    await runner.until_end()
    assert sum(subject.startswith("merge(") for subject in runner.log()) == 2
    assert len([call for call in runner.of("attention") if call["kind"] == "gate"]) == 2


async def answers(runner: Runner, command: str) -> list[tuple[str, bool, str]]:
    """What a review says of each comment."""
    rows = await runner.database.read(get_commands_by_key, "1-1-a")
    verdict = next(row.verdict for row in rows if row.command == command and row.status == "success")
    return [(a["comment"], a["answered"], a["words"]) for a in json.loads(verdict or "{}")["answers"]]


async def test_what_is_sent_back_after_its_commit_gets_a_further_commit(
    make_runner: MakeRunner, calls: list[Call]
) -> None:
    script = {"code-review": ["ok", "silent", "HIGH", "ok"]}
    runner = await make_runner(READY, script, gates=["done"])
    await runner.start()
    gate = await at_gate(runner)
    assert (runner.log(), runner.statuses()) == (["feat(1): implement story 1-1-a", "start"], {"1-1-a": "done"})
    await until_paused(runner)
    await runner.restart()
    await decide(runner, gate, GateDecision.BACK, "Say it in the footer.\nsrc/app.py:12: mind the empty list")
    await runner.until_called("code-review", 2)
    await runner.restart()
    assert runner.statuses() == {"1-1-a": "review"}
    await runner.orchestrator.resume()
    second = await at_gate(runner, 2)
    await until_paused(runner, 3)
    await runner.restart()
    await decide(runner, second, GateDecision.GO)
    await runner.until_end()
    made = [command.partition(" ")[2] for command in runner.commands("success")]
    assert made == ["dev-story", "code-review-1", "commit", "dev-story-3", "code-review-2", "code-review-3", "commit"]
    assert runner.log() == [*["feat(1): implement story 1-1-a"] * 2, "start"]
    assert runner.statuses() == {"1-1-a": "done"}
    # Each comment by itself: what is open is asked of the next review again.
    whole, line = "Say it in the footer.", "src/app.py:12: mind the empty list"
    assert await answers(runner, "code-review-2") == [(whole, False, "not there yet"), (line, True, "as asked")]
    assert await answers(runner, "code-review-3") == [(whole, True, "as asked")]
    commits = await runner.database.read(get_commits_of, "1-1-a")
    assert len(commits) == 2


@pytest.mark.parametrize("parallel", [1, 2])
async def test_what_is_skipped_after_its_commit_is_put_aside(make_runner: MakeRunner, parallel: int) -> None:
    runner = await make_runner({"1-1-a": "ready-for-dev", "2-1-b": "ready-for-dev"}, gates=["done"], parallel=parallel)
    await runner.start()
    await answer(runner, GateDecision.SKIP, GateDecision.GO)
    await runner.until_end()
    assert runner.statuses()["2-1-b"] == "done"
    assert runner.statuses()["1-1-a"] != "done"
    assert ("feat(1): implement story 1-1-a" in runner.log()) == (parallel == 1)
    await runner.orchestrator.steering.bring_back("1-1-a")
    await runner.start()
    await answer(runner, GateDecision.GO, first=3)
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done", "2-1-b": "done"}
    assert "feat(1): implement story 1-1-a" in runner.log()
