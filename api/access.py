"""Access beside the token: readers' links and paired devices, made, listed and revoked; pairing by a QR code."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec
from aiohttp import hdrs, web

from api.bodies import EmptyBody, NewLinkBody, PairBody
from api.form_page import Field, form_page
from api.http import SERVICES, ApiError, json_response, path_id, read_body, read_form
from api.masked import unmasked_response
from base.qr import encode, path
from db import Database
from running.grants import keep_grant, revoke_grant
from security import VISITOR, RequestRefused
from security.controls import visible
from security.grants import GrantKind, Grants, Role
from security.pairing import CODE_S, Pairing
from security.token import TokenAuth, new_token
from settings import LOOPBACK

NAME_MAX: Final = 60  # characters of a device's name
UNPROTECTED: Final = (
    "This server has no token: who reaches it may do everything, so a reader's link or a paired phone would change "
    "nothing. Set token in sprint-runner.yaml (sprint-runner token prints one) and restart the server."
)
ON_LOOPBACK: Final = (
    "The server listens on this machine only, so a phone cannot reach it: put a proxy with TLS or a tunnel in front, "
    "or set host to the address of this machine in your network, and give the address that phones use as public_url."
)
OPENED_HERE: Final = (
    "You have opened this page under a name that only this machine knows: open it under the address that the phone "
    "uses, or set public_url to it."
)
NO_ACCESS: Final = (
    "This page needs a token, a reader's link or a paired device; the access of this one may have been revoked. The "
    "operator can pair it in Settings."
)
CODE_OVER: Final = (
    "This code is not valid: it was used, or its minute is over. Show a new one in Settings and scan that."
)


@dataclass(frozen=True, slots=True)
class AccessControl:
    """The parts of a server that decide who gets in; `auth` is None without a token, `host` what it listens on."""

    auth: TokenAuth | None
    grants: Grants
    pairing: Pairing
    host: str
    public_url: str | None
    has_reader_token: bool


ACCESS: Final = web.AppKey("access", AccessControl)


class GrantView(msgspec.Struct, frozen=True):
    """An access beside the token; times in ms since the epoch, `seen_at` null: never used, `own`: of this request."""

    id: int
    kind: str
    role: str
    name: str
    made_at: int
    seen_at: int | None
    own: bool


class AccessView(msgspec.Struct, frozen=True):
    """`role` is yours; `address` is where phones reach the page, and `note` says why there is none or nothing to give.

    `token`: the server has a token, `reader_token`: one for readers, too.
    """

    role: str
    grants: list[GrantView]
    token: bool
    reader_token: bool
    address: str | None
    note: str | None


class LinkMade(msgspec.Struct, frozen=True):
    """A reader's link, which is shown once: only a digest of its token is kept."""

    id: int
    url: str


class PairingCode(msgspec.Struct, frozen=True):
    """The address that pairs a device, as text and as a QR code: `size` modules a side, `path` for an SVG."""

    url: str
    seconds: int
    size: int
    path: str


async def get_access(request: web.Request) -> web.Response:
    """Respond with the own role, and for an operator with all who have access."""
    control, visitor = request.app[ACCESS], request[VISITOR]
    grants = control.grants
    views = [
        GrantView(one.id, one.kind, one.role, one.name, one.made_at, grants.seen_ms(one.id), one.id == visitor.grant_id)
        for one in (grants.all() if visitor.role is Role.OPERATOR else [])
    ]
    address = _address(request)
    note = UNPROTECTED if control.auth is None else None if address else _unreachable(control)
    protected = control.auth is not None
    return json_response(AccessView(visitor.role, views, protected, control.has_reader_token, address, note))


async def post_link(request: web.Request) -> web.Response:
    """Make a reader's link, which can be revoked by itself."""
    body = await read_body(request, NewLinkBody)
    control = _control(request)
    token = new_token()
    row = await keep_grant(
        _database(request), control.grants, GrantKind.LINK, Role.READER, device_name(body.name), token
    )
    base = _address(request) or f"http://{request.host}"
    return unmasked_response(LinkMade(row.id, f"{base}/?token={quote(token, safe='')}"))


