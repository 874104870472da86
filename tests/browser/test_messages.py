"""The operator speaks to an agent at work: written below its live transcript, found in it at its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.widths import both_widths

from .conftest import PageServer, Watch, picture, visit
from .test_axe import axe, in_both_schemes
from .test_run import BATCH_MS, headline

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

KEY = "1-1-friendly-dates"
WORDS = "Keep the <old> flag.\nAnd sort by date."


def starting(route: Route) -> None:
    """What the server answers of a command whose agent is not there yet."""
    nothing: dict[str, list[str]] = {"hints": [], "waiting": [], "entries": []}
    route.fulfill(json={"total": 0, "from": 0, "takes_messages": None, "reading": False, **nothing})


def check_a_message_that_is_written_before_the_first_report(page: Page) -> None:
    """The field is there at once, says why it cannot be sent, and keeps the words until it can."""
    field = page.get_by_label("Message to the agent of code review 1")
    expect(field).to_be_visible(timeout=BATCH_MS)
    form = page.locator(".message-form", has=field)
    send = form.get_by_role("button", name="Send", exact=True)
    expect(form).to_contain_text("The agent is starting.")
    expect(send).to_have_attribute("aria-disabled", "true")
    field.fill("Written early.")
    field.press("Control+Enter")
    picture(page, "message-early")
    page.unroute("**/transcript?*")
    expect(send).not_to_have_attribute("aria-disabled", "true")
    expect(form).not_to_contain_text("The agent is starting.")
    expect(field).to_have_value("Written early.")
    page.close()


@both_widths
def test_a_message_is_sent_and_taken(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch, axe: str, width: int
) -> None:
    server = serve("max", {"dev-story": ["slow:10"], "code-review": ["slow:10"]})
    watch.allow("400")  # a message with a control code
    page = visit(context, server, f"board?story={KEY}&dossier=conversation")
    page.set_viewport_size({"width": width, "height": 800})
    early = visit(context, server)
    early.route("**/transcript?*", starting)
    # An agent at work for ten seconds is not silent here.
    assert page.request.put(f"{server.url}api/settings", data={"silence_timeout_min": 2}).ok
    server.ask("api/run/start", {"stories": [KEY], "batch_size": 1})
    row = page.locator(".command", has=page.locator("b", has_text="dev"))
    expect(row).to_be_visible(timeout=BATCH_MS)
    row.locator(".item-open").press("Enter")
    field = row.get_by_label("Message to the agent of dev-story")
    expect(field).to_be_visible(timeout=BATCH_MS)
    expect(row.locator(".entry").first).to_be_visible()  # before that the agent takes a message at once
    send = row.get_by_role("button", name="Send", exact=True)
    send.click()
    expect(row.get_by_role("alert")).to_have_text("Write a message first.")
    field.fill("a\u202eb")
    send.click()
    expect(row.get_by_role("alert")).to_contain_text("contains control codes")
    field.fill(WORDS)
    send.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast").last).to_contain_text("Sent.")
    expect(row.get_by_label("Messages that the agent has not taken yet")).to_contain_text("Keep the <old> flag.")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, f"message-{width}")

    taken = row.locator('.entry[data-kind="message"]')
    expect(taken).to_have_text(f"you{WORDS}", timeout=BATCH_MS)
    check_a_message_that_is_written_before_the_first_report(early)
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)
    expect(field).to_be_hidden()
    taken.scroll_into_view_if_needed()
    picture(page, f"message-taken-{width}")
    expect(page.locator(".item", has_text="taken by dev").first).to_be_visible()
