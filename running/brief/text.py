"""The sentences of a brief that all renderings share. Pure; foreign text in them is text."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Final

from running.brief.views import BriefCost, BriefStory, BriefTime

LINE_MAX: Final = 240  # characters of a reason or a message on its one line
CALL_MAX: Final = 140  # characters of what needs you first, in a notification
_NUMBERED_KEY: Final = re.compile(r"(\d+[a-z]?-\d+[a-z]?)(?:-|$)", re.IGNORECASE)
WAITS: Final = {
    "operator": "the operator paused it",
    "interrupted": "the server ended",
    "usage-limit": "the agent's usage limit was reached",
    "unreachable": "the agent's service could not be reached",
    "retry": "an agent was to be tried again",
    "program": "the agent's program was missing",
    "hours": "it waited for its hours",
    "scheduled": "it waited for its time",
    "question": "an agent asked",
    "gate": "a decision was needed",
    "budget": "the budget was spent",
    "tracker": "the plan could not be read",
    "merge": "a merge could not be made",
    "git": "git needed you",
    "breaker": "several stories failed in the same way",
}


def one_line(text: str, most: int = LINE_MAX) -> str:
    """Return a text on one line, cut at a word where it is long."""
    folded = " ".join(text.split())
    if len(folded) <= most:
        return folded
    cut = folded[: most - 1]
    return f"{cut.rpartition(' ')[0] or cut}…"


def sentence(text: str) -> str:
    """Return a text with the mark that ends a sentence."""
    return text if text.endswith(("…", "!", "?")) else f"{text.rstrip('.')}."


def plural(count: int, noun: str, many: str = "") -> str:
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def money(usd: float) -> str:
    return f"${usd:,.2f}"


def story_name(key: str, title: str) -> str:
    """Return a story's number and title, whose words its key repeats; the key where there is no title or number."""
    numbered = _NUMBERED_KEY.match(key)
    return f"{numbered[1] if numbered and title else key} {title}".strip()


def span(seconds: float) -> str:
    """Return a duration as people say it: 40 s, 12 min, 2 h 5 min."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def clock(at: int, now: int) -> str:
    """Return a time by this machine's clock, with its day where that is another one than today."""
    then, today = (datetime.datetime.fromtimestamp(ms / 1000) for ms in (at, now))
    return then.strftime("%H:%M" if then.date() == today.date() else "%Y-%m-%d %H:%M")


def cost_text(cost: BriefCost) -> str:
    """Return what the batch cost, as far as that is known."""
    if not cost.usd and cost.unknown:
        return f"cost unknown: {plural(cost.unknown, 'command')} reported none"
    parts = [f"of it {money(cost.estimated_usd)} estimated"] if cost.estimated_usd else []
    parts += [f"{plural(cost.unknown, 'command')} reported none"] if cost.unknown else []
    least = "at least " if cost.unknown else ""
    more = f" ({', '.join(parts)})" if parts else ""
    return f"{least}{money(cost.usd)}{more}"


def forecast_text(cost: BriefCost) -> str:
    """Return how the cost compares with the forecast; "" without one."""
    if cost.forecast_usd is None:
        return ""
    return _against(cost.against, *map(money, cost.forecast_usd))


def _against(against: str, low: str, high: str) -> str:
    return f"{against} the forecast of {low} to {high}" if against else f"the forecast was {low} to {high}"


def story_cost(story: BriefStory) -> str:
    """Return what a story cost, as far as that is known."""
    if not story.is_unpriced:
        return money(story.cost_usd)
    return f"at least {money(story.cost_usd)}" if story.cost_usd else "cost unknown"


def time_text(time: BriefTime) -> str:
    waited = f", {span(time.waited_s)} of it waiting or not running" if time.waited_s >= 60 else ""
    forecast = "" if time.forecast_s is None else f", {_against(time.against, *map(span, time.forecast_s))}"
    return f"{span(time.seconds)}{waited}{forecast}"


def listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
