"""The checks of Host, Origin, token and role of every request, `/ws` included, before any handler.

Promises: a page of another origin can start nothing and read nothing but the data files that `cors_origin` allows; a
name that was rebound to this machine (DNS rebinding) is refused; a reader changes nothing; a malformed header gets a
response, never an exception.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from enum import StrEnum
from typing import Final

from aiohttp import hdrs, web

from security import headers
from security.grants import OPERATOR, Grants, Role, Visitor
from security.process_key import ProcessKey
from security.token import SECRET_BYTES, TokenAuth

CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
VISITOR: Final = web.RequestKey("visitor", Visitor)
READ_ONLY: Final = "you are here as a reader, who can change nothing: ask the operator to do it"
RELAYED: Final = web.RequestKey("relayed", Visitor)  # set in this process alone, by who has judged the sender
NO_ORIGIN: Final = "none"  # as `cors_origin`: no other origin reads anything
FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})  # same-site: another port of this very host

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# RFC 9110 section 7.2: a registered name or IPv4 address, or an IPv6 address in brackets, and an optional port.
_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?\Z")
_ORIGIN: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/?#@\s]+)\Z")
_ABSOLUTE: Final = re.compile(r"https?://(?P<host>[^/?#]*)", re.IGNORECASE)


class RequestRefused(Exception):
    """A refused request: the HTTP status, a code and a message for the body, and headers of the response."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


class Access(StrEnum):
    """What a route does: `open` ones carry their own proof in the address and need no token."""

    OPEN = "open"
    READING = "reading"
    CHANGING = "changing"


def access_by_method(request: web.Request) -> Access:
    return Access.CHANGING if request.method in CHANGING else Access.READING


