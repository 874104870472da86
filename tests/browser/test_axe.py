"""Tests of accessibility: axe-core finds nothing serious on any tab or dialog, in both colour schemes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import ROOT, PageServer, visit

pytestmark = pytest.mark.browser

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TABS = ("run", "board", "timeline", "history", "insights", "settings")
SERIOUS = ("serious", "critical")
RUN = """async (rules) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...(rules && { runOnly: rules }) });
  const where = (nodes) => nodes.map((node) => node.target.join(" "));
  return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, where: where(nodes) }));
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        pytest.fail("axe-core is missing: `make node_modules/ready` gets it with npm", pytrace=False)
    return AXE.read_text()


def serious(page: Page, rules: list[str] | None = None) -> list[str]:
    found: list[dict[str, Any]] = page.evaluate(RUN, rules)
    return [f"{each['id']}: {each['help']} ({each['where'][:3]})" for each in found if each["impact"] in SERIOUS]


def in_both_schemes(page: Page) -> list[str]:
    """Everything in the light; in the dark, where only colours differ, colours."""
    page.emulate_media(color_scheme="light")
    light = serious(page)
    page.emulate_media(color_scheme="dark")
    return light + [f"in the dark: {fault}" for fault in serious(page, ["color-contrast"])]


def test_every_tab(context: BrowserContext, finished: PageServer, axe: str) -> None:
    page = visit(context, finished)
    page.evaluate(axe)
    for tab in TABS:
        page.goto(f"{finished.url}#{tab}")
        expect(page.locator(f"#tab-{tab}")).to_be_visible()
        expect(page.locator(f"#tab-{tab}")).not_to_be_empty()
        expect(page.locator(".late-note")).to_have_count(0)
        assert in_both_schemes(page) == [], tab


def test_what_opens_over_the_page(context: BrowserContext, finished: PageServer, axe: str) -> None:
    page = visit(context, finished, "run?pane=log")
    page.evaluate(axe)
    page.get_by_role("button", name="Options").click()
    page.locator(".log-row:visible").first.click()
    assert in_both_schemes(page) == [], "the fields of Start, a line of the log"
    page.keyboard.press("?")
    assert in_both_schemes(page) == [], "the shortcuts"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    assert in_both_schemes(page) == [], "the palette"
    page.keyboard.press("Escape")
    page.goto(f"{finished.url}#run?story=1-1-friendly-dates")
    expect(page.get_by_role("dialog")).to_contain_text("What would be sent")
    assert in_both_schemes(page) == [], "a dossier"
