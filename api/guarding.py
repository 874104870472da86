"""The guard of the application and what it decides by, made of the settings: names, tokens, grants, roles."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

import security
from api.access import ACCESS, AccessControl, refusal_page
from api.http import refuse
from api.project import SHARED
from api.roles import access
from security.grants import Grants
from security.pairing import Pairing
from security.process_key import ProcessKey
from settings import LOOPBACK, Settings


def protect(
    app: web.Application, settings: Settings, secret: bytes, page: bytes, process_key: ProcessKey | None = None
) -> None:
    """Put the guard before every handler; `secret` makes cookies, `page` is what the policy of content is for."""
    grants = Grants(secret)
    guard = security.Guard(
        hosts=[*LOOPBACK, settings.host, *settings.allowed_hosts, *_public_host(settings.public_url)],
        token=settings.token,
        cors_origin=settings.cors_origin,
        shared=SHARED,
        csp=security.policy(page),
        secret=secret,
        reader_token=settings.reader_token,
        grants=grants,
        access=access,
        tls_host=_tls_host(settings.public_url),
        process_key=process_key,
    )
    security.protect(app, guard, refuse, refusal_page)
    app[ACCESS] = AccessControl(
        auth=guard.token_auth,
        grants=grants,
        pairing=Pairing(),
        host=settings.host,
        public_url=settings.public_url,
        has_reader_token=settings.reader_token is not None,
    )


def _public_host(public_url: str | None) -> list[str]:
    """Return the host of the address that the operator has named as the page's."""
    host = None if public_url is None else urlsplit(public_url).hostname
    return [] if host is None else [host]


def _tls_host(public_url: str | None) -> str | None:
    """Return the Host of the page's address where that is one of TLS."""
    parts = urlsplit(public_url or "")
    return parts.netloc.lower() if parts.scheme == "https" else None
