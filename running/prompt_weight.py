"""What prompts weigh: estimated tokens of each prompt of a preset, and of the project's context that it names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

import sprint
from running.prompt import PromptError, template_text
from running.workspace import Workspace
from workflow import Preset

CHARS_PER_TOKEN: Final = 4  # of English and of code, roughly


class PromptWeight(msgspec.Struct, frozen=True, kw_only=True):
    """Estimated tokens of one prompt, without what is filled in; `context_tokens` of the file that it has read."""

    command: str
    tokens: int
    context_tokens: int


async def prompt_weights(
    workspace: Workspace, preset: Preset, agent_kind: str, kinds: Iterable[str]
) -> list[PromptWeight]:
    """Return the weight of the prompts of these commands, the heaviest first; unknown commands are left out."""
    return await asyncio.to_thread(_weights, workspace, preset, agent_kind, sorted(set(kinds)))


def _weights(workspace: Workspace, preset: Preset, agent_kind: str, kinds: list[str]) -> list[PromptWeight]:
    context = _context_tokens(workspace)
    found = []
    for name in kinds:
        try:
            text = template_text(workspace, preset.kind(name), preset.call(name, agent_kind))
        except (KeyError, PromptError):
            continue
        reads = context if "context_file" in text else 0
        found.append(PromptWeight(command=name, tokens=len(text) // CHARS_PER_TOKEN, context_tokens=reads))
    return sorted(found, key=lambda one: -one.tokens - one.context_tokens)


def _context_tokens(workspace: Workspace) -> int:
    path = sprint.context_file(workspace.project)
    try:
        return 0 if path is None else path.stat().st_size // CHARS_PER_TOKEN
    except OSError:
        return 0
