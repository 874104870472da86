"""The page that shows every part in every state: it has them all, axe finds nothing, and no script runs in it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.servers import ROOT

from .conftest import PageServer, picture
from .test_axe import AXE, in_both_schemes

pytestmark = pytest.mark.browser

PARTS = [
    "Colours",
    "Type",
    "Distances and lines",
    "Buttons",
    "Fields",
    "Status of a story",
    "Tones",
    "Notes",
    "Text",
    "Dialogs",
]
# Names of tokens that no declared custom property has.
UNKNOWN = """() => {
  const known = getComputedStyle(document.documentElement);
  const used = new Set();
  for (const sheet of document.styleSheets)
    for (const text of [...sheet.cssRules].map((rule) => rule.cssText))
      for (const [, name] of text.matchAll(/var\\((--(?:text|weight|space|radius|hair|mark|stripe|shadow)[\\w-]*)\\)/g))
        used.add(name);
  return [...used].filter((name) => !known.getPropertyValue(name));
}"""

# What lies outside of the part that it belongs to.
OUTSIDE = """() => [...document.querySelectorAll(".part")].flatMap((part) => {
  const { top, bottom } = part.getBoundingClientRect();
  return [...part.querySelectorAll("*")].map((one) => [one.className, one.getBoundingClientRect()])
    .filter(([, box]) => box.height && (box.top < top - 1 || box.bottom > bottom + 1)).map(([name]) => name);
})"""


def test_the_kit_shows_every_part_in_both_schemes(context: BrowserContext, idle: PageServer) -> None:
    page = context.new_page()
    page.goto(f"{idle.url}static/kit")
    assert page.locator(".part > h2").all_inner_texts() == PARTS
    boxes = [part.bounding_box() for part in page.locator(".part").all()]
    assert all(box is not None and box["height"] > 40 for box in boxes)
    assert (
        page.locator("use").evaluate_all(
            "all => all.filter((use) => !document.querySelector(use.getAttribute('href'))).length"
        )
        == 0
    )
    assert page.evaluate(UNKNOWN) == []
    assert page.evaluate(OUTSIDE) == []
    assert page.locator("script").count() == 0
    page.evaluate(AXE.read_text())
    assert in_both_schemes(page) == []
    picture(page, "kit")
    page.set_viewport_size({"width": 320, "height": 640})  # a desktop at four times its size
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    expect(page.locator(".part .long")).to_have_css("-webkit-line-clamp", "3")


def test_every_colour_is_shown() -> None:
    tokens = (ROOT / "static/kit/tokens.css").read_text()
    kit = (ROOT / "static/kit/kit.html").read_text()
    texts = set(re.findall(r'data-text="(\w+)"', kit)) | set(re.findall(r'data-ground="(\w+)"', kit))
    assert set(re.findall(r"--([\w-]+): light-dark\(#", tokens)) == texts | {"line", "edge", "on-accent"}
