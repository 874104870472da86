"""The page on paper, in forced colours, without motion and with titles from right to left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.shots.states import LONG, RTL, RTL_EPIC, STORY, server

from .conftest import OUTPUT, PageServer, picture, visit

pytestmark = pytest.mark.browser

TABS = ("run", "board", "timeline", "history", "insights", "settings")
PAPER = {
    "run": ("run", "#batch-stories li"),
    "dossier": (f"board?story={STORY}", ".dossier-body .item"),
    "brief": ("run?brief=1", "#brief-content h3"),
    "insights": ("insights", "#tab-insights [role=img]"),
}
# What can be pressed and is no name of what is read, and what is cut, on paper.
PRESSED = """() => [...document.querySelectorAll("button, select, input, textarea, .tabs, .controls")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height > 1
    && !one.matches("#project-name, .item-open, [role=tab][aria-selected=true]"))
  .map((one) => one.id || one.className || one.textContent)"""
CUT = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && getComputedStyle(one).overflowY !== "visible"
    && one.clientHeight > 1 && one.scrollHeight > one.clientHeight + 2
    && getComputedStyle(one).webkitLineClamp === "none")
  .map((one) => `${one.tagName}#${one.id}.${one.className}: ${one.scrollHeight} in ${one.clientHeight}`)"""
# What is chosen or open and is marked by nothing that forced colours keep.
UNMARKED = """() => [...document.querySelectorAll(
    "[aria-selected=true], [aria-pressed=true], [aria-current]:not([aria-current=false])")]
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const { outlineStyle, borderBottomColor } = getComputedStyle(one);
    const other = one.nextElementSibling ?? one.previousElementSibling;
    return outlineStyle === "none" && (!other || getComputedStyle(other).borderBottomColor === borderBottomColor);
  }).map((one) => one.id || one.className || one.textContent)"""
UNFOCUSED = """() => [...document.querySelectorAll("button, a[href], select, input, [tabindex='0']")]
  .filter((one) => one.checkVisibility() && !one.disabled).slice(0, 60)
  .filter((one) => { one.focus({ focusVisible: true, preventScroll: true });
    return document.activeElement === one && getComputedStyle(one).outlineStyle === "none"
      && getComputedStyle(one, "::after").outlineStyle === "none"; })
  .map((one) => one.id || one.className || one.textContent)"""
# What moves by itself, or takes a time to change.
MOVING = """() => [...document.querySelectorAll("*")].flatMap((one) => ["", "::before", "::after"].map((part) => {
    const { animationName, transitionDuration } = getComputedStyle(one, part || null);
    return animationName !== "none" || transitionDuration.split(", ").some((time) => parseFloat(time) > 0.001)
      ? `${one.className}${part}` : "";
  }).filter(Boolean)).concat(document.getAnimations().map(() => "an animation"))"""
# Elements whose own text is from right to left and whose direction is not; a text beside others is isolated.
WRONG_WAY = """(words) => [...document.querySelectorAll("main *, dialog[open] *")]
  .filter((one) => one.checkVisibility() && one.tagName !== "OPTION"
    && [...one.childNodes].some((node) => node.nodeType === 3 && words.includes(node.data.trim())))
  .filter((one) => getComputedStyle(one).direction !== "rtl" && getComputedStyle(one).unicodeBidi !== "plaintext")
  .map((one) => `${one.tagName}.${one.className}`)"""


@pytest.fixture(scope="module")
def titles() -> Iterator[PageServer]:
    """A project with a title from right to left and one of 500 characters, whose first group is done."""
    with server("titles") as running:
        yield running


@pytest.fixture
def page(context: BrowserContext, finished: PageServer) -> Page:
    return visit(context, finished)


def open_tab(page: Page, url: str, tab: str) -> None:
    page.goto(f"{url}#{tab}")
    expect(page.locator(f"#tab-{tab}")).to_be_visible()
    expect(page.locator(f"#tab-{tab}")).not_to_be_empty()
    expect(page.locator(".late-note")).to_have_count(0)


@pytest.mark.parametrize("name", PAPER)
def test_paper_has_all_that_is_read_and_nothing_to_press(page: Page, finished: PageServer, name: str) -> None:
    address, part = PAPER[name]
    page.goto(f"{finished.url}#{address}")
    expect(page.locator(part).first).to_be_visible()
    page.set_viewport_size({"width": 690, "height": 1000})  # of an A4 sheet within its margins
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate(PRESSED) == []
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
    expect(page.locator(part).first).to_be_visible()
    picture(page, f"print-{name}")
    page.pdf(path=OUTPUT / f"print-{name}.pdf", format="A4")


def test_forced_colours_mark_what_is_open_chosen_and_focused(page: Page, finished: PageServer) -> None:
    page.emulate_media(forced_colors="active")
    for tab in TABS:
        open_tab(page, finished.url, tab)
        assert page.evaluate(UNMARKED) == [], tab
        assert page.evaluate(UNFOCUSED) == [], tab
        picture(page, f"forced-{tab}")
    page.goto(f"{finished.url}#board?story={STORY}")
    expect(page.locator(".dossier-body")).to_be_visible()
    assert page.evaluate(UNMARKED) == []
    picture(page, "forced-dossier")


def test_nothing_moves_where_less_motion_is_asked_for(page: Page, finished: PageServer) -> None:
    page.emulate_media(reduced_motion="reduce")
    for tab in TABS:
        open_tab(page, finished.url, tab)
        assert page.evaluate(MOVING) == [], tab
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(MOVING) != []


def test_titles_from_right_to_left_stay_so_and_long_ones_stay_within_the_page(
    context: BrowserContext, titles: PageServer
) -> None:
    page = visit(context, titles)
    for address in (*TABS, "board?layout=list", f"board?story={STORY}", "board?story=1-2-correct-a-sighting"):
        page.goto(f"{titles.url}#{address}")
        expect(page.locator(f"#tab-{address.partition('?')[0]}")).not_to_be_empty()
        if "story=" in address:
            expect(page.locator(".dossier-body")).to_be_visible()
        elif address.startswith("board"):
            expect(page.locator(".card").first).to_be_visible()
        assert page.evaluate(WRONG_WAY, [RTL, RTL_EPIC]) == [], address
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    expect(page.locator("#story-title")).to_contain_text(LONG[:400])


def test_a_page_from_right_to_left_loses_nothing(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished)
    page.evaluate("document.documentElement.dir = 'rtl'")
    for tab in TABS:
        open_tab(page, finished.url, tab)
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
            picture(page, f"rtl-{tab}-{width}")
