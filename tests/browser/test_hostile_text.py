"""Text of agents and projects that would steer a terminal or reverse a line is shown as symbols, copied as it was."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import PATIENCE_MS, PageServer, visit
from .test_run import BATCH_MS, headline, start

pytestmark = pytest.mark.browser

FIRST = "1-1-friendly-dates"
STORY = "1-2-correct-a-sighting"
OVERRIDE = "\u202e"
HOSTILE = f"a\u001b[31mred\u001b[0m b\rc {OVERRIDE}gpj.exe \u2066\u200f\u0007end"
SHOWN = "ared b␍c [U+202E]gpj.exe [U+2066][U+200F]␇end"
FORBIDDEN = "\u001b\u0007\r\u202e\u2066\u200f"
# What a reader of the page meets: its text and the attributes that are read out.
READ = """() => [document.body.textContent, ...[...document.querySelectorAll("[title],[aria-label]")].map(
  (one) => `${one.title}${one.getAttribute("aria-label")}`)].join(" ")"""


def clean(page: Page) -> bool:
    text = page.evaluate(READ)
    return not any(character in text for character in FORBIDDEN)


def test_controls_and_overrides_are_symbols_everywhere(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    server = serve("max", {"code-review": {FIRST: [f"HIGH:{HOSTILE}", "ZERO ISSUES"]}})
    status = server.root / "_bmad-output/implementation-artifacts"
    stories = server.root / "_bmad-output/planning-artifacts"
    for path in [*stories.rglob("*.md"), *status.glob("*.md")]:
        text = path.read_text()
        path.write_text(text.replace("Friendly dates", f"Friendly {OVERRIDE} dates"))
    page = visit(context, server, "run?pane=log")
    start(page, cycles=1)
    headline(page).to_have_text("Finished: 2 done", timeout=BATCH_MS)
    page.get_by_label("Search the log").fill("gpj.exe")
    row = page.locator(".log-row:visible").first
    expect(row).to_contain_text("gpj.exe")
    assert clean(page)

    page.goto(f"{server.url}#board")
    expect(page.locator("#epic-rows")).to_contain_text("Friendly")
    assert clean(page)

    (server.root / "hostile.txt").write_text(f"{HOSTILE}\n")
    for arguments in (["add", "hostile.txt"], ["commit", "-q", "-m", f"Mend {FIRST}", "hostile.txt"]):
        subprocess.run(
            ["git", "-c", "user.name=T", "-c", "user.email=t@localhost", *arguments], cwd=server.root, check=True
        )
    page.goto(f"{server.url}#board?story={FIRST}")
    expect(page.locator(".dossier-body")).to_be_visible()
    for row in page.locator(".item.command").all():
        row.locator(".item-open").click()
    for fold in page.locator(".transcript").all():
        expect(fold.locator(".entry").first).to_be_visible()
    for answer in page.locator(".transcript .answer").all():
        answer.evaluate("el => { el.open = true; }")
    expect(page.locator(".finding").first).to_contain_text("gpj.exe")
    assert clean(page)
    page.get_by_role("tab", name="Changes").click()
    newest = page.locator("#change-choice option", has_text="Mend").get_attribute("value")
    page.get_by_label("Changes of", exact=True).select_option(newest)
    expect(page.locator(".diff .code", has_text=SHOWN)).not_to_have_count(0, timeout=PATIENCE_MS)
    assert clean(page)


def test_what_is_copied_is_the_original(context: BrowserContext, idle: PageServer) -> None:
    """The page is given the line itself: the server has replaced the controls of everything that it emits."""
    page = context.new_page()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(idle.url)
    page.evaluate(
        """async (message) => {
          const { copyLines, LogDetail } = await import("/static/run/log-detail.js");
          const { LogBuffer } = await import("/static/run/log-buffer.js");
          const line = { at: 0, seq: 1, story: "", others: [], command: "", task: "", status: "", message, of: null };
          const detail = new LogDetail({ close() {}, copy() {}, showAround() {} });
          detail.show(line, { first: 1, last: 1 }, new LogBuffer(), false);
          copyLines([line]);
        }""",
        HOSTILE,
    )
    assert page.locator("#log-detail-text").text_content() == SHOWN
    expect(page.locator(".toast")).to_contain_text("Line copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith(HOSTILE)
