"""The deliveries of finished work: branches, requests, checks, and the decision about one that waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from api.bodies import DeliveryBody
from api.http import SERVICES, ApiError, Services, json_response, path_id, read_body
from running.delivery.decisions import NoSuchDelivery, decide_delivery, words_of
from running.delivery.record import DECISIONS
from store.deliveries import CommentRow, DeliveryRow, get_comments, get_deliveries

ENDED_MAX: Final = 100  # newest deliveries at their end that are listed; open ones all are


class DeliveryComment(msgspec.Struct, frozen=True):
    """A reviewer's comment; `round` is the one that dealt with it, null before."""

    text: str
    round: int | None
    at: int


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery. `words` is its state in short, `head` the commit at the remote, `log` that of failed checks.

    `problem` is what waits for the operator, with its `decisions`. Times in ms since the epoch.
    """

    id: int
    subject: str
    story_keys: list[str]
    kind: str
    remote: str
    branch: str
    base: str | None
    state: str
    words: str
    ended: bool
    wanted: str
    head: str | None
    url: str | None
    checks: str | None
    round: int
    log: str | None
    problem: str | None
    decisions: list[str]
    comments: list[DeliveryComment]
    created_at: int
    changed_at: int


class Deliveries(msgspec.Struct, frozen=True):
    deliveries: list[DeliveryView]


async def delivery_views(services: Services, rows: Sequence[DeliveryRow]) -> list[DeliveryView]:
    """Return deliveries with their comments."""
    return [_view(row, await services.database.read(get_comments, row.id)) for row in rows]


def _view(row: DeliveryRow, comments: Sequence[CommentRow]) -> DeliveryView:
    made = {"story_keys", "words", "ended", "decisions", "comments"}
    fields = {name: getattr(row, name) for name in DeliveryView.__struct_fields__ if name not in made}
    return DeliveryView(
        **fields,
        story_keys=row.keys,
        words=words_of(row),
        ended=row.ended,
        decisions=[] if row.problem is None else list(DECISIONS),
        comments=[DeliveryComment(comment.text, comment.round, comment.at) for comment in comments],
    )


async def get_all(request: web.Request) -> web.Response:
    """List the open deliveries and the newest that are at their end, oldest first."""
    services = request.app[SERVICES]
    rows = await services.database.read(get_deliveries)
    newest = {row.id for row in [row for row in rows if row.ended][-ENDED_MAX:]}
    shown = [row for row in rows if not row.ended or row.id in newest]
    return json_response(Deliveries(await delivery_views(services, shown)))


async def decide(request: web.Request) -> web.Response:
    """Try a delivery again that waits for the operator, or give one up; 409 where that does not apply."""
    number = path_id(request, "id")
    body = await read_body(request, DeliveryBody)
    services = request.app[SERVICES]
    try:
        row = await decide_delivery(services.workspace, number, body.decision)
    except NoSuchDelivery as error:
        raise ApiError(404, "not_found", str(error)) from None
    return json_response((await delivery_views(services, [row]))[0], 202)


ROUTES: Final = [
    web.get("/api/deliveries", get_all),
    web.post("/api/deliveries/{id}", decide),
]
