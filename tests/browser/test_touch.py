"""A finger finds every control, and nothing that is to be pressed is cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from .conftest import PageServer, visit

pytestmark = pytest.mark.browser

TARGET_PX = 44
# The controls in sight that are smaller than a finger; inline links and what a label encloses are exempt.
SMALL = """(least) => [...document.querySelectorAll("button, select, summary, input, .tabs a")]
  .filter((one) => one.checkVisibility() && !one.closest("label, #chart, .track"))
  .map((one) => [one.id || one.className || one.textContent, one.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < least - 0.5 || box.width < least - 0.5))
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


@pytest.mark.parametrize("tab", ["run", "board", "timeline", "history", "insights", "settings"])
def test_targets_of_a_coarse_pointer_are_large(browser: Browser, finished: PageServer, tab: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    try:
        page = visit(context, finished, tab)
        expect(page.locator(f"#tab-{tab}")).to_be_visible()
        if tab in ("insights", "settings", "history"):
            expect(page.locator(f"#tab-{tab} button:visible").first).to_be_visible()
        assert page.evaluate(SMALL, TARGET_PX) == []
    finally:
        context.close()


def test_the_link_to_a_transcript_is_never_cut(context: BrowserContext, serve: Callable[..., PageServer]) -> None:
    server = serve("0.4")
    page = visit(context, server)
    server.ask("api/run/start", {"batch_size": 1})
    link = page.locator(".operation").get_by_role("link", name="Transcript").first
    expect(link).to_be_visible()
    agent = page.locator(".operation-facts > :first-child").first
    agent.evaluate("el => { el.textContent = 'an agent with a long name · '.repeat(8); }")
    assert inside(page)


def inside(page: Page) -> bool:
    within: bool = page.evaluate(
        """() => { const link = document.querySelector(".operation-facts a");
        const [one, all] = [link, link.parentElement].map((el) => el.getBoundingClientRect());
        return one.right <= all.right + 0.5 && one.left >= all.left; }"""
    )
    return within
