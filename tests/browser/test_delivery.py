"""Finished work on its way to a forge, with the whole server: refused, tried again, red, killed, mended, merged."""

from __future__ import annotations

import json
import signal
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from cli.remote_text import needs_of, needs_text, status_text
from tests.running.delivery.forge import URL
from tests.running.delivery.forges import WITH_REQUESTS, Forge, git

from .conftest import PageServer, Watch, picture, visit
from .test_axe import axe, in_both_schemes
from .test_dossier import part
from .test_preview import fits
from .test_run import BATCH_MS, headline
from .test_touch import SMALL, TARGET_PX, finger

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

KEY = "1-1-friendly-dates"
REFUSED = "log in first"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PageServer]:
    settings = {**WITH_REQUESTS, "deliver_base": "main", "checks_interval_s": 1.0}
    running = PageServer(tmp_path, "max")
    running.environment |= {f"SPRINT_RUNNER_{name.upper()}": str(value) for name, value in settings.items()}
    running.environment["FORGE"] = str(tmp_path / "forge")
    yield running.start()
    running.close()


def words(server: PageServer) -> str:
    """What the verbs status and needs print."""
    run, sprint = server.ask("api/run"), server.ask("api/sprint")
    needs = needs_of(run, sprint)
    return f"{status_text(run, needs, server.ask('api/deliveries')['deliveries'])}\n{needs_text(needs)}"


def test_red_mended_green_merged(
    server: PageServer, context: BrowserContext, browser: Browser, watch: Watch, axe: str, tmp_path: Path
) -> None:
    watch.allow("ERR_|WebSocket")  # while the server is down
    forge = Forge.make(tmp_path / "forge", server.root, red=1, fail={"create": REFUSED})
    page = visit(context, server, "run")
    server.ask("api/run/start", {"stories": [KEY], "batch_size": 1})
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)
    warnings = server.ask("api/events?type=batch:warning")["events"]
    assert any("committed on main here as well" in event["payload"]["message"] for event in warnings)
    item = page.locator("#attention-list li[data-kind=delivery]")
    expect(item).to_contain_text(f"the request of deliver/{KEY} was not made: {REFUSED}")
    assert f"delivery: {KEY}: waits for you" in words(server)
    assert "sprint-runner answer delivery-1 retry|stop" in words(server)
    picture(page, "delivery-needs-you")
    forge.plan(red=1)
    item.get_by_role("button", name="Try again").press("Enter")
    expect(page.locator(".toast").last).to_contain_text("The delivery is tried again.")
    expect(item).to_contain_text("the checks failed. The next batch mends it: start one")

    server.end(signal.SIGKILL)
    server.start()
    page.goto(f"{server.url}#board")
    card = page.locator(f".card[data-key='{KEY}']")
    expect(card).to_contain_text("Delivery: to be mended, checks red.")
    server.ask("api/run/start", {"stories": [KEY], "batch_size": 1})
    expect(card).to_contain_text("Delivery: merged, round 1.", timeout=BATCH_MS)
    expect(card).not_to_contain_text("The story file says")
    assert len(forge.requests()) == len(forge.calls("merge")) == 1
    assert forge.log("main")[1] == f"fix(1): mend {KEY}, round 1"
    assert git(server.root, "status", "--porcelain") == ""
    picture(page, "delivery-board")

    page.goto(f"{server.url}#board?story={KEY}")
    delivered = part(page, "Where it was delivered")
    expect(delivered).to_contain_text(f"deliver/{KEY} for main at origin: merged, round 1")
    link = delivered.get_by_role("link", name=f"{URL}1")
    expect(link).to_have_attribute("target", "_blank")
    delivered.evaluate("el => el.scrollIntoView()")
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, "delivery-dossier")
    with finger(browser) as phone:
        small = visit(phone, server, f"board?story={KEY}")
        expect(small.locator(".dossier-body")).to_contain_text(URL)
        part(small, "Where it was delivered").evaluate("el => el.scrollIntoView()")
        assert fits(small)
        assert small.evaluate(SMALL, TARGET_PX) == []
        picture(small, "delivery-dossier-360")
    page.goto(f"{server.url}#settings?topic=delivery")
    expect(page.get_by_role("heading", name="Commits and delivery")).to_be_visible()

    for number, fields, status, message in (
        (9, {"decision": "retry"}, 404, "there is no delivery 9"),
        (1, {"decision": "retry"}, 409, f"the delivery of {KEY} is at its end: merged, round 1"),
        (1, {"decision": "force"}, 400, "decision: must be one of retry, stop"),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            server.ask(f"api/deliveries/{number}", fields)
        assert refused.value.code == status
        assert json.load(refused.value)["error"]["message"] == message
