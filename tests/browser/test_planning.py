"""A project without a plan, and one with several initiatives, in the page: made, chosen, kept while a batch runs."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests import servers
from tests.running.plans import EPIC_A, INITIATIVE, entries, make_tickets, ticket

from .conftest import BATCH_S, ROOT, PageServer, Watch, picture
from .test_axe import AXE, in_both_schemes

pytestmark = pytest.mark.browser

EPICS = """\
# A lamp

## Epic 1: Light

### Story 1.1: Find the can

### Story 1.2: Carry the oil up the stairs

### Story three: Trim the wick 3

## Epic 2: A log book

### Story 2.1: Write down every night

## Epic 3: Visitors
"""
TRACKER = "_bmad-output/implementation-artifacts/sprint-status.yaml"
SKILL = ".claude/skills/bmad-sprint-planning/SKILL.md"
PLAN = """---
ticket: 1
status: built
followup_review_recommended: true
warnings: [oversized, multiple-goals]
---
# Another thing
"""


class FolderServer(PageServer):
    """A server of a folder that a test has made, with the scripted agent."""

    def __init__(self, root: Path, speed: str = "20") -> None:
        self.data, self.root, self.script = root / ".sprint-runner", root, None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", speed])
        (root / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
        servers.Server.__init__(self, [str(root), "--port", str(port)], root.parent)


Begin = Callable[..., FolderServer]


@pytest.fixture
def begin() -> Iterator[Begin]:
    started: list[FolderServer] = []

    def start(root: Path, speed: str = "20") -> FolderServer:
        server = FolderServer(root, speed)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.close()
        assert "Traceback" not in server.errors()


@pytest.fixture
def unplanned(tmp_path: Path) -> Path:
    root = tmp_path / "lamp"
    (root / "_bmad-output/planning-artifacts").mkdir(parents=True)
    (root / "_bmad-output/planning-artifacts/epics.md").write_text(EPICS)
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "epics")):
        subprocess.run([*git, *words], cwd=root, check=True)
    return root


@pytest.fixture
def initiatives(tmp_path: Path) -> Path:
    root = make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": entries(ticket(1, "One", "plan_checkpoint = true"))})
    other = root / "_bmad-output/initiative-y"
    shutil.copytree(root / INITIATIVE, other)
    (other / "initiative-y.md").write_text("---\ntype: initiative\n---\n# The other one\n")
    (other / "epic-a/tickets.toml").write_text(entries(ticket(1, "Another thing")))
    (other / "epic-a/story-another-thing-plan.md").write_text(PLAN)
    for words in (("add", "-A"), ("commit", "-qm", "another initiative")):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


def visit(context: BrowserContext, server: FolderServer, tab: str) -> Page:
    """A page that is connected; without a plan it has no track to wait for."""
    page = context.new_page()
    page.goto(f"{server.url}#{tab}")
    expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    return page


def narrow(page: Page, name: str) -> None:
    """Pictures of a telephone in the dark; the page is not wider than that."""
    page.set_viewport_size({"width": 360, "height": 760})
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.screenshot(path=ROOT / f"tests/browser/output/{name}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")


def test_a_tracker_is_shown_and_written(begin: Begin, context: BrowserContext, unplanned: Path, watch: Watch) -> None:
    watch.allow("409")  # the browser logs the refusal that is provoked below
    server = begin(unplanned)
    page = visit(context, server, "run")
    panel = page.locator("#plan-maker")
    expect(panel).to_contain_text("2 epics with 3 stories, all in the backlog, would be written to")
    expect(panel.locator("code").first).to_have_text(TRACKER)
    expect(panel.locator("#plan-problems li")).to_have_count(2)
    expect(panel.locator("#plan-problems")).to_contain_text("'Story three: Trim the wick 3' is not understood")
    expect(panel.locator("#plan-text")).to_contain_text("1-2-carry-the-oil-up-the-stairs: backlog")
    expect(panel.locator("#plan-command")).to_contain_text("no command for sprint planning")
    expect(panel.get_by_role("button", name="Run it")).to_be_hidden()
    expect(page.locator("#headline")).to_have_text("There is no plan yet")
    expect(page.locator("#start")).to_be_hidden()
    picture(page, "plan-maker-run")
    page.goto(f"{server.url}#board")
    expect(panel).to_be_visible()
    page.evaluate(AXE.read_text())
    assert in_both_schemes(page) == []
    picture(page, "plan-maker-dark")
    narrow(page, "plan-maker-narrow")
    page.goto(f"{server.url}#settings")
    expect(panel).to_be_hidden()
    page.goto(f"{server.url}#board")

    (unplanned / "_bmad-output/planning-artifacts/epics.md").write_text(EPICS + "\n### Story 3.1: Greet them\n")
    panel.get_by_role("button", name="Write this file").click()
    expect(panel.locator("#plan-wrong")).to_contain_text("The epics have changed since the text was shown")
    expect(panel).to_contain_text("3 epics with 4 stories")
    assert not (unplanned / TRACKER).exists()
    panel.get_by_role("button", name="Write this file").click()
    expect(page.locator(".card")).to_have_count(4)
    expect(panel).to_be_hidden()
    assert "  3-1-greet-them: backlog\n" in (unplanned / TRACKER).read_text()
    picture(page, "plan-made")


def test_the_projects_own_planning_is_run(begin: Begin, context: BrowserContext, unplanned: Path) -> None:
    (unplanned / SKILL).parent.mkdir(parents=True)
    (unplanned / SKILL).write_text("---\nname: bmad-sprint-planning\n---\n")
    server = begin(unplanned, "0.7")
    page = visit(context, server, "run")
    panel = page.locator("#plan-maker")
    expect(panel.locator("#plan-command")).to_contain_text("/bmad-sprint-planning is given to own")
    panel.get_by_label("Spend at most, in US dollars").fill("-1")
    panel.get_by_role("button", name="Run it").click()
    expect(panel.locator("#plan-wrong")).to_contain_text("The budget must be a number above 0")
    panel.get_by_label("Spend at most, in US dollars").fill("3")
    picture(page, "plan-run-form")
    panel.get_by_role("button", name="Run it").click()
    expect(panel).to_contain_text("An agent plans the sprint now")
    expect(page.locator(".step[data-result=running]")).to_contain_text("sprint planning")
    expect(page.locator("#stop")).to_be_visible()
    picture(page, "plan-running")
    narrow(page, "plan-running-narrow")
    expect(page.locator("#headline")).to_have_text("Finished: the sprint is planned", timeout=BATCH_S * 1000)
    expect(panel).to_be_hidden()
    expect(page.locator(".output-view .entry[data-kind=final]")).to_be_visible()
    picture(page, "plan-run-finished")
    page.goto(f"{server.url}#timeline")
    expect(page.locator("#chart")).to_be_visible()
    picture(page, "plan-run-timeline")
    page.goto(f"{server.url}#board")
    expect(page.locator(".card")).to_have_count(3)


def test_another_initiative_is_shown(begin: Begin, context: BrowserContext, initiatives: Path) -> None:
    server = begin(initiatives)
    page = visit(context, server, "board")
    choice = page.get_by_label("Initiative", exact=True)
    expect(choice).to_have_value("initiative-x")
    expect(choice.locator("option")).to_have_text(["initiative-x (as configured)", "initiative-y, The other one"])
    expect(page.locator(".card")).to_have_count(2)
    choice.select_option("initiative-y")
    expect(page.locator('.card[data-key="1.1"]')).to_contain_text("Another thing")
    expect(page.locator('.card[data-key="1.1"] .card-note')).to_have_text("Its build recommends a further review.")
    expect(choice).to_have_value("initiative-y")
    page.evaluate(AXE.read_text())
    assert in_both_schemes(page) == []
    picture(page, "initiative-dark")
    narrow(page, "initiative-narrow")
    page.goto(f"{server.url}#board?story=1.1&dossier=story")
    facts = page.locator(".part", has=page.get_by_role("heading", name="In the plan"))
    expect(facts).to_contain_text("recommends a further review")
    expect(facts).to_contain_text("oversized, multiple-goals")
    facts.scroll_into_view_if_needed()
    picture(page, "build-notes-dossier")
    narrow(page, "build-notes-dossier-narrow")
    page.keyboard.press("Escape")

    choice.select_option("initiative-x")
    expect(page.locator('.card[data-key="1.1"]')).to_contain_text("One")
    server.ask("api/run/start", {"batch_size": 1})
    expect(choice).to_be_disabled()
    expect(page.locator("#initiative-note")).to_have_text("A run keeps the initiative that it began with.")
    expect(page.locator("#headline")).to_contain_text("a decision is yours", timeout=BATCH_S * 1000)
    picture(page, "initiative-kept")
    server.ask("api/run/stop", {"mode": "now"})
    expect(choice).to_be_enabled()
