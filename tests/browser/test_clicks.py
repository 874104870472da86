"""What people want to do, each from the Run tab, in as many clicks as `docs/page.md` says and never more than 3."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.error import HTTPError

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.widths import both_widths

from .clicks import Person, documented
from .conftest import BATCH_S, PageServer, Watch, visit
from .test_run import BATCH_MS, headline

pytestmark = pytest.mark.browser

MOST: Final = 3  # clicks of anything
HEIGHT: Final = {1280: 800, 360: 740}
POLL_S: Final = 0.05
# One story for each width, so that neither meets what the other has left.
STORY: Final = {1280: "1-1-friendly-dates", 360: "1-2-correct-a-sighting"}
OTHER: Final = {1280: "1-3-find-a-sighting", 360: "2-1-life-list"}
QUESTION: Final = "Which timezone do dates without one mean?"
BLOCKED: Final = "no list of the birds that count"
HINT: Final = "Only birds that were seen."
LIVE_SPEED: Final = "0.5"  # of the agent that is met at work
SCRIPTS: Final[dict[str, object]] = {
    "new": {},
    "over": {"dev-story": {key: [f"blocked:{BLOCKED}"] for key in OTHER.values()}},
    "live": {},
    "asks": {"dev-story": {key: [f"question:{QUESTION}", "ok"] for key in OTHER.values()}},
    "fails": {"create-story": ["auth"], "dev-story": ["auth"]},
}


class Scene:
    """A server in the state in which a thing is done, and the width of the page."""

    def __init__(self, server: PageServer, width: int) -> None:
        self.server = server
        self.story = STORY[width]
        self.other = OTHER[width]

    def run(self) -> Any:
        return self.server.ask("api/run")

    def status(self, key: str) -> str:
        stories = self.server.ask("api/sprint")["stories"]
        return next(str(story["status"]) for story in stories if story["key"] == key)

    def wait(self, is_so: Callable[[Any], bool]) -> None:
        """Wait until the state of the run is as asked."""
        until = time.monotonic() + BATCH_S
        while not is_so(self.run()):
            assert time.monotonic() < until, "the run does not come to the state that is needed"
            time.sleep(POLL_S)

    def end(self) -> None:
        """Nothing runs any more."""
        while self.run()["state"] != "idle":
            with suppress(HTTPError):  # it is just about to end
                self.server.ask("api/run/stop", {"mode": "now"})
            time.sleep(POLL_S)

    def start(self, *keys: str, **fields: object) -> None:
        self.end()
        self.server.ask("api/run/start", {"stories": list(keys), "batch_size": "all", **fields})

    def batch(self, *keys: str, **fields: object) -> None:
        """A batch of these stories, from its start to its end."""
        self.start(*keys, **fields)
        self.wait(lambda run: run["state"] == "idle")


@dataclass(frozen=True)
class Thing:
    """What is done: the stage it is done on, what has to be before, and the walk through the page."""

    name: str
    stage: str
    walk: Callable[[Person, Scene], None]
    prepare: Callable[[Scene], None]


THINGS: Final[dict[str, Thing]] = {}


def thing(name: str, stage: str, prepare: Callable[[Scene], None] = Scene.end) -> Callable[[Any], Any]:
    def add(walk: Callable[[Person, Scene], None]) -> Callable[[Person, Scene], None]:
        THINGS[name] = Thing(name, stage, walk, prepare)
        return walk

    return add


def toast(page: Page) -> Locator:
    return page.locator(".toast").last


def button(within: Page | Locator, name: str) -> Locator:
    return within.get_by_role("button", name=name, exact=True)


def row_of_next(page: Page, key: str) -> Locator:
    return page.locator(f'#next-stories [data-key="{key}"]')


# -- before a start


@thing("See what will run and what it costs before a start", "new")
def _(person: Person, scene: Scene) -> None:
    page = person.page
    expect(page.locator("#start-forecast")).to_contain_text("$")
    expect(page.locator("#lanes .step").first).to_be_visible()
    expect(page.locator("#next-stories li").first).to_be_visible()


@thing("See the exact prompt that would be sent", "new")
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(button(page, "Options"))
    person.click(button(page, "What would be sent"))
    person.click(page.locator("#preview-content details.sent-line summary").first)
    expect(page.locator("#preview-content").get_by_label("Prompt", exact=True).first).not_to_be_empty()


@thing("Change a prompt of the project", "new")
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(page.locator("#find"))
    person.type("prompt of dev-story")
    person.click(page.get_by_role("option", name="Change the prompt of dev-story"))
    field = page.get_by_label("Prompt of dev-story", exact=True)
    expect(field).to_be_focused()
    person.type("Mind the birds. ")
    person.click(button(page.locator('[data-prompt="dev-story"]'), "Save"))
    expect(toast(page)).to_contain_text("Saved.")
    own = scene.server.root / ".sprint-runner-prompts/dev-story.md"
    assert "Mind the birds. " in own.read_text()


@thing("Give a story a hint", "new")
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(row_of_next(page, scene.other).locator(".story-open"))
    person.click(button(page, "Hint…"))
    person.type(HINT)
    person.click(button(page, "Send hint"))
    expect(toast(page)).to_contain_text("gets your hint.")


@thing("Choose what runs next", "new")
def _(person: Person, scene: Scene) -> None:
    page = person.page
    row = row_of_next(page, scene.other)
    place = int(row.locator(".next-place").inner_text())
    person.click(button(row, f"Run earlier: {scene.other[:3]}"))
    expect(row.locator(".next-place")).to_have_text(str(place - 1))


@thing("Run only these stories, or this epic", "new")
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(button(page, "Options"))
    person.click(page.locator(".pick-story", has_text=scene.story[:3]).locator("input"))
    person.click(button(page, "Start"))
    scene.wait(lambda run: run["state"] == "idle" and scene.status(scene.story) == "done")


@thing("Start at a time", "new")
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(button(page, "Options"))
    person.click(page.get_by_label("Begin at"))
    person.type((datetime.now() + timedelta(hours=2)).strftime("%H:%M"))
    person.click(button(page, "Start"))
    headline(page).to_contain_text("Scheduled for", timeout=BATCH_MS)
    scene.end()


@thing("Skip a story", "new")
def _(person: Person, scene: Scene) -> None:
    page = person.page
    key = {STORY[1280]: "1-4-import-a-spreadsheet", STORY[360]: "2-3-a-year-in-birds"}[scene.story]
    person.click(row_of_next(page, key).locator(".story-open"))
    person.click(button(page.locator("#story"), "Skip…"))
    person.type("The design is open")
    person.click(button(page, "Skip it"))
    expect(row_of_next(page, key)).to_have_count(0)


# -- while it runs


def agent_at_work(scene: Scene) -> None:
    def works(run: Any) -> bool:
        return any(one["command"].startswith("dev") and one["message"] for one in run["operations"])

    if not works(scene.run()):
        # Where the machine is slow, the story of the thing before may be done by now.
        scene.start(next(key for key in (scene.story, scene.other) if scene.status(key) != "done"))
        scene.wait(works)


@thing("Say something to the agent that works", "live", agent_at_work)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(page.get_by_label("Message to the agent of dev"))
    person.type("Keep the old flag.")
    person.click(button(page, "Send"))
    expect(toast(page)).to_contain_text("Sent.")


@thing("Stop after this story", "live", agent_at_work)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(button(page, "Stop"))
    person.click(page.get_by_role("button", name="After this story"))
    expect(page.locator("#ending-words")).to_have_text("Stops after this story.")


@thing("Take a story over in a terminal, and hand it back", "live", agent_at_work)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(button(page.locator("#output"), "Open in my terminal"))
    mine = page.locator("#attention-list li", has_text="is yours")
    person.click(button(mine, "Copy"))
    assert "--resume" in page.evaluate("navigator.clipboard.readText()")
    person.click(mine.get_by_role("button", name="Done: hand "))
    expect(toast(page)).to_contain_text("is handed back")


def question(scene: Scene) -> None:
    scene.start(scene.other)
    scene.wait(lambda run: any(one["kind"] == "question" for one in run["attention"]))


@thing("Answer a question of the agent", "asks", question)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(button(page.get_by_role("group", name="Answers"), "Yes"))
    expect(toast(page)).to_contain_text("Answered")
    headline(page).to_have_text("Finished: 1 done", timeout=BATCH_MS)


def gate(scene: Scene) -> None:
    scene.start(scene.story, gates=["commit"])
    scene.wait(lambda run: any(one["kind"] == "gate" for one in run["attention"]))


def at_gate(page: Page) -> Locator:
    return page.locator("#attention-list li", has_text="before")


@thing("Send work back with a comment on a line", "asks", gate)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(at_gate(page).locator("summary", has_text="Look at it"))
    person.click(at_gate(page).get_by_role("button", name="Comment on line").first)
    person.type("Say which date this is")
    person.click(button(at_gate(page), "Send back"))
    expect(toast(page)).to_contain_text("Decided")
    [sent] = scene.server.ask(f"api/stories/{scene.story}")["sent_back"]
    assert sent["comments"].endswith(": Say which date this is")


@thing("Approve at a gate", "asks", gate)
def _(person: Person, scene: Scene) -> None:
    person.click(button(at_gate(person.page), "Continue"))
    expect(toast(person.page)).to_contain_text("Decided")
    headline(person.page).to_have_text("Finished: 1 done", timeout=BATCH_MS)


# -- when it is over


def blocked(scene: Scene) -> None:
    scene.end()
    if scene.status(scene.other) != "blocked":
        scene.batch(scene.other)


@thing("Retry a blocked story with a hint", "over", blocked)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    call = page.locator("#attention-list li", has=page.locator(".key", has_text=scene.other[:3]))
    person.click(button(call, "Add a hint"))
    person.type(HINT)
    person.click(button(call, "Retry"))
    expect(toast(page)).to_contain_text("with your hint")
    assert scene.status(scene.other) == "ready-for-dev"


def failed(scene: Scene) -> None:
    scene.start(scene.story)
    scene.wait(lambda run: run["state"] not in ("starting", "running"))


@thing("See why a batch does not continue, and try again", "fails", failed)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    expect(page.locator("#attention-list")).to_contain_text("Log in with")
    person.click(button(page.locator("#attention-list"), "Try again"))
    headline(page).to_contain_text("Running", timeout=BATCH_MS)


def done(scene: Scene) -> None:
    scene.end()
    batch = scene.run()["batch"]
    if batch is None or scene.status(scene.story) != "done":
        scene.batch(scene.story)


def story_row(page: Page, key: str) -> Locator:
    return page.locator(f'#batch-stories [data-key="{key}"]')


@thing("Open what a command changed", "over", done)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(page.locator("#output-name a"))
    person.click(page.locator(".command .change-link:visible").first)
    expect(page.locator("#story .file").first).to_be_visible()


@thing("Put what was before a command into a branch", "over", done)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(page.locator("#output-name a"))
    shown = page.locator(".command", has=page.locator(".item-body:visible"))
    person.click(shown.locator("summary", has_text="Branch from before this command"))
    person.click(button(shown, "Make the branch"))
    expect(toast(page)).to_contain_text("is made")


@thing("Replay a batch", "over", done)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(page.locator("#batch-replay"))
    expect(page.locator("#replay")).to_be_visible()


@thing("Find a word in all transcripts", "over", done)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(page.locator("#find"))
    person.type("unittest")
    found = page.locator("#palette-list li", has=page.locator(".group", has_text="Transcript"))
    person.click(found.first)
    expect(page.locator("#story [data-found]").first).to_be_visible()


@thing("Revert a story", "over", done)
def _(person: Person, scene: Scene) -> None:
    page = person.page
    person.click(story_row(page, scene.story).locator("summary"))
    person.click(story_row(page, scene.story).get_by_role("link", name="Revert…"))
    person.click(button(page, "Revert the newest commit"))
    expect(toast(page)).to_contain_text("is reverted")
    assert scene.status(scene.story) != "done"


# -- the test


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, int], PageServer]]:
    """The server of a stage at a width, started when it is first asked for."""
    started: dict[tuple[str, int], PageServer] = {}

    def stage(name: str, width: int) -> PageServer:
        if (name, width) not in started:
            speed = LIVE_SPEED if name == "live" else "max"
            started[name, width] = PageServer(tmp_path_factory.mktemp(name), speed, SCRIPTS[name])
            started[name, width].start()
        return started[name, width]

    yield stage
    for server in started.values():
        server.close()


@both_widths
@pytest.mark.parametrize("name", THINGS)
def test_it_takes_as_many_clicks_as_the_document_says(
    stages: Callable[[str, int], PageServer], context: BrowserContext, watch: Watch, name: str, width: int
) -> None:
    watch.allow("409")
    wanted = THINGS[name]
    scene = Scene(stages(wanted.stage, width), width)
    wanted.prepare(scene)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit(context, scene.server)
    page.set_viewport_size({"width": width, "height": HEIGHT[width]})
    person = Person(page)
    wanted.walk(person, scene)
    assert person.clicks == documented()[name][width]
    assert person.clicks <= MOST
    page.close()


def test_the_document_names_the_same_things() -> None:
    assert list(documented()) == list(THINGS)
