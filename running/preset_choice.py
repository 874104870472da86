"""Which preset a batch works by: found, checked, and kept with the batch by value.

A batch that continues, after a pause, a stop of the server or a crash, continues with the preset it was started with.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

import sprint
from base.regular import read_regular
from running.builds import BUILT_ONLY
from running.evidence import unclean_tree
from running.own_prompts import check_own, pin
from running.preflight import NotNow
from running.prompt import PromptError, read_template, unknown_placeholders
from running.workspace import Workspace
from store.batches import BatchRow
from store.meta import get_preset
from workflow import (
    CLASSIC,
    PRESETS,
    CommandKind,
    Installed,
    PhaseKind,
    Preset,
    PresetError,
    build_auto,
    builder_skill,
    detect,
    is_shim,
    own_preset,
)

SKILLS: Final = (".claude/skills", ".agents/skills")
INSTALL: Final = (
    "install BMAD 6.11 or newer, so that it lies in .claude/skills (.agents/skills for agents other than Claude Code)"
)
COMMANDS: Final = (".claude/commands", ".claude/commands/bmad/bmm/workflows")
LISTED_MAX: Final = 2000  # entries of one of these folders that are looked at
SKILL_BYTES: Final = 16 * 1024  # of a SKILL.md, whose frontmatter is at its beginning


def installed(root: Path) -> Installed:
    """What a project has installed of BMAD's commands; blocks on the disk."""
    files: set[str] = set()
    shims: set[str] = set()
    for folder in COMMANDS:
        files.update(f"{folder}/{name}" for name in _names(root / folder) if name.endswith(".md"))
    for folder in SKILLS:
        for name in _names(root / folder):
            path = f"{folder}/{name}/SKILL.md"
            text = _beginning(root / path) if name.startswith("bmad-") else None
            if text is not None:
                files.add(path)
                # BMAD 6.12 installs such shims under old names: they forward to a skill that may be missing.
                shims.update([path] if is_shim(text) else [])
    return Installed(frozenset(files), frozenset(shims))


def _names(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            # `range` first: `zip` would otherwise take one more entry before it stops.
            yield from (entry.name for _, entry in zip(range(LISTED_MAX), entries, strict=False))
    except OSError:
        return


def _beginning(path: Path) -> str | None:
    try:
        return read_regular(path, SKILL_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def own_presets(root: Path, workflows: Mapping[str, Any]) -> dict[str, Preset]:
    """The presets of the user's own, their prompts read. Blocks on the disk; raises `PresetError`."""
    return {name: _with_texts(own_preset(name, definition), root) for name, definition in workflows.items()}


def _with_texts(preset: Preset, root: Path) -> Preset:
    kinds = tuple(_with_text(preset.name, kind, root) for kind in preset.commands)
    return replace(preset, commands=kinds)


def _with_text(workflow: str, kind: CommandKind, root: Path) -> CommandKind:
    """Return the command with the text of its prompt, because the prompt's file may change during a batch."""
    where = f"workflows: {workflow}: command {kind.name!r}"
    text = kind.text
    if kind.prompt is not None:
        path = (root / kind.prompt).resolve()
        # The settings belong to the project: they must not send other files of the operator to an agent.
        if not path.is_relative_to(root.resolve()):
            raise PresetError(f"{where}: the prompt {kind.prompt} lies outside the project")
        try:
            text = read_template(path)
        except PromptError as error:
            raise PresetError(f"{where}: the prompt {error}") from None
    unknown = unknown_placeholders(text or "")
    if unknown:
        raise PresetError(f"{where}: there is no placeholder {unknown[0]!r}")
    return replace(kind, text=text)


async def choose_preset(workspace: Workspace, agent: str, *, fresh: bool) -> Preset:
    """The preset that the settings ask for, for a batch of this agent. Raises `NotNow`, which says what to do.

    `fresh`: nothing of an earlier batch is continued, so the work tree must be as the preset demands.
    """
    settings = workspace.settings()
    caller = workspace.agents[agent].kind
    preset = await asyncio.to_thread(_named, workspace, settings.workflow, caller)
    why = await asyncio.to_thread(check_own, workspace.project.root, preset)
    if why is not None:
        raise NotNow("prompt", why)
    preset = await asyncio.to_thread(pin, preset, workspace.project.root)
    if workspace.project.kind in BUILT_ONLY and not any(phase.kind is PhaseKind.BUILD for phase in preset.phases):
        plan = workspace.relative(workspace.project.tracker)
        raise NotNow("workflow", f"the stories of {plan} are worked on by BMAD's skill bmad-build-auto: {INSTALL}")
    preset = await asyncio.to_thread(_customized, workspace.project.root, preset, caller)
    if settings.code_review_after_build and preset.name == "build-auto":
        phases = tuple(replace(phase, max_reviews=None) for phase in preset.phases)
        preset = replace(preset, phases=phases)
    if fresh and any(phase.kind is PhaseKind.BUILD for phase in preset.phases):
        why = await unclean_tree(workspace)
        if why is not None:
            raise NotNow("git", why)
    return preset


def with_gates(preset: Preset, batch: Sequence[str] | None, settings: Sequence[str]) -> Preset:
    """Return the preset with the gates of a batch: its own, else those of the preset, else those of the settings."""
    gates = next(chosen for chosen in (batch, preset.gates, settings) if chosen is not None)
    return replace(preset, gates=tuple(dict.fromkeys(gates)))


def _named(workspace: Workspace, name: str, caller: str) -> Preset:
    root, settings = workspace.project.root, workspace.settings()
    if name == "classic":
        return replace(CLASSIC, why="the settings name it")
    found = installed(root)
    if name == "auto":
        return detect(found, caller)
    builder = build_auto(found, caller)
    if name != "build-auto":
        try:
            preset = own_presets(root, {name: settings.workflows[name]})[name]
        except (KeyError, PresetError) as error:
            raise NotNow("workflow", f"the workflow {name} cannot be used: {error}") from None
        if not any(phase.kind is PhaseKind.BUILD and "build-auto" in phase.commands for phase in preset.phases):
            return preset
        if builder is not None:
            return replace(preset, calls=builder.calls, caller=caller, stories=1)
    if builder is None:
        raise NotNow(
            "workflow",
            f"build-auto needs BMAD's skill bmad-build-auto: {INSTALL}, or set workflow to classic",
        )
    return builder


def _customized(root: Path, preset: Preset, caller: str) -> Preset:
    """Return the preset with what the project has customised of its build. Raises `NotNow`."""
    skill = builder_skill(installed(root), caller)
    if skill is None or not any(phase.kind is PhaseKind.BUILD for phase in preset.phases):
        return preset
    try:
        found = sprint.read_customization(root, (root / skill).parent)
    except sprint.Refused as refused:
        raise NotNow("workflow", refused.reason) from None
    return replace(preset, build_commit=found.commit.value, recipe=found.recipe)


async def preset_of(workspace: Workspace, row: BatchRow) -> Preset:
    """The preset that a batch was started with."""
    text = await workspace.database.read(get_preset, row.id)
    # Batches of older databases have no stored preset, only its name.
    preset = PRESETS.get(row.workflow, CLASSIC) if text is None else msgspec.json.decode(text, type=Preset)
    # Those of batches before prompts were kept with them are read as they are now.
    return await asyncio.to_thread(pin, preset, workspace.project.root)
