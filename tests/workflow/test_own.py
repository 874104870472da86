"""Tests of a user's own presets: valid ones, and the message for each invalid one."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from workflow import BUILD_AUTO, CLASSIC, PhaseKind, Preset, PresetError, own_preset
from workflow.presets import ANY, FRESH, KINDS, PLANNED

CAREFUL: dict[str, Any] = {
    "stories_per_cycle": 1,
    "phases": [
        {"name": "create", "kind": "together", "commands": ["create-story"]},
        {"name": "spec", "kind": "together", "commands": ["create-tech-spec"], "when": "tech-spec"},
        {
            "name": "threats",
            "kind": "each",
            "entered": ["backlog", "ready-for-dev"],
            "commands": [{"name": "threat-model", "text": "Think of {{story_key}}.", "model": "light"}],
        },
        {
            "name": "develop",
            "kind": "develop",
            "commands": [{"name": "dev-story", "prompt": "tools/dev.md"}, "code-review"],
            "max_reviews": 4,
        },
        {
            "name": "docs",
            "kind": "each",
            "commands": [{"name": "write-docs", "text": "x", "tasks": ["setup", "write"]}],
        },
        {"name": "commit", "kind": "commit", "commands": ["commit"]},
    ],
}


def test_a_whole_workflow_is_read() -> None:
    preset = own_preset("careful", CAREFUL)
    assert (preset.name, preset.title, preset.stories, preset.calls) == ("careful", "careful", 1, {})
    phases = {phase.name: phase for phase in preset.phases}
    assert list(phases) == ["create", "spec", "threats", "develop", "docs", "commit"]
    assert (phases["create"].entered, phases["spec"].entered, phases["docs"].entered) == (FRESH, PLANNED, ANY)
    assert phases["threats"].entered == {"backlog", "ready-for-dev"}
    assert (phases["spec"].decided, phases["create"].decided) == (True, False)
    assert (phases["develop"].kind, phases["develop"].max_reviews) == (PhaseKind.DEVELOP, 4)
    threat, docs, dev = (preset.kind(name) for name in ("threat-model", "write-docs", "dev-story"))
    assert (threat.text, threat.light, threat.tasks) == ("Think of {{story_key}}.", True, ("setup", "work", "validate"))
    assert (docs.tasks, docs.light) == (("setup", "write"), False)
    assert (dev.prompt, dev.tasks) == ("tools/dev.md", KINDS["dev-story"].tasks)
    assert preset.kind("code-review-7") == KINDS["code-review"]


@pytest.mark.parametrize("preset", [CLASSIC, BUILD_AUTO, own_preset("careful", CAREFUL)], ids=lambda one: one.name)
def test_a_preset_is_a_plain_value(preset: Preset) -> None:
    assert msgspec.json.decode(msgspec.json.encode(preset), type=Preset) == preset


def phase(place: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda workflow: workflow["phases"][place].update(changes)


def command(place: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda workflow: workflow["phases"][place]["commands"][0].update(changes)


WRONG: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda workflow: workflow.update(phases="none"), "Expected `array`, got `str` - at `$.phases`"),
    (lambda workflow: workflow.update(speed=9), "unknown field `speed`"),
    (lambda workflow: workflow.update(stories_per_cycle=3), "at `$.stories_per_cycle`"),
    (lambda workflow: workflow.update(phases=[]), "exactly one phase must be of kind develop or build"),
    (lambda workflow: workflow["phases"].reverse(), "the phase of kind commit must be the last one"),
    (lambda workflow: workflow["phases"].insert(0, workflow["phases"][3]), "exactly one phase must be of kind"),
    (phase(0, kind="sideways"), "Invalid enum value 'sideways'"),
    (phase(0, commands=[]), "phase 'create': it has no commands"),
    (phase(0, commands=["deploy"]), "phase 'create': there is no command 'deploy': give it a prompt or a text"),
    (phase(0, commands=["threat-model"]), "the command 'threat-model' is used twice"),
    (phase(0, commands=["dev-story"]), "dev-story belongs into a phase of kind develop"),
    (phase(0, commands=["build-auto"]), "build-auto belongs into a phase of kind build"),
    (phase(0, commands=["commit"]), "commit belongs into a phase of kind commit"),
    (phase(0, commands=["story-review"]), "story-review belongs into a phase of kind review"),
    (phase(0, commands=["code-review"]), "code-review is the second command of a phase of kind develop or build"),
    (phase(0, commands=["create-project-context"]), "runs by itself before the first cycle"),
    (phase(0, kind="review", commands=["story-review", "tech-spec-review"]), "at most 1 command"),
    (phase(3, commands=["dev-story", "code-review", "x"]), "at most 2 commands"),
    (phase(0, entered=["started"]), "entered must list some of backlog, in-progress, ready-for-dev, review"),
    (phase(0, entered=[]), "entered must list some of"),
    (phase(0, max_reviews=3), "max_reviews is for phases that review code"),
    (phase(3, max_reviews=101), "from 0 to 100"),
    (phase(0, when="full moon"), "at `$.phases[0].when`"),
    (command(2, name="Threat"), "command 'Threat': use small letters"),
    (command(2, name="threat-2"), "no number at the end: that is the round"),
    (command(2, name="../etc"), "use small letters"),
    (command(2, text=None), "it needs a prompt (a file of the project) or a text"),
    (command(2, prompt="a.md"), "it has both a prompt and a text"),
    (command(2, model="huge"), "Invalid enum value 'huge'"),
    (command(2, tasks=["Set up"]), "a task id is made of small letters"),
]


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_what_is_wrong_is_said_in_one_sentence(change: Callable[[dict[str, Any]], object], said: str) -> None:
    workflow = deepcopy(CAREFUL)
    change(workflow)
    with pytest.raises(PresetError) as caught:
        own_preset("careful", workflow)
    message = str(caught.value)
    assert message.startswith("workflows: careful: ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["auto", "classic", "build-auto", "", "Mine", "a b", "x" * 41, "-x"])
def test_names_that_a_workflow_cannot_have(name: str) -> None:
    with pytest.raises(PresetError, match="cannot be a name"):
        own_preset(name, CAREFUL)


@pytest.mark.parametrize("definition", [None, [], "classic", 7, {"phases": [None]}, {"phases": {"a": 1}}])
def test_anything_else_is_no_workflow(definition: Any) -> None:
    with pytest.raises(PresetError, match=r"^workflows: mine: "):
        own_preset("mine", definition)
