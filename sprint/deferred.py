"""Findings that a build has put off: in the frontmatter of its own file, or in BMAD 6's ledger beside the stories.

They are real and belong to no story yet; no other program files them.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from base.regular import read_or_empty
from sprint import walk
from sprint.config import ARTIFACT_KEYS, read_config
from sprint.document import Mapping, Node, Scalar, Sequence, decode, parse
from sprint.markdown import MAX_BYTES
from sprint.project import Project

LEDGER = "deferred-work.md"
ARTIFACTS = "_bmad-output/implementation-artifacts"  # unless the configuration names a folder
MAX_FINDINGS = 100  # of one file
MAX_CHARS = 2_000  # of one text; a finding is a sentence or two

_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?\n)---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_BULLET = re.compile(r"^[-*+][ \t]+(?:\[.\][ \t]+)?(\S.*)$")


@dataclass(frozen=True, slots=True)
class DeferredFinding:
    """What was found; everything but the summary may be empty."""

    summary: str
    evidence: str = ""
    location: str = ""
    severity: str = ""


def deferred_findings(path: Path) -> list[DeferredFinding]:
    """The list `deferred` of a build's file, each summary once; [] for anything else."""
    text = read_or_empty(path, MAX_BYTES).decode("utf-8", "replace")
    front = _FRONT.match(text)
    root = parse(decode(front[1].encode())).root if front else None
    listed = root.get("deferred") if isinstance(root, Mapping) else None
    items = listed.items if isinstance(listed, Sequence) else []
    return _unique([_finding(item) for item in items])


def _finding(item: Node) -> DeferredFinding:
    if isinstance(item, Mapping):
        values = (_short(item.text(name)) for name in ("summary", "evidence", "location", "severity"))
        return DeferredFinding(*values)
    return DeferredFinding(_short(item.text) if isinstance(item, Scalar) else "")


def ledger_paths(project: Project) -> list[Path]:
    """The ledgers of a project: beside its stories, and where BMAD's configuration keeps artifacts."""
    config = read_config(project.root)
    configured = [path for key in ARTIFACT_KEYS if (path := config.path(key)) is not None]
    folders = [project.artifacts, *configured, project.root / ARTIFACTS]
    return list(dict.fromkeys(folder / LEDGER for folder in folders if walk.is_file(folder / LEDGER)))


def ledger_findings(text: str) -> list[DeferredFinding]:
    """The list items of a ledger; what is indented below one belongs to it."""
    found: list[str] = []
    inside = False
    for line in text.splitlines():
        bullet = _BULLET.match(line)
        if bullet:
            found.append(bullet[1])
        elif inside and line[:1] in (" ", "\t") and line.strip():
            found[-1] += f" {line.strip()}"
        inside = bullet is not None or (inside and line[:1] in (" ", "\t"))
    return _unique([DeferredFinding(_short(text)) for text in found])


def _short(text: str) -> str:
    return " ".join(text.split())[:MAX_CHARS]


def _unique(found: list[DeferredFinding]) -> list[DeferredFinding]:
    by_summary: dict[str, DeferredFinding] = {}
    for finding in found:
        if finding.summary:
            by_summary.setdefault(finding.summary, finding)
    return list(by_summary.values())[:MAX_FINDINGS]
