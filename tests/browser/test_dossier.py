"""The dossier of a story: all that is known of it, read in peace, by keyboard, on every screen; and as one file."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from api.reports import story_report
from tests.api.reports import HOSTILE, hostile_changes, hostile_dossier, hostile_entries

from .conftest import PageServer, Watch, picture, visit
from .test_axe import axe, in_both_schemes

__all__ = ["axe"]  # a fixture
pytestmark = pytest.mark.browser

KEY = "1-2-correct-a-sighting"  # reviewed twice, and committed together with another story
ARTIFACTS = Path("demo/_bmad-output/implementation-artifacts")
FIRST = "1-1-friendly-dates"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server of this module's own, whose story files its tests may write."""
    server = PageServer(tmp_path_factory.mktemp("dossiers"), "max")
    yield server.start()
    server.close()


def dossier(context: BrowserContext, server: PageServer, key: str) -> Page:
    page = visit(context, server, f"board?story={key}")
    expect(page.locator(".dossier-body")).to_be_visible()
    return page


def part(page: Page, title: str) -> Locator:
    return page.locator(".part", has=page.get_by_role("heading", name=title, exact=True))


def item(page: Page, words: str) -> Locator:
    """The command of this name in the conversation."""
    return page.locator(".item.command", has=page.locator(".item-open").get_by_text(words, exact=True))


def test_a_dossier_shows_all_that_is_known(context: BrowserContext, finished: PageServer) -> None:
    response = finished.ask(f"api/stories/{KEY}")
    page = dossier(context, finished, KEY)
    expect(page.get_by_role("heading", name=response["title"], exact=True)).to_be_focused()
    for sentence in response["evidence"]:
        expect(page.get_by_role("region", name="What the status rests on")).to_contain_text(
            sentence["text"].replace("`", "")
        )
    expect(page.locator(".command")).to_have_count(len(response["commands"]))
    for command in response["commands"]:
        row = page.locator(f'.command[data-id="{command["id"]}"]')
        cost = command["cost_usd"]
        if command["agent"] != "runner":
            expect(row.locator(".item-when")).to_contain_text("<$0.01" if 0 < cost < 0.005 else f"${cost:.2f}")
        expect(row.locator(".command-facts")).to_contain_text(command["model"] or command["agent"])
    first, second = item(page, "code review 1"), item(page, "code review 2")
    expect(first.locator(".item-brief")).to_contain_text("1 high: ")
    expect(second.locator(".item-brief")).to_contain_text("1 no longer found")
    picture(page, "dossier")
    first.locator(".item-open").click()
    expect(first.locator(".severity")).to_have_text("high")
    second.locator(".item-open").click()
    expect(second.locator(".gone")).to_contain_text("no longer found")
    picture(page, "dossier-reviews")

    page.get_by_role("tab", name="Story").click()
    story = page.get_by_role("tabpanel", name="Story")
    expect(story.locator(".md-task[data-done]")).to_have_count(sum(task["done"] for task in response["tasks"]))
    expect(story.get_by_role("heading", name="Acceptance Criteria")).to_be_visible()
    expect(story.locator("strong", has_text="Given").first).to_be_visible()
    page.get_by_role("tab", name="Cost").click()
    costs = page.get_by_role("region", name="Cost of each command")
    expect(costs.locator("tbody tr")).to_have_count(len(response["commands"]))
    expect(page.locator("#story .cost-lines")).to_contain_text("most of it for")
    assert page.url.endswith("dossier=cost")
    page.reload()
    expect(costs).to_be_visible()


