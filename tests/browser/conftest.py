"""A real server, run as a process, and a real Chromium that watches itself.

Every test fails when its page logs an error, breaks the content security policy or throws; what a test provokes on
purpose it names with `watch.allow`.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from demo.fresh import SCRIPT
from tests import servers

ROOT = servers.ROOT
OUTPUT = Path(__file__).parent / "output"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BATCH_S = 180  # a batch of all stories on a busy machine
PATIENCE_MS = 20_000  # how long a page may take to show what a test waits for, on a busy machine

expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("Chromium is missing; install it, for example with: apt-get install chromium", pytrace=False)
    return found


class PageServer(servers.Server):
    """The demo in a folder of its own; it can be killed and started again at the same address.

    `script` is what goes wrong in it, as `demo/script.py` describes; `kind` is another demo, such as `v7`.
    """

    def __init__(self, folder: Path, speed: str, script: object = None, kind: str | None = None) -> None:
        self.data = folder / "data"
        self.script = script
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        kind = kind if kind is not None else None if script is None else "chaos"
        demo = "--demo" if kind is None else f"--demo={kind}"
        self.root = folder / "demo"
        super().__init__([str(self.root), demo, "--port", str(port), "--data-dir", str(self.data)], folder)
        self.speed = speed

    @property
    def speed(self) -> str:
        return self.environment["SPRINT_RUNNER_DEMO_SPEED"]

    @speed.setter
    def speed(self, speed: str) -> None:
        self.environment["SPRINT_RUNNER_DEMO_SPEED"] = speed

    def start(self) -> PageServer:
        super().start()
        self.url += "/"
        if self.script is not None:
            (self.root / SCRIPT).write_text(json.dumps(self.script))
        return self

    def close(self) -> None:
        if self.process is not None:
            self.end()

    def ask(self, path: str, fields: object = None) -> Any:
        """JSON of a GET, or of a POST with these fields."""
        body = None if fields is None else json.dumps(fields).encode()
        request = urllib.request.Request(f"{self.url}{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE_MS / 1000) as response:
            return json.load(response)


class Watch:
    """What went wrong in a page. `allow` names, as a pattern, what a test provokes."""

    def __init__(self) -> None:
        self._faults: list[str] = []
        self._allowed: list[str] = []

    def allow(self, pattern: str) -> None:
        self._allowed.append(pattern)

    def follow(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._faults.append(f"page error: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            address = message.location["url"].partition("?token=")[0]
            self._faults.append(f"{message.type}: {message.text} [{address}]")

    def faults(self) -> list[str]:
        return [fault for fault in self._faults if not any(re.search(allowed, fault) for allowed in self._allowed)]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Asserted for every page of a test, after the test."""
    watched = Watch()
    yield watched
    assert watched.faults() == []


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., PageServer]]:
    """Starts servers; all of them are ended after the test."""
    started: list[PageServer] = []

    def begin(speed: str = "20", script: object = None) -> PageServer:
        server = PageServer(tmp_path, speed, script)
        started.append(server)
        server.start()
        return server

    yield begin
    for server in started:
        server.close()


@pytest.fixture(scope="package")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server that has never run anything, shared by all tests that only read. No test starts a batch on it."""
    server = PageServer(tmp_path_factory.mktemp("idle"), "max")
    yield server.start()
    server.close()


@pytest.fixture(scope="package", autouse=True)
def finishing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer | None]:
    """The server behind `finished`, begun before the first test, so that its batch runs beside the others."""
    if not any("finished" in getattr(item, "fixturenames", ()) for item in request.session.items):
        yield None
        return
    server = PageServer(tmp_path_factory.mktemp("finished"), "max").start()
    server.ask("api/run/start", {"batch_size": "all"})
    yield server
    server.close()


@pytest.fixture(scope="package")
def finished(finishing: PageServer | None) -> PageServer:
    """A server whose one batch of all stories is over, shared by all tests that only read. No test changes it."""
    assert finishing is not None
    until = time.monotonic() + BATCH_S
    while finishing.ask("api/run")["state"] != "idle":
        assert time.monotonic() < until, "the batch of all stories does not end"
        time.sleep(0.1)
    return finishing


@pytest.fixture
def context(browser: Browser, watch: Watch, serve: Callable[..., PageServer]) -> Iterator[BrowserContext]:
    """Asks for `serve` so that pages are closed before their server ends."""
    made = browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme="light", reduced_motion="reduce", locale="en-GB"
    )
    made.on("page", watch.follow)
    yield made
    made.close()


@pytest.fixture
def server(serve: Callable[..., PageServer]) -> PageServer:
    return serve()


@pytest.fixture
def page(context: BrowserContext, server: PageServer) -> Page:
    return visit(context, server)


def visit(context: BrowserContext, server: PageServer, tab: str = "run") -> Page:
    """A page that is connected and has read the plan."""
    page = context.new_page()
    page.goto(f"{server.url}#{tab}")
    expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    expect(page.locator("#track > *")).not_to_have_count(0)
    return page


def picture(page: Page, name: str) -> None:
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"{name}.png")
