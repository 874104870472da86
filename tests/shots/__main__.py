"""`make shots`: a picture of every view and state, at four widths, in both schemes, into a folder outside of git.

`python -m tests.shots [FOLDER] [NAME…]` makes those whose names begin like one of the given ones.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, chromium
from tests.shots.stage import SCHEMES, SERVERS, SHOTS, WIDTHS, Shot, server

FOLDER: Final = Path("tests/browser/output/shots")
LOOK_MS: Final = 30_000  # for a view to load on a busy machine


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [shot for shot in SHOTS if shot.name.startswith(tuple(arguments[1:]) or "")]
    expect.set_options(timeout=LOOK_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for state in SERVERS:
            if shots := [shot for shot in wanted if shot.server == state]:
                with server(state) as running:
                    _take(browser, running.url, shots, folder)
        browser.close()


def _take(browser: Browser, url: str, shots: list[Shot], folder: Path) -> None:
    for width, height in WIDTHS.items():
        phone = width == min(WIDTHS)
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                reduced_motion="reduce",
                locale="en-GB",
                has_touch=phone,
                is_mobile=phone,
            )
            for shot in shots:
                page = context.new_page()
                _pose(page, url, shot)
                page.screenshot(path=folder / f"{shot.name}-{width}-{scheme}.png", full_page=shot.whole)
                page.close()
            context.close()


def _pose(page: Page, url: str, shot: Shot) -> None:
    page.goto(f"{url}#{shot.address}")
    expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    expect(page.locator("#track > *")).not_to_have_count(0)
    shot.pose(page)


if __name__ == "__main__":
    main(sys.argv[1:])
