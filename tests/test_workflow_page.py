"""The example of docs/workflow.md is a workflow that runs, as it is there; so is what the page says of answers."""

from __future__ import annotations

import json
import re

import msgspec

from running.preset_choice import own_presets
from running.prompt import PLACEHOLDERS
from settings import load
from tests.conftest import MakeRunner
from tests.servers import ROOT
from workflow import CLASSIC

PAGE = (ROOT / "docs/workflow.md").read_text("utf-8")


def block(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


async def test_the_example_runs(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "backlog", "1-2-b": "in-progress"})
    file = runner.root / "sprint-runner.yaml"
    file.write_text(block("yaml"))
    prompt = runner.root / "tools/prompts/threat-model.md"
    prompt.parent.mkdir(parents=True)
    prompt.write_text(block("markdown"))
    shown = load(file, {}).settings
    assert list(own_presets(runner.root, shown.workflows)) == ["careful"]
    runner.settings = msgspec.structs.replace(
        runner.settings, workflow=shown.workflow, workflows=shown.workflows, commands=shown.commands
    )
    await runner.run()
    assert set(runner.statuses().values()) == {"done"}
    assert runner.commands() == [
        "1-2-b dev-story",  # what was begun comes before what is new
        "1-2-b code-review-1",
        "1-2-b write-docs",
        "1-2-b commit",
        "1-1-a create-story",
        "1-1-a story-review-1",
        "1-1-a threat-model",
        "1-1-a dev-story",
        "1-1-a code-review-1",
        "1-1-a write-docs",
        "1-1-a commit",
    ]
    models = {start["command"]: start.get("model") for start in runner.of("command:start")}
    assert (models["threat-model"], models["write-docs"], models["dev-story"]) == ("opus", "haiku", "sonnet")


def test_the_page_names_every_placeholder() -> None:
    listed = PAGE[PAGE.index("Placeholders are filled in") : PAGE.index("Any other one is")]
    assert set(re.findall(r"\{\{(\w+)\}\}", listed)) == PLACEHOLDERS


def test_the_page_names_every_command_of_the_classic_preset() -> None:
    assert all(f"`{command}" in PAGE for phase in CLASSIC.phases for command in phase.commands)


def test_the_answer_that_is_shown_is_one() -> None:
    assert json.loads(block("json")).keys() == {"command_id", "text"}
