"""What the page shows stays true: over a reload, a lost line, and the death of the server."""

from __future__ import annotations

import re
import signal
import sqlite3
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from .conftest import PageServer, Watch, picture, visit
from .test_run import BATCH_MS, answer, headline, start

pytestmark = pytest.mark.browser

MANY = 20_000  # lines of an old log
# Makes the page one of another version, with the addresses of this one's bundles, as soon as it has its first element.
OLDER = """
  new MutationObserver((_, observer) => {
    if (!document.documentElement) return;
    document.documentElement.dataset.page = "older";
    if (document.body) observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
"""
DRAWN_MOST = 120  # rows that may be in the document, whatever the log holds


def steps(page: Page) -> list[str]:
    return page.locator(".step[data-command]").all_inner_texts()


def test_a_reload_in_the_middle_of_a_run_loses_nothing(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    server = serve()
    page = visit(context, server, "run?pane=log")
    start(page)
    expect(page.locator(".step[data-result=success]").nth(3)).to_be_attached(timeout=BATCH_MS)
    page.get_by_role("button", name="Pause").click()
    headline(page).to_have_text("Paused by you")
    before, run = steps(page), answer(page, server, "api/run")
    cost = page.locator("#tile-cost").inner_text()

    page.reload()
    headline(page).to_have_text("Paused by you")
    expect(page.locator(".step[data-command]")).to_have_count(len(before))
    assert steps(page) == before
    expect(page.locator("#tile-cost")).to_have_text(cost)
    expect(page.locator("#log-count")).to_contain_text(f"{run['seq']:,} lines")


def test_a_server_that_is_killed_and_comes_back_is_shown_as_it_is(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch
) -> None:
    watch.allow("ERR_CONNECTION_REFUSED|WebSocket connection to|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_FAILED")
    server = serve("2")
    page = visit(context, server, "run")
    page.route("**/transcript*", lambda route: route.abort())
    start(page, cycles=1)
    expect(page.locator(".step-line", has_text=re.compile(r"\w+ \w+")).first).to_be_visible()
    expect(page.locator(".output-view .empty")).to_have_text("The server cannot be reached.")
    page.unroute("**/transcript*")
    expect(page.locator(".output-view .entry").first).to_be_visible()
    page.get_by_role("tab", name="Log").click()
    expect(page.locator(".log-row").first).to_be_visible()
    other = visit(context, server, "run?pane=log")
    expect(other.locator(".log-row").first).to_be_visible()

    server.end(signal.SIGKILL)
    expect(page.locator("#link")).to_have_text(re.compile("[Rr]econnecting"))
    expect(page.locator("#old-note")).to_contain_text("may be old")
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    other.get_by_role("tab", name="Output").click()  # it was not read before the connection was lost
    expect(other.locator(".output-view .entry")).to_have_count(0)
    picture(page, "offline")

    server.speed = "20"
    server.start()
    page.locator("#link").click()
    headline(page).to_have_text("Interrupted: batch 1 can continue at the same place")
    expect(page.locator("#link")).to_have_text("Live")
    other.locator("#link").click()
    # Where the machine is slow, the command that was cut off had only just begun.
    read = other.locator(".output-view .entry").or_(other.get_by_text("It has written nothing."))
    expect(read.first).to_be_visible()
    page.get_by_role("tab", name="Log").click()
    expect(page.locator("#old-note")).to_be_hidden()
    expect(page.locator(".step[data-result=running]")).to_have_count(0)
    expect(page.locator("#log-count")).to_contain_text(f"{answer(page, server, 'api/run')['seq']:,} lines")
    picture(page, "interrupted")

    page.get_by_role("button", name="Continue batch 1").click()
    headline(page).to_have_text(re.compile("^Running"))
    expect(page.locator(".step[data-result=success]").first).to_be_attached(timeout=BATCH_MS)


def test_a_long_log_keeps_the_document_small_and_is_read_back_from_the_server(
    context: BrowserContext, server: PageServer
) -> None:
    server.end()
    with sqlite3.connect(server.data / "sprint-runner.db") as database:
        payload = '{"type":"agent","message":"line %d of an old log"}'
        rows = [(seq, "error", payload % seq, 1_700_000_000_000 + seq) for seq in range(1, MANY + 1)]
        database.executemany("INSERT INTO events (seq, type, payload, timestamp) VALUES (?, ?, ?, ?)", rows)
    database.close()
    server.start()
    page = visit(context, server, "run?pane=log")
    expect(page.locator(".log-row:visible").filter(has_text=f"line {MANY} of")).to_be_visible()
    view = page.locator("#log-view")
    for _ in range(4):
        before = page.locator("#log-count").inner_text()
        view.evaluate("view => view.scrollTo(0, 0)")
        expect(page.locator("#log-count")).not_to_have_text(before)
    assert page.locator(".log-row").count() <= DRAWN_MOST

    page.get_by_label("Search the log").fill(f"line {MANY - 700} of")
    expect(page.locator(".log-row:visible")).to_have_count(1)
    expect(page.locator(".log-row:visible mark")).to_have_text(["line", str(MANY - 700), "of"])
    page.get_by_label("Search the log").fill("")
    expect(page.locator(".log-row:visible").nth(9)).to_be_visible()
    expect(page.locator(".log-row:visible").filter(has_text=f"line {MANY - 700} of")).to_be_visible()
    page.get_by_role("button", name=re.compile("Jump to latest")).click()
    expect(page.locator(".log-row:visible").filter(has_text=f"line {MANY} of")).to_be_visible()


def test_what_is_read_does_not_move_while_lines_arrive(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    server = serve()
    page = visit(context, server, "run?pane=log")
    start(page, cycles=1)
    expect(page.locator(".log-row").filter(has_text="dev started").first).to_be_visible(timeout=BATCH_MS)
    view = page.locator("#log-view")
    view.evaluate("view => view.scrollTo(0, view.scrollHeight / 2)")
    latest = page.get_by_role("button", name=re.compile(r"Jump to latest \(\d+ new\)"))
    place = view.evaluate("view => view.scrollTop")
    expect(latest).to_be_visible()
    assert view.evaluate("view => view.scrollTop") == place
    latest.click()
    expect(page.get_by_role("button", name=re.compile("Jump to latest"))).to_be_hidden()


def test_a_page_older_than_its_server_says_so(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch
) -> None:
    watch.allow("404")
    server = serve()
    page = context.new_page()
    # As after an update: the page has its first bundle, and the server has neither its others nor its version.
    page.route("**/static/*/settings.js", lambda route: route.fulfill(status=404))
    page.add_init_script(OLDER)
    page.goto(server.url)
    note = page.get_by_text("This page is older than its server.").first
    expect(note).to_be_visible()
    page.get_by_role("link", name="Settings").click()
    expect(page.locator("#tab-settings")).to_have_text(
        "This page is older than its server. Reload it to see this part."
    )
    page.get_by_role("link", name="Board").click()
    expect(page.locator(".card").first).to_be_visible()

    page.unroute_all()
    newer = context.new_page()
    newer.goto(f"{server.url}#board")
    expect(newer.locator("#link")).to_have_text("Live")
    expect(newer.get_by_text("This page is older than its server.").first).to_be_hidden()
    page.get_by_role("button", name="Reload").click()
    expect(page.locator(".card").first).to_be_visible()
    page.get_by_role("link", name="Settings").click()
    expect(page.locator("#tab-settings input[type=search]")).to_be_visible()


def test_before_a_page_is_live_it_asks_for_four_files(context: BrowserContext, idle: PageServer) -> None:
    """What views need that are not open comes later: over a slow line it would hold up this one."""
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    gate: list[Route] = []
    page.route("**/page.js", lambda route: gate.append(route))
    page.goto(idle.url, wait_until="commit")
    page.wait_for_function("() => document.body?.children.length && document.styleSheets.length")
    page.wait_for_timeout(300)  # for whatever the browser fetches ahead
    assert sorted(asked) == ["", "boot.js", "page.css", "page.js"]
    for route in gate:
        route.continue_()
    expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    page.get_by_role("link", name="Board").click()
    expect(page.locator(".card").first).to_be_visible()
    assert asked.count("late.css") == 1
    assert page.locator(".card").first.evaluate("card => getComputedStyle(card).borderRadius") != "0px"
