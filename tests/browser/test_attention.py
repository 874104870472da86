"""Tests of the attention list: on top of the page, with an action each, in the tab's title and on the desktop."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import PageServer, Watch, picture, visit
from .test_run import BATCH_MS, answer, headline, start

pytestmark = pytest.mark.browser

QUESTION = "Which timezone do dates without one mean?"
LAST_MINUTE = re.compile(r"\(in \d\d? s\)\.?$")
# Notes that would be on the desktop are kept in the page instead: a headless browser shows none.
KEPT_NOTES = """
  window.notes = [];
  window.Notification = class extends EventTarget {
    static permission = "default";
    static async requestPermission() { return (window.Notification.permission = "granted"); }
    constructor(title, options) { super(); window.notes.push(`${title}: ${options.body}`); }
  };
  Object.defineProperty(document, "hasFocus", { value: () => false });
  Object.defineProperty(document, "hidden", { get: () => window.away === true });
"""


def sign(page: Page) -> str | None:
    return page.locator("#favicon").get_attribute("data-sign")


def test_a_question_is_answered_in_place_and_notified_on_the_desktop(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    script = {"dev-story": {"1-1-friendly-dates": [f"question:{QUESTION}", "ok"]}}
    server = serve("max", script)
    context.add_init_script(KEPT_NOTES)
    page = visit(context, server)
    notify = page.get_by_role("button", name="Desktop notifications")
    expect(notify).to_have_attribute("aria-pressed", "false")
    notify.click()
    expect(notify).to_have_attribute("aria-pressed", "true")
    page.evaluate("window.away = true")
    start(page, cycles=1)

    headline(page).to_have_text("Paused: the agent waits for your answer", timeout=BATCH_MS)
    expect(page.locator("#attention")).to_contain_text(QUESTION)
    expect(page.locator("#resume")).to_have_text("Let the agent decide")
    expect(page.locator("#resume")).not_to_have_class(re.compile(r"\bprimary\b"))
    expect(page.locator("#attention").get_by_role("group", name="Answers").get_by_role("button")).to_have_text(
        ["Yes", "No"]
    )
    expect(page).to_have_title(re.compile(r"^\(1\) ‖ "))
    assert sign(page) == "need"
    notes: list[str] = page.evaluate("window.notes")
    assert len(notes) == 1
    assert re.match(rf"The agent asks · Perch: .*{re.escape(QUESTION)}", notes[0])
    picture(page, "question")

    page.get_by_role("button", name="Send answer").click()
    expect(page.locator("#attention")).to_contain_text("Write an answer first.")
    field = page.get_by_label(re.compile("^Answer to: "))
    field.fill("The observer's own.")
    page.reload()
    field.fill("The observer's own.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator("#attention .answer")).to_have_count(0)
    headline(page).to_have_text(re.compile("^Finished: 2 done"), timeout=BATCH_MS)
    page.keyboard.press("/")
    page.get_by_label("Search the log").fill("was answered: “The observer's own.”")
    expect(page.locator(".log-row:visible")).to_have_count(1)
    assert answer(page, server, "api/run")["attention"] == []
    assert sign(page) == "good"


def test_a_usage_limit_is_counted_down_and_can_be_tried(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    server = serve("max", {"create-story": ["usage-limit:85", "ok"]})
    page = visit(context, server)
    start(page, cycles=1)
    headline(page).to_have_text(re.compile(r"^Waiting for the usage limit until .* \(in 2 min\)"), timeout=BATCH_MS)
    expect(page).to_have_title(re.compile("^‖ 0/7 "))
    assert sign(page) == "warn"
    # Its time passes without a word of the server.
    headline(page).to_have_text(LAST_MINUTE, timeout=BATCH_MS)
    expect(page.locator(".attention-words")).to_have_text(LAST_MINUTE)
    page.reload()
    headline(page).to_have_text(re.compile("^Waiting for the usage limit"))
    page.locator("#attention").get_by_role("button", name="Try now").click()
    headline(page).to_have_text(re.compile("^(Running|Finished)"))
    expect(page.locator("#attention")).to_be_hidden()


def test_a_service_in_trouble_is_waited_for_with_a_time_and_can_be_tried(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    server = serve("max", {"create-story": ["overloaded", "overloaded", "ok"]})
    page = visit(context, server)
    start(page, cycles=1)
    # The first wait is of five seconds and is not shown; the second one takes fifteen.
    headline(page).to_have_text(
        re.compile(r"^Waiting: the agent's service had trouble, next try at \d\d:\d\d \((in \d+ s|now)\)$"),
        timeout=BATCH_MS,
    )
    run = answer(page, server, "api/run")
    assert (run["state"], run["reason"]) == ("waiting", "retry")
    assert 0 < run["until"] / 1000 - time.time() <= 15
    expect(page.locator("#attention")).to_contain_text("The agent's service had trouble.")
    expect(page.locator("#now-empty")).to_have_text("Waiting: the agent's service had trouble. It continues by itself.")
    expect(page.locator("#verb-words")).to_contain_text("Try now asks the agent again at once.")
    page.locator("#attention").get_by_role("button", name="Try now").click()
    headline(page).to_have_text(re.compile("^(Running|Finished)"))
    assert answer(page, server, "api/run")["until"] is None


def test_a_blocked_story_is_set_back_and_its_call_goes(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch
) -> None:
    server = serve("max", {"dev-story": ["blocked:no list of the birds that count"]})
    watch.allow("409")
    page = visit(context, server)
    page.get_by_role("button", name="Options").click()
    page.get_by_role("searchbox", name="Only these stories").fill("1-1")
    page.get_by_label("Budget in US dollars").fill("0.02")
    expect(page.locator("#verb-words")).to_have_text("Starts 1 story with demo, pauses at $0.02.")
    page.get_by_role("button", name="Start").click()
    headline(page).to_have_text("Paused: the budget is used up", timeout=BATCH_MS)
    expect(page.locator("#tile-cost-note")).to_have_text(re.compile(r"^of \$0\.02 \(\d{3,} %\)$"))
    expect(page.locator("#tile-cost-bar")).to_have_attribute("data-tone", "bad")
    expect(page.locator("#attention-list li[data-kind=budget]")).to_have_count(1)
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#refusal-words")).to_contain_text("start another one with a larger budget")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator("#stop-now").click()
    headline(page).to_have_text(re.compile("^Stopped"), timeout=BATCH_MS)
    expect(page.locator("#attention-list li[data-kind=budget]")).to_have_count(0)  # it was about the pause
    page.get_by_role("button", name="Options").click()
    page.get_by_role("searchbox", name="Only these stories").fill("1-1")
    page.get_by_label("Budget in US dollars").fill("50")
    page.get_by_role("button", name="Start").click()

    headline(page).to_have_text("Finished: 0 done, 1 blocked", timeout=BATCH_MS)
    check_retry_from_the_step(page, server)
    call = page.locator("#attention-list li", has_text="no list of the birds that count")
    call.get_by_role("button", name="Add a hint").click()
    call.get_by_label("Hint for the next command of 1-1-friendly-dates").fill("Only birds that were seen.")
    picture(page, "retry")
    call.get_by_role("button", name="Retry").click()
    expect(call).to_have_count(0)
    expect(page.locator(".toast").last).to_contain_text("1-1 is Ready for dev again")
    [hint] = answer(page, server, "api/stories/1-1-friendly-dates")["hints"]
    assert (hint["text"], hint["command_id"]) == ("Only birds that were seen.", None)
    status = {story["key"]: story["status"] for story in answer(page, server, "api/sprint")["stories"]}
    assert status["1-1-friendly-dates"] == "ready-for-dev"
    left = page.locator("#attention-list li")
    while left.count():
        left.first.get_by_role("button", name=re.compile("^Dismiss")).click()
    page.reload()
    headline(page).to_have_text("Finished: 0 done")
    expect(page.locator("#attention")).to_be_hidden()


def test_what_is_wrong_with_a_start_is_said_beside_the_field(context: BrowserContext, idle: PageServer) -> None:
    page = visit(context, idle)
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Budget in US dollars").fill("0")
    page.get_by_role("searchbox", name="Only these stories").fill("1-1, 9-9")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#budget-wrong")).to_contain_text("must be a number above 0")
    expect(page.locator("#stories-wrong")).to_have_text("The plan has no story 9-9.")
    expect(page.locator("#start-budget:focus")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("region", name="Next run").get_by_label("Agent")).to_contain_text("demo")
    headline(page).to_have_text("Ready: 7 stories to run")
    page.get_by_label("Budget in US dollars").fill("3")
    page.keyboard.press("Tab")
    expect(page.locator("#budget-wrong")).to_be_hidden()


def check_retry_from_the_step(page: Page, server: PageServer) -> None:
    """In the steps of the story and in its dossier, the step that blocked it; the story is blocked again after."""
    key = "1-1-friendly-dates"
    page.locator(f"#batch-stories [data-key='{key}'] summary").click()
    step = page.locator(f"#batch-stories [data-key='{key}'] .step", has=page.get_by_text("Retry from", exact=False))
    retry = step.get_by_role("button", name="Retry from dev: 1-1")
    expect(retry).to_be_visible()
    expect(step).to_have_count(1)
    picture(page, "retry-step")
    page.goto(f"{server.url}#run?story={key}&dossier=conversation")
    item = page.locator(".item.command", has=page.get_by_role("button", name="Retry from dev: 1-1"))
    expect(item).to_have_count(1)
    picture(page, "retry-step-dossier")
    item.get_by_role("button", name="Retry from dev").click()
    expect(page.locator(".toast").last).to_contain_text("1-1 continues at dev;")
    expect(item).to_have_count(0)
    assert answer(page, server, f"api/stories/{key}")["status"] == "ready-for-dev"
    page.keyboard.press("Escape")
    expect(retry).to_be_hidden()
    again = {"expected": "ready-for-dev", "status": "blocked"}
    assert page.request.put(f"{server.url}api/stories/{key}/status", data=again).ok
    expect(page.locator("#attention-list li[data-kind=blocked]")).to_have_count(1)


def test_blocked_stories_stay_in_sight_while_another_batch_runs(
    context: BrowserContext, serve: Callable[..., PageServer]
) -> None:
    server = serve("max", {"dev-story": {"1-1-friendly-dates": ["blocked:no birds"]}})
    page = visit(context, server)
    server.ask("api/run/start", {"batch_size": 1, "stories": ["1-1-friendly-dates"]})
    headline(page).to_have_text("Finished: 0 done, 1 blocked", timeout=BATCH_MS)
    server.speed = "2"
    server.ask("api/run/start", {"batch_size": 1})
    headline(page).to_have_text(re.compile("^Running"))
    call = page.locator("#attention-list li[data-kind=blocked]")
    expect(call).to_have_count(1)
    expect(call).to_contain_text("1-1")
    expect(page).to_have_title(re.compile(r"^\(1\) ▶ "))
    assert sign(page) == "need"
    call.get_by_role("button", name=re.compile("^Dismiss")).click()
    expect(page).to_have_title(re.compile("^▶ "))


def test_start_is_primary_only_where_a_story_can_run(
    context: BrowserContext, idle: PageServer, finished: PageServer
) -> None:
    primary = re.compile(r"\bprimary\b")
    expect(visit(context, idle).locator("#start")).to_have_class(primary)
    page = visit(context, finished)
    expect(page.locator("#verb-words")).to_contain_text("No story can run")
    expect(page.locator("#start")).not_to_have_class(primary)
