"""The findings that builds have put off, and the tickets that the operator makes of them."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

import sprint
from api.bodies import TicketBody
from api.http import SERVICES, ApiError, json_response, path_id, read_body
from running.deferred import make_ticket
from sprint import Intake, PlanKind
from store.findings import FindingRow, get_findings


class FindingView(msgspec.Struct, frozen=True):
    """A finding. `ticket` is the file that was made of it, null for none."""

    id: int
    story_key: str
    summary: str
    evidence: str
    location: str
    severity: str
    found_at: int
    ticket: str | None


class Findings(msgspec.Struct, frozen=True):
    """`places` are where a ticket can be made of one; empty where the kind of plan has no such place."""

    findings: list[FindingView]
    places: list[str]


class TicketMade(msgspec.Struct, frozen=True):
    """`ticket` is the path of the new file."""

    ticket: str


def finding_view(row: FindingRow) -> FindingView:
    return FindingView(**{name: getattr(row, name) for name in FindingView.__struct_fields__})


async def get_deferred(request: web.Request) -> web.Response:
    """List all findings of the project, oldest first."""
    services = request.app[SERVICES]
    rows = await services.database.read(get_findings)
    places = list(Intake) if services.workspace.project.kind is PlanKind.TICKETS else []
    return json_response(Findings([finding_view(row) for row in rows], [place.value for place in places]))


async def post_ticket(request: web.Request) -> web.Response:
    """Make a ticket of a finding, once; 409 where it is one, 422 where the project has no place for it."""
    number = path_id(request, "id")
    body = await read_body(request, TicketBody)
    try:
        name = await make_ticket(request.app[SERVICES].workspace, number, Intake(body.place))
    except sprint.Refused as refused:
        raise ApiError(422, "refused", str(refused)) from None
    except OSError as error:
        raise ApiError(422, "refused", f"the file cannot be written: {error.strerror or error}") from None
    return json_response(TicketMade(name))


ROUTES: Final = [
    web.get("/api/deferred", get_deferred),
    web.post("/api/deferred/{id}", post_ticket),
]
