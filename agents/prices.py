"""The prices of models, to estimate costs that an agent does not report.

The operator's own prices (`prices:` in the settings) count first, then the table below: list prices as of its date, the
5-5 models as Claude Code 2.1.330 charges them. An unknown model has no price: its cost stays unknown rather than wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from agents.spec import AgentSpec, Price, Usage

PRICES_AS_OF: Final = "2026-06-12"
PER_TOKEN: Final = 1e-6  # the tables are in dollars per million
WILD: Final = frozenset("*?[")

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
    "claude-opus-4-6": Price(5.0, 25.0, 0.5, 6.25),
    "gpt-5.5-pro": Price(30.0, 180.0, 30.0, 30.0),
    "gpt-5.5": Price(5.0, 30.0, 0.5, 5.0),
    "gpt-5.4-pro": Price(30.0, 180.0, 30.0, 30.0),
    "gpt-5.4-mini": Price(0.75, 4.5, 0.075, 0.75),
    "gpt-5.4-nano": Price(0.2, 1.25, 0.02, 0.2),
    "gpt-5.4": Price(2.5, 15.0, 0.25, 2.5),
    "gpt-5.3-codex": Price(1.75, 14.0, 0.175, 1.75),
    "gpt-5.2": Price(1.75, 14.0, 0.175, 1.75),
    "gpt-5.1-codex-mini": Price(0.25, 2.0, 0.025, 0.25),
    "gpt-5.1": Price(1.25, 10.0, 0.125, 1.25),
    "gpt-5-mini": Price(0.25, 2.0, 0.025, 0.25),
    "gpt-5-nano": Price(0.05, 0.4, 0.005, 0.05),
    "gpt-5": Price(1.25, 10.0, 0.125, 1.25),
    "gpt-4.1-mini": Price(0.4, 1.6, 0.1, 0.4),
    "gpt-4.1": Price(2.0, 8.0, 0.5, 2.0),
    "o4-mini": Price(1.1, 4.4, 0.275, 1.1),
    "gemini-3.5-flash": Price(1.5, 9.0, 0.15, 1.5),
    "gemini-3.1-pro": Price(2.0, 12.0, 0.2, 2.0),
    "gemini-3.1-flash-lite": Price(0.25, 1.5, 0.025, 0.25),
    "gemini-3-pro": Price(2.0, 12.0, 0.2, 2.0),
    "gemini-3-flash": Price(0.5, 3.0, 0.05, 0.5),
    "gemini-2.5-pro": Price(1.25, 10.0, 0.125, 1.25),
    "gemini-2.5-flash-lite": Price(0.1, 0.4, 0.01, 0.1),
    "gemini-2.5-flash": Price(0.3, 2.5, 0.03, 0.3),
    "qwen3-coder-plus": Price(1.0, 5.0, 0.1, 1.0),
    "qwen3-coder-flash": Price(0.3, 1.5, 0.03, 0.3),
}


class PriceList:
    """Prices by model: `own` before those that are shipped. A name holds for ids that begin with it up to a hyphen, a
    pattern (`*`, `?`, `[…]`) for what it matches; the longest that holds counts."""

    def __init__(self, own: Mapping[str, Price] | None = None) -> None:
        self._own = {name.lower(): price for name, price in (own or {}).items()}
        self._known: dict[str, Price | None] = {}  # models asked for: one call uses few

    def price_of(self, model: str | None) -> Price | None:
        """The price of a model id such as "claude-sonnet-4-5-20250929" or "anthropic/claude-sonnet-4-5"."""
        id_ = (model or "").lower()
        if id_ not in self._known:
            self._known[id_] = _longest(self._own, id_) or _shipped(id_)
        return self._known[id_]

    def estimate(self, usage: Usage, model: str | None) -> float | None:
        """Dollars for these tokens; None where the model is not known."""
        price = self.price_of(model)
        if price is None:
            return None
        return PER_TOKEN * (
            usage.input_tokens * price.input
            + usage.output_tokens * price.output
            + usage.cache_read_tokens * price.cache_read
            + usage.cache_write_tokens * price.cache_write
        )


SHIPPED: Final = PriceList()
DOUBT_FACTOR: Final = 10.0
DEAREST: Final = PriceList({"*": max(PRICES.values(), key=lambda price: price.output)})


def is_cost_doubted(usage: Usage, model: str | None, usd: float | None) -> bool:
    """Whether a reported cost is above ten times what the tokens can cost: by the model's list price, else the dearest.

    Such a cost is booked as it was reported, since a cap must not be passed, and marked where it is shown.
    """
    if not usd or not usage:
        return False
    known = SHIPPED.estimate(usage, model)
    return usd > DOUBT_FACTOR * (known or DEAREST.estimate(usage, "*") or 0.0)


def unpriced(spec: AgentSpec, model: str | None, reports_cost: bool) -> str | None:
    """The sentence for a budget that cannot stop this agent with this model; None where it can."""
    if reports_cost or PriceList(spec.prices).price_of(model) is not None:
        return None
    if model is None:
        return (
            f"No budget can stop {spec.name}: it does not say which model it uses, so no price is found. "
            "Set `model` of the agent, or a cap in tokens (budget_batch_tokens)."
        )
    return (
        f"No budget can stop {spec.name}: {model} has no price in the list of {PRICES_AS_OF}. Set `prices: "
        f"{{{model}: {{input: …, output: …}}}}` in the settings, or a cap in tokens (budget_batch_tokens)."
    )


@lru_cache(maxsize=256)
def _shipped(model: str) -> Price | None:
    return _longest(PRICES, model)


def _longest(prices: Mapping[str, Price], model: str) -> Price | None:
    """Ids are compared whole, and without the part before their last slash."""
    ids = {model, model.rsplit("/", 1)[-1]}
    found = [name for name in prices if any(_holds(name, id_) for id_ in ids)]
    return prices[max(found, key=len)] if found else None


def _holds(name: str, model: str) -> bool:
    if WILD & set(name):
        return fnmatchcase(model, name)
    return model == name or model.startswith(name + "-")
