"""Secrets in answers: every JSON answer, errors too, passes here and is masked text by text.

Streams are masked by who writes them. What is masked already says so, and is not read again.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from api.http import SERVICES, Handler

AT_ONCE_MAX: Final = 64 * 1024  # bytes of a body that are masked on the loop: about 2 ms


class MaskedResponse(web.Response):
    """An answer whose body is masked already."""


@web.middleware
async def masked(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Mask the body of a JSON answer; a large one in a thread."""
    response = await handler(request)
    if not isinstance(response, web.Response) or isinstance(response, MaskedResponse):
        return response
    if response.content_type != "application/json":
        return response
    if isinstance(response.body, bytes) and response.body:
        mask = request.app[SERVICES].workspace.masker.json
        large = len(response.body) > AT_ONCE_MAX
        response.body = await asyncio.to_thread(mask, response.body) if large else mask(response.body)
    return response
