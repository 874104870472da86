"""The unattended build as BMAD's versions that keep a status in each story's own file have it.

A ticket (`ticket 1.2`, version 7) is looked up in the tree of the active initiative and ends at `built`; a story of a
stories.yaml (a folder and an id, 6.11) ends at `done`. Both halt at a work tree that is not clean, continue where the
story's file says, and commit what they made. Never touches anything of another story.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from demo.coding import implement
from demo.files import read_text
from demo.handover import hand_over
from demo.prompt import PromptStory
from demo.record import FRESH, STATUS, finished, is_dirty, keep_ledger, status_of
from demo.rules import VERSIONS, Rules
from demo.scene import Scene

HALT = "Halt after planning."
CALL = re.compile(r"\A\s*/\S+ +(.+)")
TICKET = re.compile(r"ticket +(?:([0-9A-Za-z]+)\.)?([0-9A-Za-z]+)\s*$")
BY_TITLE = re.compile(r"ticket in (\S+): (.*)$")
FOLDER = re.compile(r"(\S+) +([0-9A-Za-z-]+)\s*$")

FILE = """---
title: '{title}'
type: 'feature'
{ticket}status: draft
baseline_revision: {baseline}
---

<intent-contract>

## Intent

{title}, as {name} asks.

</intent-contract>

## Tasks & Acceptance

**Execution:**

- {title}

**Acceptance Criteria:**

