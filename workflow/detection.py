"""The BMAD commands that a project has installed, and the preset that `auto` selects for them.

A pure function from file names below the project to a preset. The location of the commands depends on the version of
BMAD: skills since 6.1, flat commands with dashes in 6.0 and with underscores before, at first a folder of workflows.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from workflow.presets import BUILD_AUTO, CLASSIC, Preset

BUILDERS: Final = ("bmad-build-auto", "bmad-dev-auto")  # the current name, and that of BMAD 6.10
OWN: Final = ("create-story", "dev-story", "code-review")  # our commands that BMAD has as well
PLANNER: Final = "sprint-planning"
READERS: Final = ("acp", "codex", "gemini", "opencode", "qwen")  # no slash commands: the prompt names the skill

CLAUDE_SKILL: Final = ".claude/skills/{}/SKILL.md"
SHARED_SKILL: Final = ".agents/skills/{}/SKILL.md"
_COMMANDS: Final = (  # file and call, newest first
    (CLAUDE_SKILL.format("bmad-{0}"), "/bmad-{0}"),
    (".claude/commands/bmad-bmm-{0}.md", "/bmad-bmm-{0}"),
    (".claude/commands/bmad_bmm_{0}.md", "/bmad_bmm_{0}"),
    (".claude/commands/bmad/bmm/workflows/{0}.md", "/bmad:bmm:workflows:{0}"),
)
_SHIM: Final = re.compile(r"\A---\s*\n(?:.*\n)*?\s*lifecycle:\s*[\"']?shim\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Installed:
    """The installed files: paths relative to the project, with forward slashes.

    `shims` are the skills that only forward to another skill, according to their frontmatter.
    """

    files: frozenset[str] = frozenset()
    shims: frozenset[str] = frozenset()


def is_shim(text: str) -> bool:
    """Whether the frontmatter of a SKILL.md has `metadata: lifecycle: shim`."""
    head, _, _ = text.removeprefix("---").partition("\n---")
    return text.startswith("---") and _SHIM.match(f"---\n{head}\n") is not None


def detect(installed: Installed, caller: str) -> Preset:
    """Return the preset for an agent kind: build-auto, classic with the project's own commands, or classic."""
    builder = build_auto(installed, caller)
    if builder is not None:
        return builder
    calls = _calls(installed, caller)
    if calls:
        why = f"the project has its own commands: {', '.join(sorted(calls.values()))}"
        return replace(CLASSIC, calls=calls, caller=caller, why=why)
    return replace(CLASSIC, why="the project has no commands of its own that this agent could call")


def build_auto(installed: Installed, caller: str) -> Preset | None:
    """Return the preset build-auto if this agent kind has the skill and it is no shim."""
    path = builder_skill(installed, caller)
    if path is None:
        return None
    name = path.split("/")[-2]
    call = _call_of(path, f"/{name}", caller) or ""
    return replace(
        BUILD_AUTO, calls={"build-auto": call}, caller=caller, why=f"the skill {name} is installed in the project"
    )


def builder_skill(installed: Installed, caller: str) -> str | None:
    """Return the SKILL.md of the unattended build that this agent kind can call; None where there is none."""
    paths = ((CLAUDE_SKILL if caller == "claude" else SHARED_SKILL).format(name) for name in BUILDERS)
    fit = (path for path in paths if path in installed.files and path not in installed.shims)
    return next((path for path in fit if _call_of(path, "/", caller) is not None), None)


def planning_call(installed: Installed, caller: str) -> str | None:
    """Return what makes this agent kind run the project's own sprint planning; None where it has none."""
    return _own_call(installed.files, PLANNER, caller)


def _calls(installed: Installed, caller: str) -> dict[str, str]:
    found = {}
    for command in OWN:
        call = _own_call(installed.files, command, caller)
        if call is not None:
            found[command] = call
    return found


def _own_call(files: Collection[str], command: str, caller: str) -> str | None:
    if caller == "claude":
        return next((call.format(command) for path, call in _COMMANDS if path.format(command) in files), None)
    path = SHARED_SKILL.format(f"bmad-{command}")
    return _call_of(path, f"/bmad-{command}", caller) if path in files else None


def _call_of(path: str, slash: str, caller: str) -> str | None:
    """Return the instruction that makes this agent kind use a skill; None if it cannot."""
    if caller == "claude":
        return slash
    return f"Read the skill {path} first, all of it, and do what it says for:" if caller in READERS else None
