"""The headers of every answer, and the content security policy of the page.

Promises: nothing runs in the page but the server's own modules and what the page's own bytes had inline when the server
started, by its hash; no script can be made of a text (Trusted Types); no page frames this one, and no foreign page
is given anything of it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from multidict import CIMultiDict

_INLINE: Final = re.compile(rb"<(script|style)\b([^>]*)>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)


def policy(page: bytes = b"") -> str:
    """The policy for a page: inline scripts and styles count only if they are in these bytes."""
    hashes: dict[bytes, list[str]] = {b"script": [], b"style": []}
    for kind, attributes, content in _INLINE.findall(page):
        if b"src=" not in attributes.lower():
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            hashes[kind.lower()].append(f"'sha256-{digest}'")
    script, style = (" ".join(["'self'", *hashes[kind]]) for kind in (b"script", b"style"))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
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


def put_on(headers: CIMultiDict[str], csp: str) -> None:
    """Add what is missing; what a handler has set on purpose stays, but for the name of the server."""
    for name, value in HEADERS.items():
        headers.setdefault(name, csp if value is CSP else value)
    headers["Server"] = HEADERS["Server"]
