"""The Board: statuses changed by mouse and keyboard, changes of others, files that cannot be written, evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from .conftest import PageServer, Watch, picture, visit
from .test_axe import axe, in_both_schemes

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

ARTIFACTS = Path("demo/_bmad-output/implementation-artifacts")
FIRST, SECOND, THIRD = "1-1-friendly-dates", "1-2-correct-a-sighting", "1-3-find-a-sighting"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server of this module's own, whose tracker its tests may change."""
    folder = tmp_path_factory.mktemp("server")
    server = PageServer(folder, "max")
    yield server.start()
    server.close()


@pytest.fixture
def tracker(server: PageServer) -> Iterator[Path]:
    """The tracker on disk; as it was after the test."""
    path = server.data.parent / ARTIFACTS / "sprint-status.yaml"
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


@pytest.fixture
def board(context: BrowserContext, server: PageServer, tracker: Path) -> Page:
    page = visit(context, server, "board")
    expect(page.locator(".card")).to_have_count(7)
    return page


def card(page: Page, key: str) -> Locator:
    return page.locator(f'.card[data-key="{key}"]')


def column(page: Page, key: str, status: str) -> Locator:
    return page.locator(f'.column[data-status="{status}"]', has=card(page, key))


def at(page: Page, key: str, status: str) -> None:
    expect(column(page, key, status)).to_have_count(1)


def change(tracker: Path, key: str, status: str) -> None:
    """What another program writes: one line of the file."""
    text, count = re.subn(rf"(?m)^(\s+{key}: )\S+", rf"\g<1>{status}", tracker.read_text())
    assert count == 1
    tracker.write_text(text)


def choose(page: Page, key: str, status: str) -> None:
    """From the menu of a card."""
    card(page, key).locator(".card-move").click()
    page.get_by_role("menuitemradio", name=status, exact=True).click()


def drag(page: Page, key: str, place: str) -> None:
    """Onto a place of the bar that is shown while a card is dragged."""
    card(page, key).hover(position={"x": 60, "y": 40})
    page.mouse.down()
    page.mouse.move(300, 300, steps=4)
    page.locator("#board-drop").get_by_text(place, exact=True).hover()
    page.mouse.up()


def test_a_card_is_dragged_to_another_status_and_taken_back(board: Page, tracker: Path) -> None:
    at(board, SECOND, "backlog")
    before = tracker.read_text()
    expect(board.locator('.column[data-status="review"]')).to_have_count(0)
    drag(board, SECOND, "Review")
    at(board, SECOND, "review")
    assert f"{SECOND}: review" in tracker.read_text()
    expect(card(board, SECOND).locator(".standing")).to_have_text("Nothing of it was run here")
    board.locator(".toast", has_text="1-2 is now Review").get_by_role("button", name="Undo").click()
    at(board, SECOND, "backlog")
    assert [line for line in tracker.read_text().splitlines() if SECOND in line] == [
        line for line in before.splitlines() if SECOND in line
    ]
    expect(board.locator(".toast", has_text="is now Review")).to_have_count(0)


def test_the_board_by_keyboard_alone(board: Page) -> None:
    def held() -> str | None:
        key: str | None = board.evaluate("document.activeElement.closest('.card')?.dataset.key ?? null")
        return key

    press = board.keyboard.press
    card(board, SECOND).locator(".card-open").focus()
    press("Shift+ArrowRight")
    at(board, SECOND, "ready-for-dev")
    expect(card(board, SECOND).locator(".card-open")).to_be_focused()
    press("u")
    at(board, SECOND, "backlog")
    expect(card(board, SECOND).locator(".card-open")).to_be_focused()
    press("Shift+ArrowRight")
    at(board, SECOND, "ready-for-dev")
    expect(card(board, SECOND).locator(".card-open")).to_be_focused()
    press("m")
    expect(board.get_by_role("menuitemradio", name="Ready for dev")).to_be_focused()
    expect(board.get_by_role("menuitemradio", name="Ready for dev")).to_have_attribute("aria-checked", "true")
    picture(board, "board-menu")
    for _ in range(4):  # to the last of the statuses; below them is what the run can do with the story
        press("ArrowDown")
    press("Enter")
    at(board, SECOND, "blocked")
    expect(card(board, SECOND).locator("button:focus")).to_have_count(1)
    press("ArrowLeft")
    assert held() != SECOND
    press("Home")
    first = held()
    press("ArrowDown")
    press("ArrowUp")
    assert held() == first
    press("Tab")
    expect(board.locator(".card-move:focus")).to_have_count(1)
    press("Tab")
    assert held() is None
    press("Shift+Tab")
    press("m")
    press("Escape")
    expect(board.get_by_role("menu")).to_be_hidden()
    expect(board.locator(".card-move:focus")).to_have_count(1)


