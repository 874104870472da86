"""The page in a real Chromium under load: how soon it can be used, how long it is busy at a stretch, what it keeps."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import Browser, CDPSession, Page, async_playwright, expect

from tests.bench.load import NOISE_HEAD, driven_server, noise, table
from tests.browser.conftest import FLAGS, chromium
from tests.realtime.server import DrivenServer

MANY: Final = 100_000  # events of a long log
DAY: Final = 500_000  # events of a page left open for a day
RATE: Final = 2_000  # events a second of the flood
FLOOD_S: Final = 10
SLICE_S: Final = 0.05  # the flood comes in pieces this long
PIECES: Final = round(FLOOD_S / SLICE_S)
LOADS: Final = 9  # of the page; the figure is the median
ROUNDS: Final = 3  # of scrolling and of the flood, each with its own figure
SCROLL_STEPS: Final = 300  # frames of scrolling
AT_ONCE: Final = 500  # events in one request to emit
WAIT_MS: Final = 180_000
MIB: Final = 1 << 20
LOG: Final = "#run?pane=log"  # the address of the page with its log in sight
SLOW_3G: Final = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
HEAD: Final = ("what", "promised", "measured", NOISE_HEAD)
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
# Answers when the frame was that showed a live connection and, if there are any, the newest lines; ms since the start.
USABLE: Final = """(lines) => new Promise((done) => {
  const look = () => {
    const ready = document.getElementById("link")?.dataset.kind === "live"
      && (!lines || document.querySelector(".log-row")?.checkVisibility());
    if (ready) done(performance.now()); else requestAnimationFrame(look);
  };
  look();
})"""

Row = tuple[str, str, Any, str]


async def run() -> None:
    async with async_playwright() as playwright, driven_server() as server, driven_server() as empty:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        rows = await _slow_line(empty, browser)
        rows += await _long_log(server, empty, browser)
        rows += await _flood(server, browser)
        rows += await _day(server, browser)
        await browser.close()
    table("Page", HEAD, rows)


async def _slow_line(server: DrivenServer, browser: Browser) -> list[Row]:
    """What the first load takes over slow 3G, and of how much it consists."""
    waits, sizes, requests = [], [], []
    for _ in range(LOADS):
        async with _page(browser) as page:
            devtools = await page.context.new_cdp_session(page)
            await devtools.send("Network.enable")
            await devtools.send("Network.emulateNetworkConditions", SLOW_3G)
            received: list[float] = []
            devtools.on("Network.loadingFinished", lambda event, all=received: all.append(event["encodedDataLength"]))
            await page.goto(server.url, wait_until="commit")
            waits.append(await page.evaluate(USABLE, False))
            sizes.append(sum(received) / 1000)
            requests.append(len(received))
    return [
        ("ms until the page can be used over slow 3G", "3,000", statistics.median(waits), ""),
        ("kB received until then", "200", statistics.median(sizes), ""),
        ("requests until then", "25", statistics.median(requests), ""),
    ]


async def _usable(server: DrivenServer, browser: Browser, *, lines: bool) -> float:
    """How long a page takes from being asked for to showing the state and the newest lines, in ms."""
    async with _page(browser) as page:
        await page.goto(f"{server.url}{LOG}", wait_until="commit")
        took: float = await page.evaluate(USABLE, lines)
    return took


async def _long_log(server: DrivenServer, empty: DrivenServer, browser: Browser) -> list[Row]:
    await _emit(server, MANY)
    noises: list[str] = []
    async with noise(server.root, noises):
        # By turns, so that both run under the same load.
        pairs = [
            (await _usable(server, browser, lines=True), await _usable(empty, browser, lines=False))
            for _ in range(LOADS)
        ]
    usable = statistics.median(long for long, _ in pairs)
    ratio = statistics.median(long / short for long, short in pairs)
    async with _opened(server, browser) as (page, _), noise(server.root, noises):
        await page.get_by_label("Search the log").fill("what was never logged")
        await expect(page.locator("#log-count")).to_have_text("0 matches in the whole log", timeout=WAIT_MS)
        await page.get_by_label("Search the log").fill("")
        await expect(page.locator("#log-count")).to_contain_text("lines since", timeout=WAIT_MS)
        fetching = await _longest(page)
        scrolling = []
        for _ in range(ROUNDS):
            await page.evaluate(SCROLL, SCROLL_STEPS)
            scrolling.append(await _longest(page))
        rows = await page.locator(".log-row").count()
    return [
        (f"ms until the page of a log of {MANY:,} events can be used", "1,000", usable, noises[0]),
        ("times as long as the page of an empty log", "", ratio, ""),
        ("ms of the longest task while all of them are fetched and searched", "100", fetching, noises[1]),
        ("ms of the longest task while scrolling through them", "50", ", ".join(scrolling), noises[1]),
        ("rows in the document", "", rows, ""),
    ]


async def _flood(server: DrivenServer, browser: Browser) -> list[Row]:
    noises: list[str] = []
    async with _opened(server, browser) as (page, devtools), noise(server.root, noises):
        await _emit(server, 3 * RATE)
        await _settled(page, server)
        before, began, busy = await _heap(devtools), time.monotonic(), []
        for round_ in range(ROUNDS):
            for piece in range(PIECES):
                await server.emit(int(RATE * SLICE_S), wait=False)
                await asyncio.sleep(max(0.0, began + (round_ * PIECES + piece + 1) * SLICE_S - time.monotonic()))
            busy.append(await _longest(page))
        took = time.monotonic() - began
        await _settled(page, server)
        kept = (await _heap(devtools) - before) / MIB
    sent = ROUNDS * PIECES * int(RATE * SLICE_S)
    pace = f"each {FLOOD_S} s of {sent / took:,.0f} events/s"
    return [
        (f"ms of the longest task, {pace}", "100", ", ".join(busy), noises[0]),
        (f"MiB kept of these {sent:,} lines", "", kept, ""),
    ]


async def _day(server: DrivenServer, browser: Browser) -> list[Row]:
    async with _opened(server, browser) as (page, devtools):
        heaps = []
        for _ in range(5):
            await _emit(server, DAY // 5)
            await _settled(page, server)
            heaps.append(await _heap(devtools) / MIB)
        words = ", ".join(f"{heap:.0f}" for heap in heaps)
        return [(f"MiB of the page after every fifth of {DAY:,} events", "200", words, "")]


@asynccontextmanager
async def _opened(server: DrivenServer, browser: Browser) -> AsyncIterator[tuple[Page, CDPSession]]:
    """A page that is connected and shows the newest line of the log."""
    async with _page(browser) as page:
        await page.add_init_script(WATCH)
        await page.goto(f"{server.url}{LOG}")
        await page.evaluate(USABLE, True)
        await _longest(page)  # those of opening it are in the time that opening takes
        yield page, await page.context.new_cdp_session(page)


@asynccontextmanager
async def _page(browser: Browser) -> AsyncIterator[Page]:
    """A page of a visitor who has never been here."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    yield await context.new_page()
    await context.close()


async def _emit(server: DrivenServer, count: int) -> None:
    for _ in range(count // AT_ONCE):
        await server.emit(AT_ONCE, 60)


async def _settled(page: Page, server: DrivenServer) -> None:
    """Wait until the page shows the newest event."""
    seq = (await server.get("healthz"))["seq"]
    await expect(page.locator(f"#line-{seq}")).to_be_visible(timeout=WAIT_MS)


async def _longest(page: Page) -> str:
    """The longest of the page's long tasks since the last time, in ms."""
    received: list[int] = await page.evaluate("window.busy.splice(0)")
    return str(max(received, default="< 50"))


async def _heap(devtools: CDPSession) -> float:
    """Bytes of JavaScript objects that are still needed."""
    await devtools.send("HeapProfiler.collectGarbage")
    usage: dict[str, float] = await devtools.send("Runtime.getHeapUsage")
    return usage["usedSize"] + usage.get("embedderHeapUsedSize", 0) + usage.get("backingStorageSize", 0)
