"""The page in a real Chromium under load: how soon it can be used, how long it is busy at a stretch, what it keeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import Browser, CDPSession, Page, async_playwright, expect

from tests.bench.load import server, table
from tests.browser.conftest import FLAGS, chromium
from tests.realtime.house import House

MANY: Final = 100_000  # events of a long log
DAY: Final = 500_000  # events of a page left open for a day
RATE: Final = 2_000  # events a second of the flood
FLOOD_S: Final = 10
SLICE_S: Final = 0.05  # the flood comes in pieces this long
SCROLL_STEPS: Final = 300  # frames of scrolling
AT_ONCE: Final = 500  # events in one request to emit
WAIT_MS: Final = 180_000
MIB: Final = 1 << 20
HEAD: Final = ("what", "promised", "measured")
# Tasks that kept the page from answering, as the browser itself counts them: from 50 ms on.
WATCH: Final = """
  window.busy = [];
  new PerformanceObserver((list) => window.busy.push(...list.getEntries().map((entry) => Math.round(entry.duration))))
    .observe({ type: "longtask", buffered: true });
"""
# Scrolls a piece with every frame, up and down, and answers how long the longest frame took.
SCROLL: Final = """(steps) => new Promise((done) => {
  const view = document.getElementById("log-view");
  let [left, last, longest] = [steps, performance.now(), 0];
  const frame = (now) => {
    longest = Math.max(longest, now - last);
    last = now;
    view.scrollTop = (0.5 + 0.5 * Math.sin(left / 20)) * view.scrollHeight;
    if (left--) requestAnimationFrame(frame); else done(longest);
  };
  requestAnimationFrame(frame);
})"""
USABLE: Final = "performance.now()"

Row = tuple[str, str, Any]


async def run() -> None:
    async with async_playwright() as playwright, server() as house:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        rows = await _long_log(house, browser)
        rows += await _flood(house, browser)
        rows += await _day(house, browser)
        await browser.close()
    table("Page", HEAD, rows)


async def _long_log(house: House, browser: Browser) -> list[Row]:
    await _emit(house, MANY)
    async with _opened(house, browser) as (page, _):
        usable = await page.evaluate(USABLE)
        await page.get_by_label("Search the log").fill("what nobody has said")
        await expect(page.locator("#log-count")).to_contain_text(f"0 of {MANY:,}", timeout=WAIT_MS)
        await page.get_by_label("Search the log").fill("")
        await expect(page.locator("#log-count")).not_to_contain_text("of", timeout=WAIT_MS)
        loading = await _busy(page)
        await page.evaluate(SCROLL, SCROLL_STEPS)
        rows = await page.locator(".log-row").count()
        return [
            (f"ms until the page of a log of {MANY:,} events can be used", "1,000", usable),
            ("ms of the longest task while all of them are fetched and searched", "100", max(loading, default="< 50")),
            ("ms of the longest task while scrolling through them", "50", max(await _busy(page), default="< 50")),
            ("rows in the document", "", rows),
        ]


async def _flood(house: House, browser: Browser) -> list[Row]:
    async with _opened(house, browser) as (page, devtools):
        await _emit(house, 3 * RATE)
        await _settled(page, house)
        before, began = await _heap(devtools), time.monotonic()
        for piece in range(int(FLOOD_S / SLICE_S)):
            await house.emit(int(RATE * SLICE_S), wait=False)
            await asyncio.sleep(max(0.0, began + (piece + 1) * SLICE_S - time.monotonic()))
        took = time.monotonic() - began
        await _settled(page, house)
        busy = max(await _busy(page), default="< 50")
        pace = f"{RATE * FLOOD_S / took:,.0f} events/s for {took:.0f} s"
        kept = (await _heap(devtools) - before) / MIB
        return [
            (f"ms of the longest task, {pace}", "100", busy),
            (f"MiB kept of these {RATE * FLOOD_S:,} lines", "", kept),
        ]


async def _day(house: House, browser: Browser) -> list[Row]:
    async with _opened(house, browser) as (page, devtools):
        heaps = []
        for _ in range(5):
            await _emit(house, DAY // 5)
            await _settled(page, house)
            heaps.append(await _heap(devtools) / MIB)
        words = ", ".join(f"{heap:.0f}" for heap in heaps)
        return [(f"MiB of the page after every fifth of {DAY:,} events", "200", words)]


@asynccontextmanager
async def _opened(house: House, browser: Browser) -> AsyncIterator[tuple[Page, CDPSession]]:
    """A page that is connected and shows the newest line of the log."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.add_init_script(WATCH)
    await page.goto(house.url)
    await expect(page.locator("#link")).to_have_attribute("data-kind", "live", timeout=WAIT_MS)
    await expect(page.locator(".log-row").first).to_be_visible(timeout=WAIT_MS)
    yield page, await context.new_cdp_session(page)
    await context.close()


async def _emit(house: House, count: int) -> None:
    for _ in range(count // AT_ONCE):
        await house.emit(AT_ONCE, 60)


async def _settled(page: Page, house: House) -> None:
    """Wait until the page shows the newest event."""
    seq = (await house.get("healthz"))["seq"]
    await expect(page.locator(f"#line-{seq}")).to_be_visible(timeout=WAIT_MS)


async def _busy(page: Page) -> list[int]:
    """How long the page's long tasks were since the last time, in ms."""
    told: list[int] = await page.evaluate("window.busy.splice(0)")
    return told


async def _heap(devtools: CDPSession) -> float:
    """Bytes of JavaScript objects that are still needed."""
    await devtools.send("HeapProfiler.collectGarbage")
    usage: dict[str, float] = await devtools.send("Runtime.getHeapUsage")
    return usage["usedSize"] + usage.get("embedderHeapUsedSize", 0) + usage.get("backingStorageSize", 0)
