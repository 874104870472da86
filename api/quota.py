"""What is left of the accounts' usage windows: as it is now, and as it was."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

import agents
from api.http import SERVICES, Services, json_response, query_int
from base.usage_windows import shares_of
from store.quota import AccountWait, QuotaWindow, current, get_waits, history
from workflow.quota import Reserve

DAYS_DEFAULT: Final = 7  # of the history
DAYS_MAX: Final = 400  # longer ago nothing is kept
DAY_MS: Final = 86_400_000


class WindowNow(QuotaWindow, frozen=True, kw_only=True):
    """A window with the agents of its account, and the share of it that is reserved (0: none)."""

    agents: list[str]
    reserve: float


class WaitNow(AccountWait, frozen=True, kw_only=True):
    """A wait that is not over, with the agents of its account."""

    agents: list[str]


class QuotaReport(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/quota`. `history` has every change of the last days, oldest first."""

    windows: list[WindowNow]
    waits: list[WaitNow]
    history: list[QuotaWindow]


async def get_quota(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    database, now_ms = services.database, int(services.workspace.clock() * 1000)
    days = query_int(request, "days", DAYS_DEFAULT, 1, DAYS_MAX) or DAYS_DEFAULT
    names = _agents_by_account(services)
    reserve = Reserve(shares_of(services.workspace.settings().reserve_percent) or {})
    windows = [
        WindowNow(
            **msgspec.structs.asdict(row),
            agents=names.get(row.account, []),
            reserve=reserve.share_of(row.window),
        )
        for row in await database.read(current)
    ]
    waits = [
        WaitNow(**msgspec.structs.asdict(wait), agents=names.get(wait.account, []))
        for wait in await database.read(get_waits)
        if wait.until > now_ms
    ]
    past = await database.read(history, now_ms - days * DAY_MS)
    return json_response(QuotaReport(windows=windows, waits=waits, history=past))


def _agents_by_account(services: Services) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, spec in sorted(services.workspace.agents.items()):
        found.setdefault(agents.account_of(spec), []).append(name)
    return found


ROUTES: Final = [web.get("/api/quota", get_quota)]
