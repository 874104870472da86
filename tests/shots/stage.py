"""What is photographed: servers of the demo in known states, and the views and states of their pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

from playwright.sync_api import Page, expect

from tests.browser.conftest import PageServer

WIDTHS: Final = {360: 740, 768: 1024, 1280: 800, 1920: 1080}  # px, by px of height
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
POLL_S: Final = 0.2
SPEED: Final = "4"  # of the demo that runs while its pictures are made
STORY: Final = "1-1-friendly-dates"
# What happens in the demo whose page shows what needs the operator.
QUESTION: Final = "Two date formats are used in the files. Which one shall be kept?"
TROUBLE: Final = {
    "dev-story": {STORY: ["blocked:the notes of the old format are missing"], "*": [f"question:{QUESTION}", "ok"]}
}


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: `address` is the hash of the page, `pose` brings the page into its state."""

    name: str
    server: str
    address: str
    pose: Callable[[Page], None] = lambda page: None
    whole: bool = False  # the page at its whole height


def _press(keys: str, selector: str = "dialog[open]") -> Callable[[Page], None]:
    def pose(page: Page) -> None:
        page.keyboard.press(keys)
        expect(page.locator(selector)).to_be_visible()

    return pose


def _loaded(selector: str) -> Callable[[Page], None]:
    return lambda page: expect(page.locator(selector).first).to_be_visible()


def _idle(page: Page) -> None:
    """With what would run and what it would cost."""
    for selector in ("#lanes .step", "#start-forecast"):
        expect(page.locator(selector).first).to_be_visible()


def _stop(page: Page) -> None:
    page.locator("#stop").click()
    expect(page.locator("#stop-dialog")).to_be_visible()


def _chosen_bar(page: Page) -> None:
    bar = page.locator("#chart .bar, #chart button").first
    expect(bar).to_be_visible()
    bar.click()


SHOTS: Final = (
    Shot("run-idle", "idle", "run", _idle),
    Shot("run-running", "running", "run", _loaded(".output-view .entry")),
    Shot("run-needs-you", "asking", "run", _loaded("#attention-list li")),
    Shot("run-ended", "ended", "run", _loaded("#batch-stories > *")),
    Shot("run-stop", "running", "run", _stop),
    Shot("find", "ended", "run", _press("Control+k")),
    Shot("keys", "ended", "run", _press("?")),
    Shot("board-new", "idle", "board", _loaded(".card")),
    Shot("board", "ended", "board", _loaded(".card")),
    Shot("board-running", "running", "board", _loaded(".card")),
    Shot("dossier", "ended", f"board?story={STORY}", _loaded(".dossier-body")),
    Shot("timeline", "ended", "timeline", _loaded("#chart-rows > *")),
    Shot("timeline-command", "ended", "timeline", _chosen_bar),
    Shot("timeline-empty", "idle", "timeline"),
    Shot("history", "ended", "history", _loaded("#batches > *")),
    Shot("history-empty", "idle", "history"),
    Shot("insights", "ended", "insights", _loaded("#tab-insights [role=img]"), whole=True),
    Shot("settings", "ended", "settings", _loaded("#tab-settings input"), whole=True),
    Shot("brief", "ended", "run?brief=1", _loaded("#brief-content > :not(.empty)")),
)


SERVERS: Final = ("idle", "running", "asking", "ended")


@contextmanager
def server(name: str) -> Iterator[PageServer]:
    """The demo in one of the states of `SERVERS`."""
    with TemporaryDirectory() as folder:
        made = PageServer(Path(folder), SPEED if name == "running" else "max", TROUBLE if name == "asking" else None)
        made.start()
        try:
            _bring(made, name)
            yield made
        finally:
            made.close()


def _bring(server: PageServer, state: str) -> None:
    if state == "idle":
        return
    server.ask("api/run/start", {"batch_size": "all"})
    while not _is_ready(state, server.ask("api/run")):
        time.sleep(POLL_S)


def _is_ready(state: str, run: Mapping[str, Any]) -> bool:
    match state:
        case "running":
            return _develops(run)
        case "asking":
            return any(one["kind"] == "question" for one in run["attention"])
        case _:
            return bool(run["state"] == "idle")


def _develops(run: Mapping[str, Any]) -> bool:
    return any(one["command"].startswith("dev") for one in run["operations"])
