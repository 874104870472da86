"""Everything is found: by the palette, by the log's filters, by a link to a line."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import PageServer, picture, visit
from .test_axe import axe

__all__ = ["axe"]

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
    expect(page.get_by_role("dialog").get_by_role("heading", name="Friendly dates")).to_be_visible()
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


WANTED = {
    "retry": "Retry",
    "cost": "Cost of batch 1",
    "budget": "Budgets and caps of cost",
    "model": "Models",
    "prompt": "Prompts of the commands",
    "export": "Export batch 1 as one file",
    "theme": "Theme: dark",
    "notification": "Notifications",
    "replay": "Replay batch 1",
    "brief": "Brief of batch 1",
    "skip": "Skip…",
    "budget_day_usd": "budget day usd",
    "gantt": "Timeline",
}


def test_the_palette_finds_actions_by_their_other_words_and_texts_of_transcripts(
    context: BrowserContext, finished: PageServer, axe: str
) -> None:
    page = visit(context, finished)
    for words, name in WANTED.items():
        page.keyboard.press("Control+k")
        page.keyboard.type(words)
        expect(page.locator("#palette-list")).to_contain_text(name)
        page.keyboard.press("Escape")
    palette(page, "budget_batch_usd")
    expect(page.locator("#tab-settings")).to_be_visible()
    expect(page.locator("#settings-query")).to_have_value("budget_batch_usd")
    page.keyboard.press("Control+k")
    page.keyboard.type('"python3 -m unittest" ran')
    expect(page.locator("#palette-status")).to_contain_text("in the log and the transcripts")
    found = page.get_by_role("option").filter(has_text="Transcript").first
    expect(found.locator("mark").first).to_have_text("python3 -m unittest")
    page.evaluate(axe)
    assert page.evaluate("async () => (await axe.run('#palette')).violations.map((one) => one.id)") == []
    picture(page, "palette-found")
    found.click()
    entry = page.locator(".entries > [data-found]")
    expect(entry).to_contain_text("Ran ")
    expect(entry.locator("> *").first).to_be_in_viewport()


LINES = 5_000


def test_the_search_of_the_log_counts_all_matches_and_shows_the_lines_around_one(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    server = serve()
    server.end()
    with closing(sqlite3.connect(server.data / "sprint-runner.db")) as database, database:
        for seq in range(1, LINES + 1):
            message = f"line {seq}" + (" has the needle" if seq % 100 == 0 else "")
            payload = json.dumps({"story_key": "1-1-a", "command": "dev-story", "task_id": "t", "message": message})
            values = (seq, "command:progress", seq, None, "1-1-a", payload)
            database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", values)
    server.start()
    page = visit(context, server)
    page.keyboard.press("/")
    page.keyboard.type("needle line")
    expect(page.locator("#log-count")).to_contain_text("50 matches in the whole log")
    rows = page.locator(".log-row:visible")
    expect(rows.filter(has_text="line 5000").locator("mark")).to_have_text(["line", "needle"])
    search = page.get_by_label("Search the log")
    search.fill("a word of no line")
    expect(page.locator("#log-count")).to_have_text("0 matches in the whole log")
    expect(page.locator("#log-latest")).to_be_hidden()
    search.fill("needle line")
    expect(page.locator("#log-count")).to_contain_text("50 matches in the whole log")
    expect(rows.filter(has_text="line 5000")).to_be_in_viewport()
    page.get_by_label("Log lines").hover()
    page.mouse.wheel(0, -100_000)
    rows.filter(has_text="line 300 has").click()
    page.get_by_role("button", name="Lines around it").click()
    expect(page.locator("#log-count")).to_contain_text("further up")
    expect(rows.filter(has_text="line 301")).to_be_in_viewport()
    expect(page.locator(".log-row[aria-selected=true]")).to_contain_text("line 300 ")
    picture(page, "log-around")
    page.keyboard.press("l")
    expect(rows.filter(has_text="line 5000")).to_be_in_viewport()
    page.goto(f"{server.url}#run?pane=log&line=1200")
    expect(page.locator(".log-row[aria-selected=true]")).to_contain_text("line 1200 ")
    view = page.get_by_label("Log lines")
    check_a_range_of_lines(context, page, server)
    while not rows.filter(has_text="line 5000").count():
        view.evaluate("view => { view.scrollTop = view.scrollHeight; }")
    expect(page.locator("#log-count")).to_contain_text("lines since")


def check_a_range_of_lines(context: BrowserContext, page: Page, server: PageServer) -> None:
    """By mouse, keys and address, in a part of the log that ends before the range does."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    rows, chosen = page.locator(".log-row:visible"), page.locator(".log-row:visible[aria-selected=true]")
    rows.filter(has_text="line 1203").click(modifiers=["Shift"])
    expect(chosen).to_have_count(4)
    expect(page).to_have_url(re.compile("line=1200-1203$"))
    expect(page.locator("#log-detail-head")).to_have_text("Lines 1,200 to 1,203")
    page.keyboard.press("Shift+ArrowDown")
    expect(page).to_have_url(re.compile("line=1200-1204$"))
    page.get_by_role("button", name="Copy lines").click()
    expect(page.locator(".toast").last).to_have_text("5 lines copied")
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert [line.split("\t")[-1] for line in copied][:2] == ["line 1200 has the needle", "line 1201"]
    assert len(copied) == 5
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".toast").last).to_contain_text("these lines")
    picture(page, "log-range")
    other = visit_link(context, page.evaluate("navigator.clipboard.readText()"))
    expect(other.locator(".log-row:visible[aria-selected=true]")).to_have_count(5)
    expect(other.locator(".log-row", has_text="line 1200 ")).to_be_in_viewport()
    other.goto(f"{server.url}#run?pane=log&line=900-2900")
    expect(other.locator("#log-detail-head")).to_have_text("Lines 900 to 2,900")
    other.get_by_role("button", name="Copy lines").click()
    expect(other.locator(".toast").last).to_have_text("2,001 lines copied")
    other.close()
    page.bring_to_front()
    rows.filter(has_text="line 1200 ").click()
    expect(chosen).to_have_count(1)
    expect(page).to_have_url(re.compile("line=1200$"))


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
    log = page.locator("#log")
    log.get_by_label("Story", exact=True).select_option("1-2-correct-a-sighting")
    log.get_by_label("Command", exact=True).select_option("code-review")
    page.get_by_label("How much to show").select_option("1")
    shown = page.locator(".log-row:visible").all_inner_texts()
    assert shown
    assert all("code-review" in line for line in shown)
    page.get_by_role("link", name="Board").click()
    page.get_by_role("link", name="Run").click()
    expect(page).to_have_url(re.compile("command=code-review"))  # the address of the link has no filter
    page.reload()
    expect(log.get_by_label("Command", exact=True)).to_have_value("code-review")
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
