"""A preview: made by the code of the run, equal to what the run starts, and without any effect."""

from __future__ import annotations

import asyncio
import hashlib
import json
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import agents
from agents import AgentSpec, Call, Invocation
from agents.invocation import invocation
from orchestrator import StopMode
from running.forecaster import Forecaster
from running.hints import keep_hint
from running.preflight import BadRequest
from running.preview import PreviewRequest, preview
from running.preview_call import SECRET
from running.preview_views import CallView, RunPreview, StepView
from running.selection import Selection
from runstate.fold import RunState
from tests.conftest import MakeRunner
from tests.running.plans import make_stories, make_tickets
from tests.running.projects import PAIR, READY, Runner
from workflow import kind_of

RECORDER = """#!{python}
import json, os, sys
if "--version" in sys.argv:
    print("1.2.3")
elif "--help" not in sys.argv:
    prompt = sys.stdin.read()
    path = os.path.join({folder!r}, str(os.getpid()))
    with open(path, "w") as file:
        json.dump({{"argv": sys.argv, "prompt": prompt}}, file)
    os.rename(path, path + ".json")
    sys.exit(3)
"""


@dataclass(frozen=True)
class Started:
    """One agent as it was started."""

    argv: list[str]
    prompt: str
    model: str | None


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Started]:
    """Every agent that was started, in order."""
    found: list[Started] = []

    def noted(adapter: Any, spec: AgentSpec, call: Call, env: Mapping[str, str]) -> Invocation:
        invoked = invocation(adapter, spec, call, env)
        found.append(Started(list(invoked.argv), call.prompt, call.model or spec.model))
        return invoked

    monkeypatch.setattr("agents.process.invocation", noted)
    return found


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder by its path, as a hash of its bytes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def steps(answer: RunPreview, cycle: int = 0) -> list[StepView]:
    return answer.cycles[cycle].steps


def names(answer: RunPreview, cycle: int = 0) -> list[str]:
    return [f"{' '.join(step.story_keys)} {step.command}" for step in steps(answer, cycle)]


def call_of(answer: RunPreview, command: str, cycle: int = 0) -> CallView:
    call = next(step.call for step in steps(answer, cycle) if step.command == command)
    assert call is not None
    return call


def shown(call: CallView) -> Started:
    return Started(call.argv, call.prompt, call.model)


async def look(runner: Runner, **fields: Any) -> RunPreview:
    forecaster = Forecaster(runner.workspace, RunState(), Selection())
    return await preview(runner.workspace, PreviewRequest(**fields), forecaster)


@pytest.mark.parametrize("agent", ["demo", "acp"])
async def test_a_whole_cycle_is_started_as_it_was_shown(
    make_runner: MakeRunner, started: list[Started], agent: str
) -> None:
    """From the backlog, with a review that asks for changes; what was unknown before is named."""
    script = {"code-review": ["HIGH:x", "ZERO ISSUES"]}
    runner = await make_runner({"1-1-a": "backlog"}, script, agent=agent, budget_batch_usd=50)
    await keep_hint(runner.workspace, "1-1-a", "Use the plain sort.")
    await agents.OPTIONS.of(runner.workspace.agents[agent])  # as the server asks for at its start
    before = await look(runner)
    assert started == []
    assert (before.refusals, before.notes) == ([], [])
    await runner.run()
    planned = {step.command: step for step in steps(before)}
    assert [step.command for step in steps(before)][:2] == ["create-story", "story-discovery"]
    assert [step.together for step in steps(before)][:3] == [False, True, False]
    for one in started:
        command = one.prompt.split("\n")[0].removeprefix("# ")
        step = planned[command]
        assert step.call is not None
        if step.unknown:
            assert step.unknown == ["the findings of code-review-1"]
            continue
        assert _without_budget(shown(step.call)) == _without_budget(one), command
    ran = [one.prompt.split("\n")[0].removeprefix("# ") for one in started]
    certain = [step.command for step in steps(before) if not step.condition and step.by == "agent"]
    assert sorted(ran[:2]) == sorted(certain[:2])
    assert [command for command in ran if command in certain][2:] == certain[2:]
    assert set(ran) <= set(planned)
    assert planned["code-review-2"].condition.startswith("if code-review-1 asks for changes")
    assert (planned["commit"].by, planned["commit"].condition) == ("runner", "when the story is done")


