"""The brief of a batch and the receipts of its stories, as an operator reads them in the morning."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from .conftest import BATCH_S, ROOT, PageServer, picture, visit
from .test_reach import press, tab_to
from .test_touch import SMALL, TARGET_PX, finger

pytestmark = pytest.mark.browser

STORY = "1-2-correct-a-sighting"


def test_a_night_is_read_and_a_receipt_is_taken_along(
    context: BrowserContext, finished: PageServer, tmp_path: Path
) -> None:
    brief = finished.ask("api/batches/1/brief")
    page = visit(context, finished)
    tab_to(page, "#brief-link", most=40)
    press(page, "Enter")
    dialog = page.get_by_role("dialog", name="Brief of batch 1")
    expect(dialog).to_contain_text("Batch 1 is complete. 6 of 7 stories done, 1 blocked.")
    expect(dialog).to_contain_text(f"${brief['cost']['usd']:.2f}")
    blocked = dialog.locator("section", has=page.get_by_role("heading", name="Blocked"))
    expect(blocked).to_contain_text(brief["blocked"][0]["reason"])
    expect(blocked).to_contain_text(f"sprint-runner hint {brief['blocked'][0]['story_key']} TEXT --retry")
    expect(blocked.get_by_role("button", name="Retry")).to_be_visible()
    done = dialog.locator("section", has=page.get_by_role("heading", name="Done"))
    expect(done.get_by_role("listitem")).to_have_count(6)
    expect(done).to_contain_text("receipt kept")
    with page.expect_download() as taken:
        dialog.get_by_role("link", name="Brief as an HTML file").click()
    file = tmp_path / "brief.html"
    taken.value.save_as(file)
    assert "6 of 7 stories done" in file.read_text()
    picture(page, "brief")
    page.emulate_media(media="print")
    expect(page.locator("#tab-run")).to_be_hidden()
    expect(dialog).to_contain_text("What happens next")
    page.emulate_media(media="screen")
    dialog.get_by_role("link", name="1-2 Correct a sighting").click()
    dossier = page.get_by_role("dialog", name="Correct a sighting")
    dossier.get_by_role("tab", name="Changes").click()
    receipt = dossier.locator("section", has=page.get_by_role("heading", name="Receipt of its commit"))
    expect(receipt).to_contain_text("VERIFIED: the receipt of")
    expect(receipt).to_contain_text("in the git note beside it")
    with page.expect_download() as taken:
        receipt.get_by_role("link", name="Receipt").click()
    taken.value.save_as(tmp_path / "receipt.json")
    checked = subprocess.run(
        [ROOT / ".venv/bin/python", ROOT / "server.py", "receipt", tmp_path / "receipt.json"],
        cwd=finished.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout.splitlines()[0]) == (3, "VERIFIED WITH GAPS"), checked.stderr
    press(page, "Escape")
    expect(dialog).to_be_visible()
    press(page, "Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile("#run$"))
    press(page, "g", "h")
    page.get_by_role("link", name="Brief of batch 1").click()
    expect(dialog).to_be_visible()


def test_it_fits_a_phone(browser: Browser, finished: PageServer) -> None:
    with finger(browser) as context:
        page = visit(context, finished, "run?brief=1")
        dialog = page.get_by_role("dialog", name="Brief of batch 1")
        expect(dialog).to_contain_text("What happens next")
        assert (
            page.evaluate(SMALL.replace('querySelectorAll("', 'querySelectorAll("#brief-dialog .button, '), TARGET_PX)
            == []
        )
        assert dialog.evaluate("(one) => one.scrollWidth <= one.clientWidth")


def test_an_open_brief_follows_its_batch_and_keeps_what_is_written(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    first, second = "1-1-friendly-dates", STORY
    server = serve("max", {"dev-story": {first: ["blocked:the format is not said"], second: ["slow:600"]}})
    page = visit(context, server)
    server.ask("api/run/start", {"stories": [first, second], "batch_size": "all"})
    expect(page.locator(".step[data-result=failed]")).to_contain_text("the format is not said", timeout=BATCH_S * 1000)
    page.goto(f"{server.url}#run?brief=1")
    dialog = page.get_by_role("dialog", name="Brief of batch 1")
    hint = dialog.get_by_label(f"Hint for the next command of {first}")
    hint.fill("ISO dates")
    expect(dialog.locator(".brief-first")).to_contain_text("Batch 1 runs")
    server.ask("api/run/stop", {"mode": "now"})
    expect(dialog.locator(".brief-first")).to_contain_text("was stopped")
    expect(hint).to_have_value("ISO dates")
    expect(hint).to_be_focused()
