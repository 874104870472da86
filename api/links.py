"""The addresses in messages that answer one question, or decide at one gate, once.

Scanners of mail open links: opening one shows what it does and a button, and only the button does it.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from api.form_page import form_page
from api.http import SERVICES
from orchestrator import NotNow
from running.gates import GateDecision
from running.links import LinkRefused, Links, OpenLink

LINKS: Final = web.AppKey("links", Links)
MESSAGE: Final = "A link of Sprint Runner"


async def get_link(request: web.Request) -> web.Response:
    """Show what a link does, and the button that does it; change nothing."""
    try:
        link = await request.app[LINKS].open(request.match_info["key"])
    except LinkRefused as refused:
        return form_page(MESSAGE, str(refused), status=refused.status)
    return form_page(request.app[SERVICES].workspace.project.name, link.about, button=link.label)


async def use_link(request: web.Request) -> web.Response:
    """Do what a link does, once."""
    links = request.app[LINKS]
    try:
        link = await links.open(request.match_info["key"])
        await _do(request, link)
    except LinkRefused as refused:
        return form_page(MESSAGE, str(refused), status=refused.status)
    return form_page(request.app[SERVICES].workspace.project.name, link.about, f"Done: {link.label}.")


async def _do(request: web.Request, link: OpenLink) -> None:
    steering = request.app[SERVICES].orchestrator.steering
    try:
        if link.claim.kind == "gate":
            await steering.decide(link.claim.id, GateDecision(link.claim.answer), None, link=link.digest)
        else:
            await steering.answer(link.claim.id, link.text, link=link.digest)
    except NotNow:
        raise await request.app[LINKS].why_refused(link) from None


ROUTES: Final = [web.get("/link/{key}", get_link), web.post("/link/{key}", use_link)]
