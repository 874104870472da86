"""The named views of the Board, which all browsers share."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from api.bodies import BoardViewBody
from api.hints import checked_text
from api.http import SERVICES, ApiError, json_response, read_body
from store.board_views import BoardView, TooManyViews, get_board_views, put_board_view


class BoardViews(msgspec.Struct, frozen=True):
    """All views in the order in which they were made."""

    views: list[BoardView]


async def get_views(request: web.Request) -> web.Response:
    """List the views."""
    return json_response(BoardViews(await request.app[SERVICES].database.read(get_board_views)))


async def put_view(request: web.Request) -> web.Response:
    """Store one view in place of an earlier one of its name, or remove it; the others stay."""
    services, body = request.app[SERVICES], await read_body(request, BoardViewBody)
    name = checked_text(body.name, "name")
    if not name:
        raise ApiError(400, "bad_request", "name: must be a text of 1 to 60 characters")
    query = None if body.query is None else checked_text(body.query, "query")
    try:
        views = await services.database.write(put_board_view, name, query)
    except TooManyViews as full:
        raise ApiError(409, "full", str(full)) from None
    return json_response(BoardViews(views))


ROUTES: Final = [
    web.get("/api/board/views", get_views),
    web.put("/api/board/views", put_view),
]
