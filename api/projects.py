"""The projects of this machine, running or known: what each does, and the start of one that does not run."""

from __future__ import annotations

from typing import Annotated, Final, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta

from api.bodies import Body
from api.http import ApiError, is_reader, json_response, read_body
from runstate.views import Run


class StartProjectBody(Body, frozen=True):
    """The `key` of a project in `GET /api/projects`: only what was opened on this machine before can be started."""

    key: Annotated[str, Meta(min_length=1, max_length=64, description="must be the key of a known project")]


class ProjectOfMachine(msgspec.Struct, frozen=True, kw_only=True):
    """A project of this machine. `url` is where its page is, null while it does not run, `opened_at` in ms.

    `own`: it is the project of the server that responds. `run` is what it does, without its stories; null where it does
    not run, or cannot be asked, for the reason `problem`.
    """

    key: str
    name: str
    folder: str
    branch: str | None
    opened_at: int
    running: bool
    own: bool
    url: str | None
    run: Run | None
    problem: str | None


class ProjectsOfMachine(msgspec.Struct, frozen=True):
    """Those that run first, by their names; then those that do not, the one that was opened last first."""

    projects: list[ProjectOfMachine]


class ProjectStarted(msgspec.Struct, frozen=True):
    """Where the page of a project is that was started."""

    url: str


class StartRefused(Exception):
    """The project cannot be started; the message is what its program has said."""


class MachineProjects(Protocol):
    """The projects of this machine, as the server that responds sees them."""

    async def projects(self) -> list[ProjectOfMachine]:
        """Return all projects."""
        ...

    async def start(self, key: str) -> str:
        """Start a known project in a process of its own; return where its page is. Raises `StartRefused`."""
        ...


PROJECTS: Final = web.AppKey("projects", MachineProjects)


async def get_projects(request: web.Request) -> web.Response:
    """Respond with the projects of this machine; a reader is one of this project alone."""
    projects = await request.app[PROJECTS].projects()
    seen = [project for project in projects if project.own] if is_reader(request) else projects
    return json_response(ProjectsOfMachine(seen))


async def post_start(request: web.Request) -> web.Response:
    """Start a project that does not run."""
    body = await read_body(request, StartProjectBody)
    try:
        return json_response(ProjectStarted(await request.app[PROJECTS].start(body.key)), 202)
    except StartRefused as refused:
        raise ApiError(409, "not_started", str(refused)) from None


ROUTES: Final = [
    web.get("/api/projects", get_projects),
    web.post("/api/projects/start", post_start),
]
