"""Runs by other presets than the classic one: an unattended build, own commands of the project, own workflows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

import agents
from agents import Call
from orchestrator import NotNow, StopMode
from running.preset_choice import own_presets
from settings import CommandConfig
from tests.conftest import MakeRunner
from tests.running.projects import READY, TRACKER, Runner
from workflow import PresetError

SKILL = ".claude/skills/bmad-build-auto/SKILL.md"


def install(runner: Runner, *names: str, text: str = "---\nname: x\n---\n") -> None:
    """Put files into the project, committed."""
    for name in names:
        (runner.root / name).parent.mkdir(parents=True, exist_ok=True)
        (runner.root / name).write_text(text)
    subprocess.run(["git", "add", "-A"], cwd=runner.root, check=True)
    subprocess.run(["git", "commit", "-qm", "install"], cwd=runner.root, check=True)


def change(runner: Runner, **settings: Any) -> None:
    runner.settings = msgspec.structs.replace(runner.settings, **settings)


async def ended(runner: Runner) -> None:
    """What would follow is not of interest."""
    runner.orchestrator.stop(StopMode.NOW)
    await runner.until_end()


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The newest prompt of every command, by the name in its heading."""
    seen: dict[str, str] = {}
    start = agents.start

    async def noted(spec: Any, call: Call, on_record: Any, **options: Any) -> Any:
        heading = next((line for line in call.prompt.splitlines() if line.startswith("# ")), "# ?")
        seen[heading[2:]] = call.prompt
        return await start(spec, call, on_record, **options)

    monkeypatch.setattr(agents, "start", noted)
    return seen


# -- the unattended build ------------------------------------------------------------------------------------------


async def test_an_unattended_build_goes_from_backlog_to_a_commit(
    make_runner: MakeRunner, prompts: dict[str, str]
) -> None:
    runner = await make_runner({"1-1-a": "backlog", "1-2-b": "backlog"}, verify="true")
    install(runner, SKILL)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done", "1-2-b": "done"}
    assert runner.commands() == ["1-1-a build-auto", "1-1-a commit", "1-2-b build-auto", "1-2-b commit"]
    assert [start["story_keys"] for start in runner.of("cycle:start")] == [["1-1-a"], ["1-2-b"]]
    assert runner.log()[0] == "feat(1): implement story 1-2-b"
    assert prompts["build-auto"].startswith("/bmad-build-auto 1-2-b\n")
    started = runner.of("batch:start")[0]
    assert started["workflow"] == "build-auto"
    assert "bmad-build-auto is installed" in started["workflow_reason"]
    moves = [(move["old_status"], move["new_status"]) for move in runner.of("story:status")]
    assert moves == [("backlog", "done")] * 2


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("no-marker", "is 'in-progress', not done"),
        ("no-change", "nothing was changed"),
        ("blocked:two rules contradict each other", "two rules contradict each other"),
        ("crash", "build-auto failed 1 times"),
    ],
)
async def test_what_the_spec_does_not_say_is_not_done(make_runner: MakeRunner, behaviour: str, reason: str) -> None:
    runner = await make_runner({"1-1-a": "backlog"}, {"build-auto": [behaviour]}, workflow="build-auto", retries=0)
    install(runner, SKILL)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked"}
    assert reason in runner.of("attention")[0]["message"]


async def test_a_build_whose_check_fails_is_not_done(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "backlog"}, workflow="build-auto", verify="false", retries=0)
    install(runner, SKILL)
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked"}


async def test_code_may_be_reviewed_once_more_after_a_build(make_runner: MakeRunner) -> None:
    script = {"code-review": ["HIGH:x", "ZERO ISSUES"]}
    runner = await make_runner({"1-1-a": "backlog"}, script, code_review_after_build=True)
    install(runner, SKILL)
    await runner.run()
    assert runner.commands() == ["1-1-a build-auto", "1-1-a code-review-1", "1-1-a code-review-2", "1-1-a commit"]


async def test_a_story_that_comes_in_at_review_is_reviewed_and_not_built(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "review"}, workflow="build-auto")
    install(runner, SKILL)
    await runner.run()
    assert runner.commands() == ["1-1-a code-review-1", "1-1-a commit"]
    assert runner.statuses() == {"1-1-a": "done"}


