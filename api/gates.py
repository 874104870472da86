"""The gates at which the run waits for a person, and the decision at one."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from api.bodies import GateBody
from api.http import SERVICES, json_response, path_id, read_body
from api.run import RunStateName
from running.gates import CHOICES, GateDecision, GateKind
from store.gates import GateRow


class GateView(msgspec.Struct, frozen=True):
    """A gate that waits. `subject` is a story's key, or an epic's id; `decisions` are those that apply."""

    id: int
    kind: str
    subject: str
    message: str
    opened_at: int
    decisions: list[str]


class GateList(msgspec.Struct, frozen=True):
    gates: list[GateView]


async def get_gates(request: web.Request) -> web.Response:
    """List the gates of the open batch that wait for a decision, oldest first."""
    return json_response(GateList([_view(row) for row in await request.app[SERVICES].orchestrator.steering.gates()]))


async def decide(request: web.Request) -> web.Response:
    """Decide at a gate; the batch continues with the decision, now or when it is resumed."""
    number = path_id(request, "id")
    body = await read_body(request, GateBody)
    services = request.app[SERVICES]
    await services.orchestrator.steering.decide(number, GateDecision(body.decision), _comments(body))
    return json_response(RunStateName(services.orchestrator.state), 202)


def _view(row: GateRow) -> GateView:
    choices = [choice.value for choice in CHOICES[GateKind(row.kind)]]
    return GateView(row.id, row.kind, row.subject, row.message, row.opened_at, choices)


def _comments(body: GateBody) -> str | None:
    """Return the comments as text for the agent: what is about the whole, then one per line."""
    # The form in which compilers report, which agents resolve to the line.
    lines = [f"{comment.path}:{comment.line}: {comment.text}" for comment in body.comments]
    return "\n".join(part for part in (body.text.strip(), *lines) if part) or None


ROUTES: Final = [
    web.get("/api/gates", get_gates),
    web.post("/api/gates/{id}", decide),
]
