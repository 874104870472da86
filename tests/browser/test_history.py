"""The History tab: what came of each batch, and its replay moment by moment, shared by its address."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import PageServer, picture, visit
from .test_reach import press, tab_to
from .test_run import headline

pytestmark = pytest.mark.browser


def begin(context: BrowserContext, server: PageServer) -> Page:
    """A replay that was opened from the list and rests at its beginning."""
    page = visit(context, server, "history")
    page.get_by_role("button", name="Replay batch 1").focus()
    press(page, "Enter")
    page.get_by_role("button", name="Pause the replay").click()
    return page


def test_what_came_of_a_batch_and_of_its_stories(context: BrowserContext, finished: PageServer) -> None:
    batch = finished.ask("api/batches/1")
    page = visit(context, finished)
    press(page, "g", "h")
    row = page.locator("#batches tr")
    for said in ("Completed", "6 of 7 stories done, 1 blocked", f"${batch['batch']['cost_usd']:.2f}", "output tokens"):
        expect(row).to_contain_text(said)
    tab_to(page, ".batch-fold", most=40)
    press(page, "Enter")
    expect(page.locator(".batch-stories li")).to_have_count(7)
    expect(page.locator(".batch-stories")).to_contain_text("1-1 Friendly dates")
    expect(page).to_have_url(re.compile("#history\\?batch=1$"))
    picture(page, "history")
    page.reload()
    expect(page.locator(".batch-stories li")).to_have_count(7)
    page.get_by_label("Text", exact=True).fill("nothing of the kind")
    expect(page.locator("#batches-words")).to_have_text("None of 1 batch matches.")
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Outcome").select_option("blocked")
    expect(page.locator("#batches-words")).to_have_text("1 of 1 batch")
    expect(page).to_have_url(re.compile("#history\\?batch=1&outcome=blocked$"))
    page.get_by_role("link", name="Timeline of batch 1").click()
    expect(page.locator("#chart-batch")).to_have_value("1")


def test_a_replay_by_keyboard_is_the_state_of_that_moment(context: BrowserContext, finished: PageServer) -> None:
    page = begin(context, finished)
    place = page.get_by_label("Place in the batch")
    press(page, "]", "]")
    here = int(place.input_value())
    press(page, ".")
    expect(place).to_have_value(str(here + 1))
    press(page, ",", ",", "[")
    assert int(place.input_value()) < here
    events = finished.ask("api/events?limit=10000&batch=1")["events"]
    done = next(n for n, event in enumerate(events, 1) if event["payload"].get("new_status") == "done")
    place.fill(str(done))
    headline(page).to_have_text(re.compile("1 of 7 stories done$"))
    page.get_by_role("tab", name="Log").click()
    expect(page.locator("#log-count")).to_contain_text(f"{done} lines")
    page.get_by_role("link", name="Board").click()
    expect(page.locator(".column[data-status=done] .card")).to_have_count(1)
    expect(page).to_have_url(re.compile(rf"\?replay=1&at={events[done - 1]['seq']}#board"))
    picture(page, "replay-board")

    shared = context.new_page()
    shared.goto(page.url)
    expect(shared.locator(".column[data-status=done] .card")).to_have_count(1)
    expect(shared.get_by_label("Place in the batch")).to_have_value(str(done))
    expect(shared.get_by_role("button", name="Play", exact=True)).to_be_visible()
    shared.get_by_role("button", name="Back to now").click()
    expect(shared.locator(".column[data-status=done] .card")).to_have_count(6)
    expect(shared).not_to_have_url(re.compile("replay"))


def test_as_fast_as_possible_ends_where_the_batch_ended(context: BrowserContext, finished: PageServer) -> None:
    page = begin(context, finished)
    press(page, ">", ">", ">")
    expect(page.get_by_label("Speed")).to_have_value("max")
    press(page, "<", ">")
    page.get_by_role("button", name="Play", exact=True).focus()
    press(page, "Enter")
    headline(page).to_have_text("Finished: 6 done, 1 blocked")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    cost = finished.ask("api/run")["totals"]["cost_usd"]
    expect(page.locator("#tile-cost")).to_have_text(f"${cost:.2f}")
