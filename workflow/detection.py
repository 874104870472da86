"""Which of BMAD's own commands a project has installed, and the preset that `auto` picks because of them.

Pure: from the names of files below the project to a preset. Where the commands lie changed with BMAD's versions:
skills since 6.1, flat commands with dashes from 6.0 and with underscores before, a folder of workflows at first.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from workflow.presets import BUILD_AUTO, CLASSIC, Preset

BUILDERS: Final = ("bmad-build-auto", "bmad-dev-auto")  # the newer first; the other is its name in 6.10
OWN: Final = ("create-story", "dev-story", "code-review")  # commands of ours that BMAD has as well
READERS: Final = ("codex", "gemini", "opencode", "qwen")  # agents that are told to read a skill: they have no slash

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
    """What is installed: paths relative to the project, with forward slashes.

    `shims` are those of the skills that say of themselves that they only pass on to another one.
    """

    files: frozenset[str] = frozenset()
    shims: frozenset[str] = frozenset()


def is_shim(text: str) -> bool:
    """Whether the frontmatter of a SKILL.md says `metadata: lifecycle: shim`."""
    head, _, _ = text.removeprefix("---").partition("\n---")
    return text.startswith("---") and _SHIM.match(f"---\n{head}\n") is not None


def detect(installed: Installed, caller: str) -> Preset:
    """The preset for an agent of this kind: build-auto, classic with the project's own commands, or classic."""
    builder = build_auto(installed, caller)
    if builder is not None:
        return builder
    calls = _calls(installed, caller)
    if calls:
        why = f"the project has its own commands: {', '.join(sorted(calls.values()))}"
        return replace(CLASSIC, calls=calls, caller=caller, why=why)
    return replace(CLASSIC, why="the project has no commands of its own that this agent could call")


def build_auto(installed: Installed, caller: str) -> Preset | None:
    """The preset build-auto, where this kind of agent has the skill; a mere shim of it does not count."""
    for name in BUILDERS:
        path = (CLAUDE_SKILL if caller == "claude" else SHARED_SKILL).format(name)
        call = _call_of(path, f"/{name}", caller)
        if call is not None and path in installed.files and path not in installed.shims:
            why = f"the skill {name} is installed in the project"
            return replace(BUILD_AUTO, calls={"build-auto": call}, caller=caller, why=why)
    return None


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
    """How this kind of agent is told to use a skill; None for one that cannot."""
    if caller == "claude":
        return slash
    return f"Read the skill {path} first, all of it, and do what it says for:" if caller in READERS else None
