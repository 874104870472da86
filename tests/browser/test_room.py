"""What the page shows is whole: nothing that is read is cut where there is room, however long it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from .conftest import PageServer, picture, visit

pytestmark = pytest.mark.browser

TABS = ("run", "board", "timeline", "history", "insights", "settings")
STORY = "1-1-friendly-dates"
LONG = "\u05d0\u05d1\u05d2 " * 125  # 500 characters from the right
# The labels that are cut: buttons, heads and names of tabs. A text of a project's own and a bar of a chart may be.
CUT = """() => [...document.querySelectorAll("main, dialog[open]")].flatMap((root) => [...root.querySelectorAll(
    "button, a.button, [role=tab], th, label, legend, summary, .chip")])
  .filter((el) => el.checkVisibility() && !el.closest(".unseen, .bar, [dir=auto]")
    && !el.querySelector("[dir=auto]")
    && getComputedStyle(el).overflowX !== "visible" && el.scrollWidth > el.clientWidth + 1)
  .map((el) => el.textContent.trim())"""
# Frames around nothing: a dashed edge, higher than two rows, without a word.
EMPTY = """() => [...document.querySelectorAll("main *")].filter((el) => el.checkVisibility()
    && getComputedStyle(el).borderTopStyle === "dashed" && el.clientHeight > 60 && !el.innerText?.trim())
  .map((el) => el.className || el.tagName)"""
# How many characters of a message of the log are in sight.
MESSAGE = """() => {
  const cell = [...document.querySelectorAll(".log-row > :last-child")].find((one) => one.checkVisibility());
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = getComputedStyle(cell).font;
  return Math.floor(cell.clientWidth / canvas.measureText("m").width);
}"""
MESSAGE_LEAST = 55  # characters beside the steps, at 1280 px


def test_no_label_is_cut_and_no_frame_is_empty_at_1280_px(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished)
    for tab in TABS:
        page.goto(f"{finished.url}#{tab}")
        expect(page.locator(f"#tab-{tab} :is(button, a, input):visible").first).to_be_visible()
        assert (tab, page.evaluate(CUT), page.evaluate(EMPTY)) == (tab, [], [])
    page.goto(f"{finished.url}#run?pane=log")
    expect(page.locator(".log-row:visible").first).to_be_visible()
    assert page.evaluate(MESSAGE) >= MESSAGE_LEAST
    picture(page, "log-1280")
    page.goto(f"{finished.url}#board?story={STORY}")
    page.locator(".item.command .item-open").first.click()
    expect(page.locator(".transcript .entry").first).to_be_visible()
    assert page.evaluate(CUT) == []


def in_sight(page: Page, tab: str) -> tuple[int, list[str]]:
    """How far the page scrolls sideways, and the directions of the long titles that it shows."""
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    directions: list[str] = page.evaluate(
        """tab => [...document.querySelectorAll(`#tab-${tab} *`)].filter((el) => !el.children.length
             && el.checkVisibility() && /^\\u05d0/.test(el.textContent)).map((el) => getComputedStyle(el).direction)""",
        tab,
    )
    return max(0, width), sorted(set(directions))


@pytest.mark.parametrize("width", [360, 1280])
def test_titles_from_the_right_and_of_500_characters_keep_to_their_places(
    context: BrowserContext, finished: PageServer, width: int
) -> None:
    plan: Any = finished.ask("api/sprint")
    for story in plan["stories"]:
        story["title"] = LONG
        if story["status"] == "blocked":
            story["status"] = "backlog"
            story["runnable"] = True
    for epic in plan["epics"]:
        epic["title"] = LONG
    page = context.new_page()
    page.route("**/api/sprint", lambda route: route.fulfill(json=plan))
    page.set_viewport_size({"width": width, "height": 800})
    for tab in TABS[:5]:
        page.goto(f"{finished.url}#{tab}")
        expect(page.locator("#link")).to_have_attribute("data-kind", "live")
        expect(page.locator(f"#tab-{tab}")).to_be_visible()
        page.wait_for_load_state("networkidle")
        sideways, directions = in_sight(page, tab)
        assert (tab, sideways) == (tab, 0)
        assert directions in ([], ["rtl"]), tab
        picture(page, f"long-{tab}-{width}")
    dossier = {**finished.ask(f"api/stories/{STORY}"), "title": LONG}
    page.route(f"**/api/stories/{STORY}", lambda route: route.fulfill(json=dossier))
    page.goto(f"{finished.url}#board?story={STORY}")
    expect(page.get_by_role("dialog").get_by_role("heading", name=LONG[:20]).first).to_be_visible()
    expect(page.locator(".dossier-body .item-head").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture(page, f"long-story-{width}")


def test_times_are_those_of_the_reader_s_language(browser: Browser, finished: PageServer) -> None:
    """Where people count to twelve, no time counts to 24, and the other way round."""
    for language, wanted, other in (
        ("en-US", r"\d\s[AP]M", r"(?<![\d:])(1[3-9]|2[0-3]):\d\d(?!\d)"),
        ("de-DE", "", r"\d\s[AP]M"),
    ):
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale=language)
        page = context.new_page()
        for tab in ("history", "timeline", "run?pane=log"):
            page.goto(f"{finished.url}#{tab}")
            expect(page.locator(f"#tab-{tab.partition('?')[0]}")).to_contain_text(re.compile(r"\d:\d\d"))
            text = page.locator("main").inner_text()
            times = page.evaluate("([text, pattern]) => text.match(new RegExp(pattern, 'g'))", [text, other])
            assert (language, tab, times) == (language, tab, None)
            if wanted:
                assert page.evaluate("([text, pattern]) => new RegExp(pattern).test(text)", [text, wanted])
        context.close()
