"""A real server, run as a process, and a real Chromium that watches itself.

Every test fails when its page logs an error, breaks the content security policy or throws; what a test provokes on
purpose it names with `watch.allow`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = Path(__file__).parent / "output"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STARTED = re.compile(r"Sprint Runner at (http://\S+)")
PATIENCE_MS = 20_000  # how long a page may take to show what a test waits for, on a busy machine

expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("Chromium is missing; install it, for example with: apt-get install chromium", pytrace=False)
    return found


class Server:
    """`python server.py --demo` in a folder of its own; it can be killed and started again at the same address."""

    def __init__(self, folder: Path, speed: str) -> None:
        self.folder, self.speed = folder, speed
        self.data = folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        command = [sys.executable, "server.py", str(self.folder / "demo"), "--demo", "--port", str(self.port)]
        with (self.folder / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [*command, "--data-dir", str(self.data)],
                cwd=ROOT,
                env={**os.environ, "SPRINT_RUNNER_DEMO_SPEED": self.speed},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        started = STARTED.match(line)
        assert started, f"the server did not start: {line!r}\n{(self.folder / 'server.log').read_text()}"
        self.url = started[1]

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


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
            self._faults.append(f"{message.type}: {message.text}")

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
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers; all of them are ended after the test."""
    started: list[Server] = []

    def begin(speed: str = "20") -> Server:
        server = Server(tmp_path, speed)
        started.append(server)
        server.start()
        return server

    yield begin
    for server in started:
        server.end()


@pytest.fixture
def context(browser: Browser, watch: Watch, serve: Callable[..., Server]) -> Iterator[BrowserContext]:
    """Asks for `serve` so that pages are closed before their server ends."""
    made = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light", reduced_motion="reduce")
    made.on("page", watch.follow)
    yield made
    made.close()


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve()


@pytest.fixture
def page(context: BrowserContext, server: Server) -> Page:
    return visit(context, server)


def visit(context: BrowserContext, server: Server, tab: str = "run") -> Page:
    """A page that is connected and has read the plan."""
    page = context.new_page()
    page.goto(f"{server.url}#{tab}")
    expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    expect(page.locator("#track > *")).not_to_have_count(0)
    return page


def picture(page: Page, name: str) -> None:
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"{name}.png")
