"""Every view in every state: axe finds nothing in either scheme, a finger hits every control, and a zoom loses nothing.

The states are those of `make shots`, each with one server for all of its views.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from tests.shots.states import STATES, server
from tests.shots.views import VIEWS, visit

from .conftest import PageServer, Watch
from .test_axe import AXE, in_both_schemes
from .test_touch import SMALL, TARGET_PX

pytestmark = pytest.mark.browser

# Zooms of 200 and 400 % of 1280 x 1024, and a telephone.
ZOOMED: Final = ((640, 512), (320, 256))
PHONE: Final = (360, 740)
# What leads out of the width: the page, an open dialog, or a part that scrolls sideways and is no chart, table or code.
WIDE: Final = """() => {
  const exempt = "#chart-frame, .scroll-x, pre, .diff, .tabs, [role=tablist], .charts, [role=img], .board-head";
  const roots = [document.documentElement, ...document.querySelectorAll("dialog[open]")];
  const parts = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility()
    && ["auto", "scroll"].includes(getComputedStyle(one).overflowX) && !one.closest(exempt));
  return [...roots, ...parts].filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => `${one.tagName}#${one.id}.${one.className}: ${one.scrollWidth} in ${one.clientWidth}`);
}"""
# The share of the height that what stays in place while the rest scrolls takes.
STICKY: Final = """() => {
  const stays = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility()
    && ["fixed", "sticky"].includes(getComputedStyle(one).position) && !one.closest("dialog, [popover]"));
  const boxes = stays.filter((one) => !stays.some((other) => other !== one && other.contains(one)))
    .map((one) => [one, one.getBoundingClientRect()])
    .filter(([, box]) => box.bottom > 0 && box.top < innerHeight && box.width > innerWidth / 2);
  const covered = boxes.reduce((sum, [, box]) => sum + Math.min(box.bottom, innerHeight) - Math.max(box.top, 0), 0);
  return covered > innerHeight / 2 ? boxes.map(([one, box]) => `${one.id || one.className}: ${box.height}`) : [];
}"""


# The states with the most views; `make widths` has them all.
OFTEN: Final = ("running", "asking")
# On a telephone: a header of more than one line, verbs that are not at the thumb.
FAR: Final = """() => {
  const header = document.querySelector(".top").offsetHeight;
  const verbs = [...document.querySelectorAll(".controls > button")].filter((one) => one.checkVisibility())
    .filter((one) => one.getBoundingClientRect().top < innerHeight / 2).map((one) => `${one.id}: far from the thumb`);
  return header > 60 ? [`a header of ${header} px`, ...verbs] : verbs;
}"""


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[] if name in OFTEN else pytest.mark.worlds) for name in STATES],
)
def state(request: pytest.FixtureRequest) -> Iterator[tuple[str, PageServer]]:
    """A state and its server."""
    with server(request.param) as running:
        yield request.param, running


def test_every_view(browser: Browser, state: tuple[str, PageServer], watch: Watch) -> None:
    watch.allow("ERR_|WebSocket connection to|404")
    name, running = state
    faults: dict[str, list[str]] = {}
    page: Page | None = None
    for view in (view for view in VIEWS if view.state == name):
        page = page or new_page(browser, watch)
        visit(page, running, view)
        if found := faults_of(page):
            faults[view.name] = found
        if not view.only_looks:
            page.context.close()
            page = None
    if page:
        page.context.close()
    assert faults == {}


def new_page(browser: Browser, watch: Watch) -> Page:
    """A page with a touch screen that knows axe."""
    context = browser.new_context(locale="en-GB", reduced_motion="reduce", has_touch=True)
    context.on("page", watch.follow)
    context.add_init_script(AXE.read_text())
    return context.new_page()


def faults_of(page: Page) -> list[str]:
    page.set_viewport_size({"width": 1280, "height": 800})
    found = in_both_schemes(page)
    page.emulate_media(color_scheme="light")
    for width, height in (*ZOOMED, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        found += [f"at {width} px wide: {fault}" for fault in page.evaluate(WIDE)]
        found += [f"at {width} px, over half of the height: {fault}" for fault in page.evaluate(STICKY)]
    found += page.evaluate(FAR)
    found += [f"too small: {fault}" for fault in page.evaluate(SMALL, TARGET_PX)]
    return found
