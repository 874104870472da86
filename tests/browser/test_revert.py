"""Taking back a story's commit from its dossier, by the keyboard, on both sizes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.widths import both_widths

from .conftest import PageServer, Watch, visit
from .test_axe import axe, in_both_schemes
from .test_dossier import part
from .test_preview import fits, pictures
from .test_run import BATCH_MS, headline

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

KEY = "1-1-friendly-dates"


@both_widths
def test_a_commit_is_taken_back(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch, axe: str, width: int
) -> None:
    watch.allow("409")  # a second time there is nothing to take back
    server = serve("max")
    page = visit(context, server, "run")
    page.set_viewport_size({"width": width, "height": 800})
    server.ask("api/run/start", {"stories": [KEY], "batch_size": 1})
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)
    page.goto(f"{server.url}#board?story={KEY}")
    page.get_by_role("button", name="Revert…", exact=True).press("Enter")
    commits = part(page, "Revert")
    expect(commits.get_by_label("The story is then")).to_be_focused()
    commits.get_by_label("The story is then").select_option("backlog")
    assert fits(page)
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    commits.locator(".revert").evaluate("el => el.scrollIntoView({block: 'center'})")
    pictures(page, f"revert-{width}")
    commits.get_by_role("button", name="Revert the newest commit").press("Enter")
    expect(page.locator(".toast").last).to_contain_text("is reverted; 1-1 is Backlog.")
    expect(page.locator(".status-button")).to_contain_text("Backlog")
    log = subprocess.run(
        ["git", "log", "-1", "--format=%s"], cwd=server.root, check=True, capture_output=True, text=True
    )
    assert log.stdout == f'Revert "feat(1): implement story {KEY}"\n'
    commits.locator(".revert > summary").press("Enter")
    commits.get_by_role("button", name="Revert the newest commit").press("Enter")
    expect(commits.get_by_role("alert")).to_contain_text("not reverted yet")
