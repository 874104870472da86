"""Which of several agents runs a command, while some of them wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgentOption:
    """An agent in the order of the settings; `until` is when its wait is over (seconds), None while it does not wait.

    `reason` is that of the pause, `why` the same in words.
    """

    name: str
    until: float | None = None
    reason: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class AgentChange:
    """A command has another agent than the one before it: `before`, and why in a sentence."""

    before: str
    reason: str


def choose_agent(options: Sequence[AgentOption], session: str | None = None, *, bound: bool = False) -> AgentOption:
    """Return the agent of a command; one that waits only where all do, the one whose wait is over first.

    `session` is the agent of a session that the command would continue: it goes on with it unless it waits. `bound`:
    only it can, since the session waits for an answer. There is at least one candidate.
    """
    own = next((one for one in options if one.name == session), None)
    if own is not None and (bound or own.until is None):
        return own
    free = next((one for one in options if one.until is None), None)
    return free or min(options, key=lambda one: one.until or 0.0)


def agent_change(before: str, options: Sequence[AgentOption], chosen: str) -> AgentChange | None:
    """Return that and why a command has another agent than the one before it; None where it has the same."""
    if before == chosen:
        return None
    names = [one.name for one in options]
    waiting = next((one for one in options if one.name == before and one.until is not None), None)
    if waiting is not None:
        return AgentChange(before, f"{chosen} takes over from {before}, which waits: {waiting.why}")
    if before in names and names.index(chosen) > names.index(before):
        return AgentChange(before, f"{chosen} continues with its own session")
    return AgentChange(before, f"{chosen} can work again, and comes before {before}")
