"""The prepared work on the demo project: `changes/<story key>/`, read from disk.

`story.toml` has the words and the edits; every `*.txt` beside it is a file of the project, at its own path. A story
without such a folder has no prepared work, and the agent answers with small generic changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGES = Path(__file__).parent / "changes"
PROJECT_MARK = "perch/notebook.py"  # a project without it is not the demo project, whatever its keys are


@dataclass(frozen=True, slots=True)
class Replacement:
    path: str
    old: str
    new: str
    say: str = ""

    def is_done(self, text: str) -> bool:
        """Whether the first line that it adds is there; later edits may have moved what stood around it."""
        before = self.old.split("\n")
        added = next((line for line in self.new.split("\n") if line.strip() and line not in before), None)
        return added is None or added in text.split("\n")


@dataclass(frozen=True, slots=True)
class PreparedFinding:
    """A finding of a review, its fix, and the notes about it."""

    severity: str
    text: str
    say: str
    resolved: str
    edits: tuple[Replacement, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    key: str
    decision: str
    approach: str
    tasks: str
    notes: tuple[str, ...]
    structure: tuple[str, ...]
    completion: tuple[str, ...]
    files: Mapping[str, str]
    edits: tuple[Replacement, ...]
    review: PreparedFinding | None
    story_review: PreparedFinding | None
    blocked: tuple[str, str] | None  # the reason, and the text before it
    tech_spec: Mapping[str, Any] | None

    @property
    def sources(self) -> dict[str, str]:
        return {path: text for path, text in self.files.items() if not path.startswith("tests/")}

    @property
    def tests(self) -> dict[str, str]:
        return {path: text for path, text in self.files.items() if path.startswith("tests/")}

    @property
    def touched(self) -> list[str]:
        """Every path that the story makes or changes."""
        return list(dict.fromkeys([*self.files, *(each.path for each in self.edits)]))


def load(key: str, root: Path) -> Prepared | None:
    """The prepared work for a story of the demo project in `root`; None for any other."""
    folder = CHANGES / key
    if not key or Path(key).name != key or not (folder / "story.toml").is_file():
        return None
    if not (root / PROJECT_MARK).is_file():
        return None
    import tomllib  # here, because most calls can do without, and it is slow to import

    data = tomllib.loads((folder / "story.toml").read_text(encoding="utf-8"))
    blocked = data.get("blocked")
    return Prepared(
        key=key,
        decision=data["decision"],
        approach=data["approach"],
        tasks=data["tasks"],
        notes=tuple(data["notes"]),
        structure=tuple(data["structure"]),
        completion=tuple(data["completion"]),
        files={
            str(file.relative_to(folder).with_suffix("")): file.read_text(encoding="utf-8")
            for file in sorted(folder.rglob("*.txt"))
        },
        edits=_replacements(data.get("edits", [])),
        review=_finding(data.get("review")),
        story_review=_finding(data.get("story_review")),
        blocked=(blocked["reason"], blocked["say"]) if blocked else None,
        tech_spec=data.get("tech_spec"),
    )


def _finding(data: Mapping[str, Any] | None) -> PreparedFinding | None:
    if data is None:
        return None
    edits = data.get("edits") or [{"path": "", "old": data["old"], "new": data["new"]}]
    severity = data.get("severity", "CRITICAL")
    return PreparedFinding(severity, data["finding"], data["say"], data["resolved"], _replacements(edits))


def _replacements(data: list[Mapping[str, str]]) -> tuple[Replacement, ...]:
    return tuple(
        Replacement(each["path"], each["old"].strip("\n"), each["new"].strip("\n"), each.get("say", ""))
        for each in data
    )
