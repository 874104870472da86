"""The page is for everybody: by keyboard, on a small screen, in the dark."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import PageServer, picture, visit
from .test_run import BATCH_MS, headline

pytestmark = pytest.mark.browser


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, selector: str, most: int = 30) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    pytest.fail(f"{selector} cannot be reached with the Tab key")


def test_a_run_by_keyboard_alone(page: Page) -> None:
    tab_to(page, "#start")
    press(page, "Enter")
    headline(page).to_have_text(re.compile("^Running"))
    page.evaluate("document.activeElement.blur()")
    press(page, "p")
    headline(page).to_have_text("Paused by you", timeout=BATCH_MS)
    press(page, "g", "b")
    expect(page.locator("#tab-board")).to_be_visible()
    press(page, "/")
    page.keyboard.type("friendly")
    expect(page.locator(".card")).to_have_count(1)
    tab_to(page, ".card-open")
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Acceptance Criteria")
    press(page, "Escape")
    expect(page.locator(".card-open:focus")).to_have_count(1)
    press(page, "g", "r", "x")
    expect(page.get_by_role("dialog")).to_contain_text("Stop the run?")
    press(page, "Enter")
    headline(page).to_have_text(re.compile("^Stopped"))


def test_shortcuts_are_listed_can_be_turned_off_and_leave_fields_alone(
    context: BrowserContext, idle: PageServer
) -> None:
    page = visit(context, idle)
    press(page, "?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    page.get_by_label("Single-key shortcuts").uncheck()
    press(page, "Escape", "g", "b")
    expect(page.locator("#tab-run")).to_be_visible()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Single-key shortcuts").check()
    press(page, "Escape", "/")
    page.keyboard.type("g b ?")
    expect(page.get_by_label("Search the log")).to_have_value("g b ?")
    expect(page.locator("#tab-run")).to_be_visible()


def test_rows_are_reached_by_j_and_k_and_opened_by_enter(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished)
    stories = page.locator("#batch-stories summary")
    press(page, "j")
    expect(page.locator("#attention-list :focus, #batch-stories :focus, #next-stories :focus")).to_have_count(1)
    stories.first.focus()
    press(page, "j")
    expect(stories.nth(1)).to_be_focused()
    press(page, "ArrowDown", "k")
    expect(stories.nth(1)).to_be_focused()
    opened = page.locator("#batch-stories details").nth(1)
    was = opened.get_attribute("open")
    press(page, "Enter")
    expect(opened).to_have_js_property("open", was is None)
    press(page, "g", "b")
    cards = page.locator("#tab-board .card-open")
    expect(cards.first).to_be_visible()
    press(page, "j")
    expect(cards.first).to_be_focused()
    page.get_by_role("button", name="List", exact=True).click()
    expect(page.locator("#tab-board")).to_have_attribute("data-layout", "list")
    cards.first.focus()
    press(page, "j")
    expect(cards.nth(1)).to_be_focused()
    press(page, "k")
    expect(cards.first).to_be_focused()
    search = page.get_by_label("Search stories")
    search.focus()
    page.keyboard.type("jk")
    expect(search).to_have_value("jk")
    search.fill("")
    search.blur()
    press(page, "g", "h")
    batch = page.locator("#batches .batch-fold")
    expect(batch).to_be_visible()
    press(page, "j")
    expect(batch).to_be_focused()
    press(page, "Enter")
    expect(batch).to_have_attribute("aria-expanded", "true")


def test_the_theme_follows_the_system_and_the_switch_is_remembered(context: BrowserContext, idle: PageServer) -> None:
    page = visit(context, idle)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    switch = page.get_by_role("button", name=re.compile("^Theme"))
    switch.click()
    assert page.evaluate(ground) == light
    switch.click()
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) == dark
    page.reload()
    assert page.evaluate(ground) == dark
    picture(page, "dark")


def test_the_open_tab_and_story_are_in_the_address(context: BrowserContext, idle: PageServer) -> None:
    page = visit(context, idle)
    page.get_by_role("link", name="Board").click()
    page.get_by_role("button", name="Friendly dates").click()
    expect(page).to_have_url(f"{idle.url}#board?story=1-1-friendly-dates")
    page.reload()
    expect(page.get_by_role("dialog")).to_contain_text("As a birdwatcher")
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#tab-board")).to_be_visible()