def test_a_change_of_another_person_is_never_overwritten(board: Page, tracker: Path, watch: Watch) -> None:
    watch.allow("409")

    def meanwhile(route: Route) -> None:
        if f"{THIRD}: backlog" in tracker.read_text():
            change(tracker, THIRD, "review")
        route.continue_()

    board.route("**/status", meanwhile)
    choose(board, THIRD, "Done")
    note = board.locator(".toast", has_text="Somebody else has changed 1-3: it is “review” now, not “backlog”")
    expect(note).to_be_visible()
    assert f"{THIRD}: review" in tracker.read_text()
    note.get_by_role("button", name="Set Done anyway").click()
    at(board, THIRD, "done")
    assert f"{THIRD}: done" in tracker.read_text()
    expect(card(board, THIRD).locator(".standing")).to_have_text("Set to done by hand · No review")
    expect(card(board, THIRD).locator(".standing")).to_have_attribute("data-tone", "warn")


def test_a_file_that_cannot_be_written_safely_is_left_alone(board: Page, tracker: Path, watch: Watch) -> None:
    watch.allow("422")
    text = tracker.read_text().replace(f"  {FIRST}: ", f"  {FIRST}: done\n  {FIRST}: ", 1)
    tracker.write_text(text)
    board.get_by_role("link", name="Run", exact=True).click()
    board.get_by_role("link", name="Board").click()
    problem = board.locator("#problems-list li", has_text=f"'{FIRST}' occurs 2 times")
    expect(problem).to_contain_text("Remove the lines that are wrong")
    choose(board, FIRST, "Review")
    expect(board.locator(".toast[data-tone=bad]")).to_contain_text("1-1 stays at Ready for dev.")
    assert tracker.read_text() == text


def test_what_is_not_understood_is_shown_and_named(board: Page, tracker: Path) -> None:
    change(tracker, SECOND, "simmering")
    tracker.write_text(tracker.read_text() + "  someday-maybe: backlog\n")
    at(board, SECOND, "unknown")
    expect(card(board, SECOND)).to_contain_text("The status “simmering” is not known")
    expect(board.locator("#problems")).to_contain_text(f"{SECOND} has “simmering”")
    expect(board.locator(".epic-row", has_text="Other")).to_contain_text("someday-maybe")
    expect(card(board, SECOND).locator(".card-move")).to_be_hidden()
    change(tracker, SECOND, "backlog")
    at(board, SECOND, "backlog")
    expect(board.locator("#problems")).not_to_contain_text(SECOND)
    expect(board.locator("#problems")).to_contain_text("someday-maybe")


def test_a_story_file_that_says_something_else(board: Page, server: PageServer, tracker: Path) -> None:
    expect(card(board, FIRST).locator(".drift")).to_be_hidden()
    change(tracker, FIRST, "in-progress")
    expect(card(board, FIRST).locator(".drift")).to_have_text("The story file says ready-for-dev")


