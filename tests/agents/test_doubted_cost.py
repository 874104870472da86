"""A reported cost is marked above ten times what its tokens can cost, never for being small or unknown."""

from __future__ import annotations

import pytest

from agents import Usage, is_cost_doubted

MILLION = Usage(input_tokens=1_000_000)


@pytest.mark.parametrize(
    ("usage", "model", "usd", "doubted"),
    [
        (MILLION, "claude-opus-5-5", 4.0, False),
        (MILLION, "claude-opus-5-5", 39.9, False),
        (MILLION, "claude-opus-5-5", 40.1, True),
        (MILLION, "a-model-without-a-price", 299.0, False),
        (MILLION, "a-model-without-a-price", 301.0, True),
        (MILLION, None, 301.0, True),
        (MILLION, "claude-opus-5-5", 0.0, False),
        (MILLION, "claude-opus-5-5", None, False),
        (Usage(), "claude-opus-5-5", 900.0, False),
    ],
)
def test_a_cost_is_doubted_above_ten_times_the_price_of_its_tokens(
    usage: Usage, model: str | None, usd: float | None, doubted: bool
) -> None:
    assert is_cost_doubted(usage, model, usd) is doubted
