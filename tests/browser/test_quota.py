"""Usage windows, a list of agents and a reserve: the gauge, their settings, a run that goes to the next account."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Page, expect

from store.quota import QuotaWindow, add_window
from store.schema import migrate
from tests import servers
from tests.running.projects import make_project

from .conftest import ROOT, PageServer, picture, visit
from .test_axe import axe, in_both_schemes
from .test_run import BATCH_MS, headline
from .test_settings import setting
from .test_touch import SMALL, TARGET_PX, finger

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

HOUR_MS = 3_600_000
USED = (("agent.py", "5 h", 0.75, 2.25), ("agent.py", "week", 0.31, 90), ("agent.py /second", "5 h", 0.08, 4.5))


class TwoAccounts(PageServer):
    """A project with two agents of different accounts, whose windows an earlier server has noted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "max")
        self.root = make_project(folder / "tiny", {"1-1-tea": "in-progress", "1-2-cup": "backlog"})
        servers.Server.__init__(self, [str(self.root), "--port", "0", "--data-dir", str(self.data)], folder)
        call = [sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"]
        agent = {"kind": "claude", "command": call, "model": "sonnet", "light_model": "haiku"}
        second = {**agent, "env": {"CLAUDE_CONFIG_DIR": "/second"}}
        settings = {"agent": "first", "agents": {"first": agent, "second": second}}
        (self.root / "sprint-runner.yaml").write_text(yaml.safe_dump(settings))
        self._note()

    def _note(self) -> None:
        self.data.mkdir()
        now = int(time.time() * 1000)
        with closing(sqlite3.connect(self.data / "sprint-runner.db", isolation_level=None)) as connection:
            migrate(connection)
            for account, name, used, hours in USED:
                for share, ago in ((used / 3, 1.5), (used, 0.2)):
                    at = now - int(ago * HOUR_MS)
                    resets = now + int(hours * HOUR_MS)
                    row = QuotaWindow(account=account, window=name, used_fraction=share, resets_at=resets, at=at)
                    add_window(connection, row)


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[TwoAccounts]:
    made = TwoAccounts(tmp_path)
    made.start()
    yield made
    made.close()


def settings_page(context: BrowserContext, accounts: TwoAccounts) -> Page:
    """The settings as they are saved by hand: a second agent, and a reserve."""
    page = visit(context, accounts, "settings")
    row = setting(page, "agent")
    expect(row.get_by_label("Agent", exact=True)).to_have_value("first")
    row.get_by_label("While those before it wait: agent 2").select_option("second")
    expect(row.get_by_label("While those before it wait: agent 2")).to_be_focused()
    page.goto(f"{accounts.url}#settings?topic=limits")
    reserve = page.get_by_role("textbox", name="Reserve of a usage window, percent")
    reserve.fill("5 h: 30")
    page.goto(f"{accounts.url}#settings?topic=agents")
    return page


def test_a_reserve_lets_the_next_account_work(context: BrowserContext, accounts: TwoAccounts, axe: str) -> None:
    page = visit(context, accounts)
    gauge = page.locator("#quota .gauge")
    expect(gauge.first).to_contain_text("75 %, resets in 2 h")
    expect(gauge.last).to_contain_text("31 %, resets in 4 days")
    everything = page.locator("#quota-all")
    expect(everything.get_by_role("listitem")).to_have_count(3)
    expect(everything).to_contain_text("agent.py /second")
    expect(everything.get_by_role("progressbar", name="agent.py /second, 5 h: used")).to_be_visible()
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, "quota-dark-1280")
    page.emulate_media(color_scheme="light")
    picture(page, "quota-1280")
    page.close()
    page = settings_page(context, accounts)
    setting(page, "agent").scroll_into_view_if_needed()
    picture(page, "agent-order-1280")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast").last).to_contain_text("Saved")
    written = yaml.safe_load((accounts.root / "sprint-runner.yaml").read_text())
    assert (written["agent"], written["reserve_percent"]) == (["first", "second"], "5 h: 30")
    accounts.ask("api/run/start", {"stories": ["1-1-tea"], "batch_size": 1})
    page.get_by_role("link", name="Run", exact=True).click()
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)
    commands = accounts.ask("api/stories/1-1-tea")["commands"]
    assert {command["agent"] for command in commands} - {"runner"} == {"second"}
    page.goto(f"{accounts.url}#board?story=1-1-tea")
    reason = "second takes over from first, which waits: 75% of the 5 h window is used, and 30% is reserved"
    expect(page.locator(".command-facts").first).to_contain_text(reason)
    page.goto(f"{accounts.url}#insights")
    panel = page.locator('[data-panel="quota-agent-py-5-h"]')
    expect(panel.get_by_role("heading")).to_have_text("Usage window: agent.py, 5 h")
    panel.get_by_role("button", name="Table: Usage window: agent.py, 5 h").click()
    expect(panel.get_by_role("row")).to_have_count(3)
    panel.get_by_role("button", name="Table: Usage window: agent.py, 5 h").click()
    expect(panel.get_by_role("img", name="agent.py, 5 h: 75 % is used.")).to_be_visible()
    panel.scroll_into_view_if_needed()
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, "quota-history-1280")
    page.close()  # before its server ends


def test_gauge_and_settings_fit_a_phone(browser: Browser, accounts: TwoAccounts) -> None:
    with finger(browser) as context:
        page = visit(context, accounts)
        expect(page.locator("#quota .gauge").first).to_contain_text("75 %")
        picture(page, "quota-360")
        page.locator("#quota-title").scroll_into_view_if_needed()
        picture(page, "quota-all-360")
        page.emulate_media(color_scheme="dark")
        picture(page, "quota-all-dark-360")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.close()
        page = settings_page(context, accounts)
        setting(page, "agent").scroll_into_view_if_needed()
        picture(page, "agent-order-360")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate(SMALL, TARGET_PX) == []
