"""The page and its modules as they travel: compressed, asked for again, and small enough for a slow line."""

from __future__ import annotations

import gzip
import json
import re
import subprocess

import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient
from aiohttp.test_utils import TestClient

import api.page
from api.http import errors
from base.program import PROGRAM_DIR

TRANSFER_MOST = 206_000  # bytes of the page and all its modules, compressed

Client = TestClient[web.Request, web.Application]


# Says which of the modules given on stdin, as {name: [before, after]}, differ in more than comments.
COMPARE = """
import ts from "typescript";
import { readFileSync } from "node:fs";
const plain = (text) => ts.transpile(text, { removeComments: true, target: "esnext", module: "esnext" });
const pairs = Object.entries(JSON.parse(readFileSync(0, "utf8")));
console.log(JSON.stringify(pairs.filter(([, [one, two]]) => plain(one) !== plain(two)).map(([name]) => name)));
"""


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> Client:
    app = web.Application(middlewares=[errors])
    app[api.page.MANIFEST] = api.page.manifest()
    app.add_routes(api.page.ROUTES)
    return await aiohttp_client(app, auto_decompress=False)


def test_the_page_and_all_its_modules_are_small() -> None:
    manifest = api.page.manifest()
    readers = manifest.pop(api.page.READERS_PAGE)  # in the place of the page
    assert len(readers.content) < len(manifest[""].content) + 50
    assert all(gzip.decompress(asset.packed or b"") == asset.content for asset in manifest.values())
    own = [asset for name, asset in manifest.items() if not name.startswith("fleet")]
    assert sum(len(asset.packed or b"") for asset in own) <= TRANSFER_MOST


def test_the_page_names_every_module_once_in_its_head() -> None:
    head, body = api.page.manifest()[""].content.decode().split("</head>")
    static = PROGRAM_DIR / "static"
    modules = {path.relative_to(static).as_posix() for path in static.rglob("*.js")}
    fleet = {name for name in modules if name.startswith("fleet/")}
    assert sorted(re.findall(r'"/static/([^"]+\.js)"', head)) == sorted(modules - fleet)
    preloaded = re.findall(r'"/static/([^"]+\.js)"', api.page.manifest()[api.page.FLEET_PAGE].content.decode())
    assert fleet < set(preloaded) < modules
    assert len(preloaded) == len(set(preloaded))
    assert body == (PROGRAM_DIR / "dashboard.html").read_text().split("</head>")[1]


def test_modules_lose_nothing_but_comments_and_keep_their_lines() -> None:
    modules = {path.name: path.read_text() for path in (PROGRAM_DIR / "static").rglob("*.js")}
    pairs = {name: [text, api.page.bare(text)] for name, text in modules.items()}
    assert all(before.count("\n") == after.count("\n") for before, after in pairs.values())
    compare = ["node", "--input-type=module", "--eval", COMPARE]
    response = subprocess.run(
        compare, input=json.dumps(pairs), capture_output=True, text=True, cwd=PROGRAM_DIR, check=True
    )
    assert json.loads(response.stdout) == []


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "deflate , gzip"])
async def test_who_takes_gzip_gets_it(client: Client, accepted: str) -> None:
    answer = await client.get("/static/shell/app.js", headers={"Accept-Encoding": accepted})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(await answer.read()) == api.page.manifest()["shell/app.js"].content


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.0", "xgzip"])
async def test_who_does_not_gets_the_file_as_it_is(client: Client, accepted: str) -> None:
    answer = await client.get("/", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert await answer.read() == api.page.manifest()[""].content


async def test_what_has_not_changed_is_not_sent_again(client: Client) -> None:
    first = await client.get("/static/shell/app.js")
    again = await client.get("/static/shell/app.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "app.js", "..%2Fserver.py", "shell%2F..%2F..%2Fserver.py", "shell/app.js%00", "shell", "shell/"],
)
async def test_nothing_else_is_served(client: Client, name: str) -> None:
    assert (await client.get(f"/static/{name}")).status == 404
