"""What the operator steers in the page: the order, skips, when the batch stops, the choice at the start."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.widths import both_widths

from .conftest import PageServer, Watch, picture, visit
from .test_axe import axe, in_both_schemes
from .test_run import BATCH_MS, headline

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser


def open_page(context: BrowserContext, server: PageServer, width: int, tab: str = "run") -> Page:
    page = visit(context, server, tab)
    page.set_viewport_size({"width": width, "height": 800})
    return page


def next_keys(page: Page) -> list[str]:
    return page.locator("#next-stories .key").all_inner_texts()


def looked_at(page: Page, axe: str, name: str, width: int) -> None:
    """Nothing is wider than the window, nothing unnamed, in light and dark."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        picture(page, f"{name}-{width}-{scheme}")


def toast(page: Page) -> Locator:
    return page.locator(".toast").last


@both_widths
def test_what_runs_next_is_ordered_by_keys(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch, axe: str, width: int
) -> None:
    server = serve("max")
    page = open_page(context, server, width)
    rows = page.locator("#next-stories li")
    expect(rows.first).to_be_visible()
    before = next_keys(page)
    rows.nth(2).locator(".story-open").focus()
    page.keyboard.press("1")
    expect(rows.first.locator(".key")).to_have_text(before[2])
    expect(rows.first.locator(".story-open")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(rows.nth(1).locator(".key")).to_have_text(before[2])
    rows.nth(1).get_by_role("button", name="Run earlier").click()
    expect(rows.first.locator(".key")).to_have_text(before[2])
    expect(page.locator("#next-note")).to_have_text("In the order that you set.")
    looked_at(page, axe, "next", width)
    assert server.ask("api/run")["queue"]["stories"][0].startswith(before[2])
    page.get_by_role("button", name="Take the plan's order").click()
    expect(page.locator("#next-note")).to_be_hidden()
    expect(page.locator("#next-stories .key")).to_have_text(before)


def test_what_runs_next_is_ordered_by_dragging(context: BrowserContext, serve: Callable[..., PageServer]) -> None:
    page = open_page(context, serve("max"), 1280)
    rows = page.locator("#next-stories li")
    expect(rows.nth(3)).to_be_visible()
    before = next_keys(page)
    rows.nth(3).drag_to(rows.first, target_position={"x": 60, "y": 3})
    expect(rows.first.locator(".key")).to_have_text(before[3])
    # By a finger, which holds the number: everywhere else it scrolls.
    moved = next_keys(page)
    grip = rows.nth(2).locator(".next-place").bounding_box()
    first = rows.first.bounding_box()
    assert grip is not None
    assert first is not None
    points = [(grip["x"] + 4, grip["y"] + grip["height"] / 2), (first["x"] + 20, first["y"] + 2)]
    touch = context.new_cdp_session(page)
    for kind, point in (("touchStart", points[0]), ("touchMove", points[1])):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": point[0], "y": point[1]}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(rows.first.locator(".key")).to_have_text(moved[2])


@both_widths
def test_a_story_is_skipped_on_the_board_and_brought_back(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch, axe: str, width: int
) -> None:
    server = serve("max")
    watch.allow("400")  # a reason with a control code
    page = open_page(context, server, width, "board")
    key = next(story["key"] for story in server.ask("api/sprint")["stories"] if story["runnable"])
    card = page.locator(f'.card[data-key="{key}"]')
    card.locator(".card-open").focus()
    page.keyboard.press("m")
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Skip…")).to_be_focused()
    looked_at(page, axe, "board-menu", width)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Skip ")
    page.keyboard.press("Tab")
    dialog.get_by_role("button", name="Skip it").click()
    expect(dialog.get_by_role("alert")).to_have_text("Write why first.")
    field = dialog.get_by_label("Why?")
    field.fill("a\u202eb")
    dialog.get_by_role("button", name="Skip it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("contains control codes")
    looked_at(page, axe, "skip-dialog", width)
    field.fill("The design is open")
    dialog.get_by_role("button", name="Skip it").click()
    expect(card.locator(".card-note")).to_have_text("Skipped: The design is open")
    card.locator(".card-open").click()
    page.get_by_role("button", name="Bring back").last.click()
    expect(card.locator(".card-note")).to_be_hidden()


def test_only_an_epic_runs_and_the_batch_stops_after_its_story(
    context: BrowserContext, serve: Callable[..., PageServer], axe: str
) -> None:
    server = serve("20")
    page = open_page(context, server, 1280, "board")
    epic = page.locator(".epic-row", has=page.locator(".card")).nth(1)
    card = epic.locator(".card:has(.card-move:not([hidden]))").last
    card.locator(".card-move").click()
    page.get_by_role("menuitem", name="Run next").click()
    expect(toast(page)).to_contain_text("runs next")
    first = server.ask("api/run")["queue"]["stories"][0]
    server.ask("api/run/start", {"batch_size": "all"})
    page.evaluate("location.hash = 'run'")
    expect(page.locator(".lane-stories li").first).to_have_attribute("data-key", first)
    page.get_by_role("button", name="Stop", exact=True).click()
    looked_at(page, axe, "stop-dialog", 1280)
    page.get_by_role("button", name="Stop then").click()
    expect(page.locator("#stop-at-wrong")).to_have_text("Choose a time first.")
    page.locator("#stop-at").fill("23:59")
    page.get_by_role("button", name="Stop then").click()
    expect(page.locator("#ending-words")).to_contain_text("Stops at 23:59")
    page.get_by_role("button", name="Do not stop").click()
    expect(page.locator("#ending")).to_be_hidden()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="After this story").click()
    expect(page.locator("#ending-words")).to_have_text("Stops after this story.")
    headline(page).to_have_text("Stopped: 1 done", timeout=BATCH_MS)
    assert server.ask("api/run")["queue"]["after"] is None


@both_widths
def test_stories_are_chosen_from_a_list(
    context: BrowserContext, serve: Callable[..., PageServer], axe: str, width: int
) -> None:
    server = serve("max")
    page = open_page(context, server, width)
    page.get_by_role("button", name="Options").click()
    query = page.get_by_label("Only these stories: search")
    order = page.locator("#start-order")
    expect(order).to_contain_text("Runs ")
    epics = page.locator(".pick-epic")
    expect(epics.first).to_be_visible()
    query.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#start-chosen")).to_have_text("1 story chosen")
    assert epics.first.locator("input").evaluate("box => box.indeterminate")
    looked_at(page, axe, "start-list", width)
    query.fill("nothing like this")
    expect(page.locator("#start-unfound")).to_have_text("No story matches.")
    query.fill("")
    key = page.locator(".pick-story input:checked ~ .pick-name").inner_text().split(" ")[0]
    expect(order).to_have_text(f"Runs {key}.")
    page.get_by_role("button", name="Start", exact=True).click()
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)
    [batch] = server.ask("api/batches")["batches"]
    assert key in batch["only_stories"]
