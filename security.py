"""Who may talk to this server, and what every answer carries.

Owns the checks of Host, Origin and token on every request, `/ws` included, and the response headers. Promises: a page
of another origin can start nothing and read nothing but the data files that `cors_origin` allows; a name that was
rebound to this machine is refused; a malformed header is answered, never raised.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from aiohttp import hdrs, web

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
COOKIE: Final = "sprint_runner_token"
CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# RFC 9110 section 7.2: a registered name or IPv4 address, or an IPv6 address in brackets, and an optional port.
_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?\Z")
_ORIGIN: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#@\s]+)\Z")


class Refused(Exception):
    """A request that is not let in: the HTTP status and a code and sentence for its body."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Guard:
    """The checks for one server. `shared` are the paths that other origins may read when `cors_origin` lets them."""

    def __init__(self, *, hosts: Collection[str], token: str | None, cors_origin: str, shared: Collection[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._token = token
        self._cors_origin = cors_origin
        self._shared = frozenset(shared)

    def check(self, request: web.Request) -> None:
        """Raise `Refused` unless the request may go on."""
        host = self._check_host(request)
        self._check_origin(request, host)
        if self._token is not None:
            self._check_token(request, self._token)
        if request.method in CHANGING and request.content_type != "application/json":
            raise Refused(415, "unsupported_media_type", "send Content-Type: application/json")

    async def finish(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that every answer carries, streamed ones too: a handler of `on_response_prepare`."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path in self._shared:
            response.headers["Access-Control-Allow-Origin"] = self._cors_origin
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            if self._cors_origin != "*":
                response.headers["Vary"] = "Origin"

    def remember(self, request: web.Request, response: web.StreamResponse) -> None:
        """Who opened the page with the token in its address carries it in a cookie from now on."""
        if self._token is not None and _same(request.query.get("token", ""), self._token):
            response.set_cookie(COOKIE, self._token, httponly=True, samesite="Strict", path="/")

    def _check_host(self, request: web.Request) -> str:
        values = request.headers.getall(hdrs.HOST, [])
        match = _HOST.match(values[0]) if len(values) == 1 else None
        if match is None or int(match["port"] or 0) > 65535:
            raise Refused(400, "bad_host", "the request needs one well-formed Host header")
        if match["name"].lower().strip("[]") not in self._hosts:
            raise Refused(403, "host_refused", f"this server does not answer to the name {match['name']}")
        return values[0].lower()

    def _check_origin(self, request: web.Request, host: str) -> None:
        values = request.headers.getall(hdrs.ORIGIN, [])
        if not values or (request.path in self._shared and request.method in ("GET", "HEAD")):
            return
        match = _ORIGIN.match(values[0]) if len(values) == 1 else None
        if match is None and values != ["null"]:
            raise Refused(400, "bad_origin", "the Origin header is malformed")
        if match is None or match["scheme"] not in ("http", "https") or match["host"].lower() != host:
            raise Refused(403, "origin_refused", "pages of other origins may not use this server")

    def _check_token(self, request: web.Request, token: str) -> None:
        bearer = request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ")
        given = (bearer, request.cookies.get(COOKIE, ""), request.query.get("token", ""))

        if not any(_same(value, token) for value in given):
            raise Refused(
                401, "token_needed", "send the token as Authorization: Bearer …, or open the page with ?token=…"
            )


def protect(app: web.Application, guard: Guard, refuse: Callable[[Refused], web.Response]) -> None:
    """Put the guard before every handler and its headers on every answer; `refuse` answers who is not let in."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            guard.check(request)
        except Refused as refused:
            return refuse(refused)
        response = await handler(request)
        if not response.prepared:  # cookies are written before `on_response_prepare` is called
            guard.remember(request, response)
        return response

    app.middlewares.insert(0, guarded)
    app.on_response_prepare.append(guard.finish)


def _same(given: str, token: str) -> bool:
    """Compare in constant time, as bytes: `compare_digest` refuses texts that are not ASCII."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode("utf-8", "surrogatepass"))
