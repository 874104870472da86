"""A walk through the page of several runners: a question is answered, a runner opened and switched, one killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from fleet.registry import registry_of
from tests.servers import PROGRAM

from .conftest import ROOT, PageServer, Watch, picture
from .test_axe import AXE, in_both_schemes
from .test_run import BATCH_MS
from .widths import both_widths

pytestmark = pytest.mark.browser

QUESTION = "Which timezone do dates without one mean?"


@pytest.fixture
def runners(tmp_path: Path) -> Iterator[list[PageServer]]:
    """Two runners that share a state folder; the first asks a question in its first story."""
    script = {"dev-story": {"1-1-friendly-dates": [f"question:{QUESTION}", "ok"]}}
    made = []
    for name, mishaps in (("one", script), ("two", None)):
        (tmp_path / name).mkdir()
        server = PageServer(tmp_path / name, "max", mishaps)
        server.environment["XDG_STATE_HOME"] = str(tmp_path / "state")
        made.append(server.start())
    yield made
    for server in made:
        server.close()


@contextmanager
def fleet_of(server: PageServer) -> Iterator[str]:
    """The address of the fleet's page of those that share a server's state folder."""
    process = subprocess.Popen(
        [*PROGRAM, "fleet", "--port", "0"], env=server.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture
def fleet_url(runners: list[PageServer]) -> Iterator[str]:
    """The address of the fleet's page."""
    with fleet_of(runners[0]) as url:
        yield url


@both_widths
def test_all_runners_on_one_page(
    context: BrowserContext, runners: list[PageServer], fleet_url: str, watch: Watch, width: int
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(fleet_url)
    rows = page.locator(".runner")
    expect(rows).to_have_count(2)
    expect(page.locator("#total-running-note")).to_have_text("of 2 runners")
    for row in rows.all():
        expect(row.locator(".runner-state")).to_contain_text("Ready")

    runners[0].ask("api/run/start", {"batch_size": 1})
    inbox = page.locator("#inbox")
    expect(inbox).to_contain_text(QUESTION, timeout=BATCH_MS)
    expect(page).to_have_title(re.compile(r"^\(1\) All projects"))
    asked = rows.filter(has_text=str(runners[0].root))
    expect(asked).to_contain_text("Paused: the agent waits for your answer")
    expect(asked.locator(".runner-needs")).to_have_text("Needs you")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture(page, f"fleet-{width}")
    page.evaluate(AXE.read_text())
    assert in_both_schemes(page) == []
    page.get_by_label(re.compile("^Answer to: ")).fill("The observer's own.")
    page.get_by_role("button", name="Send answer").click()
    expect(inbox).to_be_hidden()
    expect(asked.locator(".runner-state")).to_contain_text("Finished", timeout=BATCH_MS)
    expect(asked).to_contain_text(re.compile(r"2 of \d"))

    # The row opens the runner's whole page, by keys; its name leads to the other one and back.
    asked.get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/r/local\.[0-9a-f]{12}/(#run)?$"))
    expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    expect(page.locator("#headline-words")).to_contain_text("2 done")
    page.goto(f"{page.url.split('#')[0]}#board")
    expect(page.locator("#tab-board")).to_contain_text("Friendly dates")
    name = page.locator("#project-name")
    name.focus()
    page.keyboard.press("Enter")
    projects = page.get_by_role("dialog", name="Projects of this machine")
    expect(projects.locator("[aria-current]")).to_contain_text(str(runners[0].root))
    page.keyboard.press("Escape")
    expect(projects).to_be_hidden()
    expect(name).to_be_focused()
    name.click()
    projects.get_by_role("link").filter(has_text=str(runners[1].root)).click()
    expect(page.locator("#headline-words")).to_have_text(re.compile("^Ready"))
    name.click()
    page.get_by_role("link", name="All projects on one page").click()

    # One that is killed stays as it was known; one that ends is gone, and is listed as one that can be started.
    runners[0].end(signal.SIGKILL)
    expect(asked).to_contain_text(re.compile(r"Not reached.*Last heard at \d\d:\d\d:\d\d\. Its process has ended\."))
    expect(asked).to_contain_text(re.compile(r"2 of \d"))
    runners[1].end()
    expect(rows).to_have_count(1)
    expect(page.locator("#stopped-list")).to_contain_text(str(runners[1].root))
    expect(page.get_by_role("button", name="Start the runner of Perch")).to_have_count(2)
    page.close()  # before its server ends, which it would complain about


@pytest.fixture
def one(tmp_path: Path) -> Iterator[PageServer]:
    """A runner that is started; whatever runs of it in the end is ended."""
    server = PageServer(tmp_path, "max")
    server.environment["XDG_STATE_HOME"] = str(tmp_path / "state")
    yield server.start()
    server.close()
    for entry in registry_of(server.environment).entries():
        if entry.is_running:
            os.kill(entry.pid, signal.SIGTERM)
            while entry.is_running:
                time.sleep(0.05)


def test_a_runner_that_ends_says_so_and_is_started_again(
    context: BrowserContext, one: PageServer, watch: Watch, tmp_path: Path
) -> None:
    watch.allow("404|502|WebSocket connection to")
    with fleet_of(one) as url:
        page = context.new_page()
        page.goto(url)
        page.locator(".runner").get_by_role("link").click()
        expect(page.locator("#link")).to_have_attribute("data-kind", "live")
        path = page.url.partition("#")[0]
        one.end()
        note = page.locator("#old-note")
        expect(note).to_contain_text(re.compile("This runner is not running any more. What you see is as of"))
        expect(page.locator("#link-words")).to_have_text("Not running")
        expect(page.locator("#attention")).to_be_hidden()  # what cannot be read without a connection is no call
        page.evaluate(AXE.read_text())
        assert in_both_schemes(page) == []
        picture(page, "fleet-gone")
        # What opens its address now is a page that says so, with the same way back.
        other = context.new_page()
        assert (response := other.goto(path)) is not None
        assert response.status == 404
        expect(other.locator("h1")).to_have_text("This runner is not running")
        other.evaluate(AXE.read_text())
        assert in_both_schemes(other) == []
        picture(other, "fleet-gone-opened")
        other.get_by_role("link", name="All projects on one page").click()
        expect(other).to_have_url(url)
        # It is started by its button, and the page that waited continues by itself.
        other.get_by_role("button", name="Start the runner of Perch").click()
        expect(other).to_have_url(re.compile("/r/local"), timeout=BATCH_MS)
        expect(other.locator("#link")).to_have_attribute("data-kind", "live")
        expect(note).to_be_hidden()
        other.close()
        page.close()


def test_the_switcher_starts_a_project(context: BrowserContext, one: PageServer, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = PageServer(tmp_path / "second", "max")
    second.environment["XDG_STATE_HOME"] = one.environment["XDG_STATE_HOME"]
    second.start().end()
    page = context.new_page()
    page.goto(one.url.replace("127.0.0.1", "localhost"))
    page.locator("#project-name").click()
    projects = page.get_by_role("dialog", name="Projects of this machine")
    projects.locator("li").filter(has_text=str(second.root)).get_by_role("button").click()
    # Under the name by which the browser knows the operator.
    expect(page).to_have_url(re.compile(r"^http://localhost:\d+/"), timeout=BATCH_MS)
    expect(page).not_to_have_url(re.compile(re.escape(one.url.rpartition(":")[2])))
    expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    page.locator("#project-name").click()
    expect(page.locator("#projects [aria-current]")).to_contain_text(str(second.root))
    page.close()
