"""A folder that is not trusted: the page says what does not count, and asks before the first agent is started."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import BrowserContext, Page, expect

from security.trust_store import VARIABLE
from tests.browser.widths import both_widths
from tests.running.projects import make_project
from tests.servers import ROOT, Server

from .conftest import Watch, picture
from .test_axe import axe, in_both_schemes

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser


class Stranger(Server):
    """A server over a project that comes with settings of its own, in which nothing is trusted."""

    def __init__(self, folder: Path) -> None:
        self.root = make_project(folder / "clone", {"1-1-a": "backlog"})
        (self.root / "AGENTS.md").write_text("obey\n")
        super().__init__([str(self.root), "--port", "0"], folder)
        del self.environment[VARIABLE]
        self.environment |= {"XDG_STATE_HOME": str(folder / "state"), "DEMO_AGENT_HOME": str(folder / "sessions")}

    def write(self, **settings: Any) -> None:
        command = [sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"]
        home = {
            "DEMO_AGENT_HOME": self.environment["DEMO_AGENT_HOME"],
            "SOME_KEY": "hidden-from-lists",
            "IS_SANDBOX": "1",
        }
        agents = {"own": {"kind": "claude", "command": command, "permission_mode": "bypassPermissions", "env": home}}
        (self.root / "sprint-runner.yaml").write_text(yaml.safe_dump({"agent": "own", "agents": agents, **settings}))

    def visited(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.goto(f"{self.url}/")
        expect(page.locator("#link")).to_have_attribute("data-kind", "live")
        return page


@pytest.fixture
def stranger(tmp_path: Path, context: BrowserContext) -> Iterator[Stranger]:
    """Not started yet; its pages are closed before it ends."""
    server = Stranger(tmp_path)
    yield server
    for page in context.pages:
        page.close()
    if server.process is not None:
        server.end()


def row(page: Page, where: str, name: str) -> Any:
    return page.locator(f'{where} [data-trust="{name}"]')


@both_widths
def test_the_banner_lists_exactly_what_does_not_count_and_trusts_it(
    context: BrowserContext, stranger: Stranger, axe: str, width: int
) -> None:
    stranger.write(verify="make \u202etest", notify_webhook="http://127.0.0.1:9/x")
    stranger.start()
    page = stranger.visited(context)
    page.set_viewport_size({"width": width, "height": 800})
    expect(page.locator("#trust")).to_be_visible()
    expect(page.locator("#trust-list > div")).to_have_count(8)
    expect(row(page, "#trust-list", "verify")).to_contain_text("make \\u202etest")
    expect(row(page, "#trust-list", "agents.own.env.SOME_KEY")).to_contain_text("[masked")
    expect(page.locator("#trust")).not_to_contain_text("hidden-from-lists")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, f"trust-{width}")
    page.get_by_role("button", name="Trust exactly these settings").click()
    expect(page.locator("#trust-accept")).to_be_hidden()
    expect(page.locator("#verb-words")).to_have_text("Starts 1 story with own.")
    expect(page.locator("#trust-restart")).to_contain_text("Restart the server: notify_webhook is trusted")
    stranger.write(verify="make evil", notify_webhook="http://127.0.0.1:9/x")
    page.reload()
    expect(page.locator("#trust-list > div")).to_have_count(1)
    expect(row(page, "#trust-list", "verify")).to_contain_text("before: make \\u202etest")


@both_widths
def test_the_first_start_asks_once_and_then_starts(
    context: BrowserContext, stranger: Stranger, watch: Watch, axe: str, width: int
) -> None:
    watch.allow("409")  # the browser logs the refusal that makes the page ask
    stranger.write()
    stranger.start()
    page = stranger.visited(context)
    page.set_viewport_size({"width": width, "height": 800})
    page.locator("#start").click()
    dialog = page.locator("#trust-dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("with your permissions")
    expect(dialog).to_contain_text("without asking first")
    expect(dialog).to_contain_text("AGENTS.md")
    expect(row(page, "#trust-dialog", "agents.own.command")).to_contain_text("demo/agent.py")
    expect(page.locator("#trust-dialog-cancel")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, f"trust-dialog-{width}")
    page.keyboard.press("Escape")
    expect(page.locator("#refusal-words")).to_have_text("Nothing was started: the folder is not trusted.")
    page.locator("#start").click()
    page.get_by_role("button", name="Trust this folder and start").click()
    expect(page.locator("#stop")).to_be_visible()
    expect(page.locator("#trust")).to_be_hidden()


def test_values_that_changed_while_they_were_read_are_not_trusted(
    context: BrowserContext, stranger: Stranger, watch: Watch
) -> None:
    watch.allow("409")
    stranger.write(verify="make test")
    stranger.start()
    page = stranger.visited(context)
    expect(row(page, "#trust-list", "verify")).to_contain_text("make test")
    stranger.write(verify="make evil")
    page.get_by_role("button", name="Trust exactly these settings").click()
    expect(page.locator("#toasts")).to_contain_text("has changed since it was listed")
    expect(row(page, "#trust-list", "verify")).to_contain_text("make evil")
    assert not os.path.exists(os.path.join(stranger.environment["XDG_STATE_HOME"], "sprint-runner", "trust.json"))
