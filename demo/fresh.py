"""The demo's project folder: a copy of `demo/project` that is a git repository of its own.

A demo that was left unfinished is continued; a finished one is set aside and a new copy made. The demo of what goes
wrong is the same project with a script beside it, which says what each call of the agent meets.
"""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

TOUR: Final = "tour"
CHAOS: Final = "chaos"  # a demo of failures, about two minutes long
V7: Final = "v7"  # planned as a tree of tickets
STORIES: Final = "stories"  # planned as a list of stories beside a spec
TREES: Final = Path(__file__).resolve().parent / "trees"  # what replaces the tracker, by kind of demo
SCRIPT: Final = ".sprint-runner-mishaps.json"
MISHAPS: Final = Path(__file__).resolve().parent / "mishaps.json"
CHAOS_SETTINGS: Final = """
# This is the demo of what goes wrong: no wait is longer than some seconds, but a question waits for you.
silence_timeout_min: 0.1
retries: 1
"""
SOURCE: Final = Path(__file__).resolve().parent / "project"
MARKER: Final = ".sprint-runner-demo"  # beside the project's files: only folders that have it are ever moved
OPEN: Final = ("backlog", "ready-for-dev", "in-progress", "review")
LISTS: Final = ("tickets.toml", "stories.yaml")
TRACKER: Final = Path("_bmad-output/implementation-artifacts/sprint-status.yaml")


class DemoError(RuntimeError):
    """The demo project cannot be created; the message has the reason and what to do."""


def demo_folder(folder: Path | None, kind: str = TOUR) -> Path:
    """Return the folder of the demo: `folder`, created if missing, otherwise a new temporary one."""
    if folder is None:
        return _lay_out(Path(tempfile.mkdtemp(prefix="sprint-runner-demo-")) / "perch", kind)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return _lay_out(folder, kind)
    if not (folder / MARKER).is_file():
        raise DemoError(f"{folder} is not empty and not a demo: name another folder for --demo")
    if _kind_of(folder) == kind and _unfinished(folder):
        return folder
    folder.rename(folder.with_name(f"{folder.name}-{time.strftime('%Y%m%d-%H%M%S')}"))
    return _lay_out(folder, kind)


def script_of(folder: Path) -> Path | None:
    """Return the script of failures in a demo's folder, None for a demo without failures."""
    script = folder / SCRIPT
    return script if script.is_file() else None


def _lay_out(folder: Path, kind: str) -> Path:
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    if (TREES / kind).is_dir():
        shutil.rmtree(folder / TRACKER.parent)
        shutil.copytree(TREES / kind, folder, dirs_exist_ok=True)
    for path in (folder, *folder.rglob("*")):  # a read-only installation gives its modes to the copy
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    (folder / MARKER).write_text(json.dumps({"made": int(time.time()), "kind": kind}) + "\n")
    if kind == CHAOS:
        shutil.copyfile(MISHAPS, folder / SCRIPT)
        with (folder / "sprint-runner.yaml").open("a") as settings:
            settings.write(CHAOS_SETTINGS)
    with (folder / ".gitignore").open("a") as ignored:
        ignored.write(f"{MARKER}\n{SCRIPT}*\n")
    try:
        _git(folder, "init", "--quiet", "--initial-branch=main")
        _git(folder, "config", "user.name", "Demo")
        _git(folder, "config", "user.email", "demo@localhost")
        _git(folder, "config", "commit.gpgsign", "false")
        _git(folder, "add", "--all")
        _git(folder, "commit", "--quiet", "--message", "Start of the demo project")
    except FileNotFoundError:
        raise DemoError("the demo needs git, which is not installed: install it and start again") from None
    return folder


def _git(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoError(f"git {arguments[0]} failed in {folder}: {done.stderr.strip()}")


def _kind_of(folder: Path) -> str:
    """The kind of demo that was laid out in a folder; folders of earlier versions say it by their script alone."""
    try:
        kind = json.loads((folder / MARKER).read_text("utf-8")).get("kind")
    except (OSError, ValueError, AttributeError):
        kind = None
    return str(kind or (TOUR if script_of(folder) is None else CHAOS))


def _unfinished(folder: Path) -> bool:
    """Whether a story of the demo can still run; the copy's plan is ours, so its shape is known."""
    if (TREES / _kind_of(folder)).is_dir():
        paths = list((folder / "_bmad-output").rglob("*.*"))
        planned = "\n".join(path.read_text("utf-8") for path in paths if path.name in LISTS)
        wanted = planned.count("[[entry]]") + planned.count("- id:") - planned.count("hitl = true")
        built = [path for path in paths if path.name.endswith("-plan.md") or path.parent.name == "stories"]
        return sum("\nstatus: done\n" in path.read_text("utf-8", "replace") for path in built) < wanted
    try:
        lines = (folder / TRACKER).read_text("utf-8").splitlines()
    except OSError:
        return False
    stories = [line.split("#")[0].strip() for line in lines if line.startswith("  ") and line.strip()[:1].isdigit()]
    return any(story.partition(":")[2].strip() in OPEN for story in stories)
