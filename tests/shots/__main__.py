"""`make shots`: a picture of every view and state, at four widths, in both schemes, into a folder outside of git.

`python -m tests.shots [FOLDER] [NAME…]` makes those whose names begin like one of the given ones.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, PageServer, chromium
from tests.browser.test_fleet_states import served
from tests.shots.sheets import write_sheets
from tests.shots.states import STATES, fleet, server
from tests.shots.views import PHONE, SCHEMES, VIEWS, WIDTHS, View, visit

FOLDER: Final = Path("tests/browser/output/shots")
LOOK_MS: Final = 30_000  # for a view to load on a busy machine
FLEET: Final = "fleet"
MANY: Final = "fleet-many"
MOST: Final = "20"  # runners, in every state that a row can show
KIT: Final = "kit"


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    names = tuple(arguments[1:]) or ("",)
    expect.set_options(timeout=LOOK_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for state in STATES:
            views = [view for view in VIEWS if view.state == state and view.name.startswith(names)]
            if views:
                with server(state) as running:
                    _take(browser, running, views, folder)
        _take_others(browser, folder, names)
        write_sheets(browser, folder)
        browser.close()


def _take(browser: Browser, server: PageServer, views: list[View], folder: Path) -> None:
    for view in views:
        for widths in ([PHONE], [width for width in WIDTHS if width != PHONE]):
            page = _new_page(browser, widths[0])
            try:
                visit(page, server, view)
                _photograph(page, widths, folder, view.name, view.whole)
            except Exception as error:  # the others are wanted all the same
                sys.stdout.write(f"{view.name}: {str(error).splitlines()[0]}\n")
            page.context.close()


def _take_others(browser: Browser, folder: Path, names: tuple[str, ...]) -> None:
    """The page of all runners, and the one of all parts, which have addresses of their own."""
    if FLEET.startswith(names):
        with fleet() as url:
            _take_page(browser, url, ".retry:visible", folder, FLEET)
    if MANY.startswith(names):
        with served(MOST) as url:
            _take_page(browser, url, ".runner", folder, MANY)
    if KIT.startswith(names):
        with server("idle") as running:
            _take_page(browser, f"{running.url}static/kit", ".part", folder, KIT)


def _take_page(browser: Browser, url: str, selector: str, folder: Path, name: str) -> None:
    for width in WIDTHS:
        page = _new_page(browser, width)
        page.goto(url)
        expect(page.locator(selector).first).to_be_visible()
        _photograph(page, [width], folder, name, whole=True)
        page.context.close()


def _new_page(browser: Browser, width: int) -> Page:
    phone = width == PHONE
    return browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]},
        reduced_motion="reduce",
        locale="en-GB",
        has_touch=phone,
        is_mobile=phone,
    ).new_page()


def _photograph(page: Page, widths: list[int], folder: Path, name: str, whole: bool) -> None:
    for width in widths:
        height = WIDTHS[width]
        page.set_viewport_size({"width": width, "height": height})
        if whole:  # by the size of the window: a picture of the full page is one without a finger
            height = max(height, page.evaluate("document.documentElement.scrollHeight"))
            page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
