"""What is looked at: every view of the page in every state of `states.py`, each with what brings it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from playwright.sync_api import Page, expect

from tests.browser.conftest import PageServer
from tests.shots.states import STORY

WIDTHS: Final = {360: 740, 768: 1024, 1280: 800, 1920: 1080}  # px, by px of height
PHONE: Final = 360
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
TOPICS: Final = (
    *("agents", "workflow", "limits", "schedule", "delivery", "notifications"),
    *("access", "fleet", "appearance", "prompts", "server"),
)
FULL: Final = ("ended", "titles", "failed")  # states with a batch that is over
Pose = Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class View:
    """A picture: `address` is the hash of the page, `pose` brings the page into its state."""

    name: str
    state: str
    address: str
    pose: Pose = lambda page: None
    whole: bool = False  # the page at its whole height
    query: str = ""  # of the address
    offline: bool = False  # the server is killed while the page is open


def _loaded(*selectors: str) -> Pose:
    def pose(page: Page) -> None:
        for selector in selectors:
            expect(page.locator(selector).first).to_be_visible()

    return pose


def _press(keys: str, selector: str = "dialog[open]") -> Pose:
    def pose(page: Page) -> None:
        page.keyboard.press(keys)
        expect(page.locator(selector)).to_be_visible()

    return pose


def _click(button: str, then: str) -> Pose:
    def pose(page: Page) -> None:
        page.locator(button).first.click()
        expect(page.locator(then).first).to_be_visible()

    return pose


def _found(page: Page) -> None:
    """The palette with hits of the full-text search."""
    _press("Control+k")(page)
    page.locator("#palette-query").fill("date")
    expect(page.locator("#palette-list [role=option]").nth(3)).to_be_visible()


def _folded(page: Page) -> None:
    _loaded(".epic-row")(page)
    page.locator("#board-fold").click()


def _dossier(tab: str, *selectors: str, state: str = "ended", story: str = STORY) -> View:
    name = f"dossier-{tab}" if state == "ended" else f"dossier-{tab}-{state}"
    address = f"board?story={story}&dossier={tab}"
    return View(name, state, address, _loaded(f"#dossier-panel-{tab}:visible > *", *selectors))


RUN: Final = (
    View("run-empty", "empty", "run", _loaded("#plan-maker")),
    View("run-idle", "idle", "run", _loaded("#lanes .step", "#start-forecast")),
    View("run-running", "running", "run", _loaded(".output-view .entry")),
    View("run-log", "running", "run?pane=log", _loaded(".log-row:visible")),
    View("run-lanes", "lanes", "run", _loaded(".output-view .entry")),
    View("run-asking", "asking", "run", _loaded("#attention-list li")),
    View("run-gate", "gate", "run", _loaded("#attention-list li")),
    View("run-limit", "limit", "run", _loaded("#attention-list li")),
    View("run-paused", "paused", "run"),
    View("run-interrupted", "interrupted", "run", _loaded("#resume")),
    View("run-offline", "interrupted", "run", offline=True),
    View("run-failed", "failed", "run", _loaded("#batch-stories > *")),
    View("run-ended", "ended", "run", _loaded("#batch-stories > *")),
    View("run-large", "large", "run"),
    View("run-brownfield", "brownfield", "run"),
    View("run-titles", "titles", "run", _loaded("#batch-stories > *")),
    View("run-stop", "running", "run", _click("#stop", "#stop-dialog")),
    View("start-form", "idle", "run", _click("#start-more", "#start-form fieldset")),
    View("start-preview", "idle", "run", _click("#start-preview", "#preview-content > *")),
    View("brief", "ended", "run?brief=1", _loaded("#brief-content > :not(.empty)")),
    View("replay", "ended", "run", _loaded("#replay"), query="?replay=2"),
    View("switcher", "ended", "run", _click("#project-name", "#projects")),
    View("palette", "ended", "run", _press("Control+k")),
    View("palette-found", "ended", "run", _found),
    View("keys", "ended", "run", _press("?")),
)
BOARD: Final = (
    View("board-empty", "empty", "board"),
    *(View(f"board-{state}", state, "board", _loaded(".card")) for state in ("idle", "running", "lanes", "asking")),
    *(View(f"board-{state}", state, "board", _loaded(".card")) for state in ("gate", "failed", "ended", "titles")),
    View("board-large", "large", "board", _loaded(".epic-row")),
    View("board-brownfield", "brownfield", "board", _loaded(".epic-row")),
    View("board-list", "ended", "board?layout=list", _loaded(".card")),
    View("board-list-titles", "titles", "board?layout=list", _loaded(".card")),
    View("board-folded", "ended", "board", _folded),
    View("board-select", "idle", "board", _click("#board-select", "#board-selection")),
)
DOSSIER: Final = (
    _dossier("conversation"),
    _dossier("changes", ".diff"),
    _dossier("story"),
    _dossier("cost"),
    _dossier("conversation", state="asking"),
    _dossier("conversation", state="idle"),
    _dossier("story", state="titles"),
    _dossier("changes", ".diff", state="titles"),
    _dossier("conversation", state="titles", story="1-2-correct-a-sighting"),
    View("dossier-blocked", "ended", "board?story=2-2-share-with-the-club", _loaded(".dossier-body")),
)
BACK: Final = (
    View("timeline-empty", "idle", "timeline", _loaded("#chart-empty")),
    *(View(f"timeline-{s}", s, "timeline", _loaded("#chart-rows > *")) for s in (*FULL, "running", "lanes", "asking")),
    View("timeline-command", "ended", "timeline", _click("#chart .bar", "#chart-detail")),
    View("history-empty", "idle", "history"),
    *(View(f"history-{state}", state, "history", _loaded("#batches > *")) for state in (*FULL, "running")),
    View("history-open", "ended", "history?open=2", _loaded("#batches > *")),
    View("compare", "ended", "history?compare=1.2", _loaded("#comparison")),
    View("insights-empty", "idle", "insights"),
    View("insights", "ended", "insights", _loaded("#tab-insights [role=img]"), whole=True),
)
SETTINGS: Final = tuple(
    View(f"settings-{topic}", "ended", f"settings?topic={topic}", _loaded("#tab-settings h2"), whole=True)
    for topic in TOPICS
)
VIEWS: Final = (*RUN, *BOARD, *DOSSIER, *BACK, *SETTINGS)


def visit(page: Page, server: PageServer, view: View) -> None:
    """Bring a new page to a view of its server."""
    if server.process is None:
        server.start()
    page.goto(f"{server.url}{view.query}#{view.address}")
    if not view.query:
        expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    if view.state != "empty":
        expect(page.locator("#track > *")).not_to_have_count(0)
    view.pose(page)
    if view.offline:
        server.end()
        expect(page.locator("#old-note")).to_be_visible()
