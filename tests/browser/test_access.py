"""Readers, phones and messages in a real browser: what each sees, how a phone is paired, and that it ends at once."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.base.test_qr import decoded

from .conftest import PATIENCE_MS, PageServer, Watch
from .test_touch import SMALL, TARGET_PX, finger

pytestmark = pytest.mark.browser

TOKEN = "t" * 20
TABS = ("run", "board", "timeline", "history", "insights", "settings")
QUESTION = {"dev-story": ["question:Which colour?", "ok"]}
# The middles of what is to be pressed, as parts of the height of the window.
HEIGHTS = """(selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility())
  .map((one) => one.getBoundingClientRect()).map((box) => (box.top + box.bottom) / 2 / innerHeight)"""
WIDER = "document.documentElement.scrollWidth > innerWidth"
NOTIFICATIONS = """async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  return Object.fromEntries((await registration.getNotifications()).map(({ title, body }) => [title, body]));
}"""
# A browser that has no push service: what a page is given is made up, all else is the browser's own.
SUBSCRIBES = """
let made = null;
const keys = { p256dh: "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
  auth: "tBHItJI5svbpez7KI4CCXg" };
PushManager.prototype.getSubscription = async () => made;
PushManager.prototype.subscribe = async (options) => {
  window.subscribedWith = options;
  const endpoint = "https://push.invalid/1";
  made = { endpoint, toJSON: () => ({ endpoint, keys }), unsubscribe: async () => { made = null; return true; } };
  return made;
};
"""

AGAIN_S = 5.0  # until a message that is not shown is delivered again


class GuardedServer(PageServer):
    """The demo with a token, which phones reach under another name of this machine."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "20", QUESTION)
        port = self._command[self._command.index("--port") + 1]
        self.phone = f"http://phone.localhost:{port}"
        self.environment |= {
            "SPRINT_RUNNER_TOKEN": TOKEN,
            "SPRINT_RUNNER_PUBLIC_URL": self.phone,
            "SPRINT_RUNNER_GATES": "[plan]",
        }


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedServer]:
    server = GuardedServer(tmp_path_factory.mktemp("guarded"))
    server.start()
    yield server
    server.close()


@pytest.fixture
def settings(context: BrowserContext, guarded: GuardedServer) -> Page:
    """The operator's page, at Settings."""
    page = context.new_page()
    page.goto(f"{guarded.url}?token={TOKEN}#settings?topic=access")
    expect(page.get_by_role("button", name="Pair a phone")).to_be_visible()
    return page


def show_code(settings: Page) -> str:
    """Press the button, and read what the drawn code says."""
    settings.get_by_role("button", name="Pair a phone").click()
    code = settings.locator("svg.qr")
    expect(code).to_be_visible()
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)", code.locator("path").get_attribute("d") or "")}
    size = max(x for x, _ in dark) + 1
    found, _ = decoded([[(x, y) in dark for x in range(size)] for y in range(size)])
    assert found.decode() == settings.locator(".access-shown code").text_content()
    return found.decode()


def test_a_reader_sees_every_tab_and_no_verb(
    browser: Browser, settings: Page, guarded: GuardedServer, watch: Watch
) -> None:
    settings.get_by_role("button", name="Make a reader").click()
    link = settings.locator(".access-shown input").input_value().replace(guarded.phone + "/", guarded.url)
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = context.new_page()
    watch.follow(page)
    page.goto(link)
    expect(page.locator("#link")).to_have_attribute("data-kind", "live")
    assert "token" not in page.url
    for tab in TABS:
        page.goto(f"{guarded.url}#{tab}")
        expect(page.locator(f"#tab-{tab}")).to_be_visible()
        expect(page.locator(f"#tab-{tab}")).not_to_be_empty()
        assert page.locator("[data-verb]:visible").count() == 0
    assert page.locator(".setting :is(input, select):visible").count() == 0
    page.get_by_role("link", name="Access").click()
    expect(page.locator(".access-note:visible")).to_contain_text("as a reader, who can change nothing")
    assert page.locator(".setting :is(input, select):visible").count() == 0
    page.goto(f"{guarded.url}#board?story=1-1-friendly-dates")
    page.get_by_role("dialog").get_by_role("tab", name="Story").click()
    expect(page.get_by_role("dialog")).to_contain_text("As a birdwatcher")
    assert page.locator("[data-verb]:visible, dialog textarea:visible").count() == 0
    watch.allow(r"401 \(Unauthorized\)")
    settings.get_by_role("button", name="Revoke Link of").click()
    expect(page.get_by_role("heading", name="No access")).to_be_visible()
    context.close()


