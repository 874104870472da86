from __future__ import annotations

import pytest

from agents.prices import PRICES, estimate, price_of
from agents.spec import Usage


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4"),
        ("anthropic/claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("gemini-2.5-flash-lite", "gemini-2.5-flash-lite"),
        ("gemini-2.5-flash", "gemini-2.5-flash"),
        ("GPT-5", "gpt-5"),
        ("gpt-5-codex", "gpt-5"),
        ("gpt-5.5", None),
        ("claude-sonnet-40", None),
        ("", None),
        (None, None),
    ],
)
def test_models(model: str | None, known: str | None) -> None:
    assert price_of(model) == (PRICES[known] if known else None)


def test_estimate() -> None:
    usage = Usage(240, 80, 30000, 1600)
    assert estimate(usage, "claude-sonnet-4-5") == pytest.approx(0.01692)
    assert estimate(usage, "mystery") is None
