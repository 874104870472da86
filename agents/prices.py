"""List prices of models, for what an agent does not report: an estimate, never an invoice.

US dollars per million tokens: list prices as of the date below; the 5-5 models as Claude Code 2.1.330 charges them. The
longest name that begins the model id counts, up to a hyphen. An unknown model has no price: its cost stays unknown
rather than wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from agents.spec import Usage

PRICES_AS_OF = "2025-11-20"
PER_TOKEN = 1e-6  # the table is in dollars per million


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens. Cache writes are those of the shortest lifetime (5 minutes)."""

    input: float
    output: float
    cache_read: float
    cache_write: float


PRICES: dict[str, Price] = {
    "claude-opus-5-5": Price(4.0, 20.0, 0.4, 4.0),
    "claude-sonnet-5-5": Price(2.0, 10.0, 0.2, 2.0),
    "claude-opus-4-5": Price(5.0, 25.0, 0.5, 6.25),
    "claude-opus-4-1": Price(15.0, 75.0, 1.5, 18.75),
    "claude-opus-4-0": Price(15.0, 75.0, 1.5, 18.75),
    "claude-sonnet-4": Price(3.0, 15.0, 0.3, 3.75),
    "claude-3-7-sonnet": Price(3.0, 15.0, 0.3, 3.75),
    "claude-haiku-4": Price(1.0, 5.0, 0.1, 1.25),
    "claude-3-5-haiku": Price(0.8, 4.0, 0.08, 1.0),
    "gpt-5-mini": Price(0.25, 2.0, 0.025, 0.25),
    "gpt-5-nano": Price(0.05, 0.4, 0.005, 0.05),
    "gpt-5": Price(1.25, 10.0, 0.125, 1.25),
    "gpt-4.1-mini": Price(0.4, 1.6, 0.1, 0.4),
    "gpt-4.1": Price(2.0, 8.0, 0.5, 2.0),
    "o4-mini": Price(1.1, 4.4, 0.275, 1.1),
    "gemini-2.5-pro": Price(1.25, 10.0, 0.125, 1.25),
    "gemini-2.5-flash-lite": Price(0.1, 0.4, 0.01, 0.1),
    "gemini-2.5-flash": Price(0.3, 2.5, 0.03, 0.3),
    "qwen3-coder-plus": Price(1.0, 5.0, 0.1, 1.0),
    "qwen3-coder-flash": Price(0.3, 1.5, 0.03, 0.3),
}


@lru_cache(maxsize=256)
def price_of(model: str | None) -> Price | None:
    """The price of a model id such as "claude-sonnet-4-5-20250929" or "anthropic/claude-sonnet-4-5"."""
    name = (model or "").rsplit("/", 1)[-1].lower()
    known = [known for known in PRICES if name == known or name.startswith(known + "-")]
    return PRICES[max(known, key=len)] if known else None


def estimate(usage: Usage, model: str | None) -> float | None:
    """Dollars for these tokens at list price; None where the model is not known."""
    price = price_of(model)
    if price is None:
        return None
    return PER_TOKEN * (
        usage.input_tokens * price.input
        + usage.output_tokens * price.output
        + usage.cache_read_tokens * price.cache_read
        + usage.cache_write_tokens * price.cache_write
    )