async def test_an_unattended_build_wants_a_clean_tree(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "backlog"})
    install(runner, SKILL, "app.py")
    (runner.root / "app.py").write_text("half done\n")
    with pytest.raises(NotNow, match=r"clean work tree: commit these or put them aside, then continue: app\.py"):
        await runner.start()
    change(runner, workflow="classic")
    await runner.start()
    await runner.until_command("create-story")
    await ended(runner)


async def test_what_a_blocked_build_left_is_committed_as_such_and_the_next_story_is_built(
    make_runner: MakeRunner,
) -> None:
    """The first build is cut off in the middle and given up; the skill would refuse to begin the second."""
    runner = await make_runner(
        {"1-1-a": "backlog", "1-2-b": "backlog"}, {"build-auto": {"1-1-a": ["no-marker"]}}, retries=0
    )
    (runner.root / "work").mkdir()
    install(runner, SKILL, "work/1-1-a.md")
    await runner.run()
    assert runner.statuses() == {"1-1-a": "blocked", "1-2-b": "done"}
    assert "wip(1): keep what 1-1-a left when it was blocked" in runner.log()
    assert [emitted["kind"] for emitted in runner.of("attention")] == ["blocked"]
    assert runner.of("batch:end")[0]["status"] == "completed"


async def test_build_auto_without_its_skill_is_refused(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, workflow="build-auto")
    with pytest.raises(NotNow, match=r"needs BMAD's skill bmad-build-auto: install BMAD"):
        await runner.start()
    assert runner.events == []


# -- classic, by the project's own commands ------------------------------------------------------------------------


async def test_the_projects_own_commands_are_called(make_runner: MakeRunner, prompts: dict[str, str]) -> None:
    runner = await make_runner({"1-1-a": "backlog"})
    install(runner, *(f".claude/commands/bmad-bmm-{name}.md" for name in ("create-story", "dev-story")))
    await runner.start()
    await runner.until_command("code-review-1")
    await runner.until(lambda _: "code-review-1" in prompts)
    await ended(runner)
    started = runner.of("batch:start")[0]
    assert started["workflow"] == "classic (own slash commands)"
    assert "/bmad-bmm-dev-story" in started["workflow_reason"]
    batch = runner.run_state.run.batch
    assert batch is not None
    assert batch.workflow == "classic (own slash commands)"
    assert prompts["create-story"].startswith("/bmad-bmm-create-story 1-1-a\n")
    assert prompts["dev-story"].startswith(f"/bmad-bmm-dev-story {TRACKER.parent.as_posix()}/1-1-a.md\n")
    assert prompts["code-review-1"].startswith("# code-review-1\n")


async def test_classic_needs_nothing_installed_and_uses_nothing(
    make_runner: MakeRunner, prompts: dict[str, str]
) -> None:
    runner = await make_runner(READY, workflow="classic")
    install(runner, SKILL, ".claude/commands/bmad-bmm-dev-story.md")
    await runner.start()
    await runner.until_command("dev-story", "command:end")
    await ended(runner)
    assert runner.of("batch:start")[0]["workflow"] == "classic"
    assert prompts["dev-story"].startswith("# dev-story\n")


async def test_a_prompt_of_the_project_comes_before_ours(make_runner: MakeRunner, prompts: dict[str, str]) -> None:
    runner = await make_runner(READY)
    folder = runner.root / ".sprint-runner-prompts"
    folder.mkdir()
    ours = (runner.workspace.prompts / "dev-story.md").read_text()
    (folder / "dev-story.md").write_text(f"{ours}\nSpeak of {{{{story_key}}}} as a pirate would.\n")
    await runner.start()
    await runner.until_command("dev-story", "command:end")
    await ended(runner)
    assert prompts["dev-story"].rstrip().endswith("Speak of 1-1-a as a pirate would.")
    assert runner.commands("success") == ["1-1-a dev-story"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("dev-storey.md", "x", "dev-storey.md: there is no such command; known are"),
        ("dev-story.txt", "x", "dev-story.txt: there is no such command"),
        ("dev-story.md", "Do {{everything}}.", "dev-story.md: there is no placeholder 'everything'"),
    ],
)
async def test_a_prompt_of_the_project_that_cannot_be_used_is_refused(
    make_runner: MakeRunner, name: str, text: str, said: str
) -> None:
    runner = await make_runner(READY)
    (runner.root / ".sprint-runner-prompts").mkdir()
    (runner.root / ".sprint-runner-prompts" / name).write_text(text)
    with pytest.raises(NotNow, match=re.escape(said)):
        await runner.start()
    assert runner.events == []


