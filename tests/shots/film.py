"""`make film`: the film of the README, an animated WebP of a real run of the demo, encoded by Chromium.

`python -m tests.shots.film [FILE]`. A frame holds only the rectangle that differs from the one before.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, PageServer, chromium
from tests.shots.states import STORY
from tests.shots.webp import Frame, animated

FILE: Final = Path("docs/dashboard.webp")
SIZE: Final = (1120, 700)  # px
SPEED: Final = "5"  # of the demo
STEP_MS: Final = 1_100  # between two pictures of the run
STEPS: Final = 16  # pictures of the run
REST_MS: Final = 2_200  # for a view that is read
MOST: Final = 1_000_000  # bytes
QUALITY: Final = 0.66  # of the encoder, to 1
VIEWS: Final = (
    ("board", ".card"),
    (f"board?story={STORY}", ".dossier-body"),
    ("timeline", "#chart-rows > *"),
)
# Compares a picture with the one before and returns what differs, as WebP; null for nothing.
ENCODE: Final = """async ([png, quality]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const [w, h] = [image.width, image.height];
  const draw = (x, y, width, height) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    context.drawImage(image, -x, -y);
    return { canvas, context };
  };
  const pixels = new Uint32Array(draw(0, 0, w, h).context.getImageData(0, 0, w, h).data.buffer);
  const before = window.before;
  window.before = pixels;
  let [left, top, right, bottom] = before ? [w, h, -1, -1] : [0, 0, w - 1, h - 1];
  if (before) for (let y = 0, at = 0; y < h; y++) for (let x = 0; x < w; x++, at++) if (pixels[at] !== before[at]) {
    left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
  }
  if (right < 0) return null;
  left -= left % 2; top -= top % 2;
  const { canvas } = draw(left, top, right - left + 1, bottom - top + 1);
  const url = canvas.toDataURL("image/webp", quality);
  return { x: left, y: top, width: canvas.width, height: canvas.height, image: url.split(",")[1] };
}"""


class Film:
    """The frames so far; `take` adds a picture of the page."""

    def __init__(self, page: Page, encoder: Page) -> None:
        self._page, self._encoder = page, encoder
        self.frames: list[Frame] = []

    def take(self, rest_ms: int) -> None:
        png = base64.b64encode(self._page.screenshot()).decode()
        found = self._encoder.evaluate(ENCODE, [png, QUALITY])
        if found is None:
            self.frames[-1] = replace(self.frames[-1], rest_ms=self.frames[-1].rest_ms + rest_ms)
        else:
            self.frames.append(Frame(**{**found, "image": base64.b64decode(found["image"])}, rest_ms=rest_ms))


def main(arguments: list[str]) -> None:
    file = Path(arguments[0]) if arguments else FILE
    with sync_playwright() as playwright, _server() as server:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        frames = _played(browser, server.url)
        browser.close()
    content = animated(*SIZE, frames)
    if len(content) > MOST:
        raise SystemExit(f"the film has {len(content):,} bytes, more than {MOST:,}")
    file.write_bytes(content)
    sys.stdout.write(f"{file}: {len(frames)} frames, {len(content):,} bytes\n")


@contextmanager
def _server() -> Iterator[PageServer]:
    with TemporaryDirectory() as folder:
        server = PageServer(Path(folder), SPEED)
        server.start()
        try:
            yield server
        finally:
            server.close()


def _played(browser: Browser, url: str) -> list[Frame]:
    """Return the frames: a start, the run, a board, a dossier, the timeline."""
    width, height = SIZE
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="light", reduced_motion="reduce", locale="en-GB"
    )
    page = context.new_page()
    film = Film(page, context.new_page())
    page.goto(f"{url}#run")
    expect(page.locator("#track > *")).not_to_have_count(0)
    film.take(REST_MS)
    page.locator("#start").click()
    for _ in range(STEPS):
        page.wait_for_timeout(STEP_MS)
        film.take(STEP_MS // 2)
    for address, selector in VIEWS:
        page.goto(f"{url}#{address}")
        expect(page.locator(selector).first).to_be_visible()
        film.take(REST_MS)
    return film.frames


if __name__ == "__main__":
    main(sys.argv[1:])
