"""Whole batches with a program that has the options of a newer Claude Code, and with one that only says so."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.claude_options import OPTIONAL
from orchestrator import StopMode
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner

PROGRAM = Path(__file__).with_name("newer_claude.py")
VERDICTS = {
    "dev-story": {"complete": True, "blocked": False, "reason": ""},
    "code-review": {
        "highest_severity": "ZERO ISSUES",
        "critical": 0,
        "high": 0,
        "medium": 0,
        "low": 0,
        "findings": [],
    },
}


class Newer:
    """The program behind a runner's agent, whose behaviour a file sets."""

    def __init__(self, runner: Runner, folder: Path) -> None:
        self._state = folder / "newer.json"
        demo = runner.workspace.agents["demo"]
        command = (sys.executable, str(PROGRAM), str(self._state), *demo.command[1:])
        runner.workspace.agents["demo"] = replace(demo, command=command)  # type: ignore[index]

    def set(self, **behaviour: Any) -> None:
        self._state.write_text(json.dumps({"help": sorted(OPTIONAL), **behaviour}))

    @property
    def calls(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self._state.with_suffix(".calls").read_text().splitlines()]


@pytest.fixture
async def make_newer(make_runner: MakeRunner, tmp_path: Path) -> Any:
    async def make(script: Any = None, **settings: Any) -> tuple[Runner, Newer]:
        runner = await make_runner(READY, script, **settings)
        return runner, Newer(runner, tmp_path)

    return make


def notes(runner: Runner) -> list[str]:
    return [event["message"] for event in runner.of("command:progress") if event.get("kind") == "note"]


async def test_a_structured_verdict_counts_where_the_text_has_none(make_newer: Any) -> None:
    runner, newer = await make_newer({"dev-story": "no-marker", "code-review": "no-marker"}, retries=0)
    newer.set(structured=VERDICTS)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert [set(call) for call in newer.calls] == [{"--json-schema", "--permission-prompts", "--input-format"}] * 2
    assert "complete" in newer.calls[0]["--json-schema"]
    assert "highest_severity" in newer.calls[1]["--json-schema"]


async def test_it_counts_before_the_marker(make_newer: Any) -> None:
    runner, newer = await make_newer(retries=0)
    newer.set(structured={"dev-story": {"complete": False, "blocked": True, "reason": "Which colour?"}})
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked"}
    (end,) = runner.of("command:end")
    assert end["verdict"] == "blocked"


@pytest.mark.parametrize("verdict", [{"complete": "perhaps"}, {}], ids=["unreadable", "empty"])
async def test_the_marker_counts_where_it_cannot_be_read(make_newer: Any, verdict: Any) -> None:
    runner, newer = await make_newer(retries=0)
    newer.set(structured={"dev-story": verdict})
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}


async def test_a_program_without_them_is_called_as_ever(make_newer: Any) -> None:
    runner, newer = await make_newer(budget_day_usd=100.0)
    newer.set(help=["--model", "--verbose"])
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert newer.calls == [{}, {}]


async def test_a_help_that_is_wrong_costs_one_call_and_one_note(make_newer: Any) -> None:
    runner, newer = await make_newer(retries=0)
    newer.set(refuse=["--permission-prompts"], structured=VERDICTS)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert ["--permission-prompts" in call for call in newer.calls] == [True, False, False]
    about = [note for note in notes(runner) if "refuses it" in note]
    assert about == ["demo lists --permission-prompts in its help and refuses it: it is called without"]
    assert runner.commands() == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a commit"]


async def test_each_option_that_is_refused_is_left_out(make_newer: Any) -> None:
    runner, newer = await make_newer(retries=0, budget_batch_usd=50.0)
    newer.set(refuse=sorted(OPTIONAL))
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done"}
    assert newer.calls[-2:] == [{}, {}]
    assert len([note for note in notes(runner) if "refuses it" in note]) == 4  # the fallback model is not set


async def test_a_call_may_spend_what_the_smallest_cap_leaves(make_newer: Any) -> None:
    runner, newer = await make_newer(budget_batch_usd=2.0, budget_day_usd=50.0)
    newer.set()
    batch_id = await runner.run()
    first, second = (float(call["--max-budget-usd"]) for call in newer.calls)
    _, commands = await runner.rows(batch_id)
    assert first == 2.0
    assert second == pytest.approx(2.0 - commands[0].cost_usd, abs=0.0001)


async def test_a_call_that_has_spent_it_is_no_failure_and_waits_for_a_larger_cap(make_newer: Any) -> None:
    runner, newer = await make_newer(budget_batch_usd=1.0, retries=0)
    newer.set(spends={"dev-story": 3.0})
    await runner.start()
    await runner.until(lambda event: event.type == "batch:pause")
    assert runner.of("batch:pause")[0]["reason"] == "budget"
    assert runner.statuses() == {"1-1-a": "in-progress"}
    assert float(newer.calls[0]["--max-budget-usd"]) == 1.0
    runner.settings = msgspec.structs.replace(runner.settings, budget_batch_usd=100.0)
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert float(newer.calls[1]["--max-budget-usd"]) == pytest.approx(98.99)
    assert {end["attempt"] for end in runner.of("command:end")} == {1}


async def test_a_model_that_stands_in_is_passed_on(make_newer: Any) -> None:
    runner, newer = await make_newer()
    newer.set()
    agents: Any = runner.workspace.agents
    agents["demo"] = replace(agents["demo"], fallback_model="haiku")
    await runner.run()
    assert {call.get("--fallback-model") for call in newer.calls} == {"haiku"}


async def test_a_refusal_that_makes_a_command_pointless_ends_it(make_newer: Any) -> None:
    runner, newer = await make_newer(retries=2)
    newer.set(denied={"dev-story": str(runner.root / "src/app.py")})
    await runner.start()
    await runner.until(lambda event: event.type == "batch:pause")
    (attention,) = runner.of("attention")
    assert attention["kind"] == "agent"
    assert attention["message"] == (
        "demo cannot run dev-story: it was not permitted to write src/app.py (Claude requested permissions to write to "
        f"{runner.root}/src/app.py, but you haven't granted it yet), which is what the command is for: set its "
        "`permission_mode` to acceptEdits or bypassPermissions, or allow it in its own settings"
    )
    assert runner.statuses() == {"1-1-a": "in-progress"}
    newer.set()
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
    assert {end["attempt"] for end in runner.of("command:end")} == {1}


async def test_a_stop_wins_over_a_refusal(make_newer: Any) -> None:
    runner, newer = await make_newer()
    newer.set(denied={"code-review": str(runner.root / "src/app.py")})  # which may do without
    await runner.start()
    await runner.until(lambda event: event.type == "command:progress" and event.payload.get("kind") == "denied")
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()
    assert runner.commands("stopped") == ["1-1-a code-review-1"]