def test_filters_are_kept_in_the_address(board: Page) -> None:
    board.get_by_label("Search stories").fill("notebook")
    board.get_by_label("Epic", exact=True).select_option("1")
    expect(board).to_have_url(re.compile(r"#board\?q=notebook&epic=1$"))
    board.get_by_label("Status", exact=True).select_option("backlog")
    found = board.locator(".card").count()
    assert 0 < found < 7
    board.reload()
    expect(board.locator(".card")).to_have_count(found)
    expect(board.get_by_label("Search stories")).to_have_value("notebook")
    expect(board.get_by_label("Epic", exact=True)).to_have_value("1")
    board.get_by_role("button", name="List").click()
    board.get_by_label("Order", exact=True).select_option("title")
    expect(board).to_have_url(re.compile(r"layout=list&sort=title$"))
    # What an earlier version has kept in this browser is the server's from the first look on, once.
    kept = [{"name": "Of before", "query": "q=before"}, 7]
    board.evaluate("kept => localStorage.setItem('sprint-runner.board.views', JSON.stringify(kept))", kept)
    board.get_by_role("button", name="Views").click()
    expect(board.locator(".views-list")).to_contain_text("Of before")
    assert "Of before" in board.evaluate("fetch('/api/board/views').then(answer => answer.text())")
    assert board.evaluate("localStorage.getItem('sprint-runner.board.views')") is None
    board.get_by_role("button", name="Remove the view Of before").click()
    expect(board.locator(".views-list")).not_to_contain_text("Of before")
    board.keyboard.press("Escape")
    board.get_by_role("button", name="Views").click()
    expect(board.locator(".views-panel")).to_be_visible()
    expect(board.locator(".views-list")).not_to_contain_text("Of before")
    board.get_by_label("Save this view as").fill("Notebook, by title")
    board.keyboard.press("Enter")
    expect(board.locator(".toast").last).to_have_text("Saved for all browsers: Notebook, by title.")
    assert "Notebook, by title" in board.evaluate("fetch('/api/board/views').then(answer => answer.text())")
    board.get_by_role("button", name="Show all").click()
    board.get_by_role("button", name="Board", exact=True).click()
    expect(board.locator(".card")).to_have_count(7)
    held: list[Route] = []
    board.route("**/api/sprint", lambda route: held.append(route))  # the plan is not read yet when the view is chosen
    board.reload()
    board.get_by_role("button", name="Views").click()
    board.get_by_role("button", name="Notebook, by title", exact=True).click()
    for request in held:
        request.continue_()
    board.unroute_all()
    expect(board).to_have_url(re.compile(r"(?=.*q=notebook)(?=.*status=backlog)(?=.*sort=title).*layout=list"))
    board.get_by_role("button", name="Board", exact=True).click()
    board.get_by_label("Order", exact=True).select_option("")
    expect(board.locator(".card")).to_have_count(found)
    board.locator(".card-open").first.click()
    expect(board).to_have_url(re.compile(r"q=notebook&epic=1&status=backlog&story="))
    board.keyboard.press("Escape")
    board.get_by_role("button", name="Show all").click()
    expect(board.locator(".card")).to_have_count(7)
    expect(board).to_have_url(re.compile(r"#board$"))
    board.get_by_label("Search stories").fill("no such words")
    expect(board.locator("#board-empty")).to_have_text("No story matches.")


def test_every_status_of_a_finished_batch_stands_beside_its_evidence(
    context: BrowserContext, finished: PageServer
) -> None:
    page = visit(context, finished, "board")
    page.locator(".epic-fold[aria-expanded=false]").click()  # of the epic that is done
    response = finished.ask("api/standings")["stories"]
    for story in finished.ask("api/sprint")["stories"]:
        at(page, story["key"], story["status"])
        shown = card(page, story["key"]).locator(".standing")
        expect(shown).to_have_text(response[story["key"]]["words"])
        expect(shown).to_have_attribute("data-tone", "good" if story["status"] == "done" else "bad")
    picture(page, "board-evidence")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_fits_every_width(context: BrowserContext, finished: PageServer, scheme: str) -> None:
    page = visit(context, finished, "board")
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.locator(".epic-fold[aria-expanded=false]").click()
    for width in (360, 768, 1440, 3840):
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.locator(".card").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        picture(page, f"board-{scheme}-{width}")


