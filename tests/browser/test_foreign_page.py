"""A page of another origin, in a real Chromium, against a real server: it opens nothing, reads nothing but the data
files, starts nothing and frames nothing."""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import PageServer, Watch

pytestmark = pytest.mark.browser

PATIENCE_S = 20.0
HOSTS = ["127.0.0.1", "localhost", "evil.localhost"]  # another port, another name, a name of another site

# Each way is a function of the server's address that answers "refused", or what it got.
WAYS = {
    "a socket": """url => new Promise(done => {
        const line = new WebSocket(url.replace("http", "ws") + "ws");
        line.onopen = () => done("open"); line.onmessage = () => done("message"); line.onerror = () => done("refused");
    })""",
    "the state": """url => fetch(url + "api/run").then(answer => answer.text(), () => "refused")""",
    "the state, with cookies": """url => fetch(url + "api/run", {credentials: "include"})
        .then(answer => answer.text(), () => "refused")""",
    "the state, unread": """url => fetch(url + "api/run", {mode: "no-cors"})
        .then(answer => answer.text().then(text => text || "refused"), () => "refused")""",
    "the page": """url => fetch(url).then(answer => answer.text(), () => "refused")""",
    "events, as a stream": """url => new Promise(done => {
        const stream = new EventSource(url + "api/events");
        stream.onopen = () => done("open"); stream.onerror = () => { stream.close(); done("refused"); };
    })""",
    "a module": """url => import(url + "static/shell/app.js").then(() => "imported", () => "refused")""",
    "a script": """url => new Promise(done => {
        const script = document.createElement("script"); script.src = url + "static/shell/boot.js";
        script.onload = () => done("run"); script.onerror = () => done("refused"); document.head.append(script);
    })""",
    "an image": """url => new Promise(done => {
        const image = new Image(); image.src = url + "static/shell/favicon.svg";
        image.onload = () => done("shown"); image.onerror = () => done("refused");
    })""",
    "a style": """url => new Promise(done => {
        const link = document.createElement("link"); link.rel = "stylesheet"; link.href = url + "static/kit/base.css";
        link.onload = () => done("used"); link.onerror = () => done("refused"); document.head.append(link);
    })""",
    "a start": """url => fetch(url + "api/run/start", {method: "POST", body: "{}",
        headers: {"Content-Type": "application/json"}}).then(answer => answer.text(), () => "refused")""",
    "a setting": """url => fetch(url + "api/settings", {method: "PUT", body: '{"verify": "touch /tmp/x"}',
        headers: {"Content-Type": "application/json"}}).then(answer => answer.text(), () => "refused")""",
    "a preflight": """url => fetch(url + "sprint-status.yaml", {headers: {"X-Own": "1"}})
        .then(answer => answer.text(), () => "refused")""",
}
# What is sent without waiting for leave: nothing may come of it.
SHOTS = """async url => {
    const body = '{"batch_size": "all"}';
    const kinds = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];
    for (const path of ["api/run/start", "api/orchestrator/start", "api/settings"]) {
        for (const type of ["application/json", ...kinds]) {
            await fetch(url + path, {method: "POST", mode: "no-cors", body, headers: {"Content-Type": type}})
                .catch(() => null);
        }
        navigator.sendBeacon(url + path, new Blob([body], {type: "text/plain"}));
        for (const encoding of kinds) {
            const frame = document.createElement("iframe"); frame.name = "sink" + path + encoding;
            const form = document.createElement("form"); const field = document.createElement("input");
            form.method = "post"; form.action = url + path; form.enctype = encoding; form.target = frame.name;
            field.name = '{"batch_size": "all", "x": "'; field.value = '"}'; form.append(field);
            const ended = new Promise(done => { frame.onload = done; });
            document.body.append(frame, form); form.submit(); await ended;
        }
    }
}"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[int]:
    """The port of another server on this machine, with an empty page."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>elsewhere</title><body></body>")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield served.server_port
        served.shutdown()
        thread.join()


