"""The caps of a batch, as values: what is spent of each, and what opens it again."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from db import Database
from settings import Settings
from store.spending import Spending, spent_by_commands, spent_by_stories, spent_of_batch, spent_since


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap, in US dollars or in tokens, and what is spent of it.

    `day` is that of the day's cap (ms), 0 for every other; `subject` names the story or the command.
    """

    name: str
    limit: float
    spent: float
    day: int
    remedy: str
    in_tokens: bool = False
    subject: str = ""

    @property
    def reached(self) -> bool:
        return self.spent >= self.limit

    def __str__(self) -> str:
        whose = f"{self.subject}: " if self.subject else ""
        if self.in_tokens:
            return f"{whose}{self.spent:,.0f} of the {self.name}'s budget of {self.limit:,.0f} tokens are used"
        return f"{whose}${self.spent:.2f} of the {self.name}'s budget of ${self.limit:.2f} is spent"


async def caps_of(
    database: Database, settings: Settings, batch_id: int | None, batch_cap: float | None, now: float
) -> list[Cap]:
    """Return all caps that are set, with what is spent of them now; `batch_cap` is the one the batch was started with.

    Without a batch only those of the day.
    """
    found: list[Cap] = []
    if batch_id is not None:
        usd, tokens = batch_cap or settings.budget_batch_usd, settings.budget_batch_tokens
        own = "stop the batch and start another one with a larger budget" if batch_cap else ""
        if usd or tokens:
            found += _pair("batch", usd, tokens, await database.read(spent_of_batch, batch_id), usd_remedy=own)
    if settings.budget_day_usd or settings.budget_day_tokens:
        today = today_ms(now)
        spent = await database.read(spent_since, today)
        found += _pair("day", settings.budget_day_usd, settings.budget_day_tokens, spent, day=today)
    if batch_id is not None:
        found += await _of_work(database, settings, batch_id)
    return found


async def _of_work(database: Database, settings: Settings, batch_id: int) -> list[Cap]:
    """Return the caps of the stories that are worked on, and of their commands without a success."""
    found: list[Cap] = []
    usd, tokens = settings.budget_story_usd, settings.budget_story_tokens
    if usd or tokens or settings.budget_command_usd or settings.budget_command_tokens:
        # The end of a command and of a story may wait for the next commit: they would count as being worked on.
        await database.write(lambda _connection: None)
    if usd or tokens:
        for key, spent in (await database.read(spent_by_stories, batch_id)).items():
            found += _pair("story", usd, tokens, spent, subject=key)
    usd, tokens = settings.budget_command_usd, settings.budget_command_tokens
    if usd or tokens:
        for (key, command), spent in (await database.read(spent_by_commands, batch_id)).items():
            found += _pair("command", usd, tokens, spent, subject=f"{key} {command}".strip())
    return found


def _pair(
    name: str,
    usd: float | None,
    tokens: int | None,
    spent: Spending,
    *,
    day: int = 0,
    subject: str = "",
    usd_remedy: str = "",
) -> Iterator[Cap]:
    more = ", or wait for the next day" if day else " to continue"
    if usd:
        yield Cap(name, usd, spent.usd, day, usd_remedy or f"raise budget_{name}_usd{more}", subject=subject)
    if tokens:
        yield Cap(name, tokens, spent.tokens, day, f"raise budget_{name}_tokens{more}", in_tokens=True, subject=subject)


def today_ms(now: float) -> int:
    """Return local midnight before a time in seconds, as ms since the epoch, also on days of a clock change."""
    midnight = datetime.datetime.combine(datetime.date.fromtimestamp(now), datetime.time())
    return int(midnight.timestamp() * 1000)
