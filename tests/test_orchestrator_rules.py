"""Rows of the workflow that whole runs show: the status follows the work, specs where decided, limits of time."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator import StopMode
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner


def moves(runner: Runner, key: str = "1-1-a") -> list[str]:
    """The statuses that a story went through."""
    emitted = [move for move in runner.of("story:status") if move["story_key"] == key]
    return [emitted[0]["old_status"], *(move["new_status"] for move in emitted)]


async def test_the_status_follows_the_work(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "backlog"})
    await runner.run()
    assert moves(runner) == ["backlog", "ready-for-dev", "in-progress", "review", "done"]


async def test_a_story_that_is_given_up_is_blocked_in_the_tracker(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "review"}, {"code-review": ["no-marker"]})
    await runner.run()
    assert moves(runner) == ["review", "blocked"]
    assert runner.statuses() == {"1-1-a": "blocked"}


async def test_only_stories_that_need_one_get_a_tech_spec(make_runner: MakeRunner) -> None:
    """Two of the three ask for one and one of these has it, so one is specified, and only its spec is reviewed."""
    runner = await make_runner({"1-1-a": "ready-for-dev", "1-2-b": "ready-for-dev", "2-1-c": "ready-for-dev"})
    for key in ("1-1-a", "1-2-b"):
        with (runner.workspace.project.artifacts / f"{key}.md").open("a") as story:
            story.write("\nIt needs a tech-spec.\n")
    spec = runner.workspace.project.artifacts / "tech-spec-1-1-a.md"
    spec.write_text("# Spec\n")
    await runner.start()
    await runner.until_end()
    specified = [start["story_keys"] for start in runner.of("command:start") if "tech-spec" in start["command"]]
    assert specified == [["1-2-b"], ["1-2-b"]]


async def test_the_third_background_review_runs_only_while_critical(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "backlog"}, {"story-review": ["critical"]})
    await runner.start()
    await runner.until_command("story-review-3", "command:end")
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    reviews = [start for start in runner.of("command:start") if "story-review" in start["command"]]
    assert [(start["command"], start["background"], start["model"]) for start in reviews] == [
        ("story-review-1", False, "sonnet"),
        ("story-review-2", True, "haiku"),
        ("story-review-3", True, "haiku"),
    ]


@pytest.mark.parametrize(
    ("settings", "status", "words"),
    [
        ({"silence_timeout_min": 0.02}, "stalled", "No output for"),
        ({"command_timeout_min": 0.02}, "timeout", ""),
    ],
)
async def test_an_agent_that_takes_too_long_is_ended_and_tried_again(
    make_runner: MakeRunner, settings: dict[str, Any], status: str, words: str
) -> None:
    runner = await make_runner(READY, {"dev-story": ["silent"]}, **settings)
    await runner.run()
    ends = runner.of("command:end")
    assert [(end["status"], end["attempt"]) for end in ends] == [(status, 1), (status, 2)]
    assert words in ends[0]["reason"]
    assert runner.statuses() == {"1-1-a": "blocked"}


async def test_work_that_was_cut_off_stays_in_the_tree(make_runner: MakeRunner) -> None:
    """Pitfall: good work is rolled back after a timeout. The work is written, then the agent says nothing any more."""
    runner = await make_runner(READY, {"dev-story": ["no-marker"]})
    left = runner.root / "work/1-1-a.md"
    mine = runner.root / "notes.txt"
    mine.write_text("of the operator\n")
    head = runner.log()
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked"}
    assert left.is_file()
    assert mine.read_text() == "of the operator\n"
    assert runner.log() == head


async def test_the_light_model_begins_with_the_round_that_is_set(make_runner: MakeRunner) -> None:
    script = {"code-review": ["HIGH:x", "HIGH:y", "ZERO ISSUES"]}
    runner = await make_runner({"1-1-a": "review"}, script, light_model_after_review=3)
    await runner.run()
    models = [start["model"] for start in runner.of("command:start") if "review" in start["command"]]
    assert models == ["sonnet", "sonnet", "haiku"]
