"""The masking of secrets in responses: every JSON response, also an error, is masked text by text.

Streams are masked by their handlers. A response that is masked already is a `MaskedResponse` and passed on as it is.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from aiohttp import web

from api.http import SERVICES, Handler

AT_ONCE_MAX: Final = 64 * 1024  # bytes of a body that are masked on the loop: about 2 ms


class MaskedResponse(web.Response):
    """A response whose body is masked already."""


def unmasked_response(value: object) -> MaskedResponse:
    """Return a value as JSON whose secret is meant for who asked for it."""
    headers = {"Cache-Control": "no-store"}
    return MaskedResponse(body=msgspec.json.encode(value), content_type="application/json", headers=headers)


@web.middleware
async def masked(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Mask the body of a JSON response; a large one in a thread."""
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
