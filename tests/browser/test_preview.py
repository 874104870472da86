"""What would be sent, in the dossier and from the start form, and the prompts in the Settings tab."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.widths import both_widths

from .conftest import PageServer, Watch, picture, visit
from .test_axe import axe, in_both_schemes
from .test_dossier import part
from .test_reach import press, tab_to

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

KEY = "1-1-friendly-dates"


def fits(page: Page) -> bool:
    """Whether nothing leads out of the page's width, neither of the document nor of an open dialog."""
    return bool(
        page.evaluate(
            """() => [document.documentElement, ...document.querySelectorAll("dialog[open]")]
            .every(el => el.scrollWidth <= el.clientWidth + 1)"""
        )
    )


def pictures(page: Page, name: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        picture(page, f"{name}-{scheme}")
    page.emulate_media(color_scheme="light")


@both_widths
def test_the_dossier_shows_what_would_be_sent(context: BrowserContext, idle: PageServer, axe: str, width: int) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit(context, idle, f"board?story={KEY}&dossier=conversation")
    page.set_viewport_size({"width": width, "height": 800})
    sent = part(page, "What would be sent")
    sent.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(sent.locator(".sent-cycle h4")).to_have_text("Next group: 1-1")
    expect(sent).to_contain_text("Nothing is started.")
    step = sent.locator("details.sent-line", has_text="dev-story")
    step.locator("summary").focus()
    page.keyboard.press("Enter")
    call = next(
        step["call"]
        for step in idle.ask(f"api/preview?stories={KEY}")["cycles"][0]["steps"]
        if step["command"] == "dev-story"
    )
    expect(step.get_by_label("Prompt", exact=True)).to_have_text(call["prompt"].rstrip(), use_inner_text=False)
    step.get_by_role("button", name="Copy the prompt").press("Enter")
    expect(page.locator(".toast").last).to_have_text("dev-story: prompt copied")
    assert page.evaluate("navigator.clipboard.readText()") == call["prompt"]
    step.get_by_role("button", name="Copy the command line").press("Enter")
    expect(page.locator(".toast").last).to_have_text("dev-story: command line copied")
    assert page.evaluate("navigator.clipboard.readText()") == call["command_line"]
    page.evaluate("document.querySelectorAll('.toast').forEach(note => note.remove())")
    assert fits(page)
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    step.evaluate("step => step.scrollIntoView()")
    pictures(page, f"preview-dossier-{width}")
    sent.get_by_label("Command", exact=True).select_option("code-review")
    expect(sent.locator(".sent-steps > li")).to_have_count(1)
    expect(sent.locator(".sent-steps > li")).to_contain_text("code-review-1")


@both_widths
def test_the_start_form_shows_what_a_start_would_send(
    context: BrowserContext, idle: PageServer, axe: str, width: int
) -> None:
    page = visit(context, idle)
    page.set_viewport_size({"width": width, "height": 800})
    page.locator("#start-more").press("Enter")
    page.locator("#start-stories").fill("1-2")
    tab_to(page, "#start-preview", most=40)
    press(page, "Enter")
    dialog = page.locator("#preview-dialog")
    expect(dialog.locator(".sent-cycle h4")).to_have_text("Next group: 1-2")
    expect(page.locator("#preview-title")).to_be_focused()
    tab_to(page, "#preview-content summary", most=5)
    press(page, "Enter")
    expect(dialog.locator("details[open] .sent-text")).to_have_count(2)
    assert fits(page)
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    pictures(page, f"preview-start-{width}")
    press(page, "Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#start-preview")).to_be_focused()


@both_widths
def test_a_prompt_is_changed_and_put_back_in_settings(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch, axe: str, width: int
) -> None:
    watch.allow("400")  # an unknown placeholder
    watch.allow("409")  # a race
    server = serve()
    page = visit(context, server, "settings?topic=prompts")
    page.set_viewport_size({"width": width, "height": 800})
    row = page.locator('[data-prompt="dev-story"]')
    expect(row.locator("summary")).to_contain_text("built in")
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    field = row.get_by_label("Prompt of dev-story", exact=True)
    text = field.input_value()
    assert text == next(p["built_in"] for p in server.ask("api/prompts")["prompts"] if p["command"] == "dev-story")
    field.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nMind {{storey}}.")
    row.get_by_role("button", name="Save").press("Enter")
    expect(row.get_by_role("alert")).to_contain_text("text: {{storey}} is no placeholder; known are artifacts_dir,")
    field.fill(f"{text}\nMind {{{{story_key}}}}.\n")
    row.get_by_role("button", name="Save").press("Enter")
    expect(page.locator(".toast").last).to_contain_text("Saved. An open batch keeps the prompts that it began with")
    own = server.root / ".sprint-runner-prompts/dev-story.md"
    assert own.read_text() == f"{text}\nMind {{{{story_key}}}}.\n"
    expect(row.locator(".diff-line[data-sign=plus]").last).to_have_text(re.compile(r"\+Mind \{\{story_key\}\}\."))
    expect(row.locator("summary")).to_contain_text("own copy, 2 lines differ")
    page.evaluate("document.querySelectorAll('.toast').forEach(note => note.remove())")
    assert fits(page)
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    row.evaluate("row => row.scrollIntoView()")
    pictures(page, f"prompts-{width}")

    own.write_text("Another one.")
    field.fill("Mine.")
    row.get_by_role("button", name="Save").press("Enter")
    expect(row.get_by_role("alert")).to_contain_text("has changed since it was read")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    row.locator("summary").press("Enter")
    expect(field).to_have_value("Another one.")
    row.get_by_role("button", name="Back to the built-in prompt").press("Enter")
    expect(page.locator(".toast").last).to_contain_text("Your copy is kept at")
    expect(field).to_have_value(text)
    assert not own.exists()
    [kept] = (server.data / "prompts").glob("dev-story-*.md")
    assert kept.read_text() == "Another one."
