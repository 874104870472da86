"""What each route does, in one place: a GET reads, everything else changes, and the exceptions are listed here.

A reader may use what reads. What is open needs no token: its address is the proof, or it holds nothing of a project.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from security import CHANGING, Access

EXCEPTIONS: Final[Mapping[tuple[str, str], Access]] = {
    ("POST", "/api/settings/preview"): Access.READING,  # writes nothing
    ("GET", "/pair/{key}"): Access.OPEN,
    ("POST", "/pair/{key}"): Access.OPEN,
    ("GET", "/link/{key}"): Access.OPEN,
    ("POST", "/link/{key}"): Access.OPEN,
    # Browsers fetch these without cookies.
    ("GET", "/app/{name}"): Access.OPEN,
    ("GET", "/service-worker.js"): Access.OPEN,
}


def access_of(method: str, path: str) -> Access:
    """Return what the route with this method and path, as the router writes it, does."""
    usual = Access.CHANGING if method in CHANGING else Access.READING
    return EXCEPTIONS.get(("GET" if method == "HEAD" else method, path), usual)


def access(request: web.Request) -> Access:
    """Return what the route of a request does; one without a route is judged by its method."""
    resource = request.match_info.route.resource
    return access_of(request.method, "" if resource is None else resource.canonical)
