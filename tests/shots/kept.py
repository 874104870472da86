"""The pictures of docs/page.md, encoded from those of `make shots`: `python -m tests.shots.kept [FOLDER]`."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, chromium
from tests.shots.__main__ import FOLDER

KEPT: Final = Path("docs/images")
NAMES: Final = (
    "run-idle-1280-light",
    "run-running-1280-light",
    "run-lanes-1280-dark",
    "run-running-360-dark",
    "run-asking-1280-light",
    "run-asking-360-dark",
    "run-ended-1280-light",
    "board-running-1280-dark",
    "dossier-changes-1280-light",
    "timeline-ended-1280-light",
    "insights-1280-light",
    "palette-found-1280-light",
)
MOST: Final = 60_000  # bytes of a picture
QUALITIES: Final = (0.6, 0.5, 0.4)  # of the encoder, to 1; the first one that is small enough is taken
TALLEST: Final = 800  # px of a picture; the rest of a long page is cut
ENCODE: Final = """async ([png, quality, most]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const size = { width: image.width, height: Math.min(image.height, most) };
  const canvas = Object.assign(document.createElement("canvas"), size);
  canvas.getContext("2d", { alpha: false }).drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", quality).split(",")[1];
}"""


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else FOLDER
    KEPT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page()
        for name in NAMES:
            content = _encoded(page, (folder / f"{name}.png").read_bytes())
            (KEPT / f"{name}.webp").write_bytes(content)
            sys.stdout.write(f"{name}: {len(content):,} bytes\n")
        browser.close()


def _encoded(page: Page, png: bytes) -> bytes:
    """Return the picture as WebP, as good as its bound allows."""
    text = base64.b64encode(png).decode()
    for quality in QUALITIES:
        content = base64.b64decode(page.evaluate(ENCODE, [text, quality, TALLEST]))
        if len(content) <= MOST:
            return content
    raise SystemExit(f"a picture has {len(content):,} bytes at the least, more than {MOST:,}")


if __name__ == "__main__":
    main(sys.argv[1:])