def _without_budget(one: Started) -> Started:
    """What is left of the caps changes with every command."""
    argv = list(one.argv)
    if "--max-budget-usd" in argv:
        argv[argv.index("--max-budget-usd") + 1] = "…"
    return Started(argv, one.prompt, one.model)


@pytest.mark.parametrize("kind", ["claude", "codex", "gemini", "opencode", "qwen", "text"])
async def test_every_program_is_started_as_it_was_shown(make_runner: MakeRunner, tmp_path: Path, kind: str) -> None:
    """A real process of each kind, which writes down its command line and its standard input."""
    folder = tmp_path / "calls"
    folder.mkdir()
    program = tmp_path / "recorder"
    program.write_text(RECORDER.format(python=sys.executable, folder=str(folder)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    runner = await make_runner(READY, retries=0)
    spec = AgentSpec(kind, kind, (str(program), "--own"), model="m-1", permission_mode="acceptEdits")
    assert isinstance(runner.workspace.agents, dict)
    runner.workspace.agents[kind] = spec
    await agents.OPTIONS.of(spec)
    call = call_of(await look(runner, agent=kind), "dev-story")
    assert list(folder.iterdir()) == []
    await runner.start(agent=kind, cycles=1)
    async with asyncio.timeout(60):
        while not list(folder.glob("*.json")) and runner.orchestrator.state != "idle":
            await asyncio.sleep(0.05)
        runner.orchestrator.stop(StopMode.NOW) if runner.orchestrator.state != "idle" else None
        await runner.orchestrator.finished()
    [made, *_] = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    assert made == {"argv": call.argv, "prompt": call.prompt}
    assert call.program == str(program)
    assert (call.kind, call.model, call.cwd, call.session) == (kind, "m-1", str(runner.root), "new")


async def test_nothing_is_written_and_no_program_is_started(
    make_runner: MakeRunner, tmp_path: Path, started: list[Started]
) -> None:
    runner = await make_runner(PAIR)
    touched = tmp_path / "touched"
    program = tmp_path / "agent"
    program.write_text(f"#!/bin/sh\ntouch {touched}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert isinstance(runner.workspace.agents, dict)
    runner.workspace.agents["noisy"] = AgentSpec("noisy", "claude", (str(program),), model="m")
    before, seq = contents(runner.root), runner.database.last_seq
    answer = await look(runner, agent="noisy")
    call = call_of(answer, "create-story")
    assert "--json-schema" in call.options_by_help
    assert "--json-schema" not in call.argv
    await look(runner, stories=["1-2-b"], command="code-review")
    assert contents(runner.root) == before
    assert runner.database.last_seq == seq
    assert started == []
    assert not touched.exists()


async def test_the_rest_of_a_running_cycle_and_the_one_after_it(
    make_runner: MakeRunner, started: list[Started]
) -> None:
    runner = await make_runner({"1-1-a": "in-progress", "2-1-b": "backlog"}, {"dev-story": ["hang"]})
    await runner.start(cycles=1)
    await runner.until_called("dev-story")
    before = len(started)
    answer = await look(runner)
    assert len(started) == before
    assert [cycle.state for cycle in answer.cycles] == ["running", "next"]
    assert names(answer) == ["1-1-a dev-story", "1-1-a code-review-1", "1-1-a code-review-2", "1-1-a commit"]
    running = steps(answer)[0]
    assert (running.state, running.call) == ("running", None)
    assert running.problem == "it runs now: its transcript begins with what it was sent"
    assert answer.cycles[1].story_keys == ["2-1-b"]
    assert answer.notes == ["The batch ends after group 1: the group that follows is that of another batch."]
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()


async def test_an_interrupted_batch_continues_where_it_is_shown(
    make_runner: MakeRunner, started: list[Started]
) -> None:
    """The session of the command that was cut off, and the findings of the review that had ended."""
    runner = await make_runner(READY, {"code-review": ["HIGH:x", "silent", "ZERO ISSUES"]})
    await runner.start()
    await runner.until_called("code-review", 2)
    await runner.restart()
    answer = await look(runner)
    assert [cycle.state for cycle in answer.cycles] == ["begun"]
    call = call_of(answer, "code-review-2")
    assert names(answer)[0] == "1-1-a code-review-2"
    assert "(the findings of" not in call.prompt
    started.clear()
    await runner.orchestrator.resume()
    await runner.until_end()
    assert shown(call) == started[0]
    assert (call.session, call.session_id) == ("continued", started[0].argv[started[0].argv.index("--resume") + 1])


async def test_a_hint_is_shown_where_it_will_be_given(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)
    await keep_hint(runner.workspace, "1-1-a", "Mind the empty list.")
    answer = await look(runner)
    with_hint = [step.command for step in steps(answer) if step.call and "Mind the empty list." in step.call.prompt]
    assert with_hint == ["dev-story"]
    assert call_of(answer, "dev-story").hints == 1


async def test_one_command_of_a_story_that_is_done(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "done", "1-2-b": "backlog"})
    answer = await look(runner, stories=["1-1-a"])
    assert answer.cycles == []
    assert answer.notes == ["1-1-a is done: no command would run for it."]
    assert answer.refusals == ["no story can run: all that were named are done, blocked or out of scope"]
    for command in answer.commands:
        one = await look(runner, stories=["1-1-a"], command=command)
        assert [kind_of(step.command) for step in steps(one)] == [command]
    assert (
        "# code-review-1"
        in call_of(await look(runner, stories=["1-1-a"], command="code-review"), "code-review-1").prompt
    )


async def test_named_stories_come_in_their_order(make_runner: MakeRunner) -> None:
    stories = {f"{epic}-1-a": "backlog" for epic in range(1, 8)}
    runner = await make_runner(stories)
    answer = await look(runner, stories=list(reversed(stories)))
    assert [cycle.story_keys for cycle in answer.cycles] == [[f"{epic}-1-a"] for epic in (7, 6, 5, 4, 3)]
    assert answer.later == ["2-1-a", "1-1-a"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"stories": ["9-9-z"]}, "stories"),
        ({"agent": "nobody"}, "agent"),
        ({"stories": ["1-1-a"], "command": "deploy"}, "command"),
    ],
)
async def test_what_there_is_not_is_refused(make_runner: MakeRunner, fields: dict[str, Any], field: str) -> None:
    runner = await make_runner(READY)
    with pytest.raises(BadRequest) as refused:
        await look(runner, **fields)
    assert refused.value.field == field


