"""Which agent runs a command while some wait, and how a change is explained."""

from __future__ import annotations

import pytest

from workflow import BUILD_AUTO, CLASSIC
from workflow.failover import AgentOption, agent_change, choose_agent
from workflow.presets import Preset

FREE_A, FREE_B, FREE_C = (AgentOption(name) for name in "abc")
A, B, C = (
    AgentOption(name, until, "usage-limit", f"until {until}") for name, until in (("a", 30.0), ("b", 20.0), ("c", 25.0))
)

# options, the session's agent, whether it is bound to it, who runs
CHOICES = [
    ([FREE_A, FREE_B, FREE_C], None, False, FREE_A),
    ([A, FREE_B, FREE_C], None, False, FREE_B),
    ([A, B, FREE_C], None, False, FREE_C),
    ([A, B, C], None, False, B),
    ([A], None, False, A),
    ([FREE_A, FREE_B, C], "b", False, FREE_B),  # a session stays with its agent
    ([FREE_A, B, C], "b", False, FREE_A),  # which waits: the command begins afresh
    ([FREE_A, B, C], "b", True, B),  # unless only it can continue
    ([FREE_A, FREE_B], "elsewhere", True, FREE_A),
]


@pytest.mark.parametrize(("options", "session", "bound", "chosen"), CHOICES)
def test_the_first_that_does_not_wait_runs(
    options: list[AgentOption], session: str | None, bound: bool, chosen: AgentOption
) -> None:
    assert choose_agent(options, session, bound=bound) == chosen


CHANGES = [
    ("a", [FREE_A, FREE_B], "a", None),
    ("a", [A, FREE_B], "b", "b takes over from a, which waits: until 30.0"),
    ("b", [FREE_A, FREE_B], "a", "a can work again, and comes before b"),
    ("b", [FREE_A, B], "a", "a takes over from b, which waits: until 20.0"),
    ("a", [FREE_A, FREE_B], "b", "b continues with its own session"),
    ("gone", [FREE_A, FREE_B], "a", "a can work again, and comes before gone"),
]


@pytest.mark.parametrize(("before", "options", "chosen", "reason"), CHANGES)
def test_a_change_has_its_reason(before: str, options: list[AgentOption], chosen: str, reason: str | None) -> None:
    change = agent_change(before, options, chosen)
    assert (None if change is None else change.reason) == reason


OWN = Preset("build-auto", BUILD_AUTO.phases, calls={"build-auto": "/bmad-build-auto"}, caller="claude")
ALLOWED = [
    (CLASSIC, "dev-story", "codex", True),
    (OWN, "build-auto", "claude", True),
    (OWN, "build-auto", "codex", False),
    (OWN, "build-plan", "codex", False),
    (OWN, "code-review-2", "codex", True),
    (OWN, "commit", "gemini", True),
]


@pytest.mark.parametrize(("preset", "command", "kind", "allowed"), ALLOWED)
def test_a_build_stays_with_agents_that_have_the_skill(preset: Preset, command: str, kind: str, allowed: bool) -> None:
    assert preset.allows(command, kind) is allowed
