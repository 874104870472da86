from __future__ import annotations

from typing import Any

import pytest

from agents.preflight import budget_problem
from agents.prices import PRICES, SHIPPED, PriceList
from agents.spec import AgentSpec, Price, Usage


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4"),
        ("anthropic/claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("gemini-2.5-flash-lite", "gemini-2.5-flash-lite"),
        ("gemini-2.5-flash", "gemini-2.5-flash"),
        ("GPT-5", "gpt-5"),
        ("gpt-5-codex", "gpt-5"),
        ("gpt-5.5", "gpt-5.5"),
        ("gpt-5.5-2026-04-23", "gpt-5.5"),
        ("gpt-5.5-pro", "gpt-5.5-pro"),
        ("gemini-3.1-pro-preview", "gemini-3.1-pro"),
        ("gpt-9", None),
        ("claude-sonnet-40", None),
        ("", None),
        (None, None),
    ],
)
def test_models(model: str | None, known: str | None) -> None:
    assert SHIPPED.price_of(model) == (PRICES[known] if known else None)


def test_estimate() -> None:
    usage = Usage(240, 80, 30000, 1600)
    assert SHIPPED.estimate(usage, "claude-sonnet-4-5") == pytest.approx(0.01692)
    assert SHIPPED.estimate(usage, "mystery") is None


OWN = {
    "gpt-5": Price(1, 2, 3, 4),
    "acme/*": Price(5, 6, 7, 8),
    "acme/large-*": Price(9, 9, 9, 9),
    "Local": Price(0, 0, 0, 0),
}


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-5-codex", OWN["gpt-5"]),
        ("gpt-5-mini", OWN["gpt-5"]),  # any own price that holds comes before all that are shipped
        ("openai/gpt-5", OWN["gpt-5"]),
        ("acme/small", OWN["acme/*"]),
        ("acme/large-2", OWN["acme/large-*"]),
        ("local", OWN["Local"]),
        ("gemini-2.5-pro", PRICES["gemini-2.5-pro"]),
        ("mystery", None),
    ],
)
def test_own_prices_come_first_and_the_longest_name_counts(model: str, price: Price | None) -> None:
    assert PriceList(OWN).price_of(model) == price


def test_a_free_model_costs_nothing_and_is_known() -> None:
    assert PriceList(OWN).estimate(Usage(1000, 1000), "local") == 0.0


@pytest.mark.parametrize(
    ("kind", "model", "settings", "said"),
    [
        ("claude", "claude-nope-9", {}, None),  # it says itself what it cost
        ("codex", "gpt-5.5", {}, None),
        ("codex", "gpt-9", {}, "gpt-9 has no price"),
        ("codex", "gpt-9", {"prices": {"gpt-9": Price(1, 1, 1, 1)}}, None),
        ("codex", None, {}, "Set `model`"),
        ("gemini", None, {}, None),  # known when it runs
        ("opencode", "mock/nope", {}, "mock/nope has no price"),
        ("text", None, {}, "Set `model`"),
        ("text", None, {"patterns": {"cost_usd": "x"}}, None),
        ("text", None, {"report": "used.json"}, None),
    ],
)
def test_a_budget_that_cannot_stop_anything_is_named(
    kind: str, model: str | None, settings: dict[str, Any], said: str | None
) -> None:
    problem = budget_problem(AgentSpec("mine", kind, ("x",), model, **settings), None)
    assert (problem is None) if said is None else (said in (problem or ""))
