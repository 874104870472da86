"""From an empty environment, with all packages in the installer's cache, to the page of the demo."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final

from tests.bench.load import table
from tests.packaging.installed import InstalledProgram, build_wheel, install
from tests.servers import Server

ROUNDS: Final = 3  # the first one, which fills the cache, is not counted
HEAD: Final = ("what", "seconds", "of the rounds")


async def run() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build_wheel(folder / "wheel")
        install(wheel, folder / "first")
        rounds = [await asyncio.to_thread(_round, wheel, folder / str(number)) for number in range(ROUNDS)]
    installing, starting = zip(*rounds, strict=True)
    both = [sum(pair) for pair in rounds]
    rows = [
        (what, f"{statistics.median(took):.2f}", ", ".join(f"{one:.2f}" for one in took))
        for what, took in (
            ("an empty environment and the wheel in it", installing),
            ("from the command to the demo's page", starting),
            ("both", both),
        )
    ]
    table("Installing", HEAD, rows)


def _round(wheel: Path, folder: Path) -> tuple[float, float]:
    """How long the installation took, and the start until the page was answered, in seconds."""
    folder.mkdir()
    began = time.perf_counter()
    installed = install(wheel, folder / "venv")
    between = time.perf_counter()
    _open_page(installed, folder)
    return between - began, time.perf_counter() - between


def _open_page(installed: InstalledProgram, folder: Path) -> None:
    server = Server(["--demo", "--port", "0"], folder, {"TMPDIR": str(folder)}, [str(installed.command)]).start()
    try:
        with urllib.request.urlopen(server.url, timeout=60) as page:
            assert b"<title>" in page.read()
    finally:
        server.end()
