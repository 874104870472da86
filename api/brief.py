"""The brief of a batch: as JSON, and as a file in HTML or Markdown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from api.http import SERVICES, ApiError, Services, json_response, path_id
from running.brief.markdown import as_markdown
from running.brief.page import as_html
from running.brief.read import read_brief
from running.brief.views import Brief


def _markdown(brief: Brief) -> bytes:
    return as_markdown(brief).encode()


FILES: Final[Mapping[str, tuple[str, Callable[[Brief], bytes]]]] = {
    "html": ("text/html", as_html),
    "md": ("text/markdown", _markdown),
}


async def get_brief(request: web.Request) -> web.Response:
    """Respond with the brief as things are now; with `format` as a file."""
    services, batch_id = request.app[SERVICES], path_id(request, "id")
    form = request.query.get("format", "json")
    if form != "json" and form not in FILES:
        raise ApiError(400, "bad_request", f"format: must be one of json, {', '.join(FILES)}")
    brief = await read_brief(services.workspace, batch_id)
    if brief is None:
        raise ApiError(404, "not_found", f"there is no batch {batch_id}")
    return json_response(brief) if form == "json" else await _file(services, brief, form)


async def _file(services: Services, brief: Brief, form: str) -> web.Response:
    """Respond with an attachment: shown inline, the file would be a page of this server's origin."""
    kind, render = FILES[form]
    content = await asyncio.to_thread(lambda: services.workspace.masker.bytes(render(brief)))
    name = f"brief-batch-{brief.batch_id}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=content, content_type=kind, charset="utf-8", headers=headers)


ROUTES: Final = [web.get("/api/batches/{id}/brief", get_brief)]
