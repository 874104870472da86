"""The headers of every response, and the content security policy of the page.

Promises: only the server's own modules run in the page, and the inline scripts that the page had at the start of the
server, by their hashes; no script can be made of a text (Trusted Types, with one policy, for the service worker); no
page can frame this one, and no page of another origin can embed or read anything of it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from multidict import CIMultiDict

_INLINE: Final = re.compile(rb"<(script|style)\b([^>]*)>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)


def policy(page: bytes = b"") -> str:
    """Return the policy for a page: inline scripts and styles are allowed only if they are in these bytes."""
    hashes: dict[bytes, list[str]] = {b"script": [], b"style": []}
    for kind, attributes, content in _INLINE.findall(page):
        if b"src=" not in attributes.lower():
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            hashes[kind.lower()].append(f"'sha256-{digest}'")
    script, style = (" ".join(["'self'", *hashes[kind]]) for kind in (b"script", b"style"))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; connect-src 'self'; "
        "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types service-worker"
    )


CSP: Final = policy()
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Server": "Sprint Runner",  # not which library in which version
}


def add_headers(headers: CIMultiDict[str], csp: str) -> None:
    """Add the headers that a handler has not set; replace only the name of the server."""
    for name, value in HEADERS.items():
        headers.setdefault(name, csp if value is CSP else value)
    headers["Server"] = HEADERS["Server"]