def test_transcripts_unfold_with_their_answers(context: BrowserContext, finished: PageServer) -> None:
    page = dossier(context, finished, KEY)
    row = item(page, "code review 2")
    row.locator(".item-open").press("Enter")
    expect(row.locator(".item-open")).to_have_attribute("aria-expanded", "true")
    fold = row.locator(".transcript")
    expect(fold.locator(".entry[data-kind=tool]").first).to_be_visible()
    answer = fold.locator(".entry[data-kind=tool] .answer").first
    expect(answer.locator("pre")).to_be_hidden()
    expect(answer.locator(".answer-size")).to_have_text(re.compile(r"characters?$"))
    answer.locator("summary").click()
    expect(answer.locator("pre")).not_to_be_empty()
    link = fold.get_by_role("link", name="The stream as recorded").get_attribute("href")
    assert link is not None
    assert page.request.get(f"{finished.url}{link[1:]}").status == 200
    row.locator(".item-open").click()
    expect(fold).to_be_hidden()


def test_a_running_command_is_followed_to_its_end(context: BrowserContext, serve: Callable[..., PageServer]) -> None:
    server = serve("0.4")
    page = visit(context, server)
    server.ask("api/run/start", {"batch_size": 1})
    page.locator("button.step-open", has_text="explore").click()
    page.locator("#output-name a").click()
    fold = page.locator(".transcript[open]")
    expect(fold.locator(".badge")).to_have_text("live")
    expect(fold.locator(".entry").first).to_be_visible()
    page.evaluate("""() => {
      const body = document.querySelector(".transcript[open] .transcript-body");
      window.first = body.querySelector(".entry");
      body.style.maxHeight = "5rem";  // so that there is something to scroll
      body.scrollTop = body.scrollHeight;
    }""")
    expect(fold.locator(".entry[data-kind=final]")).to_have_count(1)
    expect(fold.locator(".badge")).to_be_hidden()
    expect(fold.locator(".entry").last).to_be_in_viewport()
    assert page.evaluate("window.first.isConnected"), "what was there has been drawn anew"
    expect(fold.locator("> summary")).to_be_in_viewport()
    [command] = [one for one in server.ask("api/commands")["commands"] if one["command"] == "story-discovery"]
    entries = server.ask(f"api/commands/{command['id']}/transcript")["entries"]
    expect(fold.locator(".raw")).to_contain_text(f"{len(entries)} entries")


def test_a_link_to_a_command_opens_its_transcript(context: BrowserContext, finished: PageServer) -> None:
    response = finished.ask(f"api/stories/{KEY}")
    command = [one["id"] for one in response["commands"] if one["agent"] != "runner"][-1]
    page = dossier(context, finished, f"{KEY}&transcript={command}")
    row = page.locator(f'.command[data-id="{command}"]')
    expect(row.locator(".transcript > summary")).to_be_focused()
    expect(row.locator(".entry[data-kind=final]")).to_be_visible()
    expect(row).to_be_in_viewport()
    other = page.locator(".command").first
    other.get_by_role("button", name="Copy a link").click()
    other.get_by_role("button", name="Copy a link").click()
    expect(page.locator(".toast")).to_have_count(1)
    assert page.url.endswith(f"transcript={other.get_attribute('data-id')}")
    page.keyboard.press("Escape")
    expect(page.locator("#story-dialog")).to_be_hidden()
    assert "transcript" not in page.url
    page.goto(f"{finished.url}#board?story={FIRST}&transcript=999")
    expect(page.get_by_text("Command 999 is none of")).to_be_visible()


def test_a_line_of_the_log_leads_to_the_transcript(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished, "run?q=dev+ended")
    page.locator(".log-row").first.click()
    page.set_viewport_size({"width": 360, "height": 740})
    room = page.locator("#log-detail p").bounding_box()
    assert room is not None
    assert room["width"] > 250, "the words have a line of their own on a small screen"
    page.locator("#log-detail").get_by_role("link", name="Transcript").click()
    expect(page.locator(".transcript[open] .entry[data-kind=final]")).to_be_visible()


