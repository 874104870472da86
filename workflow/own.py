"""A user's own preset, parsed from its mapping in the setting `workflows:`.

An invalid one raises `PresetError` with a message that names the workflow and the field. `docs/workflow.md` describes
the format for users.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from workflow.picking import STORIES_PER_CYCLE
from workflow.presets import (
    ANY,
    FINISHING,
    FRESH,
    KINDS,
    PLANNED,
    PRESETS,
    SPRINT_PLANNING,
    CommandKind,
    Phase,
    PhaseKind,
    Preset,
    kind_of,
)

RESERVED: Final = frozenset({"auto", SPRINT_PLANNING.name, *PRESETS})
TASKS: Final = ("setup", "work", "validate")  # the tasks of a command that lists none
ROUNDS_MAX: Final = 100  # rounds of code review
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")

_FIRST: Final = {PhaseKind.DEVELOP: "dev-story", PhaseKind.BUILD: "build-auto", PhaseKind.COMMIT: "commit"}
_ENTERED: Final = {"create-story": FRESH, "story-discovery": FRESH, "story-review": FRESH}
_ENTERED_LATER: Final = {"create-tech-spec": PLANNED, "tech-spec-review": PLANNED}


class PresetError(ValueError):
    """A workflow is invalid; the message is one sentence with its name and the problem."""


class OwnCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command with its own prompt: a file of the project, or the text itself."""

    name: str
    prompt: str | None = None
    text: str | None = None
    model: Literal["usual", "light"] = "usual"
    tasks: list[str] = []


class OwnPhase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phase. `entered`: the statuses that stories may have at the start of the cycle; `max_reviews`: rounds of code
    review."""

    name: str
    kind: PhaseKind
    commands: list[str | OwnCommand]
    entered: list[str] | None = None
    max_reviews: int | None = None
    when: Literal["tech-spec"] | None = None


class OwnWorkflow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A workflow of the settings."""

    phases: list[OwnPhase]
    stories_per_cycle: Literal[1, 2] = 2
    gates: list[Literal["plan", "commit", "done"]] | None = None


def own_preset(name: str, definition: Any) -> Preset:
    """Return the preset of a user's definition; raises `PresetError`."""
    if name in RESERVED or not _NAME.fullmatch(name):
        raise PresetError(
            f"workflows: {name!r} cannot be a name: use small letters, digits and dashes, and none of ours"
        )
    try:
        workflow = msgspec.convert(definition, OwnWorkflow)
    except msgspec.ValidationError as error:
        raise PresetError(f"workflows: {name}: {error}") from None
    try:
        phases = tuple(_phase(phase) for phase in workflow.phases)
        _check_together(phases)
        commands = _commands(workflow.phases)
    except PresetError as error:
        raise PresetError(f"workflows: {name}: {error}") from None
    why = f"the settings name the workflow {name!r}"
    gates = None if workflow.gates is None else tuple(workflow.gates)
    most = min(workflow.stories_per_cycle, STORIES_PER_CYCLE)
    return Preset(name, phases, commands, why=why, stories=most, gates=gates)


def _phase(phase: OwnPhase) -> Phase:
    where = f"phase {phase.name!r}"
    names = tuple(each if isinstance(each, str) else each.name for each in phase.commands)
    if not names:
        raise PresetError(f"{where}: it has no commands")
    _check_kind(where, phase.kind, names)
    if phase.max_reviews is not None and not (phase.kind in FINISHING and 0 <= phase.max_reviews <= ROUNDS_MAX):
        raise PresetError(f"{where}: max_reviews is for phases that review code, from 0 to {ROUNDS_MAX}")
    entered = _entered(where, phase, names)
    return Phase(phase.name, phase.kind, names, entered, phase.when == "tech-spec", phase.max_reviews)


def _check_kind(where: str, kind: PhaseKind, names: Sequence[str]) -> None:
    """Check the number of commands of a phase, and the position of the commands with a fixed meaning."""
    most = {PhaseKind.REVIEW: 1, PhaseKind.COMMIT: 1, PhaseKind.DEVELOP: 2, PhaseKind.BUILD: 2}.get(kind)
    if most is not None and len(names) > most:
        raise PresetError(f"{where}: a phase of kind {kind} has at most {most} command{'s' if most > 1 else ''}")
    for index, name in enumerate(names):
        bound = next((one for one, first in _FIRST.items() if first == name), None)
        bound = PhaseKind.REVIEW if name in ("story-review", "tech-spec-review") else bound
        if bound is not None and bound is not kind:
            raise PresetError(f"{where}: {name} belongs into a phase of kind {bound}")
        if name == "code-review" and not (kind in FINISHING and index == 1):
            raise PresetError(f"{where}: code-review is the second command of a phase of kind develop or build")
        if "context" in name and name in KINDS:
            raise PresetError(f"{where}: {name} runs by itself before the first cycle")
        if name == SPRINT_PLANNING.name:
            raise PresetError(f"{where}: {name} makes a plan, and is started by itself where there is none")


def _entered(where: str, phase: OwnPhase, names: Sequence[str]) -> frozenset[str]:
    """Return the given statuses, otherwise those of the first built-in command."""
    if phase.entered is None:
        return _ENTERED.get(names[0]) or _ENTERED_LATER.get(names[0]) or ANY
    unknown = [status for status in phase.entered if status not in ANY]
    if unknown or not phase.entered:
        raise PresetError(f"{where}: entered must list some of {', '.join(sorted(ANY))}")
    return frozenset(phase.entered)


def _check_together(phases: Sequence[Phase]) -> None:
    """Check the phases as a whole: exactly one builds, and a commit comes last."""
    if sum(phase.kind in FINISHING for phase in phases) != 1:
        raise PresetError("exactly one phase must be of kind develop or build: at its end a story is done")
    if any(phase.kind is PhaseKind.COMMIT for phase in phases[:-1]):
        raise PresetError("the phase of kind commit must be the last one")
    names = [name for phase in phases for name in phase.commands]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PresetError(f"the command {twice!r} is used twice: records are kept by name and would be mixed up")


def _commands(phases: Sequence[OwnPhase]) -> tuple[CommandKind, ...]:
    """Return the commands with their own prompt; a command given by name alone must be built in."""
    kinds = []
    for phase in phases:
        for each in phase.commands:
            if isinstance(each, OwnCommand):
                kinds.append(_command(each))
            elif each not in KINDS:
                raise PresetError(
                    f"phase {phase.name!r}: there is no command {each!r}: give it a prompt or a text, "
                    f"or use one of {', '.join(KINDS)}"
                )
    return tuple(kinds)


def _command(own: OwnCommand) -> CommandKind:
    where = f"command {own.name!r}"
    if not _NAME.fullmatch(own.name) or kind_of(own.name) != own.name:
        raise PresetError(f"{where}: use small letters, digits and dashes, and no number at the end: that is the round")
    if own.prompt is not None and own.text is not None:
        raise PresetError(f"{where}: it has both a prompt and a text")
    if own.name not in KINDS and not (own.prompt or own.text):
        raise PresetError(f"{where}: it needs a prompt (a file of the project) or a text")
    usual = KINDS[own.name].tasks if own.name in KINDS else TASKS
    tasks = tuple(own.tasks) or usual
    if not all(re.fullmatch(r"[a-z][\w-]{0,63}", task) for task in tasks):
        raise PresetError(f"{where}: a task id is made of small letters, digits, dashes and underscores")
    return CommandKind(own.name, tasks, own.prompt, own.text, own.model == "light")