# -- workflows of one's own ----------------------------------------------------------------------------------------

MINE: dict[str, Any] = {
    "phases": [
        {"name": "develop", "kind": "develop", "commands": ["dev-story", "code-review"], "max_reviews": 2},
        {
            "name": "docs",
            "kind": "each",
            "commands": [
                {"name": "write-docs", "text": "# write-docs\n\nFor {{story_key}}: {{tasks}}", "model": "light"}
            ],
        },
        {"name": "commit", "kind": "commit", "commands": ["commit"]},
    ]
}


async def test_a_workflow_of_ones_own_is_run(make_runner: MakeRunner, prompts: dict[str, str]) -> None:
    script = {"code-review": {"1-2-b": ["CRITICAL:one", "CRITICAL:two"]}}
    commands = {"write-docs": CommandConfig(light_model="tiny"), "commit": CommandConfig(model="big")}
    runner = await make_runner(
        {"1-1-a": "backlog", "1-2-b": "review"},
        script,
        workflow="mine",
        workflows={"mine": MINE},
        commands=commands,
        commit_by="agent",
    )
    await runner.run()
    assert runner.statuses() == {"1-1-a": "done", "1-2-b": "blocked"}
    assert runner.commands() == [
        "1-2-b code-review-1",  # what was begun comes before what is new
        "1-2-b code-review-2",
        "1-1-a dev-story",
        "1-1-a code-review-1",
        "1-1-a write-docs",
        "1-1-a commit",
    ]
    assert prompts["write-docs"] == "# write-docs\n\nFor 1-1-a: setup, work, validate"
    models = {start["command"]: start.get("model") for start in runner.of("command:start")}
    assert (models["write-docs"], models["dev-story"], models["commit"]) == ("tiny", "sonnet", "big")
    assert runner.of("batch:start")[0]["workflow"] == "mine"


async def test_a_batch_keeps_the_workflow_it_was_started_with(make_runner: MakeRunner) -> None:
    script = {"dev-story": ["slow:60", "ok"]}
    runner = await make_runner(READY, script, workflow="mine", workflows={"mine": MINE})
    await runner.start()
    await runner.until_called("dev-story")
    change(runner, workflow="classic", workflows={})
    await runner.restart()
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.commands("success")[-2:] == ["1-1-a write-docs", "1-1-a commit"]


async def test_a_workflow_that_cannot_be_used_is_refused_at_the_start(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, workflow="mine", workflows={"mine": {"phases": []}})
    with pytest.raises(NotNow, match="the workflow mine cannot be used: workflows: mine: exactly one phase"):
        await runner.start()


def test_a_prompt_file_is_read_when_the_batch_starts(tmp_path: Path) -> None:
    own: dict[str, Any] = {
        "phases": [{"name": "d", "kind": "develop", "commands": [{"name": "dev-story", "prompt": "tools/dev.md"}]}]
    }
    with pytest.raises(PresetError, match=r"mine: command 'dev-story': the prompt .*dev\.md: cannot be read: No such"):
        own_presets(tmp_path, {"mine": own})
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/dev.md").write_text("Do {{story_key}}.")
    assert own_presets(tmp_path, {"mine": own})["mine"].kind("dev-story").text == "Do {{story_key}}."
    (tmp_path / "tools/dev.md").write_text("Do {{everything}}.")
    with pytest.raises(PresetError, match="there is no placeholder 'everything'"):
        own_presets(tmp_path, {"mine": own})
    own["phases"][0]["commands"] = [{"name": "dev-story", "prompt": "../secret.md"}]
    with pytest.raises(PresetError, match="lies outside the project"):
        own_presets(tmp_path, {"mine": own})
