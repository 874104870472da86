"""A forecast as text: ranges, times of this machine's clock, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from forecast.backtest import Backtest, Hits
from runstate.forecast_view import ForecastView, Pair

DAY_FORMAT: Final = "%a %d %b %H:%M"


def forecast_lines(found: ForecastView) -> Iterator[str]:
    """Yield the forecast line by line."""
    yield summary_text(found)
    if found.stories:
        yield f"  {found.basis.text[0].upper()}{found.basis.text[1:]}."
    yield from (f"  {note}" for note in found.notes)
    for window in found.windows:
        enough = "unknown" if window.enough is None else f"enough for {window.enough} of {found.stories}"
        yield f"  {window.name} of {window.account}: {window.left:.0%} left, {enough}"


def summary_text(found: ForecastView) -> str:
    """Return the forecast in a sentence."""
    if not found.stories:
        return "Forecast: nothing would run."
    what = f"{found.stories} {'story' if found.stories == 1 else 'stories'}"
    low, high = (_time(at, found.at) for at in found.ends_at)
    done = f"done at {low}" if low == high else f"done between {low} and {high}"
    return f"Forecast: {what}, {cost_text(found)}, {done} (in four of five cases)."


def cost_text(found: ForecastView) -> str:
    """Return the cost in words: "$11.00 to $19.00", or the tokens of agents that report no cost."""
    if found.cost_usd is not None:
        return _range_text(found.cost_usd)
    if found.tokens is None:
        return "cost unknown"
    return f"cost unknown, {found.tokens[0]:,} to {found.tokens[1]:,} tokens"


def _range_text(usd: Pair) -> str:
    return f"${usd[0]:,.2f} to ${usd[1]:,.2f}"


def _time(at: int, now: int) -> str:
    moment = datetime.fromtimestamp(at / 1000)
    same_day = moment.date() == datetime.fromtimestamp(now / 1000).date()
    return moment.strftime("%H:%M" if same_day else DAY_FORMAT)


def backtest_lines(found: Backtest) -> Iterator[str]:
    """Yield the result of a backtest line by line."""
    yield f"{found.stories} finished stories; a range is to hold the truth in 80 % of the cases."
    for name, hits in (
        ("cost of a story", found.story_cost),
        ("time of a story", found.story_time),
        ("cost of a batch", found.batch_cost),
        ("time of a batch", found.batch_time),
    ):
        yield f"  {name}: {_hits_text(hits)}"


def _hits_text(hits: Hits) -> str:
    if hits.share is None:
        return "no range was possible yet: too few stories had ended before"
    return f"inside in {hits.held} of {hits.given} ({hits.share:.0%})"
