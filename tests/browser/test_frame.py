"""The frame of the page with little room or in another medium: a phone, four times the size, paper, few colours."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from .conftest import PageServer, picture, visit
from .widths import PHONE

pytestmark = pytest.mark.browser

STORY = "1-1-friendly-dates"
# Scrolls to the end of the page, and whether all of it is above the bar.
END = """() => {
  scrollTo(0, document.body.scrollHeight);
  const [main, bar] = ["main", ".tabs"].map((name) => document.querySelector(name).getBoundingClientRect());
  return main.bottom <= bar.top + 1;
}"""
HEADER_MOST = 60  # px of a header of one line, with targets for a finger


def box(locator: Locator) -> dict[str, float]:
    sides: dict[str, float] = locator.evaluate("el => el.getBoundingClientRect().toJSON()")
    return sides


def position(page: Page, selector: str) -> str:
    kind: str = page.locator(selector).evaluate("el => getComputedStyle(el).position")
    return kind


def test_a_phone_has_a_header_of_one_line_and_the_views_at_the_thumb(
    context: BrowserContext, finished: PageServer
) -> None:
    page = visit(context, finished)
    page.set_viewport_size({"width": PHONE, "height": 740})
    assert box(page.locator(".top"))["height"] <= HEADER_MOST
    expect(page.locator("#project-name")).to_be_visible()
    assert box(page.locator("#project-name"))["width"] > 30
    for name in ("Run", "Board", "Timeline", "History", "Insights", "Settings"):
        link = page.get_by_role("navigation", name="Views").get_by_role("link", name=name)
        place = box(link)
        assert place["y"] > 740 - 60
        assert 0 <= place["x"] <= PHONE - place["width"]
        assert min(place["height"], place["width"]) >= 44
        link.click()
        expect(page.locator(f"#tab-{name.lower()}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    # The end of the page is above the bar.
    page.wait_for_function(END)

    page.set_viewport_size({"width": 320, "height": 200})  # a desktop at four times its size
    assert (position(page, ".top"), position(page, ".tabs")) == ("static", "static")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    picture(page, "four-times")


def test_paper_has_the_whole_dossier_and_forced_colours_mark_the_open_tab(
    context: BrowserContext, finished: PageServer
) -> None:
    page = visit(context, finished, f"board?story={STORY}")
    expect(page.locator(".dossier-body .item-head").nth(3)).to_be_visible()
    page.emulate_media(media="print")
    assert position(page, "#story-dialog") == "absolute"
    assert page.locator("#story-dialog").evaluate("el => el.scrollHeight - el.clientHeight") <= 1
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator("#tab-board")).to_be_hidden()
    # Of what opens a command, its name stays.
    expect(page.locator("#story-dialog button:not(.item-open):visible")).to_have_count(0)
    assert re.findall(rb"/Type\s*/Page\b", page.pdf())
    page.emulate_media(media="screen", forced_colors="active")
    page.keyboard.press("Escape")
    edges = page.locator(".tabs a").evaluate_all("all => all.map((el) => getComputedStyle(el).borderBottomColor)")
    current = page.locator(".tabs a").evaluate_all("all => all.findIndex((el) => el.ariaCurrent === 'page')")
    assert edges.count(edges[current]) == 1
