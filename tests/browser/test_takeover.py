"""A story in the operator's hands: the line for a terminal, Done, and the change by hand in the dossier."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from .conftest import BATCH_S, PageServer
from .test_axe import axe
from .test_run import BATCH_MS, headline
from .test_steering import looked_at, open_page, toast

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser
NARROW = 360


def test_a_story_is_taken_over_and_handed_back(
    context: BrowserContext, serve: Callable[..., PageServer], axe: str
) -> None:
    server = serve("max", {"dev-story": ["silent", "ok"]})
    page = open_page(context, server, 1280)
    [key] = [story["key"] for story in server.ask("api/sprint")["stories"] if story["key"].startswith("1-1-")]
    server.ask("api/run/start", {"batch_size": 1, "stories": [key]})
    page.locator("button.step-open", has_text="dev").wait_for(timeout=BATCH_MS)
    while not any(b"session_id" in path.read_bytes() for path in server.data.glob("streams/*/*.ndjson")):
        page.wait_for_timeout(50)  # the agent has not said its first line
    page.evaluate("key => { location.hash = `run?story=${key}` }", key)
    dossier = page.get_by_role("dialog")
    dossier.get_by_role("button", name="Open in my terminal").click()
    mine = dossier.locator(".takeover")
    expect(mine.get_by_role("button", name="Done")).to_be_visible(timeout=BATCH_S * 1000)
    expect(mine.locator("code")).to_contain_text("--resume ")
    looked_at(page, axe, "takeover-dossier", 1280)
    page.keyboard.press("Escape")

    item = page.locator("#attention-list li", has_text="is yours")
    expect(item).to_be_visible()
    headline(page).to_have_text("Paused: a story is in your hands")
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_hidden()
    page.set_viewport_size({"width": NARROW, "height": 800})
    looked_at(page, axe, "takeover", NARROW)
    page.set_viewport_size({"width": 1280, "height": 800})
    (server.root / "by_hand.py").write_text("answer = 42\n")
    done = item.get_by_role("button", name="Done")
    done.focus()
    page.keyboard.press("Enter")
    expect(toast(page)).to_contain_text("is handed back: you changed 1 file.")
    expect(item).to_be_hidden()
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)

    page.evaluate("key => { location.hash = `run?story=${key}` }", key)
    dossier.locator(".item", has_text="Your change by hand").locator(".change-link").click()
    expect(dossier.locator(".file")).to_have_count(1)
    expect(dossier.locator(".file")).to_contain_text("by_hand.py")
    dossier.get_by_role("tab", name="Conversation").click()
    by_hand = dossier.locator(".command", has=page.locator(".command-facts", has_text="operator"))
    by_hand.locator(".change-link").click()  # what is booked as a command is the same change
    expect(dossier.locator(".file")).to_contain_text("by_hand.py")
    dossier.get_by_role("tab", name="Conversation").click()
    by_hand.locator(".item-open").click()
    expect(by_hand.locator(".command-facts")).to_contain_text("operator")
    by_hand.locator("summary", has_text="Branch from before this command").click()
    field = by_hand.get_by_label("Name")
    expect(field).to_have_value(f"before/{key}-dev-story-{by_hand.get_attribute('data-id')}")
    looked_at(page, axe, "branch", 1280)
    by_hand.get_by_role("button", name="Make the branch").click()
    expect(toast(page)).to_contain_text("is made")
