"""Gates of a batch in the page: what there is to judge, comments on its lines, and the decisions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.widths import both_widths

from .conftest import BATCH_S, PageServer
from .test_axe import axe
from .test_run import BATCH_MS, headline
from .test_steering import looked_at, open_page

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser


def at_gate(page: Page, words: str) -> Locator:
    found = page.locator("#attention-list li", has_text=words)
    expect(found).to_be_visible(timeout=BATCH_S * 1000)
    return found


@both_widths
def test_work_is_sent_back_with_comments_on_its_lines(
    context: BrowserContext, serve: Callable[..., PageServer], axe: str, width: int
) -> None:
    server = serve("max")
    page = open_page(context, server, width)
    page.get_by_role("button", name="Options").click()
    gates = page.get_by_role("group", name="Wait for my decision")
    gates.get_by_label("before the first line of code").check()
    gates.get_by_label("before a commit").check()
    page.get_by_label("Only these stories: search").fill("1-1")
    page.get_by_role("button", name="Start", exact=True).click()

    plan = at_gate(page, "before the first line of code")
    plan.locator("summary", has_text="Look at it").click()
    expect(plan.locator("table.diff .code").first).to_be_visible()
    plan.get_by_role("button", name="Continue").click()

    work = at_gate(page, "before they are committed")
    work.locator("summary", has_text="Look at it").click()
    line = work.get_by_role("button", name="Comment on line").first
    line.focus()
    page.keyboard.press("Enter")
    field = work.locator(".comment-row textarea")
    expect(field).to_be_focused()
    field.fill("Say which date this is")
    looked_at(page, axe, "gate-comment", width)
    work.get_by_role("button", name="Keep comment").click()
    expect(work.get_by_role("list", name="Comments on lines")).to_contain_text("Say which date this is")
    work.get_by_role("button", name="Continue").click()
    expect(work.get_by_role("alert")).to_contain_text("Comments go with")
    work.get_by_role("button", name="Send back").click()

    again = page.locator(".step[data-command]", has_text="dev").nth(1)
    expect(again).to_be_visible(timeout=BATCH_MS)
    work = at_gate(page, "before they are committed")
    work.get_by_role("button", name="Continue").click()
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)
    [story] = [story for story in server.ask("api/sprint")["stories"] if story["key"].startswith("1-1-")]
    dossier = server.ask(f"api/stories/{story['key']}")
    [round_] = [command for command in dossier["commands"] if command["command"] == "dev-story-3"]
    assert round_["status"] == "success"
    [sent_back] = dossier["sent_back"]
    assert sent_back["comments"].endswith(": Say which date this is")
    assert (sent_back["kind"], sent_back["settled_by"]) == ("commit", "code-review-2")
    page.evaluate("key => { location.hash = `run?story=${key}` }", story["key"])
    note = page.locator(".item", has_text="You sent it back")
    expect(note).to_contain_text("code-review-2 says that all is dealt with")
    expect(note).to_contain_text("code-review-2: as asked")