def test_what_a_command_changed_is_shown_line_by_line(context: BrowserContext, finished: PageServer) -> None:
    response = finished.ask(f"api/stories/{KEY}")
    developed = next(one for one in response["commands"] if one["command"] == "dev-story")
    page = dossier(context, finished, KEY)
    item(page, "dev").get_by_role("button", name="Changes of dev").click()
    expect(page.get_by_role("tab", name="Changes")).to_be_focused()
    assert page.url.endswith(f"change=command-{developed['id']}&dossier=changes")
    expect(page.locator(".file")).to_have_count(developed["files_changed"])
    change = finished.ask(f"api/stories/{KEY}/changes/command-{developed['id']}")
    last = page.locator(".file").last
    lines = [line for hunk in change["files"][-1]["hunks"] for line in hunk["lines"]]
    expect(last.locator("tr[data-kind=added]")).to_have_count(sum(line[0] == "+" for line in lines))
    expect(last.locator("tr[data-kind=added] .code").first).to_have_text(next(li for li in lines if li[0] == "+")[1:])
    assert page.evaluate("CSS.highlights.get('code-keyword').size") > 0
    page.get_by_role("checkbox", name=f"Viewed: {change['files'][-1]['path']}").check()
    expect(last).not_to_have_attribute("open", "")
    expect(page.locator(".change-bar")).to_contain_text(f"1 of {len(change['files'])} viewed")
    picture(page, "dossier-changes")
    page.reload()
    expect(page.locator(".change-bar")).to_contain_text(f"1 of {len(change['files'])} viewed")
    expect(last).not_to_have_attribute("open", "")
    page.get_by_role("navigation", name="Files of this change").get_by_role("button").last.click()
    expect(last.locator("summary")).to_be_focused()
    expect(last).to_have_attribute("open", "")

    choice = page.get_by_label("Changes of", exact=True)
    choice.select_option("All of its commands")
    work = finished.ask(f"api/stories/{KEY}/changes/work")
    expect(page.locator(".file")).to_have_count(len(work["files"]))
    expect(page.locator(".file-makers").first).to_contain_text("by dev")
    choice.select_option(response["commits"][0]["hash"])
    commit = finished.ask(f"api/stories/{KEY}/changes/{response['commits'][0]['hash']}")
    expect(page.locator(".file")).to_have_count(len(commit["files"]))


def test_a_large_file_is_fetched_when_it_is_opened_and_drawn_in_parts(
    context: BrowserContext, finished: PageServer
) -> None:
    page = context.new_page()
    whole = {"path": "large.txt", "status": "added", "added": 900, "removed": 0, "binary": False, "cut": True}
    hunks = [{"old": 0, "new": 1, "title": "", "lines": [f"+line {n}" for n in range(900)]}]
    image = {**whole, "path": "picture.png", "binary": True, "hunks": None}
    files = [{**whole, "hunks": None}, image]
    page.route("**/changes/*", lambda route: route.fulfill(json={"files": files, "left_out": 3}))
    page.route("**/changes/*?path=large.txt", lambda route: route.fulfill(json={**whole, "hunks": hunks}))
    page.goto(f"{finished.url}#board?story={KEY}&dossier=changes")
    expect(page.locator(".files")).to_contain_text("3 more files not listed here")
    expect(page.locator(".file", has_text="picture.png")).to_contain_text("Not text")
    expect(page.locator(".file tr")).to_have_count(0)
    page.locator(".file > summary", has_text="large.txt").click()
    expect(page.locator(".file tr[data-kind=added]")).to_have_count(399)
    page.get_by_role("button", name="Show 400 more lines").click()
    page.get_by_role("button", name=re.compile("^Show 101 more lines")).click()
    expect(page.locator(".file tr[data-kind=added]")).to_have_count(900)
    expect(page.locator(".file").first).to_contain_text("too large to be shown")


