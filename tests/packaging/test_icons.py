"""The icons of the installed app: those that the script draws, and those that the manifest names."""

from __future__ import annotations

import json
import runpy
import struct
import zlib

from api.app_files import TYPES, app_files
from tests.servers import ROOT

DRAWN = runpy.run_path(str(ROOT / "packaging/icons.py"))


def test_the_icons_are_those_that_the_script_draws() -> None:
    for name, (size, maskable) in DRAWN["ICONS"].items():
        content = (ROOT / "webapp" / name).read_bytes()
        assert drawing(content) == drawing(DRAWN["png"](size, maskable=maskable)), name
        assert struct.unpack(">II", content[16:24]) == (size, size)
        assert len(content) < 8192


def drawing(png: bytes) -> bytes:
    """The pixels, whatever the version of the compressor."""
    return zlib.decompress(png[png.index(b"IDAT") + 4 : -16])


def test_the_manifest_names_files_that_are_served() -> None:
    manifest = json.loads(app_files()["manifest.webmanifest"].content)
    names = {icon["src"].removeprefix("/app/") for icon in manifest["icons"]}
    assert names == {name for name in app_files() if TYPES[f".{name.rpartition('.')[2]}"].startswith("image/")}
    assert (manifest["start_url"], manifest["scope"], manifest["id"]) == ("/", "/", "/")
    assert (ROOT / "webapp/icon.svg").read_bytes() == (ROOT / "static/shell/favicon.svg").read_bytes()


def test_the_worker_keeps_no_data() -> None:
    worker = app_files()["service-worker.js"].content.decode()
    assert not [word for word in ("caches", "indexedDB", '"fetch"', "fetch(", "importScripts") if word in worker]
