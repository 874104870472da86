"""The Timeline tab: bars by keyboard and pointer, zoom, what is drawn of very many commands, growing live."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from .conftest import PageServer, picture, visit
from .test_reach import press, tab_to

pytestmark = pytest.mark.browser

MANY = 6_000  # commands of the large record
BARS_MOST = 1_500  # that are in the document at a time, whatever the record holds
BATCHES = 60
DAY_MS = 86_400_000
FOUR_TIMES = "4.0\u00d7"


def of(page: Page, number: int) -> str:
    """The name of the chosen bar, when that many have been visited."""
    return page.locator(".bar:focus").get_attribute("aria-label") or f"nothing at {number}"


def test_from_bar_to_bar_with_the_arrow_keys(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished, "timeline")
    expect(page.locator("#chart-words")).to_contain_text("7 stories")
    tab_to(page, ".bar", most=60)
    press(page, "ArrowDown", "ArrowRight")
    detail = page.locator("#chart-detail")
    expect(detail).to_contain_text("1-1 Friendly dates")
    press(page, "ArrowDown", "Home")
    expect(detail).to_contain_text("1-2 Correct a sighting")
    seen = [of(page, 0)]
    for number in range(3):
        press(page, "ArrowRight")
        seen.append(of(page, number))
    assert len(set(seen)) == 4, seen
    assert re.match(r"dev, success, \d\d:\d\d:\d\d, [\d.]+ s|code review", seen[3])
    press(page, "Home", "ArrowUp", "ArrowDown")
    expect(detail).to_contain_text("1-2 Correct a sighting")
    detail.get_by_text("Transcript").click()
    expect(detail.locator(".entry").first).to_be_visible()
    command = page.evaluate("document.querySelector('.bar[tabindex=\"0\"]').dataset.id")
    expect(page).to_have_url(re.compile(f"command={command}"))
    page.reload()
    expect(page.locator("#chart-detail")).to_contain_text("1-2 Correct a sighting")
    detail.get_by_role("button", name="1-2 Correct a sighting").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "Escape")
    expect(page).to_have_url(re.compile(f"command={command}"))
    picture(page, "timeline-detail")


def test_zoom_and_pan_by_keys_and_wheel_are_kept(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished, "timeline")
    page.locator(".bar").first.click()
    words, chart = page.locator("#zoom-words"), page.locator("#chart")
    press(page, "+", "+")
    expect(words).to_have_text(FOUR_TIMES)
    before = chart.evaluate("chart => chart.scrollLeft")
    press(page, "Shift+ArrowRight")
    page.wait_for_function("before => document.getElementById('chart').scrollLeft > before", arg=before)
    chart.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    expect(words).not_to_have_text(FOUR_TIMES)
    kept = words.inner_text()
    expect(page).to_have_url(re.compile(rf"zoom={kept.split('.')[0]}\.\d+&at=\d+"))
    held: list[Route] = []
    page.route("**/api/commands?*", lambda route: held.append(route))
    page.reload()
    expect(words).to_have_text(kept)
    # Before all commands have come: what the reader does is not undone by them.
    page.get_by_role("button", name="Fit").click()
    expect(words).to_have_text("all")
    assert held
    with page.expect_response("**/api/commands?*"):
        for route in held:
            route.continue_()
    expect(words).to_have_text("all")
    expect(page).not_to_have_url(re.compile("zoom="))


def test_no_label_of_the_time_axis_is_cut(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished, "timeline")
    cut = """() => {
      const end = document.querySelector(".chart-head-plot").getBoundingClientRect().right + 0.5;
      const labels = [...document.querySelectorAll("#chart-axis li")].map((li) => {
        const range = document.createRange();
        range.selectNodeContents(li);
        return {words: li.textContent, ...range.getBoundingClientRect().toJSON()};
      }).filter(({words}) => words);
      const isCut = ({right}, index) => right > end || labels.some(({left}, other) => other > index && left < right);
      return labels.length ? labels.filter(isCut).map(({words}) => words) : ["no label"];
    }"""
    for width in (360, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(
            "document.querySelector('.chart-head-plot').clientWidth <= document.querySelector('#chart').clientWidth"
        )
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate(cut) == [], width
        picture(page, f"axis-{width}")


def test_the_table_has_every_command_and_no_colour_stands_alone(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished, "timeline?table=1")
    commands = finished.ask("api/commands")
    expect(page.locator("#chart-table-rows tr")).to_have_count(commands["total"])
    places = sum(max(1, len(command["story_keys"])) for command in commands["commands"])
    drawn = page.evaluate("[...document.querySelectorAll('.bar')].map(bar => Number(bar.dataset.many ?? 1))")
    assert sum(drawn) == places
    for words in ("failed, or blocked its story", "succeeded", "development", "review"):
        expect(page.locator("#chart-legend")).to_contain_text(words)
    swatches = page.evaluate("[...document.querySelectorAll('.swatch-bar')].map(el => getComputedStyle(el).background)")
    assert len(set(swatches)) == len(swatches) == 4
    # A command that succeeded as a call and yet blocked its story is no success.
    expect(page.locator("#chart-problems li")).to_have_count(1)
    page.locator(".problem").click()
    detail = page.locator("#chart-detail")
    expect(detail).to_contain_text("blocked the story")
    expect(detail).to_contain_text("A human has to decide")
    expect(page.locator(".bar[data-result=failed][data-chosen]")).to_be_visible()
    swatch = page.locator("#chart-legend li", has_text="failed, or blocked its story").locator(".swatch-bar")
    ground = "el => getComputedStyle(el).backgroundColor"
    assert page.locator(".bar[data-result=failed][data-chosen]").evaluate(ground) == swatch.evaluate(ground)
    press(page, "z")
    expect(page.locator("#zoom-words")).not_to_have_text("all")
    press(page, "0", "Escape")
    expect(page.locator("#chart-problems")).to_be_visible()
    chart = page.locator("#chart").bounding_box()
    assert chart is not None
    page.mouse.move(chart["x"] + chart["width"] * 0.5, chart["y"] + chart["height"] - 4)
    page.mouse.down()
    page.mouse.move(chart["x"] + chart["width"] * 0.75, chart["y"] + chart["height"] - 4, steps=4)
    expect(page.locator("#chart-brush")).to_be_visible()
    page.mouse.up()
    expect(page.locator("#zoom-words")).to_have_text(re.compile("^[2-4]\\.\\d\u00d7$"))
    page.get_by_role("button", name="Fit").click()
    page.locator(".bar").nth(3).hover()
    expect(page.locator("#chart-tip")).to_contain_text("success")


@pytest.fixture
def crowded(serve: Callable[..., PageServer]) -> PageServer:
    """A server with a record of many batches, days apart, and of thousands of commands."""
    server = serve()
    server.end()
    with closing(sqlite3.connect(server.data / "sprint-runner.db")) as database, database:
        for batch in range(1, BATCHES + 1):
            began = 1_700_000_000_000 + batch * DAY_MS
            database.execute(
                "INSERT INTO batches (id, status, started_at, ended_at, agent) VALUES (?, 'completed', ?, ?, 'demo')",
                (batch, began, began + 3_600_000),
            )
        each = MANY // BATCHES
        rows = [
            (1 + number // each, f"{number % 40 + 1}-1-old", "dev-story", "success", start, start + 20_000)
            for number in range(MANY)
            for start in (1_700_000_000_000 + (1 + number // each) * DAY_MS + number % each * 30_000,)
        ]
        sql = (
            "INSERT INTO commands (batch_id, story_key, command, status, started_at, ended_at, cost_usd)"
            " VALUES (?, ?, ?, ?, ?, ?, 0.25)"
        )
        database.executemany(sql, rows)
    server.start()
    return server


def test_thousands_of_commands_and_many_batches(context: BrowserContext, crowded: PageServer) -> None:
    page = visit(context, crowded, "timeline?batch=all")
    expect(page.locator("#chart-words")).to_contain_text(f"{MANY:,} commands · 40 stories · 59 idle times cut short")
    assert 40 < page.locator(".bar").count() <= BARS_MOST
    page.locator(".bar[data-many]").first.click()
    expect(page.locator("#zoom-words")).to_have_text(FOUR_TIMES)
    expect(page.locator(".gap").first).to_have_attribute("title", re.compile("^23 h 10 min"))
    picture(page, "timeline-crowded")
    for _ in range(5):
        page.get_by_role("button", name="Zoom in").click()
    assert page.locator(".bar").count() <= BARS_MOST
    page.locator("#chart-batch").select_option("7")
    expect(page.locator("#chart-words")).to_contain_text("100 commands")

    page.goto(f"{crowded.url}#history")
    expect(page.locator("#batches-words")).to_contain_text("60 batches, newest first · 1\u201325")
    expect(page.locator("#batches tr").first).to_contain_text("Batch 60")
    page.locator("#batches-older").focus()
    press(page, "Enter")
    expect(page.locator("#batches tr").first).to_contain_text("Batch 35")
    page.reload()
    expect(page.locator("#batches-page")).to_have_text("Page 2 of 3")
    page.get_by_role("button", name="Older").click()
    expect(page.locator("#batches tr")).to_have_count(10)
    expect(page.get_by_role("button", name="Older")).to_be_disabled()
    page.get_by_role("button", name="Newer").click()
    page.get_by_role("button", name="Took").focus()
    press(page, "Enter", "Enter")
    expect(page.get_by_role("columnheader", name="Took")).to_have_attribute("aria-sort", "ascending")
    for batch in (60, 58):  # all took the same time, so the newest is first
        page.get_by_label(f"Compare batch {batch}").focus()
        press(page, "Space")
    beside = page.locator("#comparison")
    expect(beside).to_contain_text("Batch 58 beside batch 60")
    expect(beside.get_by_role("row", name=re.compile("^Cost"))).to_contain_text("the same")
    page.reload()
    expect(beside.get_by_role("row", name=re.compile("^Commands"))).to_contain_text("100")
    beside.get_by_role("button", name="End the comparison").click()
    expect(page).to_have_url(re.compile("#history.sort=duration_ms&order=asc$"))

    page.goto(f"{crowded.url}#insights")
    expect(page.locator("#insights-tiles")).to_contain_text("$1,500")
    expect(page.locator('[data-panel="day"] .part')).not_to_have_count(0)
    picture(page, "insights-crowded")


def test_a_running_bar_grows_and_the_others_are_left_alone(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    server = serve("1")
    page = visit(context, server, "timeline")
    server.ask("api/run/start", {"batch_size": 1})
    over = page.locator(".bar[data-result=success]").first
    expect(over).to_be_visible(timeout=60_000)
    over.evaluate("bar => { bar.dataset.kept = 'yes' }")
    running = page.locator(".bar[data-result=running]").first
    expect(running).to_be_visible(timeout=60_000)
    width = running.evaluate("bar => { bar.dataset.grows = bar.offsetWidth; return bar.offsetWidth }")
    page.wait_for_function(
        "width => [...document.querySelectorAll('.bar[data-grows]')].some(bar => bar.offsetWidth > width)",
        arg=width,
        timeout=60_000,
    )
    expect(page.locator(".bar[data-kept]")).to_have_count(1)
    server.ask("api/run/stop", {"mode": "now"})
    expect(page.locator(".bar[data-result=stopped]").first).to_be_visible(timeout=60_000)
    expect(page.locator("#chart-legend")).to_contain_text("stopped")