class Guard:
    """The checks for one server.

    `access` returns what the route of a request does; `grants` are the accesses beside the tokens. `shared` are the
    paths that other origins may read when `cors_origin` lets them, which "none" does not; `csp` is the policy of the
    page; `secret` makes the cookies that replace the token; `clock` counts seconds; `tls_host` is the Host under which
    the page is reached over TLS; `process_key` lets programs of this user on this machine in.
    """

    def __init__(
        self,
        *,
        hosts: Collection[str],
        token: str | None,
        cors_origin: str,
        shared: Collection[str],
        csp: str = headers.CSP,
        secret: bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
        reader_token: str | None = None,
        grants: Grants | None = None,
        access: Callable[[web.Request], Access] = access_by_method,
        tls_host: str | None = None,
        process_key: ProcessKey | None = None,
    ) -> None:
        self._hosts = frozenset(host.lower().strip("[]") for host in hosts)
        self._cors_origin = cors_origin
        self._shared = frozenset(() if cors_origin == NO_ORIGIN else shared)
        self._csp = csp
        self._access = access
        self._tls_host = tls_host
        self._process_key = process_key
        secret = secret or secrets.token_bytes(SECRET_BYTES)
        self.token_auth = None if token is None else TokenAuth(token, secret, clock, reader_token, grants)

    def check(self, request: web.Request) -> None:
        """Raise `RequestRefused` unless the request may continue; note in it who sends it."""
        if (relayed := request.get(RELAYED)) is not None:
            self._admit(request, relayed, self._relayed_access(request))
            return
        host = self._check_host(request)
        self._check_origin(request, host)
        self._check_site(request)
        access = self._access(request)
        if access is Access.OPEN:  # forms, too: what they need is a secret that no other page has
            return
        visitor = self._program(request)
        if visitor is None:
            visitor = OPERATOR if self.token_auth is None else _visitor(request, self.token_auth)
        self._admit(request, visitor, access)

    def _admit(self, request: web.Request, visitor: Visitor, access: Access) -> None:
        request[VISITOR] = visitor
        if visitor.role is Role.READER and access is Access.CHANGING:
            raise RequestRefused(403, "reader", READ_ONLY)
        if request.method in CHANGING and request.content_type != "application/json":
            raise RequestRefused(415, "unsupported_media_type", "send Content-Type: application/json")

    def _relayed_access(self, request: web.Request) -> Access:
        """Return what the route of a relayed request does; what is open to strangers is for browsers of this server."""
        access = self._access(request)
        if access is Access.OPEN:
            raise RequestRefused(403, "not_relayed", "this address works on the runner itself only")
        return access

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers of every response, also of streamed ones: a handler of `on_response_prepare`."""
        headers.add_headers(response.headers, self._csp)
        if self._is_shared(request):
            response.headers["Access-Control-Allow-Origin"] = self._cors_origin
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            if self._cors_origin != "*":
                response.headers["Vary"] = "Origin"

    def token_redirect(self, request: web.Request) -> web.Response | None:
        """Return a redirect without the token, with a cookie, for the page opened with the token in its address.

        So the token appears in no address bar, bookmark or Referer. None for all other requests.
        """
        if self.token_auth is None or request.path != "/" or request.method not in ("GET", "HEAD"):
            return None
        token = request.query.get("token", "")
        visitor = self.token_auth.visitor_of_token(token)
        if visitor is None:
            return None
        onward = str(request.rel_url.without_query_params("token"))
        response = web.Response(status=303, headers={hdrs.LOCATION: onward, hdrs.CACHE_CONTROL: "no-store"})
        # An operator who opens the link of a reader stays one.
        if visitor.role is Role.OPERATOR or self.token_auth.visitor_of_cookie(request) != OPERATOR:
            # The server has no TLS itself, so only the operator can tell under which name a proxy has it.
            self.token_auth.set_cookie(response, token, secure=request.host.lower() == self._tls_host)
        return response

    def _program(self, request: web.Request) -> Visitor | None:
        return None if self._process_key is None else self._process_key.visitor_of(request)

    def _check_host(self, request: web.Request) -> str:
        values = request.headers.getall(hdrs.HOST, [])
        match = _HOST.match(values[0]) if len(values) == 1 else None
        if match is None or int(match["port"] or 0) > 65535:
            raise RequestRefused(400, "bad_host", "the request needs one well-formed Host header")
        if match["name"].lower().strip("[]") not in self._hosts:
            raise RequestRefused(403, "host_refused", f"this server does not answer to the name {match['name']}")
        self._check_target(request.raw_path, values[0].lower())
        return values[0].lower()

    def _check_target(self, target: str, host: str) -> None:
        """Check a target in absolute form (RFC 9112 section 3.2.2): it must name the same host as the Host header."""
        if target.startswith("/") or target == "*":
            return
        match = _ABSOLUTE.match(target)
        if match is None or match["host"].lower() != host:
            raise RequestRefused(400, "bad_target", "the request's target and its Host header do not agree")

    def _check_origin(self, request: web.Request, host: str) -> None:
        values = request.headers.getall(hdrs.ORIGIN, [])
        if not values or self._is_shared(request):
            return
        match = _ORIGIN.match(values[0]) if len(values) == 1 else None
        if match is None and values != ["null"]:
            raise RequestRefused(400, "bad_origin", "the Origin header is malformed")
        if match is None or match["scheme"].lower() not in ("http", "https") or match["host"].lower() != host:
            raise RequestRefused(403, "origin_refused", "pages of other origins may not use this server")

    def _check_site(self, request: web.Request) -> None:
        """Check where a request without an Origin comes from, such as one for an image or a script (Fetch Metadata).

        A link may be followed from anywhere: it shows the operator their own page, and the linking page gets nothing.
        """
        if request.headers.get("Sec-Fetch-Site") not in FOREIGN_SITES or self._is_shared(request):
            return
        followed = request.headers.get("Sec-Fetch-Mode") == "navigate"
        if not (followed and request.headers.get("Sec-Fetch-Dest") == "document" and request.method in ("GET", "HEAD")):
            raise RequestRefused(403, "origin_refused", "pages of other origins may not use this server")

    def _is_shared(self, request: web.Request) -> bool:
        return request.path in self._shared and request.method in ("GET", "HEAD")


def _visitor(request: web.Request, token_auth: TokenAuth) -> Visitor:
    """Return who sends a request. Raises `RequestRefused` without a token or cookie of this server."""
    if (visitor := token_auth.visitor_of_cookie(request)) is not None:
        return visitor
    shown, address = token_auth.shown(request), request.remote or ""
    if shown and (wait_s := token_auth.throttle.wait_s(address)):
        message = f"too many wrong tokens came from here: wait {wait_s} s"
        raise RequestRefused(429, "too_many_tokens", message, {hdrs.RETRY_AFTER: str(wait_s)})
    # All of them, so that the time reveals nothing.
    found = [visitor for token in shown if (visitor := token_auth.visitor_of_token(token)) is not None]
    if found:
        return found[0]
    if shown:
        token_auth.throttle.wrong(address)
    message = "send the token as Authorization: Bearer …, or open the page with ?token=…"
    raise RequestRefused(401, "token_needed", message, {hdrs.WWW_AUTHENTICATE: "Bearer"})


def protect(
    app: web.Application,
    guard: Guard,
    refuse: Callable[[RequestRefused], web.Response],
    page: Callable[[web.Request, RequestRefused], web.Response | None] = lambda request, refused: None,
) -> None:
    """Run the guard before every handler and add its headers to every response.

    `refuse` makes the responses of refusals; `page` may make one that people read.
    """

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            guard.check(request)
        except RequestRefused as refused:
            response = page(request, refused) or refuse(refused)
            response.force_close()  # a refused client keeps no connection
            return response
        return guard.token_redirect(request) or await handler(request)

    app.middlewares.insert(0, guarded)
    app.on_response_prepare.append(guard.add_headers)