def test_nothing_moves_under_who_reads(context: BrowserContext, server: PageServer) -> None:
    story = server.data.parent / ARTIFACTS / f"{FIRST}.md"
    (story.parent / f"discovery-{FIRST}.md").write_text("# Found\n\nOne thing.\n")
    page = dossier(context, server, f"{FIRST}&dossier=story")
    page.set_viewport_size({"width": 1000, "height": 420})
    fold = page.locator(".artifact").first
    fold.locator("summary").click()
    expect(fold).to_contain_text("One thing.")
    head = page.get_by_role("heading", name="Other files", exact=True)
    head.evaluate("el => el.scrollIntoView({ block: 'center' })")
    at = "document.querySelector('#dossier-files').getBoundingClientRect().top"
    before = page.evaluate(at)
    ticks = page.locator(".md-task")
    count = ticks.count()
    assert count
    text = story.read_text()
    story.write_text(text.replace("## Dev Notes", "- [ ] Task 9: One more\n" * 12 + "\n## Dev Notes", 1))
    expect(ticks).to_have_count(count + 12)
    expect(fold).to_have_attribute("open", "")
    assert abs(page.evaluate(at) - before) <= 1
    story.write_text(text)


def test_it_is_read_anew_when_the_server_tells_another_history(
    context: BrowserContext, serve: Callable[..., PageServer], watch: Watch
) -> None:
    watch.allow("ERR_CONNECTION_REFUSED|WebSocket connection to|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE")
    server = serve("max")
    page = dossier(context, server, FIRST)
    server.end()
    story = server.root / "_bmad-output/implementation-artifacts" / f"{FIRST}.md"
    story.write_text(re.sub(r"^# .*$", "# Story 1.1: Another title", story.read_text(), count=1, flags=re.MULTILINE))
    shutil.rmtree(server.data)
    server.start()
    expect(page.get_by_role("heading", name="Another title", exact=True)).to_be_visible()


def test_what_a_story_file_holds_is_text(context: BrowserContext, server: PageServer) -> None:
    story = server.data.parent / ARTIFACTS / f"{FIRST}.md"
    before = story.read_text()
    hostile = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
    pictured = "![a picture](http://localhost:1/x.png) and [a link](javascript:document.title=1)"
    story.write_text(f"# Story 1.1: {hostile}\n\nStatus: ready-for-dev\n\n## Story\n\n{hostile}\n\n{pictured}\n")
    page = dossier(context, server, f"{FIRST}&dossier=story")
    expect(page.locator("#story-title")).to_have_text(hostile)
    expect(page.locator(".md")).to_contain_text("<script>")
    expect(page.locator(".md")).to_contain_text("a picture (http://localhost:1/x.png) and a link (javascript:")
    assert page.locator("#story img, #story script, .md a").count() == 0
    assert page.title() != "1"
    # The longest title that a person may write, from right to left: three lines of it, and all of it on the tab below.
    title = "שלום עולם " * 50
    story.write_text(f"# Story 1.1: {title}\n\nStatus: ready-for-dev\n\n## Story\n\nAs a tester.\n")
    expect(page.locator("#story-title")).to_contain_text("שלום")
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        height = page.evaluate("document.querySelector('#story-title').getBoundingClientRect().height")
        assert height < 120, "a long title leaves the verbs in sight"
        assert page.evaluate("(el => el.scrollWidth - el.clientWidth)(document.querySelector('#story-dialog'))") == 0
        picture(page, f"dossier-long-title-{width}")
    story.write_text(before)


MARKDOWN = """---
title: x
---
# One *two*

Wrapped text that is longer than sixty characters and goes on in
the next line, with `code *as it is*`, __strong__, ~~gone~~ and snake_case_name.
Short,
line.

### Deep

1. first
   - [x] done **now**
   - [ ] open
2. second

   more of it

> quoted
> - item

| a | b |
|---|--:|
| `x` | **1** \\| 2 |

```py
# no heading <b>
```
<!-- a
comment -->
* * *
"""


