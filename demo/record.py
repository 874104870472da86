"""The file in which an unattended build says how it ended, and the clean work tree that it wants to begin with."""

from __future__ import annotations

import json
import re
import subprocess

from demo.rules import Rules
from demo.scene import Scene
from demo.tools import environment

STATUS = re.compile(r"^status:.*$", re.MULTILINE)
TOLERATED = re.compile(
    r"^These files are not committed and are none of this build's business;.*: (.*)\.$", re.MULTILINE
)
FRESH = ("", "draft", "ready-for-dev")  # statuses of a build that has not begun to change code
LEDGER = "deferred-work.md"


def status_of(text: str) -> str:
    found = STATUS.search(text)
    return found[0].partition(":")[2].strip(" '\"") if found else ""


def is_dirty(scene: Scene) -> bool:
    """Whether anything but what the prompt names is uncommitted."""
    done = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=scene.stage.root,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    found = TOLERATED.search(scene.prompt.text)
    named = found[1].split(", ") if found else []
    return any(line[3:] not in named for line in done.stdout.splitlines())


def finished(scene: Scene, text: str, rules: Rules) -> str:
    """The text of a build's file at its end: the last status, what the version adds, and deferred findings."""
    text = STATUS.sub(f"status: {rules.ending}", text, count=1)
    head = scene.stage.bash("git rev-parse HEAD", "Note the commit that is checked out") if rules.extra else None
    lines = [line.format(head=head.content.strip() if head and head.ok else "NO_VCS") for line in rules.extra]
    if (finding := scene.turn["deferred"]) and not rules.ledger:
        lines += ["deferred:", f"  - summary: {json.dumps(finding)}", "    evidence: seen while building"]
        lines += ["    severity: medium"]
    new = [line for line in lines if line not in text.splitlines()]
    start, front, rest = text.partition("\n---\n")
    text = start + "".join(f"\n{line}" for line in new) + front + rest
    return text if "## Auto Run Result" in text else f"{text}\n## Auto Run Result\n\nStatus: {rules.ending}\n"


def keep_ledger(scene: Scene, name: str, rules: Rules) -> list[str]:
    """Write a deferred finding where older versions keep them; the paths that were written."""
    finding = scene.turn["deferred"]
    if not finding or not rules.ledger:
        return []
    path = scene.prompt.beside_stories(LEDGER)
    text = scene.content(path) or "# Deferred work\n"
    if finding not in text:
        scene.change(path, f"{text}\n## Deferred from: build of {name}\n\n- {finding}\n")
    return [path]
