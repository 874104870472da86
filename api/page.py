"""The page and its modules, from a manifest that is built at start; no request reads from the disk.

Everything is compressed once at start, so that a request is a dictionary look-up. Modules and styles are sent without
indentation, casts and the comments that have their own lines, a fifth of all bytes; the line numbers stay the same.
The page lists all modules in its head.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from api.http import ApiError
from base.program import PROGRAM_DIR
from security import VISITOR
from security.grants import Role

# A comment at the beginning of a line, also one with code behind it; a comment after code is kept, but for casts.
COMMENT: Final = re.compile(r"^[ \t]*(?:/\*(?:[^*]|\*(?!/))*\*/[ \t]*|//[^\n]*$)", re.MULTILINE)
CAST: Final = re.compile(r"/\*\* @[^*\n]*\*/ ?")  # of a type, before an expression; no text has one, a test holds that
INDENT: Final = re.compile(r"^[ \t]+", re.MULTILINE)  # no module has a string of several lines; a test holds that
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}


READERS_PAGE: Final = " "  # the name of the page as readers get it, which no address has
FLEET_PAGE: Final = "fleet "  # that of the page of several runners
READERS_FLEET_PAGE: Final = "fleet  "
PAGES: Final = frozenset({"", READERS_PAGE, FLEET_PAGE, READERS_FLEET_PAGE})
SPRITE: Final = re.compile(r'<svg class="sprite".*?</svg>', re.DOTALL)  # the icons, which the pages share
IMPORT: Final = re.compile(r'^(?:import|export) (?:[^;]*? from )?"(\.[^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    packed: bytes | None  # compressed, where that makes it smaller
    type: str
    etag: str


Manifest = Mapping[str, Asset]
MANIFEST: Final = web.AppKey("manifest", dict[str, Asset])


def manifest() -> dict[str, Asset]:
    """Return every file below `static/` by its path there, and the pages, also as readers get them."""
    static = PROGRAM_DIR / "static"
    paths = {path.relative_to(static).as_posix(): path for path in sorted(static.rglob("*.*")) if path.suffix in TYPES}
    files = {name: path.read_text("utf-8") for name, path in paths.items()}
    assets = {name: _asset(text, paths[name].suffix) for name, text in files.items()}
    page = (PROGRAM_DIR / "dashboard.html").read_text("utf-8")
    sprite = SPRITE.search(page)
    fleet = SPRITE.sub(sprite[0] if sprite else "", (PROGRAM_DIR / "fleet.html").read_text("utf-8"), count=1)
    for names, text, entry in (
        (("", READERS_PAGE), page, "shell/app.js"),
        ((FLEET_PAGE, READERS_FLEET_PAGE), fleet, "fleet/app.js"),
    ):
        whole = announced(text, sorted(reached(entry, files)))
        assets[names[0]] = _asset(whole, ".html")
        assets[names[1]] = _asset(whole.replace("<html ", '<html data-role="reader" ', 1), ".html")
    return assets


def reached(entry: str, files: Mapping[str, str]) -> set[str]:
    """Return the modules that a module imports, and those that they import."""
    found, left = {entry}, [entry]
    while left:
        name = left.pop()
        folder = posixpath.dirname(name)
        names = {posixpath.normpath(f"{folder}/{to}") for to in IMPORT.findall(files.get(name, ""))}
        left += names - found
        found |= names
    return found


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
    return INDENT.sub("", CAST.sub("", COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), module)))


async def get_page(request: web.Request) -> web.Response:
    """Respond with the page; that of a reader says so, from which its style and its modules know it."""
    visitor = request.get(VISITOR)
    name = READERS_PAGE if visitor is not None and visitor.role is Role.READER else ""
    return respond(request, request.app[MANIFEST][name])


async def get_static(request: web.Request) -> web.Response:
    asset = request.app[MANIFEST].get(request.match_info["path"])
    if asset is None or request.match_info["path"] in PAGES:
        raise ApiError(404, "not_found", f"there is no {request.path}")
    return respond(request, asset)


def respond(request: web.Request, asset: Asset) -> web.Response:
    """Respond with an asset, or with 304. Browsers always revalidate, so a page never mixes modules of two versions."""
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == asset.etag:
        return web.Response(status=304, headers=headers)
    packed = asset.packed if _takes_gzip(request.headers.get("Accept-Encoding", "")) else None
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    body = asset.content if packed is None else packed
    charset = None if asset.type == "image/png" else "utf-8"
    return web.Response(body=body, content_type=asset.type, charset=charset, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether the header accepts gzip (RFC 9110 section 12.5.3): listed, and not with weight 0."""
    for offer in accepted.lower().split(","):
        name, _, weight = offer.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


ROUTES: Final = [web.get("/", get_page), web.get("/static/{path:.+}", get_static)]