def test_markdown_becomes_elements(context: BrowserContext, idle: PageServer) -> None:
    page = context.new_page()
    page.goto(idle.url)
    html = page.evaluate(
        """async (text) => {
          const { markdown } = await import("/static/story/markdown.js");
          const el = markdown(text);
          for (const one of el.querySelectorAll("*"))
            for (const name of one.getAttributeNames()) one.removeAttribute(name);
          for (const svg of el.querySelectorAll("svg")) svg.remove();
          const start = performance.now();
          for (const hard of ["*a ", "[", "> ", "`", "- ", "| ", "<!-- ", "  - a\\n", "a\\n\\n", "__a"]) {
            markdown(hard.repeat(3_900 / hard.length));
            markdown(hard.repeat(20_000));
          }
          window.took = performance.now() - start;
          return el.innerHTML;
        }""",
        MARKDOWN,
    )
    for part_of in (
        "<details><summary>Fields</summary><pre>title: x</pre></details><h3>One <em>two</em></h3>",
        "goes on in the next line, with <code>code *as it is*</code>, <strong>strong</strong>, <s>gone</s>",
        " and snake_case_name.",
        "<td><code>x</code></td><td><strong>1</strong> | 2</td>",
        "Short,<br>line.",
        "<h4>Deep</h4><ol><li>first<ul><li><span></span><span>done: </span><div>done <strong>now</strong></div></li>",
        "<span>open: </span><div>open</div></li></ul></li><li><p>second</p><p>more of it</p></li></ol>",
        "<blockquote><p>quoted</p><ul><li>item</li></ul></blockquote>",
        "<thead><tr><th>a</th><th>b</th></tr></thead>",
        "<pre># no heading &lt;b&gt;</pre>",
        "&lt;!-- a\ncomment --&gt;",
        "<hr>",
    ):
        assert part_of in html
    assert page.evaluate("window.took") < 15_000, "no text is slow"


def test_a_dossier_by_keyboard_alone(context: BrowserContext, finished: PageServer) -> None:
    page = visit(context, finished, "board")
    page.locator(".epic-fold[aria-expanded=false]").press("Enter")  # of the epic that is done
    page.locator(f'.card[data-key="{KEY}"] .card-open').focus()
    page.keyboard.press("Enter")
    tab = page.get_by_role("tab", name="Conversation")
    tab.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Changes")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Changes")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("tabpanel", name="Cost")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(tab).to_be_focused()
    more = page.get_by_role("button", name="More")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Export as one file")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Revert…", exact=True).press("Enter")
    expect(page.get_by_label("The story is then")).to_be_focused()
    page.locator(".status-button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitemradio", name="Done")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(f'.card[data-key="{KEY}"] .card-open')).to_be_focused()
    assert "dossier" not in page.url


