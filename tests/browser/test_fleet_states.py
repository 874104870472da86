"""The fleet's page in every state and width: nothing is cut off or serious for axe, and a reader changes nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import ROOT, Watch, picture
from .fleet_states import PROBLEM, READER
from .test_axe import AXE, in_both_schemes

pytestmark = pytest.mark.browser

WIDTHS = (360, 768, 1280, 1920)
COUNTS = (0, 1, 3, 20)
# Of what is shown, what has more text than room, and says nothing of it by dots or lines of its own.
CUT = """() => [...document.querySelectorAll("main :is(p, span, b, h2, h3, dt, dd, a, button)")]
  .filter((el) => el.offsetParent && el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).display !== "inline"
    && getComputedStyle(el).textOverflow !== "ellipsis").map((el) => el.className || el.tagName)"""


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The address of a page over so many painted runners."""
    command = [sys.executable, "-m", "tests.browser.fleet_states", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def opened(context: BrowserContext, url: str, count: int) -> Page:
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    expect(page.locator(".runner")).to_have_count(count)
    page.evaluate(AXE.read_text())
    return page


@pytest.mark.parametrize("count", COUNTS)
def test_every_width_and_scheme(context: BrowserContext, watch: Watch, count: int) -> None:
    watch.allow("404|502")  # there is no machine below: no projects, and no plans of runners
    with served(str(count)) as url:
        page = opened(context, url, count)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(CUT) == [], width
            assert in_both_schemes(page) == [], width
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                picture(page, f"fleet-{count}-{width}-{scheme}")
        expect(page.locator("#runners-empty")).to_be_visible(visible=count == 0)
        problem = page.locator("#fleet-problem")
        expect(problem).to_have_text(PROBLEM if count == 20 else "")
        expect(problem).to_be_visible(visible=count == 20)
        page.close()


def test_a_reader_sees_everything_and_has_nothing_to_press(context: BrowserContext, watch: Watch) -> None:
    watch.allow("404|502")
    with served("3", "reader") as url:
        page = opened(context, f"{url}?token={READER}", 3)
        expect(page.locator("#inbox")).to_contain_text("Which timezone")
        assert page.locator("main [data-verb]:visible").all_inner_texts() == []
        assert in_both_schemes(page) == []
        picture(page, "fleet-reader")
        page.close()
