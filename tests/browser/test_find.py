"""Everything is found: by the palette, by the log's filters, by a link to a line."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import PageServer, picture, visit

pytestmark = pytest.mark.browser

TABS = ("run", "board", "timeline", "history", "insights", "settings")
WIDTHS = (360, 1280, 2560)


def palette(page: Page, words: str) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type(words)
    page.keyboard.press("Enter")


def test_the_palette_finds_views_stories_and_themes_by_keyboard(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished)
    palette(page, "go to board")
    expect(page.locator("#tab-board")).to_be_visible()
    palette(page, "friendly")
    expect(page.get_by_role("dialog")).to_contain_text("As a birdwatcher")
    page.keyboard.press("Escape")
    palette(page, "dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Control+k")
    page.keyboard.type("nothing has this name")
    expect(page.get_by_text("Nothing is called that.")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Find a command, a view or a story").click()
    page.keyboard.press("ArrowDown")
    picture(page, "palette")
    expect(page.locator("#palette-list [aria-selected=true]")).to_have_attribute("id", "palette-1")
    page.keyboard.press("Escape")
    palette(page, "log problems")
    expect(page.locator("#tab-run")).to_be_visible()
    expect(page.get_by_label("How much to show")).to_have_value("2")


def test_a_link_to_a_line_of_the_log_opens_it_there(context: BrowserContext, finished: PageServer) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit(context, finished, "run?pane=log")
    page.get_by_label("Search the log").fill("Batch 1 started")
    row = page.locator(".log-row:visible")
    expect(row).to_have_count(1)
    expect(page).to_have_url(re.compile(r"#run\?.*q=Batch"))
    row.click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".toast").last).to_contain_text("Link copied")
    link: str = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"#run\?.*line=\d+", link)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".toast", has_text="Line copied")).to_be_visible()
    assert "Batch 1 started: all stories" in page.evaluate("navigator.clipboard.readText()")

    other = visit_link(context, link.replace("q=Batch+1+started&", ""))
    chosen = other.locator(".log-row[aria-selected=true]")
    expect(chosen).to_contain_text("Batch 1 started")
    expect(chosen).to_be_in_viewport()
    expect(other.locator("#log-detail-text")).to_have_text("Batch 1 started: all stories")
    expect(other.get_by_role("button", name=re.compile("Jump to latest"))).to_be_visible()


def visit_link(context: BrowserContext, link: str) -> Page:
    page = context.new_page()
    page.goto(link)
    return page


def test_the_filter_of_the_log_survives_a_reload_and_is_everywhere_the_same(
    context: BrowserContext, finished: PageServer
) -> None:
    page = visit(context, finished, "run?pane=log")
    page.get_by_label("Story", exact=True).select_option("1-2-correct-a-sighting")
    page.get_by_label("Command", exact=True).select_option("code-review")
    page.get_by_label("How much to show").select_option("1")
    shown = page.locator(".log-row:visible").all_inner_texts()
    assert shown
    assert all("code-review" in line for line in shown)
    page.get_by_role("link", name="Board").click()
    page.get_by_role("link", name="Run").click()
    expect(page).to_have_url(re.compile("command=code-review"))  # the address of the link has no filter
    page.reload()
    expect(page.get_by_label("Command", exact=True)).to_have_value("code-review")
    expect(page.locator(".log-row:visible")).to_have_count(len(shown))
    palette(page, "everything again")
    expect(page).to_have_url(f"{finished.url}#run")


def test_no_tab_scrolls_sideways_at_any_width(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished)
    for tab in TABS:
        page.goto(f"{finished.url}#{tab}")
        expect(page.locator(f"#tab-{tab}")).to_be_visible()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            picture(page, f"{tab}-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") == width, f"{tab} at {width}"
