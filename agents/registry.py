"""Which adapter reads which kind of agent. A new agent is one module and one entry here."""

from __future__ import annotations

from agents.acp.program import Acp
from agents.adapter import Adapter
from agents.claude import Claude
from agents.codex import Codex
from agents.gemini import Gemini
from agents.opencode import Opencode
from agents.plain import PlainText
from agents.qwen import Qwen

_ALL: tuple[Adapter, ...] = (Claude(), Codex(), Gemini(), Opencode(), Qwen(), Acp(), PlainText())
ADAPTERS: dict[str, Adapter] = {adapter.kind: adapter for adapter in _ALL}


class UnknownKind(ValueError):
    """No adapter has this name; the message lists those there are."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"Unknown kind of agent {kind!r}: use one of {', '.join(sorted(ADAPTERS))}.")


def adapter_for(kind: str) -> Adapter:
    """The adapter of a kind; raises UnknownKind."""
    try:
        return ADAPTERS[kind]
    except KeyError:
        raise UnknownKind(kind) from None
