"""A small BMAD project of our own and a run over it, for tests: real files, a real git, a real agent process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import events
import sprint
from agents import AgentSpec
from base.program import PROGRAM_DIR
from db import Database
from events import Event
from git.snapshots import Git
from orchestrator import Orchestrator, StartRequest
from running.machines import Machines
from running.workspace import Workspace
from runstate.fold import RunState
from settings import Settings
from store.commands import get_commands_by_batch
from store.stories import get_stories_by_batch

TRACKER = Path("_bmad-output/implementation-artifacts/sprint-status.yaml")
PAIR = {"1-1-a": "backlog", "1-2-b": "backlog"}
READY = {"1-1-a": "in-progress"}
LONG_S = 120.0  # far more than any wait takes, on a busy machine too: a test that waits so long has failed


def make_project(root: Path, stories: Mapping[str, str], *, git: bool = True, context: bool = True) -> Path:
    """A project with the given stories (key to status), committed when it is a repository."""
    write_project(root, stories, context=context)
    if git:
        for arguments in (("init", "-q"), ("config", "user.name", "T"), ("config", "user.email", "t@localhost")):
            subprocess.run(["git", *arguments], cwd=root, check=True)
        (root / ".gitignore").write_text(".sprint-runner/\n")
        subprocess.run(["git", "add", "-A"], cwd=root, check=True)
        subprocess.run(["git", "commit", "-qm", "start"], cwd=root, check=True)
    return root


def write_project(root: Path, stories: Mapping[str, str], *, context: bool = True) -> None:
    """Write the files of a project with the given stories (key to status) into a folder."""
    (root / TRACKER).parent.mkdir(parents=True)
    epics = dict.fromkeys(key.split("-")[0] for key in stories)
    lines = ["# a comment that must stay", "project: Tiny", "", "development_status:"]
    for epic in epics:
        lines.append(f"  epic-{epic}: backlog")
        lines += [f"  {key}: {status}  # note" for key, status in stories.items() if key.split("-")[0] == epic]
    (root / TRACKER).write_text("\n".join(lines) + "\n")
    for key, status in stories.items():
        if status != "backlog":
            (root / TRACKER.parent / f"{key}.md").write_text(
                f"# Story {key}\n\nStatus: {status}\n\n## Story\n\nAs a test.\n"
            )
    if context:
        (root / "_bmad-output/project-context.md").write_text("# Context\n")


class Runner:
    """One server's worth of orchestration without the server; `close` and `open` again to restart it."""

    acp_words: tuple[str, ...] = ()  # before the options of the agent "acp"

    def __init__(self, root: Path, script: Path, settings: Settings) -> None:
        self.root = root
        self.settings = settings
        self.now = time.time
        self.machines: Machines | None = None
        self.refusal: str | None = None  # why no agent may be started
        self._script = script
        self.events: list[Event] = []
        self._changed = asyncio.Event()

    @classmethod
    async def create(
        cls, root: Path, script: Mapping[str, Any] | None = None, *, outside: Path | None = None, **settings: Any
    ) -> Runner:
        """Open one. The agent's script goes into the folder `outside` of the repository, else beside the project."""
        path = (outside or root.parent) / "script.json"
        path.write_text(json.dumps(script or {}))
        runner = cls(root, path, Settings(**{"agent": "demo", "retries": 1, **settings}))
        await runner.open()
        return runner

    async def open(self) -> None:
        data_dir = self.root / ".sprint-runner"
        self.database = await Database.open(data_dir / "test.db")
        self.run_state = RunState()
        events.start(self.database, self.run_state.apply, self._collect)
        project = sprint.locate(self.root)
        scripted = ("--speed", "max", "--script", str(self._script))
        agent = AgentSpec(
            name="demo",
            kind="claude",
            command=(sys.executable, str(PROGRAM_DIR / "demo/agent.py"), *scripted),
            model="sonnet",
            light_model="haiku",
        )
        over_acp = AgentSpec(
            name="acp",
            kind="acp",
            command=(sys.executable, str(PROGRAM_DIR / "tests/agents/acp/scripted.py"), *self.acp_words, *scripted),
            model="sonnet",
            light_model="haiku",
        )
        missing = AgentSpec(name="missing", kind="claude", command=("no-such-agent-anywhere",))
        git = await Git.find(self.root, data_dir / "snapshots", (project.artifacts.relative_to(self.root).as_posix(),))
        self.workspace = Workspace(
            project=project,
            settings=lambda: self.settings,
            agents={"demo": agent, "acp": over_acp, "missing": missing},
            database=self.database,
            data_dir=data_dir,
            prompts=PROGRAM_DIR / "prompts",
            git=git,
            clock=lambda: self.now(),
            trust_refusal=lambda: self.refusal,
            machines=self.machines,
        )
        await self.workspace.quota.load(self.database)
        self.orchestrator = Orchestrator(self.workspace, self.run_state)

    async def close(self) -> None:
        await self.orchestrator.shutdown()
        events.stop()
        await self.database.close()

    async def restart(self) -> None:
        """The end of one server and the start of the next, as `server.py` does it."""
        await self.close()
        await self.open()
        rows = [event for event in self.events if event.batch_id is not None]
        self.run_state.apply(rows)
        await self.orchestrator.recover()

    # -- steering ----------------------------------------------------------------------------------------------

    async def start(self, cycles: int | None = None, **fields: Any) -> int:
        return await self.orchestrator.start(StartRequest(cycles=cycles, **fields))

    async def run(self, cycles: int | None = None, **fields: Any) -> int:
        batch_id = await self.start(cycles, **fields)
        await self.until_end()
        return batch_id

    async def until_end(self) -> None:
        async with asyncio.timeout(LONG_S):
            await self.orchestrator.finished()

    async def until(self, wanted: Callable[[Event], bool]) -> Event:
        """The first event, past or to come, that is wanted."""
        seen = 0
        async with asyncio.timeout(LONG_S):
            while True:
                for event in self.events[seen:]:
                    if wanted(event):
                        return event
                seen = len(self.events)
                changed = self._changed
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), 1)

    async def until_command(self, command: str, kind: str = "command:start", times: int = 1) -> Event:
        count = 0

        def wanted(event: Event) -> bool:
            nonlocal count
            count += event.type == kind and event.payload["command"] == command
            return count >= times

        return await self.until(wanted)

    async def until_called(self, command: str, times: int = 1) -> None:
        """The scripted agent has begun so many calls of a scripted command."""
        state = self._script.with_name(self._script.name + ".state")
        async with asyncio.timeout(LONG_S):
            while sum(count for name, count in _counts(state).items() if name.startswith(command)) < times:
                await asyncio.sleep(0.02)

    def _collect(self, events: Any) -> None:
        self.events.extend(events)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    # -- looking -----------------------------------------------------------------------------------------------

    def of(self, type: str) -> list[dict[str, Any]]:
        return [event.payload for event in self.events if event.type == type]

    def commands(self, status: str | None = None) -> list[str]:
        """`story command` of every command:end, in order."""
        ends = self.of("command:end")
        return [f"{end['story_key']} {end['command']}" for end in ends if status is None or end["status"] == status]

    def statuses(self) -> dict[str, str]:
        return {story.key: story.raw_status for story in sprint.read(sprint.locate(self.root)).stories}

    def log(self) -> list[str]:
        done = subprocess.run(
            ["git", "log", "--topo-order", "--format=%s"], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    async def rows(self, batch_id: int) -> tuple[list[Any], list[Any]]:
        stories = await self.database.read(get_stories_by_batch, batch_id)
        return stories, await self.database.read(get_commands_by_batch, batch_id)


def _counts(state: Path) -> dict[str, int]:
    try:
        counts: dict[str, int] = json.loads(state.read_text())
    except (OSError, ValueError):
        return {}
    return counts


def alive(mark: str) -> list[int]:
    """Processes of this machine that carry a mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if f"SPRINT_RUNNER_MARK={mark}".encode() in environment:
                found.append(int(folder.name))
    return found