@pytest.fixture
def foreign(context: BrowserContext, idle: PageServer, elsewhere: int, watch: Watch) -> Callable[[str], Page]:
    """Opens a page of another origin; that its attempts fail loudly in its own console is what is wanted."""
    watch.allow(".*")

    def open_page(host: str) -> Page:
        page = context.new_page()
        page.goto(f"http://{host}:{elsewhere}/")
        return page

    return open_page


def ask(server: PageServer, path: str) -> Any:
    with urllib.request.urlopen(server.url + path, timeout=30) as answer:
        return json.loads(answer.read())


def untouched(server: PageServer) -> bool:
    """Nothing was started, connected or written."""
    end = time.monotonic() + PATIENCE_S  # the page of the test before may still be on its way out
    while _clients(server) and time.monotonic() < end:
        time.sleep(0.1)
    calm = ask(server, "api/run")["state"] == "idle" and ask(server, "api/batches")["total"] == 0
    return calm and _clients(server) == 0


def _clients(server: PageServer) -> int:
    with urllib.request.urlopen(f"{server.url}metrics", timeout=30) as answer:
        metrics: str = answer.read().decode()
    return int(metrics.partition("\nsprint_runner_clients ")[2].split()[0])


def test_it_opens_and_reads_nothing(idle: PageServer, foreign: Callable[[str], Page]) -> None:
    for host in HOSTS:
        page = foreign(host)
        got = {way: page.evaluate(code, idle.url) for way, code in WAYS.items()}
        assert got == dict.fromkeys(WAYS, "refused"), host
    assert untouched(idle)


def test_it_reads_the_data_files_that_are_for_everybody(idle: PageServer, foreign: Callable[[str], Page]) -> None:
    page = foreign("evil.localhost")
    read = "url => fetch(url).then(answer => answer.text())"
    assert "development_status" in page.evaluate(read, f"{idle.url}sprint-status.yaml")
    assert json.loads(page.evaluate(read, f"{idle.url}story-descriptions.json"))


def test_it_reads_no_data_file_that_is_a_link_a_pipe_or_a_folder(
    context: BrowserContext, serve: Callable[..., PageServer], elsewhere: int, watch: Watch
) -> None:
    watch.allow(".*")
    server = serve("max")
    folder = server.root / "_bmad-output/implementation-artifacts"
    (server.root / ".env").write_text("SECRET_OF_THE_PROJECT=1\n")
    orchestrator = folder / "orchestrator.md"
    orchestrator.unlink(missing_ok=True)
    orchestrator.symlink_to("../../.env")
    page = context.new_page()
    page.goto(f"http://evil.localhost:{elsewhere}/")
    read = "url => fetch(url).then(answer => answer.text(), () => 'refused')"
    missing = '"code":"not_found"'
    assert missing in page.evaluate(read, f"{server.url}orchestrator.md")

    orchestrator.unlink()
    os.mkfifo(orchestrator)
    assert missing in page.evaluate(read, f"{server.url}orchestrator.md")

    orchestrator.unlink()
    orchestrator.mkdir()
    assert missing in page.evaluate(read, f"{server.url}orchestrator.md")

    status = folder / "sprint-status.yaml"
    status.rename(folder / "moved.yaml")
    status.symlink_to("../../.env")
    assert missing in page.evaluate(read, f"{server.url}sprint-status.yaml")


def test_it_reads_no_data_file_where_no_origin_may(
    context: BrowserContext, serve: Callable[..., PageServer], elsewhere: int, watch: Watch
) -> None:
    watch.allow(".*")
    server = serve("max")
    page = context.new_page()
    page.goto(f"http://evil.localhost:{elsewhere}/")
    read = "url => fetch(url).then(answer => answer.text(), () => 'refused')"
    assert "development_status" in page.evaluate(read, f"{server.url}sprint-status.yaml")
    server.close()
    with (server.root / "sprint-runner.yaml").open("a") as settings:
        settings.write("\ncors_origin: none\n")
    server.start()
    for path in ("sprint-status.yaml", "story-descriptions.json", "orchestrator.md", "orchestrator.csv"):
        assert page.evaluate(read, f"{server.url}{path}") == "refused", path
    assert _status(server, "sprint-status.yaml") == 200  # for its own page


