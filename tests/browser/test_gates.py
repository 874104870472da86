"""A project with tickets in the page: its Board and dossiers, and the gates at which the run waits for a person."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from .conftest import BATCH_S, PageServer, picture, visit

pytestmark = pytest.mark.browser

TREE = "_bmad-output/initiative-perch"
ENDED = re.compile("Finished")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PageServer]:
    """The demo with tickets, whose builds put off a finding, and whose last ticket asks for a look when it is done."""
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"build-auto": {"1.1": ["deferred:Dates of other calendars are refused"]}}))
    made = PageServer(tmp_path, "max", kind="v7")
    made.environment["DEMO_AGENT_SCRIPT"] = str(script)
    made.start()
    tickets = made.root / TREE / "epic-answers/tickets.toml"
    tickets.write_text(tickets.read_text().rstrip() + "\ndone_checkpoint = true\n")
    subprocess.run(["git", "commit", "-qam", "ask for a look"], cwd=made.root, check=True)
    yield made
    made.close()


def card(page: Page, key: str) -> Locator:
    return page.locator(f'.card[data-key="{key}"]')


def epic(page: Page, name: str) -> Locator:
    return page.locator(".epic-row", has=page.get_by_role("heading", name=name))


def at_gate(page: Page, words: str) -> Locator:
    """The call for a decision; the page is at the Run tab."""
    expect(page.locator("#headline")).to_contain_text("a decision is yours", timeout=BATCH_S * 1000)
    found = page.locator("#attention-list li", has_text=words)
    expect(found).to_be_visible()
    expect(page.locator("#resume")).to_be_hidden()  # it decides nothing
    return found


def tab(page: Page, name: str) -> None:
    page.evaluate("name => { location.hash = name }", name)


def test_a_night_over_tickets_with_a_person_at_its_gates(server: PageServer, context: BrowserContext) -> None:
    page = visit(context, server, "board")
    expect(epic(page, "A notebook you can trust").locator(".epic-facts")).to_contain_text("epic 2 waits for it")
    expect(epic(page, "A notebook that answers").locator(".epic-facts")).to_contain_text("opens after epic 1")
    expect(card(page, "1.2").locator(".card-note")).to_have_text("Waits for 1.1.")
    expect(card(page, "1.4").locator(".card-note")).to_contain_text("A person has to take part")
    expect(card(page, "2.1").locator(".card-note")).to_have_text("Waits for 1.1, epic 1.")
    picture(page, "tickets-board")

    server.ask("api/run/start", {"batch_size": "all"})
    tab(page, "run")
    gate = at_gate(page, "asks for a look at its plan")
    picture(page, "gate-plan")
    gate.locator("textarea").fill("Say which fields may change.\nperch/store.py:12: keep this one")
    gate.get_by_role("button", name="Continue").click()
    expect(gate.locator(".wrong")).to_contain_text("Comments go with “Send back”")
    gate.get_by_role("button", name="Send back").click()
    expect(page.locator(".step[data-command]", has_text="build plan 2").first).to_be_visible()
    expect(page.locator("#attention-list li", has_text="asks for a look at its plan")).to_have_count(1)
    again = at_gate(page, "asks for a look at its plan")
    tab(page, "board?story=1.2&dossier=story")
    plan = page.locator(".part", has=page.get_by_role("heading", name="In the plan"))
    expect(plan).to_contain_text("a person approves its plan before it is built")
    picture(page, "dossier-at-its-plan")
    page.locator("#story").get_by_role("button", name="Close").click()
    tab(page, "run")
    again.get_by_role("button", name="Continue").click()

    closing = at_gate(page, "which only you close")
    expect(closing).to_contain_text("3 finished; not finished: 1.4; it has no retrospective")
    picture(page, "gate-epic")
    closing.get_by_role("button", name="Close epic", exact=True).click()
    done = at_gate(page, "is done and asks for a look")
    picture(page, "gate-done")
    done.get_by_role("button", name="Continue").click()
    expect(page.locator("#headline")).to_have_text(ENDED, timeout=BATCH_S * 1000)

    tab(page, "board")
    expect(epic(page, "A notebook you can trust").locator(".epic-facts")).to_contain_text("closed")
    close = epic(page, "A notebook that answers").get_by_role("button", name="Close epic")
    expect(close).to_be_visible()
    put_off = page.locator("#deferred")
    expect(put_off).to_contain_text("Dates of other calendars are refused")
    picture(page, "tickets-board-at-the-end")
    put_off.get_by_role("button", name="To the backlog").click()
    expect(put_off).to_be_hidden()
    assert (server.root / "_bmad-output/backlog/story-dates-of-other-calendars-are-refused.md").is_file()
    close.click()
    expect(epic(page, "A notebook that answers").locator(".epic-facts")).to_contain_text("closed")
    expect(close).to_be_hidden()
    card(page, "1.1").locator(".card-open").click()
    page.get_by_role("tab", name="Story").click()
    expect(page.locator("#story")).to_contain_text("became _bmad-output/backlog/story-dates")
    picture(page, "dossier-of-a-ticket")