async def test_why_a_start_would_be_refused(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, verify="no-such-check-anywhere")
    runner.refusal = "the folder is not trusted yet"
    answer = await look(runner)
    assert answer.refusals[0] == "the folder is not trusted yet"
    assert "no-such-check-anywhere" in answer.refusals[1]
    assert names(answer)[0] == "1-1-a dev-story"


async def test_secrets_of_the_command_line_and_values_of_the_environment_are_not_shown(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-ant-api03-" + "a" * 93
    monkeypatch.setenv("INHERITED_FOR_TEST", "v4lue-of-it")
    runner = await make_runner(READY)
    command = (sys.executable, "-c", "", "--api-key", "hunter2-hunter2", "--token=abc", key)
    assert isinstance(runner.workspace.agents, dict)
    runner.workspace.agents["secret"] = AgentSpec("secret", "text", command, env={"OWN_NAME": "0wn-value"})
    call = call_of(await look(runner, agent="secret"), "dev-story")
    assert call.argv[3:6] == ["--api-key", SECRET, f"--token={SECRET}"]
    assert key not in call.command_line
    assert "OWN_NAME" in call.environment.own
    assert "INHERITED_FOR_TEST" in call.environment.inherited
    shown = repr(call)
    assert "v4lue-of-it" not in shown
    assert "0wn-value" not in shown


@pytest.mark.parametrize("plan", ["tickets", "list"])
async def test_an_unattended_build_is_called_as_it_was_shown(tmp_path: Path, started: list[Started], plan: str) -> None:
    """With a context file that is not committed, a file of another person, and words of the plan for the build."""
    if plan == "tickets":
        root = make_tickets(tmp_path / "x", {})
    else:
        listed = "- id: s-1\n  title: One\n  description: d\n  spec_checkpoint: false\n  done_checkpoint: true\n"
        root = make_stories(tmp_path / "x", f"{listed}  invoke_dev_with: Mind the gap.\n")
    (root / "notes.txt").write_text("mine")
    (root / "_bmad-output").mkdir(exist_ok=True)
    (root / "_bmad-output/project-context.md").write_text("# Context, newer\n")
    runner = await Runner.create(root)
    await agents.OPTIONS.of(runner.workspace.agents["demo"])
    try:
        answer = await look(runner)
        [build] = [step for step in steps(answer) if step.command == "build-auto"]
        assert build.call is not None
        assert answer.workflow == "build-auto"
        await runner.start(cycles=1)
        await runner.until_command("build-auto", "command:end")
        runner.orchestrator.stop(StopMode.NOW)
        await runner.until_end()
        first = next(one for one in started if "build-auto" in one.prompt.split("\n")[0])
        assert first == shown(build.call)
        assert "notes.txt" in first.prompt
        assert [gate.kind for gate in answer.cycles[0].gates] == (["done"] if plan == "list" else [])
    finally:
        await runner.close()


async def test_what_an_unclean_tree_refuses_is_said_and_still_shown(tmp_path: Path) -> None:
    root = make_tickets(tmp_path / "x", {"src/a.py": "a\n"})
    (root / "src/a.py").write_text("b\n")
    runner = await Runner.create(root)
    try:
        answer = await look(runner)
        assert answer.refusals == [
            "an unattended build starts from a clean work tree: commit these or put them aside, then continue: src/a.py"
        ]
        assert names(answer)[0].endswith("build-auto")
    finally:
        await runner.close()


async def test_cycles_that_run_side_by_side_are_all_shown(make_runner: MakeRunner) -> None:
    stories = {"1-1-a": "in-progress", "2-1-b": "in-progress", "3-1-c": "backlog"}
    runner = await make_runner(stories, {"dev-story": ["silent"]}, parallel=2)
    await runner.start()
    await runner.until_called("dev-story", 2)
    answer = await look(runner)
    assert [(cycle.state, cycle.story_keys) for cycle in answer.cycles] == [
        ("running", ["1-1-a"]),
        ("running", ["2-1-b"]),
        ("next", ["3-1-c"]),
    ]
    assert answer.notes == ["Groups run side by side, each in a worktree of its own, whose folder is made for it."]
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()


async def test_a_commit_by_the_projects_recipe_is_shown_with_it(tmp_path: Path) -> None:
    custom = '[workflow]\ncommit = "handoff"\ncommit_handoff = "Sign the commit off."\n'
    runner = await Runner.create(make_tickets(tmp_path / "x", {"_bmad/custom/bmad-build-auto.toml": custom}))
    try:
        answer = await look(runner)
        [commit] = [step for step in steps(answer) if step.command == "commit"]
        assert (commit.by, commit.condition) == ("agent", "when the story is done, for what the build leaves")
        assert "Sign the commit off." in call_of(answer, "commit").prompt
    finally:
        await runner.close()


async def test_gates_of_the_settings_are_shown_and_those_of_a_start_in_their_place(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "backlog"}, gates=["plan", "done"])
    kinds = [gate.kind for gate in (await look(runner)).cycles[0].gates]
    assert kinds == ["plan", "done"]
    assert (await look(runner, gates=[])).cycles[0].gates == []
    found = await look(runner, gates=["commit"])
    assert [gate.kind for gate in found.cycles[0].gates] == ["commit"]
    assert found.forecast is not None
    assert found.forecast.story_keys == ["1-1-a"]
    assert "Waits for your decision at gates are not counted." in found.forecast.notes
