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

FIRST_MOST = 110_000  # bytes of what a page loads before it can be used, compressed
TRANSFER_MOST = 260_000  # bytes of the page with all that it may load, compressed
FLEET_MOST = 60_000  # the same of the page of several runners
FIRST = ["page.css", "page.js"]  # the bundles of the first load

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


def versioned(manifest: api.page.Manifest) -> dict[str, api.page.Asset]:
    """The bundles by their names without the version of the page."""
    base = f"{api.page.page_version(manifest[''].content)}/"
    return {name.removeprefix(base): asset for name, asset in manifest.items() if name.startswith(base)}


def test_the_page_is_small_at_first_and_as_a_whole() -> None:
    manifest = dict(api.page.manifest())
    readers = manifest.pop(api.page.READERS_PAGE)  # in the place of the page
    assert len(readers.content) < len(manifest[""].content) + 50
    assert all(gzip.decompress(asset.packed or b"") == asset.content for asset in manifest.values())
    bundles = {name: len(asset.packed or b"") for name, asset in versioned(manifest).items() if "map" not in name}
    page = len(manifest[""].packed or b"") + len(manifest["shell/boot.js"].packed or b"")
    assert page + sum(bundles[name] for name in FIRST) <= FIRST_MOST
    assert page + sum(bundles.values()) <= TRANSFER_MOST


def test_the_page_names_the_bundles_of_its_version_and_no_module() -> None:
    manifest = api.page.manifest()
    page = manifest[""].content.decode()
    version = api.page.page_version(page.encode())
    named = re.findall(r'="/static/([^"]+)"', page)
    assert sorted(named) == sorted(
        ["shell/boot.js", "shell/favicon.svg", *(f"{version}/{name}" for name in [*FIRST, "late.css"])]
    )
    assert set(named) < set(manifest)
    assert page.split("</head>")[1] == (PROGRAM_DIR / "dashboard.html").read_text().split("</head>")[1]


def test_every_style_is_in_the_page() -> None:
    static = PROGRAM_DIR / "static"
    styles = {path.relative_to(static).as_posix() for path in static.rglob("*.css")} - {"kit/parts.css"}
    pages = [(PROGRAM_DIR / name).read_text() for name in ("dashboard.html", "fleet.html")]
    assert styles == {name for page in pages for name, _ in api.page.STYLE.findall(page)}


def test_the_page_of_the_fleet_is_small_and_has_nothing_of_the_views_of_one_run() -> None:
    manifest = api.page.manifest()
    page = manifest[api.page.FLEET_PAGE]
    base = f"{api.page.page_version(page.content)}/"
    own = {name.removeprefix(base): asset for name, asset in manifest.items() if name.startswith(base)}
    assert b"$fleet_app" in own["page.js"].content
    assert b"$board_board" not in own["page.js"].content
    assert b'<symbol id="i-alert"' in page.content
    sizes = [len(asset.packed or b"") for name, asset in own.items() if name in FIRST]
    assert len(page.packed or b"") + sum(sizes) <= FLEET_MOST


def test_another_content_is_another_version() -> None:
    assert api.page.version_of("a", "b") == api.page.version_of("a", "b")
    assert len({api.page.version_of(*texts) for texts in (("a", "b"), ("ab", ""), ("b", "a"))}) == 3


def test_modules_lose_nothing_but_comments_and_keep_their_lines() -> None:
    modules = {path.name: path.read_text() for path in (PROGRAM_DIR / "static").rglob("*.js")}
    pairs = {name: [text, api.page.bare(text)] for name, text in modules.items()}
    assert all(before.count("\n") == after.count("\n") for before, after in pairs.values())
    compare = ["node", "--input-type=module", "--eval", COMPARE]
    response = subprocess.run(
        compare, input=json.dumps(pairs), capture_output=True, text=True, cwd=PROGRAM_DIR, check=True
    )
    assert json.loads(response.stdout) == []


async def test_bundles_are_kept_and_modules_are_asked_for_again(client: Client) -> None:
    version = api.page.page_version(api.page.manifest()[""].content)
    kept = await client.get(f"/static/{version}/page.js")
    assert (kept.status, kept.headers["Cache-Control"]) == (200, "private, max-age=31536000, immutable")
    for path in ("/", "/static/shell/app.js"):
        assert (await client.get(path)).headers["Cache-Control"] == "no-cache"
    assert (await client.get("/static/0123456789ab/page.js")).status == 404  # of an older page


async def test_a_bundle_names_its_source_map_and_that_the_modules(client: Client) -> None:
    version = api.page.page_version(api.page.manifest()[""].content)
    bundle = await (await client.get(f"/static/{version}/board.js", headers={"Accept-Encoding": ""})).text()
    answer = await client.get(f"/static/{version}/board.js.map", headers={"Accept-Encoding": ""})
    found = json.loads(await answer.text())
    assert bundle.endswith("//# sourceMappingURL=board.js.map\n")
    assert found["mappings"].count(";") == bundle.count("\n") - 1
    for source in found["sources"]:
        served = await (await client.get(source, headers={"Accept-Encoding": ""})).text()
        assert served == (PROGRAM_DIR / source.removeprefix("/")).read_text()  # with its comments


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
