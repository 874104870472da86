"""Running batches from the page: start, watch, pause, stop, continue."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import PageServer, Watch, picture, visit

pytestmark = pytest.mark.browser

BATCH_MS = 120_000  # a batch of all stories on a busy machine
UNDER_WAY = re.compile("^(Running|Paused|Waiting|Finished|Stopped|Failed)")


def headline(page: Page) -> Any:
    return expect(page.locator("#headline-words"))


def start(page: Page, cycles: int | None = None) -> None:
    if cycles is None:
        page.get_by_label("All stories", exact=True).check()
    else:
        page.get_by_label("Number of groups").fill(str(cycles))
    page.get_by_role("button", name="Start").click()
    # Where the page is slow, what a run comes to first may be a pause or a wait.
    headline(page).to_have_text(UNDER_WAY)


def answer(page: Page, server: PageServer, path: str) -> Any:
    return json.loads(page.request.get(f"{server.url}{path}").text())


def events(page: Page, server: PageServer, kind: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = answer(page, server, f"api/events?limit=10000&type={kind}")["events"]
    return shown


def test_a_batch_of_all_stories_is_shown_from_start_to_end(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch
) -> None:
    server = serve("max")
    page = visit(context, server)
    headline(page).to_have_text("Ready: 7 stories to run")
    picture(page, "ready")
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Budget in US dollars").fill("10")
    start(page)
    expect(page.locator("#tile-cost-note")).to_have_text(re.compile(r"^of \$10\.00 \(\d+ %\)$"))
    expect(page.locator(".step[data-result=running]").first).to_be_visible()
    expect(page.locator(".step[data-result=next]").first).to_be_visible()
    expect(page.locator(".output-view .entry").first).to_be_visible()
    expect(page.locator(".step[data-result=success]").nth(6)).to_be_attached(timeout=BATCH_MS)
    picture(page, "running")
    headline(page).to_have_text("Finished: 6 done, 1 blocked", timeout=BATCH_MS)

    run = answer(page, server, "api/run")
    expect(page.locator("#tile-cost")).to_have_text(f"${run['totals']['cost_usd']:.2f}")
    expect(page.locator(".step[data-result=running]")).to_have_count(0)
    the_output_of_a_step_is_chosen(page)
    page.get_by_role("tab", name="Log").click()
    expect(page.locator("#attention-list li")).to_have_count(len(run["attention"]))
    expect(page.locator("#log-count")).to_contain_text(f"{run['seq']:,} lines")
    expect(page.locator(".log-row").filter(has_text="Batch 1 completed")).to_be_visible()
    expect(page.locator("#log-latest")).to_be_hidden()
    picture(page, "finished")

    the_board_agrees(page, answer(page, server, "api/sprint"))
    the_timeline_agrees(page, answer(page, server, "api/commands")["total"])
    the_history_replays_it(page, run)
    a_start_with_nothing_to_do_is_refused_in_place(page, watch)


def the_output_of_a_step_is_chosen(page: Page) -> None:
    """By keys: a story opens to its steps, a step to its output."""
    story = page.locator(".story", has_text="Correct a sighting")
    story.locator("summary").focus()
    page.keyboard.press("Enter")
    step = story.locator("button.step-open", has_text="dev").first
    step.focus()
    page.keyboard.press("Enter")
    expect(step).to_have_attribute("aria-current", "true")
    expect(page.locator("#output-name")).to_have_text("dev1-2")
    expect(page.get_by_role("region", name="Output of dev")).to_contain_text("tests")
    expect(page.get_by_role("button", name="Replay batch 1")).to_be_visible()


def the_board_agrees(page: Page, sprint: dict[str, Any]) -> None:
    page.get_by_role("link", name="Board").click()
    expect(page.locator("#board-counts")).to_have_text("6 of 7 stories done, 1 blocked")
    page.locator(".epic-fold[aria-expanded=false]").click()  # of the epic that is done
    for status in ("backlog", "review", "done", "blocked"):
        there = sum(story["status"] == status for story in sprint["stories"])
        expect(page.locator(f".column[data-status={status}] .card")).to_have_count(there)
    picture(page, "board")


def the_timeline_agrees(page: Page, commands: int) -> None:
    page.get_by_role("link", name="Timeline").click()
    page.get_by_text("As a table").click()
    expect(page.locator("#chart-table-rows tr")).to_have_count(commands)
    picture(page, "timeline")


def the_history_replays_it(page: Page, run: dict[str, Any]) -> None:
    page.get_by_role("link", name="History").click()
    expect(page.locator("#batches tr")).to_have_count(1)
    expect(page.locator("#batches tr")).to_contain_text("6 of 7 stories done, 1 blocked")
    page.locator("#batches").get_by_role("button", name="Replay batch 1").click()
    expect(page.get_by_role("button", name="Pause the replay")).to_be_visible()
    place = page.get_by_label("Place in the batch")
    place.fill("60")
    headline(page).to_have_text(re.compile("^Running . 0 of 7 stories done$"))
    expect(page.locator("#log-count")).to_contain_text("60 lines")
    expect(page.get_by_role("button", name="Start")).to_be_hidden()
    picture(page, "replay")
    place.fill(str(run["seq"]))
    headline(page).to_have_text("Finished: 6 done, 1 blocked")
    expect(page.locator("#tile-cost")).to_have_text(f"${run['totals']['cost_usd']:.2f}")
    page.get_by_role("button", name="Back to now").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()


def a_start_with_nothing_to_do_is_refused_in_place(page: Page, watch: Watch) -> None:
    watch.allow("409")
    page.get_by_role("link", name="Run").click()
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#refusal")).to_contain_text("no story can run")
    headline(page).to_have_text("Finished: 6 done, 1 blocked")


def test_a_batch_that_was_stopped_goes_on_at_the_same_place(page: Page, server: PageServer) -> None:
    start(page)
    expect(page.locator("button.step-open", has_text="dev").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="After the current command").click()
    headline(page).to_have_text(re.compile("^Stopped"))
    expect(page.locator("#status-facts")).to_contain_text("Start continues at the same place")
    done = {(e["payload"]["story_key"], e["payload"]["command"]) for e in events(page, server, "command:end")}

    start(page, cycles=1)
    headline(page).to_have_text(re.compile("^Finished: 2 done"), timeout=BATCH_MS)
    again = events(page, server, "command:start")[len(done) :]
    the_next_batch_says_what_is_left(page)
    assert not done & {(event["payload"]["story_key"], event["payload"]["command"]) for event in again}


def the_next_batch_says_what_is_left(page: Page) -> None:
    """Before its start and while it runs: cost and time; History has what was expected, and what money went for."""
    expect(page.locator("#start-forecast")).to_have_text(re.compile(r"^\d+ stor.*\$\d.* done .*the demo usually takes"))
    start(page)
    expect(page.locator("#run-forecast")).to_have_text(re.compile(r"^What is left: \d+ stor.*\$\d.* done "))
    page.get_by_role("link", name="History", exact=True).click()
    page.locator("[aria-controls=batch-2]").click()
    expect(page.locator("#batch-2")).to_contain_text("Expected at its start: ")
    page.locator("#batch-2").get_by_text("What the money went for").click()
    expect(page.locator("#batch-2 tbody th").first).to_be_visible()
    page.get_by_role("link", name="Run", exact=True).click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name=re.compile("^Now")).click()
    headline(page).to_have_text(re.compile("^Stopped"))


def test_stop_now_ends_the_agent_and_its_command_runs_again(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    server = serve("0.5")
    page = visit(context, server)
    start(page)
    expect(page.locator(".step-line", has_text=re.compile(r"\w+ \w+")).first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name=re.compile("^Now")).click()
    headline(page).to_have_text(re.compile("^Stopped"))
    expect(page.locator(".step[data-result=running]")).to_have_count(0)
    expect(page.locator(".step[data-result=stopped]").first).to_be_attached()
    stopped = {
        e["payload"]["command"] for e in events(page, server, "command:end") if e["payload"]["status"] == "stopped"
    }
    assert stopped

    start(page)
    expect(page.locator(".step[data-result=running]").first).to_be_visible()
    again = {event["payload"]["command"] for event in events(page, server, "command:start") if event["batch_id"] == 2}
    assert again & stopped
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name=re.compile("^Now")).click()
    headline(page).to_have_text(re.compile("^Stopped"))


def test_a_pause_holds_until_resume(page: Page) -> None:
    start(page, cycles=1)
    page.get_by_role("button", name="Pause").click()
    headline(page).to_have_text("Paused by you")
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    expect(page.locator("#now-empty")).to_contain_text("Nothing runs until you press Resume")
    picture(page, "paused")
    page.get_by_role("button", name="Resume").click()
    headline(page).to_have_text(re.compile("^Finished: 2 done"), timeout=BATCH_MS)


def test_a_wrong_number_of_cycles_is_refused_in_words(context: BrowserContext, idle: PageServer) -> None:
    page = visit(context, idle)
    page.get_by_label("Number of groups").fill("2000")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#cycles-wrong")).to_have_text(re.compile("whole number from 1 to 1000"))
    expect(page.locator("#cycles:focus")).to_have_attribute("aria-invalid", "true")
    headline(page).to_have_text(re.compile("^Ready"))
