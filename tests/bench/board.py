"""The Board of a large project: 500 stories with files, and 5,000 commands behind them, in a real Chromium.

Measured in the page: from the end of the answers that the Board is made of to the frame that shows all cards.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, async_playwright

from db import Database
from store.batches import create_batch
from store.commands import create_command
from store.stories import create_story
from tests.bench.load import table
from tests.browser.conftest import FLAGS, chromium
from tests.servers import ROOT, Server

STORIES: Final = 500
COMMANDS: Final = 10  # of each story
ROUNDS: Final = 5
WAIT_MS: Final = 60_000
STATUSES: Final = ("done", "done", "review", "in-progress", "ready-for-dev", "backlog", "blocked")
HEAD: Final = ("what", "promised", "measured")
NOTED: Final = ("first", "all")
DATA: Final = ("/api/sprint", "/api/standings")
# A large board is folded at first: unfolded, and as a list, it has every card.
FOLDS: Final = json.dumps([f"+{epic}" for epic in range(1, 1 + STORIES // 20)])
OPEN: Final = f"localStorage.setItem('sprint-runner.board.folds', {json.dumps(FOLDS)});\n"
# Notes the frames after which the first cards, and all cards, are there.
WATCH: Final = f"""
  const note = (name, many) => {{
    const look = () => {{
      if (document.querySelectorAll(".card").length < many) return requestAnimationFrame(look);
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {{ document.documentElement.dataset[name] = performance.now(); }};
      channel.port2.postMessage(null);
    }};
    requestAnimationFrame(look);
  }};
  note("first", 1);
  note("all", {STORIES});
  window.busy = [];
  new PerformanceObserver((list) => window.busy.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({{ type: "longtask", buffered: true }});
"""
ARRIVED: Final = f"""Math.max(...performance.getEntriesByType("resource")
  .filter((entry) => {json.dumps(DATA)}.some((name) => entry.name.endsWith(name))).map((entry) => entry.responseEnd))"""


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = large_project(Path(folder) / "large")
        await large_history(project / ".sprint-runner" / "sprint-runner.db")
        server = Server([str(project), "--port", "0"], Path(folder)).start()
        try:
            rows = [_answer(server.url, path) for path in DATA]
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
                first, whole, busy = zip(*[await _paint(browser, server.url) for _ in range(ROUNDS)], strict=True)
                await browser.close()
        finally:
            server.end()
    rows.append((f"ms from the data to the first paint, {STORIES} stories", "300", statistics.median(first)))
    rows.append(("ms until the last of them is drawn", "", statistics.median(whole)))
    rows.append(("ms of the longest task of that page", "", statistics.median(busy)))
    table("Board", HEAD, rows)


async def _paint(browser: Browser, url: str) -> tuple[float, float, float]:
    """How long the page took to show the first and all of what it had, and its longest task, in ms."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.add_init_script(OPEN + WATCH)
    await page.goto(f"{url}/#board?layout=list")
    await page.locator("html[data-all]").wait_for(state="attached", timeout=WAIT_MS)
    first, whole = [await page.evaluate(f"document.documentElement.dataset.{name} - {ARRIVED}") for name in NOTED]
    busy = await page.evaluate("Math.max(0, ...window.busy)")
    await context.close()
    return first, whole, busy


def _answer(url: str, path: str) -> tuple[str, str, Any]:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with urllib.request.urlopen(f"{url}{path}", timeout=60) as response:
            response.read()
        took.append((time.perf_counter() - began) * 1000)
    return f"ms until `{path}` has answered", "", statistics.median(took)


def _keys() -> list[str]:
    return [f"{1 + n // 20}-{1 + n % 20}-story-number-{n}" for n in range(STORIES)]


def large_project(root: Path) -> Path:
    """Write a project of 25 epics with 20 stories each."""
    folder = root / "_bmad-output" / "implementation-artifacts"
    folder.mkdir(parents=True)
    lines = ["development_status:"]
    for n, key in enumerate(_keys()):
        if n % 20 == 0:
            lines.append(f"  epic-{1 + n // 20}: in-progress")
        status = STATUSES[n % len(STATUSES)]
        lines.append(f"  {key}: {status}")
        story = f"As a user,\nI want the thing with the number {n},\nso that the board has something to show."
        tasks = "\n".join(f"- [{'x' if n % 3 else ' '}] Task {task}" for task in range(12))
        parts = ("# Story: The thing", f"Status: {status}", "## Story", story, "## Tasks", tasks)
        (folder / f"{key}.md").write_text("\n\n".join(parts) + "\n")
    (folder / "sprint-status.yaml").write_text("\n".join(lines) + "\n")
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py")])
    (root / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
    return root


async def large_history(path: Path) -> None:
    """What years of one project leave behind."""
    database = await Database.open(path)
    batch = await database.write(create_batch, max_cycles=None, status="completed", ended_at=1)
    for n, key in enumerate(_keys()):
        status = STATUSES[n % len(STATUSES)]
        if status in ("backlog", "ready-for-dev"):
            continue
        row = await database.write(create_story, batch, key, status=status, reason="as it was")
        for number in range(COMMANDS):
            columns = {"story_id": row, "story_key": key, "story_keys": [key], "status": "success", "ended_at": 2}
            verdict = {"verdict": '{"severity":1,"findings":["a"]}', "word": "LOW"}
            name = f"code-review-{number}" if number else "dev-story"
            database.write(create_command, batch, name, **columns, **verdict)
    await database.close()
