"""A project with a bare remote and the scripted forge, for tests of deliveries."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from running.delivery.planning import plan_deliveries
from running.delivery.steps import Steps
from running.story import StoryRun
from settings import Settings
from store.batches import create_batch
from store.deliveries import DeliveryRow, get_deliveries, get_delivery
from store.stories import create_story
from tests.running.projects import TRACKER, Runner

PROGRAM: Final = Path(__file__).with_name("forge.py")
CALL: Final = f"{sys.executable} {PROGRAM}"
TEMPLATES: Final = {
    "pull_request_command": f"{CALL} create {{branch}} {{base}} {{title_file}} {{body_file}}",
    "pull_request_lookup_command": f"{CALL} lookup {{branch}}",
    "checks_command": f"{CALL} checks {{url}}",
    "merge_command": f"{CALL} merge {{url}}",
}
WITH_REQUESTS: Final[dict[str, Any]] = {
    "deliver": "pull-request",
    "deliver_base": "main",
    "checks_interval_s": 0.0,
    "merge_when": "green",
    **TEMPLATES,
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Forge:
    """The forge of one project: its remote, its requests and its plan."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root

    @classmethod
    def make(cls, folder: Path, root: Path, **plan: Any) -> Forge:
        """Make the remote of a project, which has its branch as main."""
        folder.mkdir()
        forge = cls(folder, root)
        git(folder, "init", "-q", "--bare", "-b", "main", "origin.git")
        git(root, "remote", "add", "origin", str(folder / "origin.git"))
        git(root, "push", "-q", "origin", "HEAD:refs/heads/main")
        forge.plan(**plan)
        return forge

    def plan(self, **plan: Any) -> None:
        (self.folder / "plan.json").write_text(json.dumps(plan))

    def requests(self) -> list[dict[str, Any]]:
        path = self.folder / "requests.json"
        found: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
        return found

    def calls(self, name: str = "") -> list[str]:
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(name)]

    def head(self, branch: str) -> str | None:
        """The commit of a branch at the remote."""
        found = git(self.folder / "origin.git", "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return found or None

    def log(self, branch: str) -> list[str]:
        return git(self.folder / "origin.git", "log", "--topo-order", "--format=%s", branch).splitlines()


async def deliveries(runner: Runner) -> list[DeliveryRow]:
    return await runner.database.read(get_deliveries)


async def advance(runner: Runner, delivery_id: int = 1, *, most: int = 20) -> list[str]:
    """Take the steps of a delivery until none is due; the states on the way."""
    steps = Steps(runner.workspace, lambda: False)
    states = []
    for _ in range(most):
        row = await runner.database.read(get_delivery, delivery_id)
        assert row is not None
        if not steps.is_due(row):
            break
        states.append((await steps.advance(row)).state)
    return states


async def deliver(runner: Runner, key: str = "1-1-a", *, commit: str | None = None) -> str:
    """Plan the delivery of a story as a batch does at its cycle's end, without one; the commit of its work."""
    if commit is None:
        work, tracker = runner.root / f"work/{key}.md", runner.root / TRACKER
        work.parent.mkdir(exist_ok=True)
        work.write_text(f"# {key}\n")
        tracker.write_text(tracker.read_text().replace(f"{key}: in-progress", f"{key}: done"))
        git(runner.root, "add", "-A")
        git(runner.root, "commit", "-qm", f"feat(1): implement story {key}")
        commit = git(runner.root, "rev-parse", "HEAD")
    batch = await runner.database.write(create_batch, 1, status="completed", ended_at=1, branch="work")
    columns = {"epic": key[0], "status": "done", "commit_hash": commit}
    row = await runner.database.write(create_story, batch, key, **columns)
    story = StoryRun(row, key, key[0], key, "in-progress", "done", commit_hash=commit)
    await plan_deliveries(runner.workspace, batch, [story])
    return commit


def settings_with(runner: Runner, **changed: Any) -> Settings:
    """The settings of a run with some of them changed."""
    return msgspec.structs.replace(runner.settings, **changed)


def forget_request(connection: sqlite3.Connection, delivery_id: int) -> None:
    """As if the server had ended while the request's program ran."""
    sql = "UPDATE deliveries SET state = 'requesting', url = NULL, requested_at = 1, problem = NULL WHERE id = ?"
    connection.execute(sql, (delivery_id,))


def make_problem(connection: sqlite3.Connection, delivery_id: int) -> None:
    connection.execute("UPDATE deliveries SET problem = 'it waits' WHERE id = ?", (delivery_id,))


def look_now(connection: sqlite3.Connection, delivery_id: int) -> None:
    connection.execute("UPDATE deliveries SET next_at = 0 WHERE id = ?", (delivery_id,))