def test_several_stories_are_selected_and_changed_at_once(
    context: BrowserContext, server: PageServer, tracker: Path, axe: str
) -> None:
    page = visit(context, server, "board?layout=list")
    press = page.keyboard.press
    card(page, SECOND).locator(".card-open").focus()
    press("x")
    press("Shift+ArrowDown")
    bar = page.get_by_role("toolbar", name="Selected stories")
    expect(bar).to_contain_text("2 stories selected")
    expect(bar.get_by_role("button", name="Start these 2")).to_be_visible()
    page.evaluate(axe)
    assert in_both_schemes(page) == []
    picture(page, "board-selected")
    press("m")
    expect(page.get_by_role("menuitem", name="Run next")).to_be_visible()
    page.get_by_role("menuitemradio", name="Review").press("Enter")
    expect(page.locator(".toast", has_text="2 stories are now Review")).to_be_visible()
    assert [f"{key}: review" in tracker.read_text() for key in (SECOND, THIRD)] == [True, True]
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(card(page, SECOND)).to_have_attribute("data-status", "backlog")
    expect(card(page, THIRD)).to_have_attribute("data-status", "backlog")
    bar.get_by_role("button", name="Skip…").click()
    page.get_by_label("Why?").fill("The design is open")
    page.get_by_role("button", name="Skip them").click()
    expect(card(page, THIRD).locator(".card-note")).to_have_text("Skipped: The design is open")
    bar.get_by_role("button", name="Bring back").click()
    expect(card(page, THIRD).locator(".card-note")).to_be_hidden()
    expect(card(page, SECOND).locator(".card-note")).to_be_hidden()
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()
    card(page, SECOND).locator(".card-open").click(modifiers=["Control"])
    card(page, THIRD).locator(".card-open").click(modifiers=["Shift"])
    expect(bar).to_contain_text("2 stories selected")
    page.get_by_role("button", name="Board", exact=True).click()
    drag(page, SECOND, "In progress")
    at(page, SECOND, "in-progress")
    at(page, THIRD, "in-progress")


def test_five_hundred_stories_are_two_screens(context: BrowserContext, server: PageServer, tracker: Path) -> None:
    stories = json.loads(json.dumps(server.ask("api/sprint")))
    like = {**stories["stories"][0], "drift": None, "tasks": None}
    stories["stories"] = [
        {
            **like,
            "key": f"{1 + n // 20}-{n % 20}-a",
            "epic": str(1 + n // 20),
            "status": "done" if n < 200 else "backlog",
            "title": "\u05d0" * 500 if n == 200 else f"Story {n}",
        }
        for n in range(500)
    ]
    stories["epics"] = [{**stories["epics"][0], "id": str(n + 1), "stories": []} for n in range(25)]
    before = {"tone": "warn", "words": "Done before this runner knew it, nothing is proved", "before": True}
    standings = {story["key"]: before for story in stories["stories"][:200]}
    page = context.new_page()
    page.route("**/api/sprint", lambda route: route.fulfill(json=stories))
    page.route("**/api/standings", lambda route: route.fulfill(json={"stories": standings}))
    page.goto(f"{server.url}#board")
    expect(page.locator(".epic-row")).to_have_count(25)
    expect(page.locator("#board-counts")).to_contain_text("500 stories")
    rows = page.locator(".epic-row")
    expect(rows.first).to_contain_text("Epic 11")  # the first that is not done, and open
    expect(rows.first.locator(".card")).to_have_count(6)
    expect(rows.last).to_contain_text("Epic 10")
    assert page.evaluate("document.getElementById('epic-rows').scrollHeight") < 2 * 900
    rows.first.get_by_role("button", name="14 more").click()
    expect(rows.first.locator(".card")).to_have_count(20)
    rows.last.locator(".epic-fold").press("Enter")
    expect(rows.last.locator(".epic-note")).to_contain_text("Done before Sprint Runner came")
    expect(rows.last.locator(".standing")).to_have_count(0)
    page.get_by_role("button", name="List").click()
    page.get_by_role("button", name="Fold all").click()
    expect(page.locator(".card")).to_have_count(0)
    page.get_by_role("button", name="Unfold all").click()
    expect(page.locator(".card")).to_have_count(500)
    page.get_by_label("Search stories").fill("25-19-a")
    expect(page.locator(".card")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == page.evaluate("innerWidth")
