"""The application of the fleet's page: its guard, its routes, and the service behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

import api.app_files
import api.http
import api.page
import security
from api.form_page import form_page
from api.http import json_response
from api.projects import PROJECTS, MachineProjects
from api.projects import ROUTES as PROJECT_ROUTES
from api.roles import access_of
from api.socket import connect
from fleet.relay import RELAYED, Relayed, close_sockets
from fleet.relay import ROUTES as RELAY_ROUTES
from fleet.service import FLEET, FleetService
from fleet.source import RunnerSource
from security import VISITOR
from security.grants import Role

NO_ACCESS: Final = (
    "This page needs the token of the fleet or of its readers: open it once with ?token=… at the end of its address."
)
RELAY: Final = "/r/{id}/api/{tail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetConfig:
    """The names under which the server answers, its tokens, and the secret that makes its cookies."""

    hosts: Collection[str]
    token: str | None
    reader_token: str | None
    secret: bytes


def build_app(
    config: FleetConfig, sources: Sequence[RunnerSource], projects: MachineProjects | None = None
) -> web.Application:
    """Return the application; it connects to runners only when it starts."""
    pages = api.page.manifest()
    app = web.Application(middlewares=[api.http.errors], client_max_size=api.http.BODY_MAX)
    guard = security.Guard(
        hosts=config.hosts,
        token=config.token,
        reader_token=config.reader_token,
        cors_origin="none",
        shared=(),
        csp=security.policy(pages[api.page.FLEET_PAGE].content),
        secret=config.secret,
        access=access,
    )
    security.protect(app, guard, api.http.refuse, refusal_page)
    app[api.page.MANIFEST], app[RELAYED] = pages, Relayed()
    if projects is not None:
        app[PROJECTS] = projects
        app.add_routes(PROJECT_ROUTES)
    app.add_routes([*ROUTES, *RELAY_ROUTES, *api.app_files.ROUTES])
    app.cleanup_ctx.append(lambda app: _service(app, sources))
    app.on_shutdown.append(close_sockets)
    app.on_shutdown.append(_close_pages)
    return app


def access(request: web.Request) -> security.Access:
    """Return what the route of a request does; one that is passed on does what it does at the runner."""
    resource = request.match_info.route.resource
    path = "" if resource is None else resource.canonical
    if path == RELAY:
        return access_of(request.method, f"/api/{request.match_info['tail']}")
    return access_of(request.method, path)


def refusal_page(request: web.Request, refused: security.RequestRefused) -> web.Response | None:
    """Return the page for a browser without a token; None for every other refusal."""
    is_page = request.path == "/" or (request.path.startswith("/r/") and request.path.endswith("/"))
    if refused.status != 401 or not is_page or "text/html" not in request.headers.get("Accept", ""):
        return None
    response = form_page("No access", NO_ACCESS, status=401)
    response.headers.update(refused.headers)
    return response


async def _service(app: web.Application, sources: Sequence[RunnerSource]) -> AsyncIterator[None]:
    service = app[FLEET] = FleetService(sources)
    service.start()
    yield
    await service.stop()


async def _close_pages(app: web.Application) -> None:
    await app[FLEET].hub.close()


async def get_page(request: web.Request) -> web.Response:
    """Respond with the fleet's page."""
    reader = request[VISITOR].role is Role.READER
    name = api.page.READERS_FLEET_PAGE if reader else api.page.FLEET_PAGE
    return api.page.respond(request, request.app[api.page.MANIFEST][name])


async def get_fleet(request: web.Request) -> web.Response:
    """Respond with all runners."""
    return json_response(request.app[FLEET].listed())


async def websocket(request: web.Request) -> web.StreamResponse:
    """Connect a page to the hub, as a runner does."""
    return await connect(request, request.app[FLEET].hub)


ROUTES: Final = [
    web.get("/", get_page),
    web.get("/static/{path:.+}", api.page.get_static),
    web.get("/ws", websocket),
    web.get("/api/fleet", get_fleet),
]