def test_a_phone_is_paired_and_decides_with_the_thumb(
    browser: Browser, settings: Page, guarded: GuardedServer, watch: Watch
) -> None:
    with finger(browser) as context:
        phone = context.new_page()
        watch.follow(phone)
        phone.goto(show_code(settings))
        phone.get_by_label("Name of this device").fill("My phone")
        assert phone.evaluate(HEIGHTS, "button")[0] > 0.6
        phone.get_by_role("button", name="Pair this device").tap()
        expect(phone.locator("#link")).to_have_attribute("data-kind", "live")
        expect(settings.get_by_label("Devices and links")).to_contain_text("My phone")
        expect(settings.locator("svg.qr")).to_have_count(0)
        phone.locator("#start").tap()
        expect(phone.locator(".gate .decisions")).to_be_visible()
        check_reach(phone, ".gate .decisions .button", "#stop")
        phone.get_by_role("button", name="Continue", exact=True).first.tap()
        expect(phone.get_by_label("Answer to:")).to_be_visible()
        expect(phone.locator("#resume")).to_be_visible()
        check_reach(phone, "#attention .answer .button", "#resume", "#stop")
        phone.get_by_label("Answer to:").fill("Red")
        phone.get_by_role("button", name="Send answer").tap()
        expect(phone.get_by_label("Answer to:")).to_have_count(0)
        watch.allow(r"401 \(Unauthorized\)")
        settings.get_by_role("button", name="Revoke My phone").click()
        expect(phone.get_by_role("heading", name="No access")).to_be_visible()


def check_reach(phone: Page, *selectors: str) -> None:
    """What is to be pressed is large, below the upper third of the window, and nothing is wider than the window."""
    for selector in selectors:
        heights = phone.evaluate(HEIGHTS, selector)
        assert heights, selector
        assert all(1 / 3 < height < 1 for height in heights), (selector, heights)
    assert phone.evaluate(SMALL, TARGET_PX) == []
    assert phone.evaluate(WIDER) is False


def test_messages_are_switched_on_shown_and_switched_off(
    context: BrowserContext, settings: Page, guarded: GuardedServer, watch: Watch
) -> None:
    context.add_init_script(SUBSCRIBES)
    context.grant_permissions(["notifications"], origin=guarded.url.rstrip("/"))
    settings.reload()
    settings.get_by_role("link", name="Notifications").click()
    settings.get_by_role("button", name="Send messages to this device").click()
    devices = settings.get_by_label("Devices that get messages")
    expect(devices.get_by_role("listitem")).to_have_count(1)
    options = settings.evaluate("({ ...window.subscribedWith })")
    assert (options["userVisibleOnly"], len(options["applicationServerKey"])) == (True, 87)
    shown = {"Perch": "A gate waits for your decision."}
    push_until(context, settings, '{"title": "Perch", "body": "A gate waits for your decision.", "tag": "x-1"}', shown)
    push_until(context, settings, "no message at all", shown | {"Sprint Runner": ""})
    watch.allow(r"409 \(Conflict\)")
    devices.get_by_role("button", name="Send a test").click()
    expect(settings.locator(".toasts")).to_contain_text("the test was not sent")
    settings.get_by_role("button", name="Send no more to this device").click()
    expect(devices.get_by_role("listitem")).to_have_count(0)


def push(context: BrowserContext, page: Page, data: str) -> None:
    """Deliver a message to the worker, as the browser does when its push service has one."""
    session = context.new_cdp_session(page)
    found: list[str] = []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(ids_of(event)))
    session.send("ServiceWorker.enable")
    while not found:
        page.wait_for_timeout(50)
    origin = page.url.partition("/#")[0]
    session.send("ServiceWorker.deliverPushMessage", {"origin": origin, "registrationId": found[0], "data": data})
    session.detach()


def ids_of(event: dict[str, Any]) -> list[str]:
    return [one["registrationId"] for one in event["registrations"] if not one["isDeleted"]]


def push_until(context: BrowserContext, page: Page, data: str, texts: dict[str, str]) -> None:
    """Deliver a message until exactly these notifications are shown, by their titles.

    A browser that is busy may drop what the developer tools deliver to a worker that starts just then. By `evaluate`,
    because `wait_for_function` does not await what an async function returns.
    """
    ends = time.monotonic() + PATIENCE_MS / 1000
    again = 0.0
    while (shown := page.evaluate(NOTIFICATIONS)) != texts:
        assert time.monotonic() < ends, shown
        if time.monotonic() > again:
            push(context, page, data)
            again = time.monotonic() + AGAIN_S
        page.wait_for_timeout(50)


def test_the_page_can_be_installed(context: BrowserContext, settings: Page) -> None:
    session = context.new_cdp_session(settings)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/app/manifest.webmanifest")
    about = json.loads(manifest["data"])
    assert about["display"] == "standalone"
    start = urljoin(manifest["url"], about["start_url"])
    assert start.startswith(urljoin(manifest["url"], about.get("scope", ".")))
    response = settings.request.get(start)
    assert response.ok
    assert "Sprint Runner" in response.text()
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in errors] == ["in-incognito"]  # every context of a test is
