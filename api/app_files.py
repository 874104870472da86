"""The files by which a browser installs the page as an app: manifest, icons, service worker. They are read at start.

They hold nothing of a project and need no token: browsers fetch them without cookies.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from aiohttp import web

from api.http import ApiError
from api.page import Asset, respond
from base.program import PROGRAM_DIR

WORKER: Final = "service-worker.js"
TYPES: Final = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".js": "text/javascript",
}


@cache
def app_files() -> dict[str, Asset]:
    """Return the files by name; they are small, so that none is compressed."""
    paths = [path for path in sorted((PROGRAM_DIR / "webapp").iterdir()) if path.suffix in TYPES]
    return {path.name: Asset(path.read_bytes(), TYPES[path.suffix], packs=False) for path in paths}


async def get_file(request: web.Request) -> web.Response:
    asset = app_files().get(request.match_info["name"])
    if asset is None or request.match_info["name"] == WORKER:
        raise ApiError(404, "not_found", f"there is no {request.path}")
    return respond(request, asset)


async def get_worker(request: web.Request) -> web.Response:
    # At the top, since the path of a worker is what it may be responsible for.
    return respond(request, app_files()[WORKER])


ROUTES: Final = [web.get("/app/{name}", get_file), web.get(f"/{WORKER}", get_worker)]
