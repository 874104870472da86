"""Sessions that can be resumed: a small file each, in a folder for temporary things.

Has what a resumed run needs: the prompt it continues with, the model, and the tokens that were used before.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from demo import identity
from demo.files import write_atomically
from demo.tokens import Tokens

KEPT = 200  # files; older ones are removed, a session is resumed within hours if at all


@dataclass(slots=True)
class DemoSession:
    id: str
    model: str
    prompt: str
    used: Tokens = field(default_factory=Tokens)

    def save(self) -> None:
        record = {"model": self.model, "prompt": self.prompt, "used": self.used.to_record()}
        write_atomically(folder() / f"{self.id}.json", json.dumps(record))


def new(model: str, prompt: str, session_id: str | None = None) -> DemoSession:
    _prune(folder())
    return DemoSession(session_id or identity.new(), model, prompt)


def find(session_id: str) -> DemoSession | None:
    """A session of an earlier run; None where there is none, or where its file cannot be read."""
    if not exists(session_id):
        return None
    try:
        record = json.loads((folder() / f"{session_id}.json").read_text(encoding="utf-8"))
        return DemoSession(session_id, record["model"], record["prompt"], Tokens(**record["used"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def exists(session_id: str) -> bool:
    return identity.is_one(session_id) and (folder() / f"{session_id}.json").is_file()


def folder() -> Path:
    """`DEMO_AGENT_HOME`, else a folder of this user's among the temporary ones."""
    given = os.environ.get("DEMO_AGENT_HOME")
    return Path(given) if given else Path(os.environ.get("TMPDIR") or "/tmp") / f"sprint-runner-demo-{os.getuid()}"


def _prune(kept: Path) -> None:
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = list(kept.glob("*.json"))
    if len(files) <= KEPT:
        return
    for file in sorted(files, key=_changed)[: len(files) - KEPT // 2]:
        file.unlink(missing_ok=True)


def _changed(file: Path) -> float:
    """When a file was last written; one that another run has just removed counts as oldest."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
