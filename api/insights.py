"""The route of the ledger: cost, tokens and time of a window, beside what came before it and the caps of budgets."""

from __future__ import annotations

import datetime
from typing import Final

import msgspec
from aiohttp import web

from api.http import SERVICES, ApiError, Services, json_response, query_int
from store.batches import get_batch, get_batch_before
from store.ledger import Insights, Window, get_insights

DAYS_MAX: Final = 36_500  # a hundred years, well inside of the range of `datetime`
DAY: Final = datetime.timedelta(days=1)
# Between these `datetime` can compute with the days before and after, and with their time stamps.
FIRST_DAY: Final = datetime.date(1970, 1, 1)
LAST_DAY: Final = datetime.date(2999, 12, 31)


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """The caps in US dollars as they are set now; null for none."""

    day: float | None
    batch: float | None
    story: float | None
    command: float | None


class InsightsView(Insights, frozen=True, kw_only=True):
    """The ledger of a window with the caps, for lines in charts of cost."""

    budgets: Budgets


class Period(msgspec.Struct, frozen=True):
    """Days of this machine's clock, both included; None for an open end."""

    first: datetime.date | None
    last: datetime.date | None


async def insights(request: web.Request) -> web.Response:
    """Respond with the ledger of all commands, of one batch, of the last days including today, or of a range."""
    services, batch = request.app[SERVICES], query_int(request, "batch", None, 0, 2**63 - 1)
    if batch is not None and await services.database.read(get_batch, batch) is None:
        raise ApiError(404, "not_found", f"there is no batch {batch}")
    now = services.workspace.clock()
    period = _period(request, now)
    window = _window(period, batch)
    ledger = await services.database.read(get_insights, window, await _before(services, window, period, now))
    fields = {name: getattr(ledger, name) for name in Insights.__struct_fields__}
    return json_response(InsightsView(**fields, budgets=_budgets(services)))


def _period(request: web.Request, now: float) -> Period:
    """Return the days that a request asks for; raises `ApiError` 400."""
    days = query_int(request, "days", None, 1, DAYS_MAX)
    first, last = _date(request, "from"), _date(request, "to")
    if days is None:
        if first is not None and last is not None and last < first:
            raise ApiError(400, "bad_request", "to: must not be before from")
        return Period(first, last)
    if first is not None or last is not None:
        raise ApiError(400, "bad_request", "days: not together with from and to")
    today = datetime.date.fromtimestamp(now)
    return Period(today - (days - 1) * DAY, None)


def _date(request: web.Request, name: str) -> datetime.date | None:
    text = request.query.get(name)
    if not text:
        return None
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        day = datetime.date.min
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ApiError(400, "bad_request", f"{name}: must be a date such as 2026-03-01")
    return day


def _window(period: Period, batch: int | None) -> Window:
    since = None if period.first is None else midnight_ms(period.first)
    until = None if period.last is None else midnight_ms(period.last + DAY)
    return Window(batch=batch, since=since, until=until)


async def _before(services: Services, window: Window, period: Period, now: float) -> Window | None:
    """Return what to compare a window with: the batch before, or as many days before; None where neither is clear."""
    if window.batch is not None:
        row = await services.database.read(get_batch_before, window.batch)
        return None if row is None or period != Period(None, None) else Window(batch=row.id)
    if period.first is None:
        return None
    today = datetime.date.fromtimestamp(now)
    length = min(period.last or today, today) - period.first + DAY
    if length <= datetime.timedelta(0):
        return None
    since = midnight_ms(period.first - length)
    if period.last is not None and period.last < today:
        return Window(since=since, until=midnight_ms(period.first))
    # A period that is not over yet is compared with the same part of the one before.
    return Window(since=since, until=since + int(now * 1000) - midnight_ms(period.first))


def midnight_ms(day: datetime.date) -> int:
    """Return the local midnight at which a day begins, in ms since the epoch."""
    return int(datetime.datetime.combine(day, datetime.time()).timestamp() * 1000)


def _budgets(services: Services) -> Budgets:
    settings = services.workspace.settings()
    return Budgets(
        day=settings.budget_day_usd,
        batch=settings.budget_batch_usd,
        story=settings.budget_story_usd,
        command=settings.budget_command_usd,
    )


ROUTES: Final = [web.get("/api/insights", insights)]
