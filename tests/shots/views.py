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


class Loaded:
    """Waits for parts of a view and changes nothing, so that the same page can go on to another view."""

    def __init__(self, *selectors: str) -> None:
        self._selectors = selectors

    def __call__(self, page: Page) -> None:
        for selector in self._selectors:
            expect(page.locator(selector).first).to_be_visible()


LOOK: Final = Loaded()


@dataclass(frozen=True, slots=True)
class View:
    """A picture: `address` is the hash of the page, `pose` brings the page into its state."""

    name: str
    state: str
    address: str
    pose: Pose = LOOK
    whole: bool = False  # the page at its whole height
    query: str = ""  # of the address
    offline: bool = False  # the server is killed while the page is open

    @property
    def only_looks(self) -> bool:
        """Whether the page can go on to another view by its address alone."""
        return isinstance(self.pose, Loaded) and not (self.query or self.offline)


def _press(keys: str, selector: str = "dialog[open]") -> Pose:
    def pose(page: Page) -> None:
        page.keyboard.press(keys)
        expect(page.locator(selector)).to_be_visible()

    return pose


def _click(button: str, then: str, *before: str) -> Pose:
    def pose(page: Page) -> None:
        for each in (*before, button):
            page.locator(each).first.click()
        expect(page.locator(then).first).to_be_visible()

    return pose


def _found(page: Page) -> None:
    """The palette with hits of the full-text search."""
    _press("Control+k")(page)
    page.locator("#palette-query").fill("date")
    expect(page.locator("#palette-list [role=option]").nth(3)).to_be_visible()


def _folded(page: Page) -> None:
    Loaded(".epic-row")(page)
    page.locator("#board-fold").click()


def _dossier(tab: str, *selectors: str, state: str = "ended", story: str = STORY) -> View:
    name = f"dossier-{tab}" if state == "ended" else f"dossier-{tab}-{state}"
    address = f"board?story={story}&dossier={tab}"
    return View(name, state, address, Loaded(f"#dossier-panel-{tab} :visible", *selectors))


RUN: Final = (
    View("run-empty", "empty", "run", Loaded("#plan-maker")),
    View("run-idle", "idle", "run", Loaded("#lanes .step", "#start-forecast")),
    View("run-running", "running", "run", Loaded(".output-view .entry")),
    View("run-log", "running", "run?pane=log", Loaded(".log-row:visible")),
    View("run-lanes", "lanes", "run", Loaded(".output-view .entry")),
    View("run-workers", "workers", "run", Loaded(".output-view .entry")),
    View("run-asking", "asking", "run", Loaded("#attention-list li")),
    View("run-gate", "gate", "run", Loaded("#attention-list li")),
    View("run-limit", "limit", "run", Loaded("#attention-list li")),
    View("run-agent", "agent", "run", Loaded("#attention-list li")),
    View("run-paused", "paused", "run"),
    View("run-interrupted", "interrupted", "run", Loaded("#resume")),
    View("run-offline", "interrupted", "run", offline=True),
    View("run-failed", "failed", "run", Loaded("#batch-stories > *")),
    View("run-ended", "ended", "run", Loaded("#batch-stories > *")),
    View("run-large", "large", "run"),
    View("run-brownfield", "brownfield", "run"),
    View("run-titles", "titles", "run", Loaded("#batch-stories > *")),
    View("run-stop", "running", "run", _click("#stop", "#stop-dialog")),
    View("start-form", "idle", "run", _click("#start-more", "#start-form fieldset")),
    View("start-preview", "idle", "run", _click("#start-preview", "#preview-content > *", "#start-more")),
    View("brief", "ended", "run?brief=1", Loaded("#brief-content > :not(.empty)")),
    View("replay", "ended", "run", Loaded("#replay"), query="?replay=2"),
    View("switcher", "ended", "run", _click("#project-name", "#projects")),
    View("palette", "ended", "run", _press("Control+k")),
    View("palette-found", "ended", "run", _found),
    View("keys", "ended", "run", _press("?")),
)
BOARD: Final = (
    View("board-empty", "empty", "board"),
    *(View(f"board-{state}", state, "board", Loaded(".card")) for state in ("idle", "running", "lanes", "asking")),
    *(View(f"board-{state}", state, "board", Loaded(".card")) for state in ("gate", "failed", "ended", "titles")),
    View("board-workers", "workers", "board", Loaded(".card")),
    View("board-large", "large", "board", Loaded(".epic-row")),
    View("board-brownfield", "brownfield", "board", Loaded(".epic-row")),
    View("board-list", "ended", "board?layout=list", Loaded(".card")),
    View("board-list-titles", "titles", "board?layout=list", Loaded(".card")),
    View("board-folded", "ended", "board", _folded),
    View("board-select", "idle", "board", _click(".card input[type=checkbox]", "#board-selection", "#board-select")),
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
    View("dossier-blocked", "ended", "board?story=2-2-share-with-the-club", Loaded(".dossier-body")),
)
BACK: Final = (
    View("timeline-empty", "idle", "timeline", Loaded("#chart-empty")),
    *(
        View(f"timeline-{s}", s, "timeline", Loaded("#chart-rows > *"))
        for s in (*FULL, "running", "lanes", "workers", "asking")
    ),
    View("timeline-command", "ended", "timeline", _click("#chart .bar", "#chart-detail")),
    View("history-empty", "idle", "history"),
    *(View(f"history-{state}", state, "history", Loaded("#batches > *")) for state in (*FULL, "running")),
    View("history-open", "ended", "history?batch=2", Loaded("#batches > *")),
    View("compare", "ended", "history?compare=1.2", Loaded("#comparison")),
    View("insights-empty", "idle", "insights"),
    View("insights", "ended", "insights", Loaded("#tab-insights [role=img]"), whole=True),
)
SETTINGS: Final = tuple(
    View(f"settings-{topic}", "ended", f"settings?topic={topic}", Loaded("#tab-settings h2:visible"), whole=True)
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
