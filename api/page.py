"""The page and its modules, from a manifest that is built at start; no request reads from the disk.

Everything is compressed once at start, so that a request is a dictionary look-up. Modules and styles are sent without
indentation and the comments that have their own lines, a fifth of all bytes; the line numbers stay the same. The page
lists all modules in its head.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from api.http import ApiError
from base.program import PROGRAM_DIR

# A comment at the beginning of a line, also one with code behind it; a comment after code is kept.
COMMENT: Final = re.compile(r"^[ \t]*(?:/\*(?:[^*]|\*(?!/))*\*/[ \t]*|//[^\n]*$)", re.MULTILINE)
INDENT: Final = re.compile(r"^[ \t]+", re.MULTILINE)  # no module has a string of several lines; a test holds that
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    packed: bytes
    type: str
    etag: str


Manifest = Mapping[str, Asset]
MANIFEST: Final = web.AppKey("manifest", dict[str, Asset])


def manifest() -> dict[str, Asset]:
    """Return every file below `static/` by its path there, and the page itself as ""."""
    static = PROGRAM_DIR / "static"
    files = {path.relative_to(static).as_posix(): path for path in sorted(static.rglob("*.*")) if path.suffix in TYPES}
    assets = {name: _asset(path.read_text("utf-8"), path.suffix) for name, path in files.items()}
    assets[""] = _asset(announced((PROGRAM_DIR / "dashboard.html").read_text("utf-8"), files), ".html")
    return assets


def _asset(text: str, suffix: str) -> Asset:
    content = (bare(text) if suffix in (".js", ".css") else text).encode()
    packed = gzip.compress(content, mtime=0)
    return Asset(content, packed, TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def announced(page: str, names: Iterable[str]) -> str:
    """Return the page with its modules in its head, so that a browser requests all of them at once.

    Otherwise a browser discovers a module only after reading the one that imports it, up to five in a row.
    """
    modules = [name for name in names if name.endswith(".js") and f'"/static/{name}"' not in page]
    links = "".join(f'  <link rel="modulepreload" href="/static/{name}">\n' for name in modules)
    return page.replace("</head>", f"{links}</head>", 1)


def bare(module: str) -> str:
    """Return a module or a style without its comments and indentation, with the same number of lines."""
    return INDENT.sub("", COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), module))


async def get_page(request: web.Request) -> web.Response:
    return _respond(request, request.app[MANIFEST][""])


async def get_static(request: web.Request) -> web.Response:
    asset = request.app[MANIFEST].get(request.match_info["path"])
    if asset is None or request.match_info["path"] == "":
        raise ApiError(404, "not_found", f"there is no {request.path}")
    return _respond(request, asset)


def _respond(request: web.Request, asset: Asset) -> web.Response:
    """Respond with an asset, or with 304. Browsers always revalidate, so a page never mixes modules of two versions."""
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == asset.etag:
        return web.Response(status=304, headers=headers)
    packed = _takes_gzip(request.headers.get("Accept-Encoding", ""))
    if packed:
        headers["Content-Encoding"] = "gzip"
    body = asset.packed if packed else asset.content
    return web.Response(body=body, content_type=asset.type, charset="utf-8", headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether the header accepts gzip (RFC 9110 section 12.5.3): listed, and not with weight 0."""
    for offer in accepted.lower().split(","):
        name, _, weight = offer.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


ROUTES: Final = [web.get("/", get_page), web.get("/static/{path:.+}", get_static)]