def test_a_dossier_fits_every_width_and_paper(context: BrowserContext, finished: PageServer, axe: str) -> None:
    page = dossier(context, finished, KEY)
    page.evaluate(axe)
    for name in ("Conversation", "Changes", "Story", "Cost"):
        page.get_by_role("tab", name=name).click()
        panel = page.get_by_role("tabpanel", name=name)
        if name == "Conversation":
            item(page, "code review 1").locator(".item-open").click()
            expect(panel.locator(".entry").first).to_be_visible()
        expect(panel.get_by_text("Loading", exact=True)).to_have_count(0)
        assert in_both_schemes(page) == [], name
        for width in (360, 768, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            overflow = "(el => el.scrollWidth - el.clientWidth)(document.querySelector('#story-dialog'))"
            assert page.evaluate(overflow) == 0
            picture(page, f"dossier-{name.lower()}-{width}")
    page.emulate_media(media="print")
    expect(page.locator("main")).to_be_hidden()
    expect(page.locator(".dossier-actions")).to_be_hidden()
    assert page.evaluate("(el => el.scrollHeight - el.clientHeight)(document.querySelector('#story-dialog'))") <= 0


# -- as a file ---------------------------------------------------------------------------------------------------


def opened(browser: Browser, path: Path, scheme: str = "light") -> tuple[Page, list[str]]:
    """A file opened from disk by a page that may run scripts, and what it did beyond showing text."""
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    did: list[str] = []
    page.on("request", lambda request: did.append(request.url) if request.url != path.as_uri() else None)
    page.on("dialog", lambda dialog: did.append(f"dialog {dialog.message}"))
    page.on("console", lambda message: did.append(message.text))
    page.goto(path.as_uri())
    return page, did


@pytest.mark.parametrize("tab", [f"board?story={KEY}", "history"])
def test_a_dossier_and_a_batch_are_saved_as_one_file(
    context: BrowserContext, browser: Browser, finished: PageServer, tmp_path: Path, tab: str
) -> None:
    page = visit(context, finished, tab)
    if tab == "history":
        link = page.get_by_role("link", name=re.compile("^Export")).first
    else:
        page.get_by_role("button", name="More").click()
        link = page.get_by_role("menuitem", name="Export as one file")
    with page.expect_download() as waiting:
        link.click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name in (f"story-{KEY}.html", "batch-1.html")
    file, did = opened(browser, path)
    expect(file.locator("main")).to_contain_text("code-review-2")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = file.evaluate(ground)
    file.emulate_media(color_scheme="dark")
    assert file.evaluate(ground) != light
    file.emulate_media(media="print")
    assert file.evaluate("document.documentElement.scrollWidth") <= 1280
    assert did == []
    file.close()


def test_an_export_of_hostile_words_is_inert(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_bytes(story_report(hostile_dossier(), hostile_entries(), hostile_changes(), 0))
    page, did = opened(browser, path)
    for fold in page.locator("details > summary").all():
        fold.click()
    assert page.locator("script, img, iframe, svg, object, link, form").count() == 0
    for words in HOSTILE:
        expect(page.locator("body")).to_contain_text(words)
    assert page.title().endswith(HOSTILE[0])
    page.evaluate("Promise.resolve()")
    assert did == []
    page.close()


def test_every_entry_of_a_long_transcript_is_reached(context: BrowserContext, serve: Callable[..., PageServer]) -> None:
    server = serve("max", {"story-discovery": ["garbage:1500"]})
    page = visit(context, server)
    server.ask("api/run/start", {"batch_size": 1})
    expect(page.locator("#headline-words")).to_contain_text("Finished", timeout=120_000)
    [command] = [one for one in server.ask("api/commands")["commands"] if one["command"] == "story-discovery"]
    while (page_of := server.ask(f"api/commands/{command['id']}/transcript?from=0&limit=1"))["reading"]:
        page.wait_for_timeout(50)  # the server reads it in the background
    total = page_of["total"]
    page.goto(f"{server.url}#board?story={command['story_key']}&transcript={command['id']}")
    fold = page.locator(".transcript[open]")
    body = fold.locator(".transcript-body")
    expect(fold.locator(".raw")).to_contain_text(f"entries 1 to 200 of {total:,}")

    body.evaluate("el => { el.scrollTop = el.scrollHeight; }")
    expect(fold.locator(".raw")).to_contain_text(f"entries 1 to 400 of {total:,}")

    place = fold.get_by_label("Place in the transcript")
    place.evaluate("el => { el.value = 900; el.dispatchEvent(new Event('change')); }")
    expect(fold.locator(".raw")).to_contain_text(re.compile(r"entries \d+ to 1,100 of"))
    middle = server.ask(f"api/commands/{command['id']}/transcript?from=900&limit=1")["entries"][0]
    expect(fold.locator(".entry", has_text=middle["text"].strip()[:60])).not_to_have_count(0)

    body.evaluate("el => { el.scrollTop = 0; }")
    expect(fold.locator(".raw")).to_contain_text(re.compile(r"entries [1-7]\d\d to 1,\d00 of"))

    place.evaluate("el => { el.value = el.max; el.dispatchEvent(new Event('change')); }")
    expect(fold.locator(".raw")).to_contain_text(f"to {total:,} of {total:,}")
    expect(fold.locator(".entry").last).to_be_in_viewport()
