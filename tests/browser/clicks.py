"""A person at the page whose clicks are counted, and the table of `docs/page.md` with the clicks of each thing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page, expect

from .conftest import ROOT

DOCUMENT: Final = Path(ROOT) / "docs/page.md"
WIDTHS: Final = (1280, 360)  # px, in the order of the table's columns
ROW: Final = re.compile(r"^\| (?P<thing>[^|]+?) \|(?P<how>[^|]+)\| (?P<wide>\d+) \| (?P<phone>\d+) \|$", re.MULTILINE)


def documented() -> dict[str, dict[int, int]]:
    """The clicks of each thing by the width of the window."""
    rows = ROW.finditer(DOCUMENT.read_text())
    return {row["thing"]: dict(zip(WIDTHS, (int(row["wide"]), int(row["phone"])), strict=True)) for row in rows}


@dataclass
class Person:
    """Presses are counted, of the pointer and of keys; a text that is typed into the focused field is not."""

    page: Page
    clicks: int = field(default=0, init=False)

    def click(self, target: Locator) -> None:
        expect(target).to_be_visible()
        target.click()
        self.clicks += 1

    def press(self, keys: str) -> None:
        self.page.keyboard.press(keys)
        self.clicks += 1

    def type(self, text: str) -> None:
        """Write into the field that has the focus: no click is spent on it."""
        focused = self.page.locator(":is(input, textarea):focus")
        expect(focused).to_be_editable()
        if focused.get_attribute("type") == "time":
            focused.fill(text)
        else:
            self.page.keyboard.type(text)
