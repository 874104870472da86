"""The Insights tab: the page, the answer of the server and the rows of the database say the same numbers."""

from __future__ import annotations

import csv
import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import PageServer, Watch, picture, visit
from .test_reach import press, tab_to

pytestmark = pytest.mark.browser

GROUPS = ("day", "story", "command", "model", "agent", "epic", "batch")
WHOLE = ("commands", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "duration_ms")
SUMS = ", ".join(f"SUM(COALESCE({name}, 0))" for name in (*WHOLE[1:], "cost_usd"))


FEET = "[...document.querySelectorAll('.panel tfoot tr')].map(row => [...row.children].map(cell => cell.innerText))"


def rows_of(server: PageServer) -> dict[str, Any]:
    """What the rows of the commands add up to, without a word of the code that is tested."""
    with closing(sqlite3.connect(f"file:{server.data}/sprint-runner.db?mode=ro", uri=True)) as database:
        found = database.execute(f"SELECT COUNT(*), {SUMS} FROM commands").fetchone()
    return dict(zip((*WHOLE, "cost_usd"), found, strict=True))


def panel(page: Page, name: str) -> Any:
    return page.locator(f'[data-panel="{name}"]')


def csv_of(page: Page, name: str) -> list[dict[str, str]]:
    with page.expect_download() as caught:
        panel(page, name).get_by_role("button", name=re.compile("^CSV")).click()
    with caught.value.path().open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_page_answer_and_rows_have_the_same_sums(context: BrowserContext, finished: PageServer) -> None:
    rows = rows_of(finished)
    answer = finished.ask("api/insights")
    assert {name: answer["total"][0][name] for name in WHOLE} == {name: rows[name] for name in WHOLE}
    page = visit(context, finished, f"insights?tables={'.'.join(GROUPS)}")
    expect(page.locator(".panel tfoot")).to_have_count(len(GROUPS))
    for foot in page.evaluate(FEET):
        assert foot[1] == f"{rows['commands']:,}"
        assert foot[7] == f"{rows['input_tokens']:,}"
        assert float(foot[11].strip("$")) == pytest.approx(rows["cost_usd"], abs=1e-4)
    for group in ("day", "story", "model"):
        lines = csv_of(page, group)
        assert len(lines) == panel(page, group).locator("tbody tr").count()
        for name in WHOLE:
            assert sum(int(line[name]) for line in lines) == rows[name], (group, name)
        assert sum(float(line["cost_usd"]) for line in lines) == pytest.approx(rows["cost_usd"], abs=1e-9)


def test_every_chart_is_a_picture_with_words_and_a_table(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished, "insights")
    for name in (*GROUPS, "burn-up", "success-command", "success-agent", "reviews"):
        drawn = panel(page, name).get_by_role("img")
        expect(drawn).to_have_attribute("aria-label", re.compile(r"\w{4,}"))
        panel(page, name).get_by_role("button", name=re.compile("^Table")).click()
        expect(panel(page, name).get_by_role("table")).to_be_visible()
        expect(drawn).to_have_count(0)
    expect(panel(page, "burn-up").locator("tbody tr")).to_have_count(6)
    expect(panel(page, "reviews").locator("tbody")).to_contain_text("zero issues")
    expect(page).to_have_url(re.compile("tables=day.burn-up.story"))
    page.reload()
    expect(panel(page, "reviews").get_by_role("table")).to_be_visible()


def test_by_keyboard_and_kept_in_the_address(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished)
    press(page, "g", "i")
    expect(page.locator("#insights-words")).to_contain_text("commands of all batches")
    tab_to(page, '[name="insights-measure"]', most=40)
    press(page, "ArrowRight")
    expect(panel(page, "story").locator("h2")).to_have_text("Tokens by story")
    expect(panel(page, "story").locator(".panel-legend")).to_contain_text("Cache reads")
    tab_to(page, "#insights-batch")
    expect(page.locator("#insights-batch option")).to_have_count(2)
    press(page, "ArrowDown")
    expect(page).to_have_url(re.compile(r"#insights\?by=tokens&batch=1$"))
    expect(page.locator("#insights-words")).to_contain_text("in batch 1")
    tab_to(page, '[data-panel="command"] .chart-slider', most=60)
    slider = panel(page, "command").get_by_role("slider")
    seen = [slider.get_attribute("aria-valuetext")]
    press(page, "ArrowDown")
    expect(panel(page, "command").locator(".chart-value-tip")).to_be_visible()
    seen.append(slider.get_attribute("aria-valuetext"))
    assert len(set(seen)) == 2, seen
    assert all(re.match(r"\w.*: [\d.]+[kM]?$", words or "") for words in seen), seen
    page.locator("#insights-batch").focus()
    tab_to(page, '[data-panel="day"] .button')
    press(page, "Enter")
    tab_to(page, '[data-panel="day"] .panel-table')
    page.reload()
    expect(panel(page, "story").locator("h2")).to_have_text("Tokens by story")
    expect(page.locator("#insights-batch")).to_have_value("1")
    picture(page, "insights")


def test_days_and_batches_that_are_not_there(context: BrowserContext, finished: PageServer, watch: Watch) -> None:
    watch.allow("404")
    page = visit(context, finished, "insights?batch=77")
    expect(page.locator("#insights-words")).to_have_text("there is no batch 77")
    page.goto(f"{finished.url}#insights?days=1")
    expect(page.locator("#insights-words")).to_contain_text("commands today")
    expect(page.locator("#insights-days")).to_have_value("1")
    today = page.locator("#insights-from").input_value()
    expect(page.locator("#insights-to")).to_have_value(today)
    page.locator("#insights-to").fill("2026-01-02")
    expect(page).to_have_url(re.compile(f"#insights\\?from=2026-01-02&to={today}$"))
    expect(page.locator("#insights-days")).to_have_value("range")
    page.goto(f"{finished.url}#insights?to=2026-01-02")
    expect(page.locator("#insights-words")).to_have_text("No command ran until 2 Jan 2026.")
    # A range of one chart is that of all, in the address, with one press to clear it.
    page.goto(f"{finished.url}#insights")
    expect(page.locator("#insights-words")).to_contain_text("commands of all batches")
    chip = page.locator(".range-chip")
    expect(chip).to_be_hidden()
    page.goto(f"{finished.url}#insights?from={today}&to={today}")
    expect(chip).to_contain_text("On ")
    expect(page.locator("#insights-words")).to_contain_text(" commands on ")
    picture(page, "insights-range")
    chip.click()
    expect(page).to_have_url(re.compile("#insights$"))
    expect(chip).to_be_hidden()
    expect(page.locator("#insights-days")).to_be_focused()
    expect(page.locator("#insights-words")).to_contain_text("commands of all batches")


def test_before_the_first_batch_it_says_so(context: BrowserContext, idle: PageServer) -> None:
    page = visit(context, idle, "insights")
    expect(page.locator("#insights-words")).to_contain_text("No command has run yet")
    expect(page.locator(".panel:visible")).to_have_count(0)
