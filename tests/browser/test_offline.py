"""Tests of a disconnected page: a hanging server, ten minutes offline, a sleeping machine."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from .conftest import PageServer, Watch, picture, visit
from .test_run import answer, headline, start

pytestmark = pytest.mark.browser

REFUSED = "ERR_CONNECTION_REFUSED|WebSocket connection to|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_TIMED_OUT"
TEN_MINUTES = "10:00"
# With the day in front when midnight has passed meanwhile.
OFFLINE = re.compile(r"^Offline since (\d{1,2} \w{3} \d{4} )?\d\d:\d\d, reconnecting")


def test_ten_minutes_without_a_server(context: BrowserContext, serve: Callable[..., PageServer], watch: Watch) -> None:
    watch.allow(REFUSED)
    server = serve("max")
    page = visit(context, server, "run?pane=log")
    page.clock.install()
    start(page, cycles=1)
    expect(page.locator(".step[data-result=running]").first).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    headline(page).to_have_text("Paused by you")
    lines, time = page.locator("#log-count").inner_text(), page.locator("#tile-time")

    server.end(signal.SIGKILL)
    expect(page.locator("#link")).to_have_text(re.compile("[Rr]econnecting"))
    page.clock.run_for(2_000)
    stood = time.inner_text()
    page.clock.fast_forward(TEN_MINUTES)
    expect(page.locator("#link")).to_have_text(OFFLINE)
    expect(page.locator("#old-words")).to_have_text(
        re.compile(r"^Not connected\. What you see is as of .* may be old\.$")
    )
    expect(page).to_have_title(re.compile("^Offline"))
    expect(page.locator("#favicon")).to_have_attribute("data-sign", "offline")
    expect(page.get_by_role("button", name="Resume")).to_be_hidden()
    assert time.inner_text() == stood, "the time of the run continues although it is unknown whether the run does"
    picture(page, "offline")

    server.start()
    page.locator("#link").click()
    expect(page.locator("#link")).to_have_text("Live")
    expect(page.locator("#old-note")).to_be_hidden()
    headline(page).to_have_text("Paused by you")
    back = page.locator("#log-count").inner_text()  # a line more where a story's file was seen late
    assert int(back.split()[0]) >= int(lines.split()[0])
    assert answer(page, server, "api/run")["state"] == "paused"
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_a_server_that_hangs_is_found_out_and_a_sleep_is_not_taken_for_it(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch
) -> None:
    watch.allow(REFUSED)
    server = serve("max")
    page = visit(context, server)
    page.clock.install()
    page.clock.fast_forward("08:00:00")
    expect(page.locator("#link")).to_have_text("Live")
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        for _ in range(8):
            page.clock.run_for(5_000)
        expect(page.locator("#link")).not_to_have_text("Live")
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    for _ in range(4):
        page.clock.run_for(5_000)
    expect(page.locator("#link")).to_have_text("Live")
