"""A finger finds every control, and nothing that is to be pressed is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from .conftest import PageServer, picture, visit
from .test_trust import Stranger

pytestmark = pytest.mark.browser

TARGET_PX = 44
STORY = "1-2-correct-a-sighting"
# The controls in sight that are smaller than a finger; inline links and what a label encloses are exempt.
SMALL = """(least) => [...document.querySelectorAll("button, select, summary, input, .tabs a")]
  .filter((one) => one.checkVisibility() && !one.closest("label, #chart, .track"))
  .map((one) => [one.id || one.className || one.textContent, one.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < least - 0.5 || box.width < least - 0.5))
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


@contextmanager
def finger(browser: Browser) -> Iterator[BrowserContext]:
    """A phone."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    try:
        yield context
    finally:
        context.close()


@pytest.mark.parametrize("tab", ["run", "board", "timeline", "history", "insights", "settings"])
def test_targets_of_a_coarse_pointer_are_large(browser: Browser, finished: PageServer, tab: str) -> None:
    with finger(browser) as context:
        page = visit(context, finished, tab)
        expect(page.locator(f"#tab-{tab}")).to_be_visible()
        if tab in ("insights", "settings", "history"):
            expect(page.locator(f"#tab-{tab} :is(button, select):visible").first).to_be_visible()
        assert page.evaluate(SMALL, TARGET_PX) == []


@pytest.mark.parametrize("state", ["", "&transcript="])
def test_targets_in_a_story_are_large(browser: Browser, finished: PageServer, state: str) -> None:
    [command, *_] = [one["id"] for one in finished.ask(f"api/stories/{STORY}")["commands"]]
    address = f"board?story={STORY}{state}" + (str(command) if state.endswith("=") else "")
    with finger(browser) as context:
        page = visit(context, finished, address)
        expect(page.locator(".transcript[open]" if state else ".dossier-body")).to_be_visible()
        assert page.evaluate(SMALL, TARGET_PX) == []


def test_a_finger_chooses_a_range_of_the_log(browser: Browser, finished: PageServer) -> None:
    with finger(browser) as context:
        page = visit(context, finished, "run?pane=log&line=12")
        rows = page.locator(".log-row:visible[aria-selected=true]")
        expect(rows).to_have_count(1)
        extend = page.get_by_role("button", name="To a line…")
        extend.tap()
        expect(extend).to_have_attribute("aria-pressed", "true")
        assert page.evaluate(SMALL, TARGET_PX) == []
        page.locator("#line-10").tap()
        expect(rows).to_have_count(3)
        expect(page).to_have_url(re.compile("line=10-12$"))
        expect(extend).to_have_attribute("aria-pressed", "false")
        picture(page, "log-range-360")
        page.locator("#line-11").tap()  # the next one begins anew
        expect(page).to_have_url(re.compile("line=11$"))


def test_what_stays_at_the_bottom_is_above_the_bars_there(browser: Browser, idle: PageServer) -> None:
    """What can be done with a selection, what is not saved yet: with the verbs of the run and the views below."""
    with finger(browser) as context:
        page = visit(context, idle, "board")
        page.get_by_role("button", name="Select", exact=True).tap()
        page.locator(".card input[type=checkbox]").first.tap()
        check_uncovered(page, ".selection-bar")
        picture(page, "selection-360")
        page.get_by_role("button", name="Select", exact=True).tap()
        page = visit(context, idle, "settings?topic=workflow")
        page.locator("#setting-retries").fill("3")
        check_uncovered(page, ".settings-save")
        picture(page, "settings-save-360")


@pytest.mark.parametrize(
    ("tab", "bar", "field", "value"),
    [("board", "#board-bar", "#board-epic", "1"), ("history", "#batches-filter", "#batches-outcome", "completed")],
)
def test_fields_that_filter_nothing_are_folded(
    browser: Browser, finished: PageServer, tab: str, bar: str, field: str, value: str
) -> None:
    with finger(browser) as context:
        page = visit(context, finished, tab)
        fields = page.locator(f"{bar} :is([data-more])")
        more = page.locator(bar).get_by_role("button", name="Filter")
        expect(more).to_have_attribute("aria-expanded", "false")
        expect(fields.locator("visible=true")).to_have_count(0)
        more.tap()
        expect(more).to_have_attribute("aria-expanded", "true")
        expect(fields.locator("visible=true")).to_have_count(4)
        page.locator(field).select_option(value)
        more.tap()
        expect(fields.locator("visible=true")).to_have_count(1)  # what is asked for stays in sight
        expect(page).to_have_url(re.compile(f"={value}"))
        page.reload()
        expect(page.locator(field)).to_have_value(value)
        expect(page.locator(field)).to_be_visible()


def check_uncovered(page: Page, selector: str) -> None:
    """Check that nothing is over an element, wherever the page is scrolled to."""
    expect(page.locator(selector)).to_be_visible()
    covers = """([selector, share]) => {
      scrollTo(0, share * document.body.scrollHeight);
      const { left, right, top, bottom } = document.querySelector(selector).getBoundingClientRect();
      const over = document.elementFromPoint((left + right) / 2, bottom - 2);
      return [top >= 0, over?.closest(selector) !== null];
    }"""
    for share in (0, 0.4, 1):
        assert page.evaluate(covers, [selector, share]) == [True, True], (selector, share)


@pytest.mark.parametrize("opener", ["#find", "#keys"])
def test_targets_in_dialogs_are_large(browser: Browser, finished: PageServer, opener: str) -> None:
    with finger(browser) as context:
        page = visit(context, finished, "run")
        page.keyboard.press("?" if opener == "#keys" else "Control+k")
        expect(page.locator("dialog[open]")).to_be_visible()
        assert page.evaluate(SMALL, TARGET_PX) == []


def test_targets_of_trust_are_large(browser: Browser, tmp_path: Path) -> None:
    stranger = Stranger(tmp_path)
    stranger.write(verify="make test")
    stranger.start()
    try:
        with finger(browser) as context:
            page = stranger.visited(context)
            expect(page.locator("#trust-accept")).to_be_visible()
            assert page.evaluate(SMALL, TARGET_PX) == []
            page.locator("#start").click()
            expect(page.locator("#trust-dialog")).to_be_visible()
            assert page.evaluate(SMALL, TARGET_PX) == []
    finally:
        stranger.end()
