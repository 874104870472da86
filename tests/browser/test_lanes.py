"""Two lanes at once in the Run tab: side by side where there is room, one alone by the address, edits that unfold."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.shots.states import server as state

from .conftest import PageServer, picture, visit
from .test_axe import axe, in_both_schemes
from .test_run import BATCH_MS

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

SPEED = "3"  # both lanes work long enough to be looked at
WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 360, "height": 740}


def in_two_lanes(server: PageServer) -> None:
    body = json.dumps({"parallel": 2}).encode()
    request = urllib.request.Request(f"{server.url}api/settings", body, {"Content-Type": "application/json"})
    request.method = "PUT"
    urllib.request.urlopen(request).close()
    server.ask("api/run/start", {"batch_size": "all"})


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_each_lane_has_a_column_that_follows_on_its_own(
    context: BrowserContext, serve: Callable[..., PageServer], axe: str
) -> None:
    server = serve(SPEED)
    in_two_lanes(server)
    page = visit(context, server)
    columns = page.locator(".output-column")
    expect(columns).to_have_count(2, timeout=BATCH_MS)
    for column in columns.all():
        expect(column.locator(".entry").first).to_be_visible(timeout=BATCH_MS)
        expect(column.locator("time")).to_have_text(re.compile(r"\d:\d\d"))
    assert fits(page)
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, "lanes-side-by-side")

    columns.first.locator(".output-view").focus()
    page.keyboard.press("ArrowRight")
    expect(columns.nth(1).locator(".output-view")).to_be_focused()
    columns.nth(1).get_by_role("button", name="alone").click()
    expect(columns).to_have_count(0)
    expect(page).to_have_url(re.compile(r"#run\?lane=\d"))
    page.reload()
    every = page.get_by_role("button", name="Side by side")
    expect(every).to_be_visible()
    expect(columns).to_have_count(0)
    picture(page, "lanes-alone")
    every.click()
    expect(columns).to_have_count(2)
    expect(page).not_to_have_url(re.compile("lane="))
    page.set_viewport_size(NARROW)
    expect(columns).to_have_count(0)
    expect(every).to_be_hidden()
    assert fits(page)
    picture(page, "lanes-narrow")


def test_an_edit_unfolds_to_its_lines(context: BrowserContext, finished: PageServer, axe: str) -> None:
    page = visit(context, finished)
    steps = page.locator("#batch-stories li").first
    steps.locator("summary").click()
    steps.locator(".step[data-command]", has_text="dev").locator("button").first.click()
    edits = page.locator(".output-view details.edit")
    expect(edits.first).to_be_visible()
    changed = edits.filter(has=page.locator(".edit-verb", has_text="Edit")).first
    expect(changed.locator(".size")).to_have_attribute(
        "aria-label", re.compile(r"\d+ lines? added, \d+ lines? removed")
    )
    changed.locator("summary").click()
    expect(changed.locator('tr[data-kind="added"]').first).to_be_visible()
    expect(changed.locator("td.at:not(:empty)").first).to_be_visible()
    assert fits(page)
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    changed.scroll_into_view_if_needed()
    picture(page, "edit-in-output")
    page.set_viewport_size(NARROW)
    assert fits(page)
    picture(page, "edit-in-output-narrow")


@pytest.mark.worlds
def test_a_lane_without_a_worker_takes_no_room_and_is_named(context: BrowserContext) -> None:
    with state("workers") as server:
        page = visit(context, server)
        lanes = page.locator(".lane", has_text=re.compile("worker|bench"))
        expect(lanes).to_contain_text(["on bench", "waits for a place on a worker"])
        expect(page.locator(".output-view .entry").first).to_be_visible()
        expect(page.locator(".output-stream")).to_have_count(1)
        page.goto(f"{server.url}#board")
        expect(page.locator(".card-note", has_text="Waits for a place on a worker.")).to_have_count(2)
        page.goto(f"{server.url}#timeline")
        expect(page.locator("#chart-waits")).to_contain_text("wait for a place on a worker.")
        page.close()