async def post_pair(request: web.Request) -> web.Response:
    """Show a code that pairs one device within a minute."""
    body = await read_body(request, PairBody)
    control, address = _control(request), _address(request)
    if address is None:
        raise ApiError(409, "unreachable", _unreachable(control))
    url = f"{address}/pair/{control.pairing.new(Role(body.role))}"
    matrix = encode(url)
    return unmasked_response(PairingCode(url, int(CODE_S), len(matrix), path(matrix)))


async def post_revoke(request: web.Request) -> web.Response:
    """End an access at once, and close its pages."""
    await read_body(request, EmptyBody)
    number = path_id(request, "id")
    if not await revoke_grant(_database(request), request.app[ACCESS].grants, number):
        raise ApiError(409, "no_grant", "this access was revoked already")
    return await get_access(request)


def refusal_page(request: web.Request, refused: RequestRefused) -> web.Response | None:
    """Return the page for a browser that has no access, or no longer; None for every other refusal."""
    if refused.status != 401 or request.path != "/" or "text/html" not in request.headers.get("Accept", ""):
        return None
    response = form_page("No access", NO_ACCESS, status=401)
    response.headers.update(refused.headers)
    return response


# -- what a device opens ---------------------------------------------------------------------------------------


async def get_pair(request: web.Request) -> web.Response:
    """Ask whether this device is to be paired; the code is used by the button, not by a look at the page."""
    role = request.app[ACCESS].pairing.role_of(request.match_info["key"])
    if role is None:
        return form_page("Not paired", CODE_OVER, status=410)
    may = "It may do everything that the page can do." if role is Role.OPERATOR else "It sees all and changes nothing."
    project = request.app[SERVICES].workspace.project.name
    return form_page(
        f"Pair this device with {project}",
        f"{may} It can be revoked in Settings at any time.",
        button="Pair this device",
        field=Field("name", "Name of this device", "Phone"),
    )


async def do_pair(request: web.Request) -> web.Response:
    """Pair the device that sends the form, once: from then on it has a cookie of its own."""
    control = request.app[ACCESS]
    name = device_name((await read_form(request)).get("name", ""))
    role = control.pairing.use(request.match_info["key"])
    if role is None or control.auth is None:
        return form_page("Not paired", CODE_OVER, status=410)
    cookie = secrets.token_urlsafe(32)
    await keep_grant(_database(request), control.grants, GrantKind.DEVICE, role, name, cookie)
    response = web.Response(status=303, headers={hdrs.LOCATION: "/", hdrs.CACHE_CONTROL: "no-store"})
    # The guard has compared the Origin with the Host: it is the address under which the device has come.
    control.auth.set_device_cookie(response, cookie, secure=request.headers.get("Origin", "").startswith("https://"))
    return response


def _control(request: web.Request) -> AccessControl:
    control = request.app[ACCESS]
    if control.auth is None:
        raise ApiError(409, "no_token", UNPROTECTED)
    return control


def _database(request: web.Request) -> Database:
    return request.app[SERVICES].database


def _address(request: web.Request) -> str | None:
    """Return the address under which other devices reach the page; None where only this machine knows it."""
    if (public := request.app[ACCESS].public_url) is not None:
        return public.rstrip("/")
    origin = request.headers.get("Origin") or f"http://{request.host}"
    return None if (urlsplit(origin).hostname or "") in LOOPBACK else origin


def _unreachable(control: AccessControl) -> str:
    return ON_LOOPBACK if control.host in LOOPBACK else OPENED_HERE


def device_name(text: str) -> str:
    return visible(" ".join(text.split()))[:NAME_MAX] or "Unnamed"


ROUTES: Final = [
    web.get("/api/access", get_access),
    web.post("/api/access/links", post_link),
    web.post("/api/access/pair", post_pair),
    web.post("/api/access/{id}/revoke", post_revoke),
    web.get("/pair/{key}", get_pair),
    web.post("/pair/{key}", do_pair),
]
