"""A batch that begins at a time, and hours in which commands start, as the page shows and sets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.widths import both_widths

from .conftest import PageServer, picture, visit
from .test_axe import axe, in_both_schemes
from .test_run import BATCH_MS, headline

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

KEY = "1-1-friendly-dates"


@both_widths
def test_a_batch_waits_for_its_time_or_starts_now(
    context: BrowserContext, serve: Callable[..., PageServer], axe: str, width: int
) -> None:
    server = serve("max")
    page = visit(context, server, "")
    page.set_viewport_size({"width": width, "height": 800})
    wanted = (datetime.now() + timedelta(hours=2)).strftime("%H:%M")
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Begin at").fill(wanted)
    page.get_by_label("Only these stories: search").fill("1-1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, f"start-at-{width}")
    page.get_by_role("button", name="Start", exact=True).click()
    headline(page).to_contain_text("Scheduled for", timeout=BATCH_MS)
    headline(page).to_contain_text(wanted)
    picture(page, f"scheduled-{width}")
    page.get_by_role("button", name="Start now").click()
    headline(page).to_contain_text("Finished", timeout=BATCH_MS)


def test_outside_of_the_active_hours_the_run_waits(context: BrowserContext, serve: Callable[..., PageServer]) -> None:
    server = serve("max")
    opening = datetime.now() + timedelta(hours=2)
    hours = f"{opening:%H:%M}-{opening + timedelta(hours=1):%H:%M}"
    page = visit(context, server, "settings?topic=schedule")
    field = page.get_by_role("textbox", name="Active hours")
    field.fill("nights")
    expect(page.locator(".setting", has=field)).to_contain_text('times such as "22:00-07:00"')
    field.fill(hours)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast").last).to_be_visible()
    server.ask("api/run/start", {"stories": [KEY], "batch_size": 1})
    page.get_by_role("link", name="Run", exact=True).click()
    # In the evening the day stands before the time.
    waiting = re.compile(f"Waiting for the active hours until .*{opening:%H:%M}")
    headline(page).to_contain_text(waiting, timeout=BATCH_MS)
    page.get_by_role("button", name="Start now").click()
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)
