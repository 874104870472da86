"""The page and its modules, from a manifest that is built at start; no request reads from the disk.

Modules and styles travel in bundles (`bundles.py`) without indentation, casts and comments that have their own lines.
The addresses of bundles contain the version of the page, a digest of all that it is made of: a page never mixes modules
of two versions, and a browser keeps what it has. The modules themselves are served as they are, for debuggers, which
find them by the source maps. Each is compressed once, when it is first asked for.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from aiohttp import web

from api.bundles import FIRST, bundles, reached
from api.http import ApiError
from base.program import PROGRAM_DIR
from security import VISITOR
from security.grants import Role

# A comment at the beginning of a line, also one with code behind it; a comment after code is kept, but for casts.
COMMENT: Final = re.compile(r"^[ \t]*(?:/\*(?:[^*]|\*(?!/))*\*/[ \t]*|//[^\n]*$)", re.MULTILINE)
CAST: Final = re.compile(r"/\*\* @[^*\n]*\*/ ?")  # of a type, before an expression; no text has one, a test holds that
INDENT: Final = re.compile(r"^[ \t]+", re.MULTILINE)  # no module has a string of several lines; a test holds that
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
TYPES_OF_BUNDLES: Final = {**TYPES, ".map": "application/json"}
# A style that the page names, and whether it is of views that load on use.
STYLE: Final = re.compile(r' *<link rel="stylesheet" href="/static/([^"]+)"( disabled)?>\n')
STYLES: Final = "page.css"
LATE_STYLES: Final = "late.css"
ENTRY: Final = "shell/app.js"
CLASSIC: Final = "shell/boot.js"  # a script that runs before the first paint, not a module

KIT: Final = "kit"  # the page that shows every part of the page, at `/static/kit`

READERS_PAGE: Final = " "  # the name of the page as readers get it, which no address has
FLEET_PAGE: Final = "fleet "  # that of the page of several runners
READERS_FLEET_PAGE: Final = "fleet  "
PAGES: Final = frozenset({"", READERS_PAGE, FLEET_PAGE, READERS_FLEET_PAGE})
FLEET_ENTRY: Final = "fleet/app.js"
SPRITE: Final = re.compile(r'<svg class="sprite".*?</svg>', re.DOTALL)  # the icons, which the pages share


@dataclass(frozen=True)
class Asset:
    """A file as it is sent. `lasting`: its address never has another content; `packs`: compressed it is smaller."""

    content: bytes
    type: str
    lasting: bool = False
    packs: bool = True

    @cached_property
    def packed(self) -> bytes | None:
        """The content compressed; None where that makes it no smaller."""
        return gzip.compress(self.content, mtime=0) if self.packs else None

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:20]}"'


Manifest = Mapping[str, Asset]
MANIFEST: Final = web.AppKey("manifest", Mapping[str, Asset])


@cache
def manifest() -> Manifest:
    """Return all files of the pages by their path below `/static/`, and the pages, each also as readers get it.

    They are read once in the life of a process: a page never mixes the files of two versions of the program.
    """
    static = PROGRAM_DIR / "static"
    paths = [path for path in sorted(static.rglob("*.*")) if path.suffix in TYPES]
    files = {path.relative_to(static).as_posix(): path.read_text("utf-8") for path in paths}
    assets = {name: Asset(text.encode(), TYPES[posixpath.splitext(name)[1]]) for name, text in files.items()}
    modules = {name: bare(text) for name, text in files.items() if name.endswith(".js") and name != CLASSIC}
    page = (PROGRAM_DIR / "dashboard.html").read_text("utf-8")
    assets |= _page_assets(files, modules, page, ENTRY, ("", READERS_PAGE))
    kit = files["kit/kit.html"].replace("VERSION", page_version(assets[""].content))
    icons = SPRITE.search(page)
    assets[KIT] = _html(kit.replace("<!-- SPRITE -->", icons[0] if icons else ""))
    fleet = SPRITE.sub(icons[0] if icons else "", (PROGRAM_DIR / "fleet.html").read_text("utf-8"), count=1)
    return assets | _page_assets(files, modules, fleet, FLEET_ENTRY, (FLEET_PAGE, READERS_FLEET_PAGE))


def _page_assets(
    files: Mapping[str, str], modules: Mapping[str, str], page: str, entry: str, names: tuple[str, str]
) -> dict[str, Asset]:
    """Return the bundles of a page, the page itself under the first name, and as readers get it under the second."""
    joined = {**_modules(modules, entry), **_styles(files, page)}
    version = version_of(page, *joined.values())
    assets = {}
    for name, text in joined.items():
        kind = TYPES_OF_BUNDLES[posixpath.splitext(name)[1]]
        assets[f"{version}/{name}"] = Asset(text.encode(), kind, lasting=True)
    announced = _announced(page, version, entry)
    assets[names[0]] = _html(announced)
    assets[names[1]] = _html(announced.replace("<html ", '<html data-role="reader" ', 1))
    return assets


def _html(text: str) -> Asset:
    return Asset(text.encode(), TYPES[".html"])


def version_of(*texts: str) -> str:
    """Return what stands for a page that is made of these texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def page_version(page: bytes) -> str:
    """Return the version that a page has in its own first element."""
    found = re.search(rb'<html [^>]*data-page="([^"]+)"', page)
    return "" if found is None else found[1].decode()


def _modules(modules: Mapping[str, str], entry: str) -> dict[str, str]:
    """Return the bundles of the modules by file name, each with its source map."""
    made = bundles(reached(modules, entry), entry)
    return {name: made[name].text for name in made} | {f"{name}.map": made[name].map for name in made}


def _styles(files: Mapping[str, str], page: str) -> dict[str, str]:
    """Return the styles that the page names, in their order: those of the first views, those of views loaded on use."""
    named = {name: bool(late) for name, late in STYLE.findall(page)}
    return {
        joined: re.sub("\n+", "\n", bare("\n".join(files[name] for name in named if named[name] == late)))
        for joined, late in ((STYLES, False), (LATE_STYLES, True))
    }


def _announced(page: str, version: str, entry: str) -> str:
    """Return the page with its bundles in the place of its modules and styles, and with its version."""
    base = f"/static/{version}/"
    links = f'  <link rel="stylesheet" href="{base}{STYLES}">\n'
    # A browser that looks ahead fetches a style that is disabled, too.
    links += f'  <meta name="late-styles" content="{base}{LATE_STYLES}">\n'
    first = STYLE.search(page)
    at = len(page) if first is None else first.start()
    page = page[:at] + links + STYLE.sub("", page[at:])
    page = page.replace(f'src="/static/{entry}"', f'src="{base}{FIRST}"', 1)
    return page.replace("<html ", f'<html data-page="{version}" ', 1)


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
    """Respond with an asset, or with 304. Browsers revalidate all but bundles, so they always get the newest page."""
    keep = "private, max-age=31536000, immutable" if asset.lasting else "no-cache"
    headers = {"ETag": asset.etag, "Cache-Control": keep, "Vary": "Accept-Encoding"}
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
