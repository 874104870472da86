"""Tests of the Settings tab: every setting is listed; changes are applied all or none, and reach every page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import PageServer, Watch, picture, visit
from .test_axe import axe, in_both_schemes, serious
from .test_reach import press, tab_to

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser


ROWS = """() => Object.fromEntries([...document.querySelectorAll("[data-setting]")].map(row => [
    row.querySelector("code").textContent,
    {
        facts: row.querySelector(".setting-facts").textContent,
        lock: row.querySelector(".setting-lock:not([hidden])")?.textContent ?? "",
        controls: row.querySelectorAll("input, select").length,
    },
]))"""


def setting(page: Page, name: str) -> Any:
    return page.locator(f'[data-setting="{name}"]')


def write(server: PageServer, text: str) -> None:
    (server.root / "sprint-runner.yaml").write_text(text)


def test_what_ends_with_a_killed_server_is_said(context: BrowserContext, idle: PageServer) -> None:
    guardian = idle.ask("api/run")["guardian"]
    assert {"mark", "session", "process group"} <= set(guardian["means"])
    page = visit(context, idle, "settings?topic=server")
    expect(page.locator("#settings-guardian")).to_have_text(f"When the server is killed: {guardian['sentence']}.")
    page.get_by_role("link", name="Schedule").click()
    expect(page.locator("#settings-awake")).to_contain_text("awake")


def test_every_setting_says_its_range_source_and_effect(context: BrowserContext, idle: PageServer) -> None:
    page = visit(context, idle, "settings")
    response = idle.ask("api/settings")["settings"]
    expect(page.locator("[data-setting]")).to_have_count(len(response))
    expect(setting(page, "commands").get_by_label("Agent of dev-story")).to_be_visible()
    shown = page.evaluate(ROWS)
    for each in response:
        row = shown[each["name"]]
        assert each["applies"] in row["facts"]
        assert each["kind"] == "mapping" or each["allowed"].lower() in row["facts"].lower()
        assert row["lock"] == (each["locked"] or "")
        assert each["name"] == "commands" or row["controls"] == (0 if each["locked"] else 1)
    expect(setting(page, "port").locator(".setting-lock")).to_contain_text("command line")
    expect(setting(page, "agents").locator("pre")).to_contain_text("kind: claude")
    expect(setting(page, "retries")).to_be_hidden()
    press(page, "/")
    page.keyboard.type("budget")
    expect(page.locator(".setting:visible")).to_have_count(9)
    picture(page, "settings")


def test_a_change_by_keyboard_is_shown_before_it_is_saved_and_by_every_page(
    context: BrowserContext, server: PageServer
) -> None:
    write(server, "# mine\nretries: 1  # once is enough\n")
    other = visit(context, server, "settings?topic=workflow")
    page = visit(context, server)
    press(page, "g", "s")
    tab_to(page, ".topics a[href$=workflow]")
    press(page, "Enter")
    tab_to(page, "#setting-retries", most=60)
    press(page, "Control+a")
    page.keyboard.type("77")
    expect(setting(page, "retries").locator(".setting-wrong")).to_have_text("Must be a whole number from 0 to 20.")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    press(page, "Backspace")
    expect(page.locator("#save-diff")).to_contain_text("-retries: 1  # once is enough")
    expect(page.locator("#save-diff")).to_contain_text("+retries: 7  # once is enough")
    picture(page, "settings-change")
    press(page, "Enter")
    expect(page.locator("#settings-save")).to_be_hidden()
    assert (server.root / "sprint-runner.yaml").read_text() == "# mine\nretries: 7  # once is enough\n"
    expect(other.locator("#setting-retries")).to_have_value("7")
    expect(setting(other, "retries").locator(".setting-facts")).to_contain_text("from sprint-runner.yaml")

    page.get_by_role("button", name=re.compile("^Reset Retries")).click()
    expect(setting(page, "retries").locator(".setting-news")).to_have_text("Goes back to the default: 2.")
    page.get_by_role("button", name="Save").click()
    expect(setting(page, "retries").locator(".setting-facts")).to_contain_text("this is the default")
    assert (server.root / "sprint-runner.yaml").read_text() == "# mine\n# once is enough\n"


def test_what_the_server_refuses_is_said_and_nothing_is_lost(
    context: BrowserContext, server: PageServer, watch: Watch
) -> None:
    watch.allow("400")
    write(server, "{retries: 1}\n")
    page = visit(context, server, "settings?topic=limits")
    expect(page.locator("#settings-unread")).to_contain_text("was edited")
    page.locator("#setting-budget_day_usd").fill("12.5")
    page.get_by_role("link", name="Workflow").click()
    page.locator("#setting-retries").fill("3")
    expect(page.locator(".topics a[data-changed]")).to_have_text(["Workflow", "Limits and budgets"])
    expect(page.locator("#save-words")).to_contain_text("edit it by hand")
    assert (server.root / "sprint-runner.yaml").read_text() == "{retries: 1}\n"
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#settings-save")).to_be_hidden()
    expect(page.locator("#setting-budget_day_usd")).to_have_value("")
    page.get_by_role("link", name="Workflow").click()

    write(server, "budget_day_usd: 40\n")
    page.locator("#setting-retries").fill("4")
    expect(page.locator("#save-diff")).to_contain_text("+retries: 4")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#setting-budget_day_usd")).to_have_value("40")


def test_agents_of_commands_notifications_and_appearance_are_set_in_the_page(
    context: BrowserContext, server: PageServer, watch: Watch, axe: str
) -> None:
    write(server, "retries: 1\n")
    page = visit(context, server, "settings")
    table = setting(page, "commands")
    table.get_by_label("Agent of code-review").select_option("codex")
    table.get_by_label("Light model of code-review").fill("small-1")
    expect(page.locator("#save-diff")).to_contain_text("+    agent: codex")
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, "settings-commands")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#settings-save")).to_be_hidden()
    file = (server.root / "sprint-runner.yaml").read_text()
    assert file == "retries: 1\ncommands:\n  code-review:\n    agent: codex\n    light_model: small-1\n"
    page.reload()
    expect(table.get_by_label("Agent of code-review")).to_have_value("codex")
    page.get_by_role("link", name="Notifications").click()
    field = page.locator("#setting-notify_command")
    field.fill("./no-such-program")
    send = setting(page, "notify_command").get_by_role("button", name="Send a test")
    expect(send).to_be_hidden()
    page.get_by_role("button", name="Save").click()
    watch.allow("409")
    send.click()
    expect(page.locator(".toast").last).to_contain_text("./no-such-program could not be started")
    field.fill("true")
    page.get_by_role("button", name="Save").click()
    send.click()
    expect(page.locator(".toast").last).to_have_text("A test was sent: command.")
    page.get_by_role("link", name="Appearance").click()
    page.get_by_label("Theme", exact=True).select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.evaluate(axe)
    for topic in page.locator(".topics a").all():
        topic.click()
        expect(page.locator(".topic:visible")).to_have_count(1)
        assert serious(page) == [], topic.inner_text()
