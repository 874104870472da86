"""The classic preset, row by row as the workflow has it, and what is known of every command."""

from __future__ import annotations

import pytest

from workflow import CLASSIC, PRESETS, PhaseKind, command_kind, kind_of
from workflow.presets import CONTEXT_COMMANDS, KINDS, REVIEW_ROUNDS, SPRINT_PLANNING

PHASES = [
    ("create", PhaseKind.TOGETHER, ("create-story", "story-discovery"), False),
    ("story review", PhaseKind.REVIEW, ("story-review",), False),
    ("tech-spec", PhaseKind.TOGETHER, ("create-tech-spec",), True),
    ("tech-spec review", PhaseKind.REVIEW, ("tech-spec-review",), True),
    ("develop", PhaseKind.DEVELOP, ("dev-story", "code-review"), False),
    ("commit", PhaseKind.COMMIT, ("commit",), False),
]


@pytest.mark.parametrize(("place", "row"), list(enumerate(PHASES)))
def test_the_phases_of_the_classic_preset(place: int, row: tuple[str, PhaseKind, tuple[str, ...], bool]) -> None:
    phase = CLASSIC.phases[place]
    assert (phase.name, phase.kind, phase.commands, phase.decided) == row


def test_there_are_no_other_phases() -> None:
    assert len(CLASSIC.phases) == len(PHASES)
    assert PRESETS["classic"] is CLASSIC


ENTRIES = [
    ("backlog", ["create", "story review", "tech-spec", "tech-spec review", "develop", "commit"]),
    ("ready-for-dev", ["tech-spec", "tech-spec review", "develop", "commit"]),
    ("in-progress", ["develop", "commit"]),
    ("review", ["develop", "commit"]),
    ("done", []),
    ("blocked", []),
    ("parked", []),
    ("unknown", []),
]


@pytest.mark.parametrize(("status", "phases"), ENTRIES)
def test_a_story_enters_at_the_phase_that_its_status_names(status: str, phases: list[str]) -> None:
    """Pitfall: `review` stories are developed again. Which part of `develop` they meet is the cycle's to know."""
    assert [phase.name for phase in CLASSIC.phases if status in phase.entered] == phases


TASKS = [
    ("create-story", "setup analyze generate write validate"),
    ("story-discovery", "setup explore write"),
    ("story-review-1", "setup analyze fix validate"),
    ("tech-spec-review-3", "setup analyze fix validate"),
    ("code-review-10", "setup analyze fix test"),
    ("create-tech-spec", "setup discover generate write validate"),
    ("dev-story", "setup implement tests lint validate"),
    ("commit", "setup stage commit validate"),
    ("create-project-context", "setup analyze write validate"),
    ("refresh-project-context", "setup analyze write validate"),
]


@pytest.mark.parametrize(("command", "tasks"), TASKS)
def test_every_command_has_its_tasks(command: str, tasks: str) -> None:
    assert command_kind(command).tasks == tuple(tasks.split())


def test_every_command_of_every_preset_is_known() -> None:
    used = {command for preset in PRESETS.values() for phase in preset.phases for command in phase.commands}
    assert used | CONTEXT_COMMANDS | {"build-plan", SPRINT_PLANNING.name} == set(KINDS)
    assert all(kind.tasks[0] == "setup" for kind in KINDS.values())


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("code-review-1", "code-review"),
        ("code-review-10", "code-review"),
        ("story-review-3", "story-review"),
        ("dev-story", "dev-story"),
        ("commit", "commit"),
        ("code-review-1-2", "code-review-1"),
        ("2", "2"),
        ("", ""),
    ],
)
def test_the_round_is_no_part_of_the_kind(command: str, kind: str) -> None:
    assert kind_of(command) == kind


def test_a_command_of_no_preset_is_not_known() -> None:
    with pytest.raises(KeyError):
        command_kind("deploy")


def test_reviews_of_plans_have_three_rounds() -> None:
    assert REVIEW_ROUNDS == 3
