"""The operator's hints in the page: written in the dossier, given to the next command, named in its transcript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.widths import both_widths

from .conftest import PageServer, Watch, picture, visit
from .test_axe import axe, in_both_schemes
from .test_dossier import part
from .test_run import BATCH_MS, headline

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

KEY = "1-1-friendly-dates"
HINT = "Sort by date, not by name.\nKeep the <old> flag."


@both_widths
def test_a_hint_goes_to_the_next_command(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch, axe: str, width: int
) -> None:
    server = serve("max")
    watch.allow("400")  # a hint with a control code
    page = visit(context, server, f"board?story={KEY}&dossier=conversation")
    page.set_viewport_size({"width": width, "height": 800})
    hints = part(page, "Hints for its next command")
    field = hints.get_by_label(f"Hint for the next command of {KEY}")
    hints.get_by_role("button", name="Send hint").click()
    expect(hints.get_by_role("alert")).to_have_text("Write a hint first.")
    field.fill("a\u202eb")
    hints.get_by_role("button", name="Send hint").click()
    expect(hints.get_by_role("alert")).to_contain_text("contains control codes")
    field.fill(HINT)
    hints.get_by_role("button", name="Send hint").click()
    expect(page.locator(".toast").last).to_have_text("The next command of 1-1 gets your hint.")
    mine = page.locator(".item", has_text="Your hint")
    expect(mine.locator(".hint-text")).to_have_text(HINT)
    expect(mine).to_contain_text("waits for the next command")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, f"hints-{width}")

    server.ask("api/run/start", {"stories": [KEY], "batch_size": 1})
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)
    mine.get_by_role("button", name="given to").click()
    given = page.locator(".command .transcript[open]").first
    expect(given.get_by_label("Hints of the operator")).to_have_text(HINT)
    picture(page, f"hint-in-transcript-{width}")
