"""Retry of a blocked story of a list in the page: the file that it deletes is named first, and confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.widths import both_widths

from .conftest import PageServer, Watch, picture, visit
from .test_dossier import part

pytestmark = pytest.mark.browser

BLOCKED = "---\ntitle: First\nstatus: blocked\n---\n\n## Auto Run Result\n\nBlocking condition: intent gap\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PageServer]:
    running = PageServer(tmp_path, "max", None, "stories").start()
    yield running
    running.close()


@both_widths
def test_the_file_is_named_and_deleted_after_a_confirmation(
    server: PageServer, watch: Watch, context: BrowserContext, width: int
) -> None:
    watch.allow("409")  # the question
    (listed,) = server.root.rglob("stories.yaml")
    key = server.ask("api/sprint")["stories"][0]["key"]
    file = listed.parent / "stories" / f"{key}-first.md"
    file.parent.mkdir(exist_ok=True)
    for other in file.parent.glob(f"{key}-*.md"):
        other.unlink()
    file.write_text(BLOCKED)
    page = visit(context, server, f"board?story={key}&dossier=conversation")
    page.set_viewport_size({"width": width, "height": 800})
    hints = part(page, "Hints for its next command")
    hints.get_by_role("button", name="Retry", exact=True).click()
    expect(hints.get_by_role("alert")).to_contain_text(f"{file.name} is deleted, and a copy is kept in")
    assert file.exists()
    confirm = hints.get_by_role("button", name="Delete the file and retry")
    expect(confirm).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture(page, f"retry-confirm-{width}")
    confirm.click()
    expect(page.locator(".toast").last).to_contain_text("begins anew (its old file is kept in ")
    assert not file.exists()
    expect(hints.get_by_role("button", name="Send hint")).to_be_visible()
