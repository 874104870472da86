"""Tests of the OpenAPI document: the routes, fields and response types of the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from api.openapi import document
from api.operations import OPERATIONS
from cli.arguments import parse
from cli.config import resolve
from server import build_app
from tests.running.projects import make_project
from tests.servers import demo, get

BODIES = [row for row in OPERATIONS if row.body is not None and row.body != dict[str, Any]]


def test_it_names_every_route_of_the_application_and_no_other(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog"}, git=False)
    app = build_app(resolve(parse([str(project)]), {}))
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    assert {(row.method, row.path) for row in OPERATIONS} == routes
    assert len(OPERATIONS) == len(routes)


def test_every_reference_leads_somewhere() -> None:
    made = document()
    text = json.dumps(made)
    wanted = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert wanted == set(made["components"]["schemas"])
    names = [row["operationId"] for path in made["paths"].values() for row in path.values()]
    assert len(set(names)) == len(names)
    assert all(row["responses"] for path in made["paths"].values() for row in path.values())


async def test_it_is_served_and_answers_have_the_shapes_that_it_promises(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, client):
        assert await get(client, "/api/openapi.json") == document()
        story = (await get(client, "/api/sprint"))["stories"][0]["key"]
        for row in OPERATIONS:
            await check_answer(client, row, story)
        for row in BODIES:
            await check_fields(client, row, story)


async def check_answer(client: aiohttp.ClientSession, row: Any, story: str) -> None:
    """A GET answers what is promised, or an error that is named."""
    if row.method != "get" or row.status != 200:
        return
    async with client.get(row.path.format(key=story, id=1, name="app.js", path="shell/app.js")) as response:
        assert response.status in (200, 400, *row.errors), row.path
        if response.status == 200 and isinstance(row.response, str):
            assert response.content_type == row.response, row.path
        elif response.status == 200:
            msgspec.json.decode(
                await response.read(), type=row.response if row.response.__class__ is not tuple else Any
            )


async def check_fields(client: aiohttp.ClientSession, row: Any, story: str) -> None:
    """A field that is not in the table is refused by a message that names those that are."""
    async with client.request(
        row.method, row.path.format(key=story, id=1, name="dev-story"), json={"nonsense": 1}
    ) as response:
        assert response.status == 400, row.path
        message = (await response.json())["error"]["message"]
    known = message.rpartition("known are ")[2]
    assert [name for name in known.split(", ") if name] == [field.name for field in msgspec.structs.fields(row.body)]


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: f"{row.method} {row.path}")
def test_what_is_named_in_braces_is_a_parameter(row: Any) -> None:
    made = document()["paths"][row.path][row.method]
    named = [parameter["name"] for parameter in made["parameters"] if parameter["in"] == "path"]
    assert row.path.count("{") == len(named)
    assert all("{" + name + "}" in row.path for name in named)
