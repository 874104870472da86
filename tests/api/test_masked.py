"""Every JSON response is masked text by text, whatever made it; what is masked already is left alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from api.http import SERVICES, Services
from api.masked import AT_ONCE_MAX, MaskedResponse, masked
from security.masking import Masker

KEY = "sk-ant-api03-" + "q7Zx4Kp9Wm2V" * 6


def application(response: web.Response) -> web.Application:
    async def handler(_request: web.Request) -> web.Response:
        return response

    app = web.Application(middlewares=[masked])
    app[SERVICES] = cast(Services, SimpleNamespace(workspace=SimpleNamespace(masker=Masker())))
    app.router.add_get("/", handler)
    return app


async def body_of(client: AiohttpClient, response: web.Response) -> tuple[str, int]:
    answered = await (await client(application(response))).get("/")
    return await answered.text(), answered.status


@pytest.mark.parametrize("status", [200, 400, 404, 503])
@pytest.mark.parametrize("text", [KEY, f"line\n{KEY}", f"tab\t{KEY}", f"\x1b[31m{KEY}\x1b[0m", f'{{"key": "{KEY}"}}'])
async def test_a_key_in_a_response_is_masked(aiohttp_client: AiohttpClient, status: int, text: str) -> None:
    body, answered = await body_of(aiohttp_client, web.json_response({"error": {"message": text}}, status=status))
    assert answered == status
    assert "q7Zx4Kp9Wm2V" not in body
    assert "[masked: " in body


async def test_a_large_response_is_masked_too(aiohttp_client: AiohttpClient) -> None:
    body, _ = await body_of(aiohttp_client, web.json_response(["x" * AT_ONCE_MAX, KEY]))
    assert "q7Zx4Kp9Wm2V" not in body


async def test_a_response_without_a_secret_keeps_its_bytes(aiohttp_client: AiohttpClient) -> None:
    text = '{"a":  "word",\n "b": [1.50, null]}'
    body, _ = await body_of(aiohttp_client, web.Response(text=text, content_type="application/json"))
    assert body == text


@pytest.mark.parametrize("kind", [MaskedResponse, web.Response])
async def test_other_content_is_not_read(aiohttp_client: AiohttpClient, kind: Any) -> None:
    """Streams are masked line by line where they are written."""
    body, _ = await body_of(aiohttp_client, kind(text="a text", content_type="text/plain"))
    assert body == "a text"
