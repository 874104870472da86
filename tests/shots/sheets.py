"""Contact sheets: the pictures of one width and scheme side by side, with their names, so that all can be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from tests.shots.views import SCHEMES, WIDTHS

SHEETS: Final = "sheets"
ACROSS: Final = {360: 5, 768: 3, 1280: 2, 1920: 1}  # pictures in a row, by their width
ROWS: Final = {360: 1, 768: 1, 1280: 2, 1920: 2}
STYLE: Final = """body { margin: 8px; display: grid; gap: 8px; background: #888; font: 12px sans-serif; }
figure { margin: 0; }
img { display: block; width: 100%; max-height: 1800px; object-fit: cover; object-position: top; }"""


def write_sheets(browser: Browser, folder: Path) -> None:
    """Write the sheets of all pictures of a folder into a folder below it."""
    (folder / SHEETS).mkdir(exist_ok=True)
    for width in WIDTHS:
        for scheme in SCHEMES:
            pictures = sorted(folder.glob(f"*-{width}-{scheme}.png"))
            size = ACROSS[width] * ROWS[width]
            for start in range(0, len(pictures), size):
                _write(browser, folder, pictures[start : start + size], width, f"{width}-{scheme}-{start // size:02}")


def _write(browser: Browser, folder: Path, pictures: list[Path], width: int, name: str) -> None:
    figures = "".join(f"<figure>{each.stem}<img src='../{each.name}'></figure>" for each in pictures)
    source = folder / SHEETS / "sheet.html"
    columns = f"grid-template-columns: repeat({ACROSS[width]}, 1fr)"
    source.write_text(f"<style>{STYLE}</style><body style='{columns}'>{figures}")
    page = browser.new_page(viewport={"width": min(width * ACROSS[width], 1960), "height": 400})
    page.goto(source.resolve().as_uri())
    page.screenshot(path=folder / SHEETS / f"{name}.png", full_page=True)
    page.close()
    source.unlink()
