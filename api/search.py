"""The search over all events and transcripts."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from api.http import ApiError, json_response, query_int
from running.search.find import After, Finder, IndexDamaged, Wanted
from running.search.hits import LAST
from running.search.query import QUERY_MAX, parse_query
from running.search.views import EVENT, TRANSCRIPT

FINDER: Final = web.AppKey("finder", Finder)
RESULTS: Final = 50  # of a page, where none is named
RESULTS_MAX: Final = 200
KINDS: Final = (EVENT, TRANSCRIPT)


async def get_search(request: web.Request) -> web.Response:
    """Respond with a page of results, newest first."""
    finder, query = request.app[FINDER], request.query
    if finder.problem is not None:
        raise ApiError(503, "no_search", finder.problem)
    if len(query.get("q", "")) > QUERY_MAX:
        raise ApiError(400, "bad_request", f"q: must have at most {QUERY_MAX} characters")
    terms = parse_query(query.get("q", ""))
    if not terms:
        raise ApiError(400, "bad_request", "q: must have something to search for")
    kind = query.get("kind")
    if kind is not None and kind not in KINDS:
        raise ApiError(400, "bad_request", f"kind: must be one of {', '.join(KINDS)}")
    after = query.get("after")
    position = None if after is None else After.parse(after)
    if after is not None and position is None:
        raise ApiError(400, "bad_request", "after: must be what an earlier response said")
    wanted = Wanted(
        terms=terms,
        kinds=KINDS if kind is None else (kind,),
        story=query.get("story") or None,
        command=query.get("command") or None,
        before=query_int(request, "before", None, 1, LAST) or LAST,
        after=position,
        limit=query_int(request, "limit", None, 1, RESULTS_MAX) or RESULTS,
    )
    try:
        return json_response(await finder.find(wanted))
    except IndexDamaged as damaged:
        raise ApiError(503, "no_search", str(damaged)) from None


ROUTES: Final = [web.get("/api/search", get_search)]