def _status(server: PageServer, path: str) -> int:
    try:
        with urllib.request.urlopen(f"{server.url}{path}", timeout=30) as answer:
            status: int = answer.status
    except urllib.error.HTTPError as error:
        return error.code
    return status


def test_it_starts_nothing(idle: PageServer, foreign: Callable[[str], Page]) -> None:
    for host in HOSTS:
        foreign(host).evaluate(SHOTS, idle.url)
    assert untouched(idle)


def test_a_sandboxed_page_without_an_origin_gets_no_further(idle: PageServer, foreign: Callable[[str], Page]) -> None:
    """Its origin is `null`, which some servers take for their own."""
    page = foreign("127.0.0.1")
    page.evaluate(
        """() => { const frame = document.createElement("iframe"); frame.sandbox = "allow-scripts allow-forms";
        frame.srcdoc = "<body>alone</body>"; document.body.append(frame); }"""
    )
    frame = page.wait_for_selector("iframe")
    assert frame is not None
    inner = frame.content_frame()
    assert inner is not None
    inner.wait_for_function("document.body.textContent === 'alone'")
    assert inner.evaluate("self.origin") == "null"
    got = {way: inner.evaluate(code, idle.url) for way, code in WAYS.items()}
    assert got == dict.fromkeys(WAYS, "refused")
    assert untouched(idle)


@pytest.mark.parametrize("tag", ["iframe", "object"])
def test_it_frames_nothing(idle: PageServer, foreign: Callable[[str], Page], tag: str) -> None:
    page = foreign("127.0.0.1")
    page.evaluate(
        """([tag, url]) => new Promise(done => {
            const frame = document.createElement(tag); frame[tag === "object" ? "data" : "src"] = url;
            frame.onload = frame.onerror = done; document.body.append(frame);
        })""",
        [tag, idle.url],
    )
    assert idle.url not in [frame.url for frame in page.frames]  # but Chromium's own page, which says so
    assert untouched(idle)


def test_a_window_that_it_opens_is_out_of_its_hands(
    idle: PageServer, context: BrowserContext, foreign: Callable[[str], Page]
) -> None:
    page = foreign("127.0.0.1")
    with context.expect_page() as opened:
        page.evaluate("url => { self.other = window.open(url); }", idle.url)
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("window.opener") is None
    page.wait_for_function("self.other.closed")  # what it holds is no window any more


def test_a_name_that_was_rebound_to_this_machine_is_refused(
    idle: PageServer, context: BrowserContext, watch: Watch
) -> None:
    watch.allow("403")
    page = context.new_page()
    answer = page.goto(idle.url.replace("127.0.0.1", "rebound.localhost"))
    assert answer is not None
    assert answer.status == 403
    assert json.loads(page.locator("body").inner_text())["error"]["code"] == "host_refused"


def test_no_text_becomes_a_script_of_the_page(idle: PageServer, context: BrowserContext, watch: Watch) -> None:
    """Trusted Types: what would write HTML or code from a text raises, whatever calls it."""
    watch.allow("Trusted|TrustedHTML|Content Security Policy|violates")
    page = context.new_page()
    page.goto(idle.url)
    for sink in (
        "document.body.innerHTML = '<b>x</b>'",
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')",
        "new DOMParser().parseFromString('<b>', 'text/html')",
        "document.createElement('script').text = 'alert(1)'",
        "trustedTypes.createPolicy('own', {createHTML: text => text})",
    ):
        caught = page.evaluate(f"() => {{ try {{ {sink}; return 'done'; }} catch (error) {{ return error.name; }} }}")
        assert caught == "TypeError", sink
