"""The shared views of the Board over HTTP."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from store.board_views import VIEWS_MOST
from tests.api.test_hints import server
from tests.servers import get

__all__ = ["server"]  # a fixture
PATH = "/api/board/views"


async def put(client: aiohttp.ClientSession, **fields: Any) -> tuple[int, Any]:
    async with client.put(PATH, json=fields) as response:
        return response.status, await response.json()


async def test_a_view_is_stored_replaced_and_removed(client: aiohttp.ClientSession) -> None:
    assert await get(client, PATH) == {"views": []}
    mine, other = {"name": "Mine", "query": "epic=1"}, {"name": "Other", "query": ""}
    assert await put(client, **mine) == (200, {"views": [mine]})
    assert await put(client, **other) == (200, {"views": [mine, other]})
    mine["query"] = "epic=2&sort=title"
    assert await put(client, **mine) == (200, {"views": [mine, other]})
    assert await get(client, PATH) == {"views": [mine, other]}
    assert await put(client, name="Mine", query=None) == (200, {"views": [other]})
    for number in range(VIEWS_MOST - 1):
        assert (await put(client, name=str(number), query=""))[0] == 200
    status, refused = await put(client, name="one more", query="")
    assert (status, refused["error"]["code"]) == (409, "full")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "", "query": ""}, "name: must be a text of 1 to 60 characters"),
        ({"name": " ", "query": ""}, "name: must be a text of 1 to 60 characters"),
        ({"name": "a\u202e", "query": ""}, "name: contains control codes"),
        ({"name": "a", "query": "x" * 1001}, "query: must be a text of at most 1000 characters, or null"),
    ],
)
async def test_what_is_no_view_is_refused(client: aiohttp.ClientSession, fields: dict[str, Any], message: str) -> None:
    status, refused = await put(client, **fields)
    assert status == 400
    assert message in str(refused)
