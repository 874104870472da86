"""Shared by all handlers: the services behind the routes, JSON in requests and responses, errors of one form.

No request causes a 500: an invalid one is rejected with a message that names the field.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import hdrs, web

from api.bodies import B, BadField, BadJson, decode_body, decode_object
from db import Database
from orchestrator import BadRequest, NotNow, Orchestrator
from running.workspace import Workspace
from runstate.fold import RunState
from runstate.server_state import ServerState
from security import VISITOR, RequestRefused
from security.grants import Role
from security.trust_store import FolderTrust
from settings import Loaded, SettingValues
from store.writer import DatabaseUnavailable
from websocket.hub import Hub

log = logging.getLogger("sprint_runner.http")

BODY_MAX: Final = 1 << 20  # bytes of a request's body
FORM_MAX: Final = 4096  # characters of a form that are read
BODY_S: Final = 30.0  # seconds for a body to arrive


@dataclass(slots=True)
class LiveSettings:
    """The current settings; `reload` reads all sources again, with `text` as content of the file if it is given.

    `started` are the settings at the start of the server. `changing` is the lock for changes of the file.
    """

    loaded: Loaded
    reload: Callable[..., Loaded]
    started: Loaded
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of a running server."""

    database: Database
    hub: Hub
    run_state: RunState
    server_state: ServerState
    orchestrator: Orchestrator
    workspace: Workspace
    live: LiveSettings
    trust: FolderTrust
    apply_trust: Callable[[], Awaitable[None]]


SERVICES: Final = web.AppKey("services", Services)


class ApiError(Exception):
    """An error response: HTTP status, code for programs, message for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def json_response(value: Any, status: int = 200) -> web.Response:
    """Return a value or struct as a JSON response that is never cached."""
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def refuse(error: RequestRefused | ApiError) -> web.Response:
    response = json_response({"error": {"code": error.code, "message": str(error)}}, error.status)
    if isinstance(error, RequestRefused):
        response.headers.update(error.headers)
    return response


def is_reader(request: web.Request) -> bool:
    """Whether who asks may see, and change nothing."""
    return request[VISITOR].role is Role.READER


async def read_body(request: web.Request, kind: type[B]) -> B:
    """Return the body of a request as its struct; an absent body is an empty object."""
    return decode_body(await _read(request), kind)


async def read_object(request: web.Request) -> SettingValues:
    """Return the body of a request whose keys are names of settings."""
    return decode_object(await _read(request))


async def read_form(request: web.Request) -> dict[str, str]:
    """Return the fields of a form, of each name the last; what is no form has none."""
    return dict(parse_qsl((await _read(request)).decode("utf-8", "replace")[:FORM_MAX], errors="replace"))


async def _read(request: web.Request) -> bytes:
    try:
        if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
            raise ApiError(415, "unsupported_media_type", "send the body as it is, without Content-Encoding")
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "too_large", f"the body is larger than {BODY_MAX} bytes") from None
    except web.RequestPayloadError:
        raise ApiError(400, "bad_body", "the body did not arrive as its headers announce") from None
    except TimeoutError:
        raise ApiError(408, "too_slow", f"the body did not arrive within {BODY_S:.0f} s") from None


def query_int(request: web.Request, name: str, default: int | None, low: int, high: int) -> int | None:
    """Return an integer of the query string; raises `ApiError` 400 when it is outside of its range."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise ApiError(400, "bad_request", f"{name}: must be a whole number from {low} to {high}")
    return int(text)


def path_id(request: web.Request, name: str) -> int:
    """Return an id of the path; raises `ApiError` 404 for anything else."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ApiError(404, "not_found", f"there is no {request.path}")
    return int(text)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a response `{"error": {"code", "message"}}`."""
    try:
        return await handler(request)
    except ApiError as error:
        return refuse(error)
    except BadJson as error:
        return refuse(ApiError(400, "bad_json", str(error)))
    except (BadField, BadRequest) as error:
        return refuse(ApiError(400, "bad_request", str(error)))
    except NotNow as error:
        return refuse(ApiError(409, error.code, str(error)))
    except DatabaseUnavailable as error:
        return refuse(ApiError(503, "database", str(error)))
    except web.HTTPException as error:
        return _plain(request, error)
    except ConnectionError:  # the client is gone: aiohttp notices it again when it sends this, and ignores it
        return web.Response()
    except TimeoutError:
        raise
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return refuse(ApiError(500, "internal", "the server failed on this request; its log has the reason"))


def _plain(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if error.status < 400:
        raise error
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}
    message = f"there is no {request.path}" if error.status == 404 else error.reason
    response = refuse(ApiError(error.status, codes.get(error.status, "http"), message))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
