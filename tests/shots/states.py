"""The states in which the page is looked at: projects, each brought to a place where it stays."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import Any, Final

from demo.fresh import CHAOS, SCRIPT, TRACKER, V7, demo_folder
from tests import servers
from tests.bench.board import large_history, large_project
from tests.browser.conftest import BATCH_S, PageServer
from tests.shots.workers import WorkersServer

POLL_S: Final = 0.1
STORY: Final = "1-1-friendly-dates"
ALL: Final = {"batch_size": "all"}
QUESTION: Final = "Two date formats are used in the files. Which one shall be kept?"
# What happens in the demo whose page shows what needs the operator.
TROUBLE: Final = {
    "dev-story": {STORY: ["blocked:the notes of the old format are missing"], "*": [f"question:{QUESTION}", "ok"]}
}
# A development that stays in the middle of its reply.
STUCK: Final = "1-3-find-a-sighting"
STAYS: Final = {"dev-story": {STUCK: ["stuck:8"]}}
BOTH_STAY: Final = {"dev-story": {"*": ["stuck:8"]}}
PATIENT: Final = "silence_timeout_min: 600\n"
FAULT: Final = "the database cannot be written: disk I/O error"
RTL: Final = "تواريخ سهلة القراءة في سجل الطيور (2026)"
RTL_EPIC: Final = "מחברת שאפשר לסמוך עליה"
LONG: Final = ("A sighting that was written down wrongly is corrected where it was written. " * 7)[:500]
UNPLANNED: Final = "# A lamp\n\n## Epic 1: Light\n\n### Story 1.1: Find the can\n\n### Story 1.2: Carry the oil\n"

Run = Mapping[str, Any]
Ready = Callable[[Run], bool]


class FolderServer(PageServer):
    """A server of a folder that is no demo, with the scripted agent."""

    def __init__(self, root: Path) -> None:
        super().__init__(root.parent, "max")
        self.root, self.data = root, root.parent / "data"
        agent = json.dumps([sys.executable, str(servers.ROOT / "demo/agent.py"), "--speed", "max"])
        (root / "sprint-runner.yaml").write_text(f"agent: own\nagents: {{own: {{kind: claude, command: {agent}}}}}\n")
        arguments = [str(root), "--port", "0", "--data-dir", str(self.data)]
        servers.Server.__init__(self, arguments, root.parent)


@dataclass(frozen=True, slots=True)
class State:
    """`make` lays out a project below a folder, `bring` works on its server until the state is there."""

    make: Callable[[Path], PageServer]
    bring: Callable[[PageServer], None] = field(default=lambda server: None)


def _demo(script: object = None, settings: str = "", prepare: Callable[[Path], None] | None = None) -> Any:
    """Return what makes the demo with more settings, in which calls of the agent go by a script."""

    def make(folder: Path) -> PageServer:
        server = PageServer(folder, "max", kind=CHAOS)
        root = demo_folder(server.root, CHAOS)
        (root / SCRIPT).write_text(json.dumps(script or {}))
        own = (root / "sprint-runner.yaml").read_text().partition("\n# This is the demo")[0]
        (root / "sprint-runner.yaml").write_text(f"{own}\n{PATIENT}{settings}")
        if prepare:
            prepare(root)
        _commit(root)
        return server

    return make


def _commit(root: Path) -> None:
    git = ("git", "-c", "user.name=T", "-c", "user.email=t@localhost")
    if not (root / ".git").exists():
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run([*git, "add", "-A"], cwd=root, check=True)
    subprocess.run([*git, "commit", "-qm", "prepared", "--allow-empty"], cwd=root, check=True)


def _unplanned(folder: Path) -> PageServer:
    root = folder / "lamp"
    (root / "_bmad-output/planning-artifacts").mkdir(parents=True)
    (root / "_bmad-output/planning-artifacts/epics.md").write_text(UNPLANNED)
    _commit(root)
    return FolderServer(root)


def _large(folder: Path) -> PageServer:
    """500 stories, and 5,000 commands behind them."""
    root = large_project(folder / "large")
    server = FolderServer(root)
    server.data.mkdir()
    # In a thread of its own, because Playwright's loop runs in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, large_history(server.data / "sprint-runner.db")).result()
    return server


def _brownfield(folder: Path) -> PageServer:
    """Half of the plan was done before the runner came, and left no files."""
    root = folder / "old"
    (root / TRACKER).parent.mkdir(parents=True)
    lines = ["development_status:"]
    for epic in range(1, 5):
        status = "done" if epic < 3 else "backlog"
        lines.append(f"  epic-{epic}: {'done' if epic < 3 else 'in-progress'}")
        lines += [f"  {epic}-{story}-part-{story}-of-the-shop: {status}" for story in range(1, 7)]
    (root / TRACKER).write_text("\n".join(lines) + "\n")
    (root / "shop.py").write_text("print('a shop')\n")
    _commit(root)
    return FolderServer(root)


def _retitled(root: Path) -> None:
    for path in [*(root / "_bmad-output").rglob("*.md")]:
        words = path.read_text().replace("Friendly dates", RTL).replace("A notebook you can trust", RTL_EPIC)
        path.write_text(words.replace("Correct a sighting", LONG))


def _starts(fields: Mapping[str, Any], is_ready: Ready) -> Callable[[PageServer], None]:
    """Return what starts a batch and waits until its run is there."""

    def bring(server: PageServer) -> None:
        server.ask("api/run/start", fields)
        _await(server, is_ready)

    return bring


def _await(server: PageServer, is_ready: Ready) -> None:
    until = time.monotonic() + BATCH_S
    while not is_ready(run := server.ask("api/run")):
        if time.monotonic() > until:
            raise TimeoutError(f"the state is never reached: {run}")
        time.sleep(POLL_S)


def _stuck(count: int, story: str = "") -> Ready:
    """Return whether so many developments run, of a story where one is named."""
    return lambda run: sum(_is_dev(one) and story in str(one) for one in run["operations"]) >= count


def _waits_for_worker(run: Run) -> bool:
    return _stuck(1)(run) and any(one["waits"] for one in run["cycles"])


def _is_dev(operation: Mapping[str, Any]) -> bool:
    return bool(operation["command"].startswith("dev"))


def _asks(kind: str) -> Ready:
    return lambda run: any(one["kind"] == kind for one in run["attention"])


def _is(state: str) -> Ready:
    return lambda run: bool(run["state"] == state)


def _pause(server: PageServer) -> None:
    """A pause comes after the command; here it follows the first one of the batch."""
    server.ask("api/run/start", ALL)
    _await(server, _is("running"))
    server.ask("api/run/pause", {})
    _await(server, _is("paused"))


def _two_batches(server: PageServer) -> None:
    for size in (1, "all"):
        server.ask("api/run/start", {"batch_size": size})
        _await(server, _is("idle"))


def _fail(server: PageServer) -> None:
    """A fault of the runner itself ends a batch so; nothing that an agent does provokes one."""
    server.ask("api/run/start", {"batch_size": 1})
    _await(server, _is("idle"))
    server.end()
    with sqlite3.connect(server.data / "sprint-runner.db") as database:
        database.execute("UPDATE batches SET status = 'error', reason = ?", [FAULT])
        changed = "json_set(payload, '$.status', 'error', '$.reason', ?)"
        database.execute(f"UPDATE events SET payload = {changed} WHERE type = 'batch:end'", [FAULT])
    database.close()
    server.start()


def _interrupt(server: PageServer) -> None:
    server.ask("api/run/start", ALL)
    _await(server, _stuck(1, STUCK))
    _await(server, lambda run: any(one["task_id"] == "lint" for one in run["operations"]))
    server.end(SIGKILL)
    server.start()


def _v7(folder: Path) -> PageServer:
    return PageServer(folder, "max", kind=V7)


STATES: Final[Mapping[str, State]] = {
    "empty": State(_unplanned),
    "idle": State(_demo()),
    "running": State(_demo(STAYS), _starts(ALL, _stuck(1, STUCK))),
    "lanes": State(_demo(BOTH_STAY, "parallel: 2\n"), _starts(ALL, _stuck(2))),
    "workers": State(lambda folder: WorkersServer(folder, BOTH_STAY), _starts(ALL, _waits_for_worker)),
    "asking": State(_demo(TROUBLE), _starts(ALL, _asks("question"))),
    "gate": State(_v7, _starts(ALL, _asks("gate"))),
    "limit": State(_demo({"create-story": ["usage-limit:7200"]}), _starts(ALL, _is("waiting"))),
    "paused": State(_demo(), _pause),
    "interrupted": State(_demo(STAYS), _interrupt),
    "agent": State(_demo({"code-review": ["auth"]}), _starts(ALL, _is("paused"))),
    "failed": State(_demo(), _fail),
    "ended": State(_demo(), _two_batches),
    "large": State(_large),
    "brownfield": State(_brownfield),
    "titles": State(_demo(prepare=_retitled), _starts({"batch_size": 1}, _is("idle"))),
}


@contextmanager
def server(name: str) -> Iterator[PageServer]:
    """A server in one of `STATES`, in a folder of its own that goes with it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
        state = STATES[name]
        made = state.make(folder)
        made.environment["XDG_STATE_HOME"] = str(folder / "state")
        made.start()
        stack.callback(made.close)
        state.bring(made)
        yield made


@contextmanager
def fleet() -> Iterator[str]:
    """The address of the page of several runners, two of which run and ask."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
        environment: dict[str, str] = {}
        for name in ("running", "asking"):
            (folder / name).mkdir()
            made = STATES[name].make(folder / name)
            made.environment["XDG_STATE_HOME"] = str(folder / "state")
            environment = made.environment
            made.start()
            stack.callback(made.close)
            STATES[name].bring(made)
        process = stack.enter_context(
            subprocess.Popen(
                [*servers.PROGRAM, "fleet", "--port", "0"],
                env=environment,
                cwd=servers.ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(process.terminate)
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
