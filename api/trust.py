"""The routes of the trust in the project's folder: the values that are not trusted yet, and the operator's consent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from api.bodies import TrustBody
from api.http import SERVICES, ApiError, Services, is_reader, json_response, read_body
from running.trust import agent_powers, instruction_files
from security.trust import Difference
from settings import FILE_NAME, READ_AT_START, Loaded, SettingsError, trust_all


class TrustView(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/trust`. `waiting` are the values that are not used yet, with secrets masked; `trusted` is whether
    agents may be started. `restart` names trusted settings that are used from the next start of the server on.
    """

    folder: str
    file: str
    hash: str
    trusted: bool
    waiting: Sequence[Difference]
    agent: str
    instructions: list[str]
    restart: list[str]


async def get_trust(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    view = await asyncio.to_thread(_view, services, *_read(services))
    # The values may be addresses that let in everyone who knows them, and a reader cannot trust them anyway.
    return json_response(msgspec.structs.replace(view, waiting=[]) if is_reader(request) else view)


async def post_trust(request: web.Request) -> web.Response:
    """Trust the folder; 409 when its settings are no longer those that the operator has read."""
    body = await read_body(request, TrustBody)
    services = request.app[SERVICES]
    live = services.live
    # The lock of all changes of the file: between the comparison and the record it stays the same file.
    async with live.changing:
        _, wanted = await asyncio.to_thread(_read, services)
        if services.trust.hash(wanted.guarded) != body.hash:
            message = f"{FILE_NAME} has changed since it was listed: read the list again, then decide"
            raise ApiError(409, "changed", message)
        try:
            await asyncio.to_thread(services.trust.trust, wanted.guarded)
        except OSError as error:
            raise ApiError(503, "disk", f"the trust in this folder cannot be kept: {error}") from None
        live.loaded = (await asyncio.to_thread(_read, services))[0]
    # Without the lock, because it starts the agent to ask for its version, which may take seconds.
    await services.apply_trust()
    return json_response(await asyncio.to_thread(_view, services, live.loaded, wanted))


def _read(services: Services) -> tuple[Loaded, Loaded]:
    """Return the settings by the present file: those in use now, and those in use if all of it were trusted."""
    try:
        return services.live.reload(), services.live.reload(untrusted=trust_all)
    except SettingsError as error:
        raise ApiError(409, "settings", str(error)) from None


def _view(services: Services, fresh: Loaded, wanted: Loaded) -> TrustView:
    waiting = services.trust.differences(fresh.guarded)
    return TrustView(
        folder=str(services.trust.folder),
        file=FILE_NAME,
        hash=services.trust.hash(fresh.guarded),
        trusted=not waiting and services.trust.trusts_folder(fresh.guarded),
        waiting=waiting,
        agent=agent_powers(wanted.settings),
        instructions=instruction_files(services.workspace.project.root),
        restart=_needs_restart(services.live.started, services.live.loaded),
    )


def _needs_restart(started: Loaded, loaded: Loaded) -> list[str]:
    """Return the settings that changed since the start and are read only then."""
    names = {name for name in READ_AT_START if getattr(started.settings, name) != getattr(loaded.settings, name)}
    if "agents" not in loaded.left_out and started.guarded.get("agents") != loaded.guarded.get("agents"):
        names.add("agents")
    return sorted(names)


ROUTES: Final = [
    web.get("/api/trust", get_trust),
    web.post("/api/trust", post_trust),
]
