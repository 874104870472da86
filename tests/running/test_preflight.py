"""Before a batch begins: a budget that some agent would get round is said, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from agents import AgentSpec
from running.preflight import NotNow, unpriced_agents
from running.workspace import Workspace
from settings import Settings

AGENTS = {
    "priced": AgentSpec("priced", "codex", ("codex",), "gpt-5.5"),
    "unpriced": AgentSpec("unpriced", "codex", ("codex",), "gpt-9"),
    "claude": AgentSpec("claude", "claude", ("claude",)),
}


def workspace(folder: Path, **settings: Any) -> Workspace:
    nothing, given = cast(Any, None), msgspec.convert(settings, Settings)
    return Workspace(nothing, lambda: given, AGENTS, nothing, folder, folder, None, lambda: 0.0)


@pytest.mark.parametrize(
    ("settings", "budget", "said"),
    [({}, None, 0), ({}, 5.0, 1), ({"budget_day_usd": 9}, None, 1), ({"budget_batch_usd": 9}, None, 1)],
)
def test_an_agent_without_a_price_is_named_where_there_is_a_budget(
    tmp_path: Path, settings: dict[str, Any], budget: float | None, said: int
) -> None:
    found = unpriced_agents(workspace(tmp_path, **settings), ["priced", "unpriced", "claude", "unpriced"], budget)
    assert len(found) == said
    assert all("gpt-9 has no price" in sentence for sentence in found)


def test_it_is_refused_where_the_settings_say_so(tmp_path: Path) -> None:
    strict = workspace(tmp_path, budget_needs_prices=True)
    assert unpriced_agents(strict, ["unpriced"], None) == []
    assert unpriced_agents(strict, ["priced", "claude"], 5.0) == []
    with pytest.raises(NotNow, match="gpt-9 has no price"):
        unpriced_agents(strict, ["unpriced"], 5.0)


def test_a_cap_in_tokens_stops_what_has_no_price(tmp_path: Path) -> None:
    strict = workspace(tmp_path, budget_needs_prices=True, budget_batch_tokens=1_000_000)
    assert unpriced_agents(strict, ["unpriced"], 5.0) == []


def test_every_model_that_may_be_used_is_looked_at(tmp_path: Path) -> None:
    agents = {"priced": {"kind": "codex", "command": ["codex"], "model": "gpt-5.5", "light_model": "gpt-8"}}
    commands = {"dev-story": {"agent": "priced", "model": "gpt-7"}, "code-review": {"model": "gpt-6"}}
    given = workspace(tmp_path, agent="claude", agents=agents, commands=commands)
    said = unpriced_agents(given, ["priced"], 5.0)
    assert [sentence.split(": ")[1].split(" has")[0] for sentence in said] == ["gpt-8", "gpt-7"]