- Given the project, when it is used, then it does what {name} asks
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be built: its file, what it is called, and the rules of the version."""

    path: str
    name: str
    title: str
    rules: Rules
    ticket: str = ""
    key: str = ""  # of the prepared work


def is_plan_call(scene: Scene) -> bool:
    """Whether the prompt names a ticket, or a folder with stories and an id."""
    return _target(scene) is not None


def build(scene: Scene) -> str:
    target = _target(scene)
    if target is None:
        return "There is no such story."
    scene.say(scene.start("setup", target.name), f"I build {target.name}, {target.title}.")
    if reason := _obstacle(scene, target):
        return _blocked(scene, target, reason)
    status = status_of(scene.content(target.path))
    if status in ("", "draft") and "no-record" not in scene.turn:
        _plan(scene, target)
        if HALT in scene.prompt.text:
            return scene.text(scene.end("plan", "ready"), "The plan is ready; I halt here.")
    if "no-record" not in scene.turn:
        _set(scene, target, "in-progress")
    story = PromptStory(target.key or scene.prompt.stories[0].key, target.title, target.path)
    touched = [] if "no-change" in scene.turn else implement(scene, replace(story, file=""), scene.prepared(story))
    answer = scene.check(scene.text(scene.end("build", "written"), scene.start("validate", "the check")))
    if "no-marker" in scene.turn or (answer is not None and not answer.ok):
        return "It is not finished."
    if "no-record" in scene.turn:
        return "It is built, and I forgot to write it down."
    scene.change(target.path, finished(scene, scene.content(target.path), target.rules))
    touched += keep_ledger(scene, target.name, target.rules)
    how = hand_over(scene, (*touched, target.path), f"feat: {target.name}")
    return scene.text(scene.end("validate", "green"), f"{target.title} is built and {how}.")


def _obstacle(scene: Scene, target: Target) -> str:
    """Why the build does not begin; "" where it may."""
    if "blocked" in scene.turn:
        return scene.turn["blocked"] or "a person must decide"
    status = status_of(scene.content(target.path))
    if status in ("blocked", "dropped"):
        return "blocked plan supplied"
    if status in FRESH and is_dirty(scene):
        return "dirty working tree"
    return ""


def _blocked(scene: Scene, target: Target, reason: str) -> str:
    text = scene.content(target.path)
    if reason == "blocked plan supplied":
        return "It is blocked already; I write nothing."
    text = text or _new(scene, target)
    text = STATUS.sub("status: blocked" + (f"\nblocked_reason: {reason}" if target.ticket else ""), text, count=1)
    scene.change(target.path, text + f"\n## Auto Run Result\n\nStatus: blocked\nBlocking condition: {reason}\n")
    return "I cannot continue; the plan says why."


def _plan(scene: Scene, target: Target) -> None:
    scene.change(target.path, _new(scene, target), scene.text(scene.end("setup", "read"), scene.start("plan", "it")))
    _set(scene, target, "ready-for-dev")


def _set(scene: Scene, target: Target, status: str) -> None:
    scene.change(target.path, STATUS.sub(f"status: {status}", scene.content(target.path), count=1))


def _new(scene: Scene, target: Target) -> str:
    head = scene.stage.bash("git rev-parse HEAD", "Note the commit from which the work begins")
    ticket = f"ticket: {target.ticket}\n" if target.ticket else ""
    baseline = head.content.strip() if head.ok else "NO_VCS"
    return FILE.format(title=target.title, name=target.name, ticket=ticket, baseline=baseline)


# -- which story ---------------------------------------------------------------------------------------------------


def _target(scene: Scene) -> Target | None:
    found = CALL.match(scene.prompt.text)
    subject = found[1].strip() if found else ""
    if match := BY_TITLE.match(subject):
        return _ticket(scene, scene.stage.path(match[1]), lambda entry: entry.get("title") == match[2])
    if match := TICKET.match(subject):
        folder = _epic_folder(scene, match[1])
        return None if folder is None else _ticket(scene, folder, lambda entry: str(entry["id"]) == match[2])
    if (match := FOLDER.match(subject)) and scene.stage.path(f"{match[1]}/stories.yaml").is_file():
        return _story(scene, match[1], match[2])
    return None


def _epic_folder(scene: Scene, number: str | None) -> Path | None:
    root = scene.stage.root
    core = _toml(root / "_bmad/config.toml").get("core", {})
    user = _toml(root / "_bmad/custom/config.user.toml").get("core", {})
    output = root / str(core.get("output_folder", "")).replace("{project-root}", str(root))
    active = str(user.get("active_initiative", core.get("active_initiative", "")))
    if not active:  # the skill does not look for one
        return None
    initiative = output / active
    if number is None:
        return initiative
    epics = _toml(initiative / "tickets.toml").get("epic", [])
    return next((initiative / epic["slug"] for epic in epics if str(epic["id"]) == number), None)


def _ticket(scene: Scene, folder: Path, fits: Any) -> Target | None:
    entry = next((entry for entry in _toml(folder / "tickets.toml").get("entry", []) if fits(entry)), None)
    if entry is None:
        return None
    ident, title = str(entry["id"]), str(entry.get("title", ""))
    mine = re.compile(rf"^ticket:\s*[\"']?{re.escape(ident)}[\"']?\s*$", re.MULTILINE)
    plans = [path for path in sorted(folder.glob("*.md")) if mine.search(read_text(path))]
    path = plans[0] if plans else folder / f"{entry['type']}-{_slug(title)}-plan.md"
    relative = str(path.relative_to(scene.stage.root))
    return Target(relative, f"ticket {ident}", title, VERSIONS["7"], ident, str(entry.get("v6_key", "")))


def _story(scene: Scene, folder: str, ident: str) -> Target | None:
    text = scene.content(f"{folder}/stories.yaml")
    found = re.search(rf"^- id: [\"']?{re.escape(ident)}[\"']?\s*\n(?:  .*\n)*?  title: (.*)$", text, re.MULTILINE)
    if found is None or not scene.has(f"{folder}/SPEC.md"):
        return None
    title = found[1].strip("\"' ")
    path = f"{folder}/stories/{ident}-{_slug(title)}.md"
    key = f"1-{ident}-{_slug(title)}"
    return Target(path, f"story {ident}", title, scene.rules, "", key)


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "untitled"


def _toml(path: Path) -> dict[str, Any]:
    import tomllib  # here, because most calls can do without, and it is slow to import

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
