"""Which files belong to a story.

exact `{key}.md` → `N-M-*.md` → `story-N.M*`, `story-N-M*`, `N.M.*` → `spec-N-M-*`, newest first.
A name is taken apart by the same grammar as the keys, so `1-1` never finds `1-10`, and what is
another story's by name is never offered for this one.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sprint import walk
from sprint.keys import Grammar, normal
from sprint.locate import Project, inside
from sprint.model import Sprint, StoryEntry
from sprint.reader import read
from sprint.status import Kind

# Stories lie in the folder, in `stories/`, or in a folder per epic below that.
_DEPTH = 3
_FOLDERS = 200

_NOT_A_STORY = re.compile(
    r"^(?:tech-spec|epic-|sprint-|retro)|-(?:context|validation|retro|retrospective|report|checklist)\b", re.IGNORECASE
)
_LEAD = re.compile(r"^(story|spec|us)[-_.](?=\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StoryFile:
    """A file as listed: enough to know whether it has changed since it was read."""

    path: str
    mtime_ns: int
    size: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file and what its name says: rank 0 for `N-M-slug`, 1 for `story-N.M`, 2 for a spec."""

    file: StoryFile
    rank: int


class StoryFiles:
    """The story files of a project, joined to the stories of its tracker."""

    def __init__(self, listed: Iterable[StoryFile], sprint: Sprint) -> None:
        self._exact: dict[str, StoryFile] = {}
        self._numbered: dict[tuple[str, str], list[_Candidate]] = {}
        grammar = Grammar(entry.key for entry in sprint.entries())
        keys = {story.key.lower() for story in sprint.stories}
        self._at: dict[str, StoryFile] = {}
        for file in listed:
            self._at[file.path] = file
            stem = os.path.basename(file.path)[:-3]
            if stem.lower() in keys:
                self._exact.setdefault(stem.lower(), file)
            elif not _NOT_A_STORY.search(stem):
                self._sort_in(file, stem, grammar)

    def of(self, story: StoryEntry) -> list[StoryFile]:
        """The story's files, best first."""
        found = self._numbered.get((normal(story.epic), story.number), [])
        plain = [item for item in found if item.rank == 0]
        others = sorted((item for item in found if item.rank), key=lambda item: (item.rank, -item.file.mtime_ns))
        exact = self._at.get(story.path) or self._exact.get(story.key.lower())
        first = [exact] if exact else [item.file for item in plain[:1] if len(plain) == 1]
        return first + [item.file for item in others if item.file not in first]

    def _sort_in(self, file: StoryFile, stem: str, grammar: Grammar) -> None:
        lead = _LEAD.match(stem)
        rest = stem[lead.end() :] if lead else stem
        key = grammar.classify(normal(rest))
        if key.kind is not Kind.STORY:
            return
        spec = lead is not None and lead[1].lower() == "spec"
        rank = 2 if spec else int(lead is not None or "." in stem)
        self._numbered.setdefault((normal(key.epic), key.number), []).append(_Candidate(file, rank))


def list_story_files(project: Project, sprint: Sprint) -> list[StoryFile]:
    """The Markdown files in the folders where stories lie, each once."""
    seen: dict[str, StoryFile] = {}
    for folder in _story_folders(project):
        for entry in walk.files(folder, _DEPTH, _FOLDERS):
            if entry.name.endswith(".md") and entry.path not in seen and (file := listed_file(entry, project.root)):
                seen[entry.path] = file
    return list(seen.values())


def listed_file(entry: os.DirEntry[str], root: Path) -> StoryFile | None:
    """A folder's entry as a file; None if it has vanished, is no file, or is a link that leads out of the project."""
    try:
        status = entry.stat()
        entry.path.encode()
    except (OSError, UnicodeEncodeError):
        return None
    if not entry.is_file() or (entry.is_symlink() and not inside(Path(entry.path), root)):
        return None
    return StoryFile(entry.path, status.st_mtime_ns, status.st_size)


def _story_folders(project: Project) -> list[Path]:
    """The artifacts folder, the tracker's own, `stories/` beside it; not the root with all that is below."""
    beside = project.tracker.parent
    places = [project.artifacts, beside, project.story_location, beside / "stories", project.root / "docs/stories"]
    folders = [place for place in places if place is not None and place != project.root]
    kept: list[Path] = []
    for folder in folders:
        if not any(folder.is_relative_to(other) for other in kept) and walk.is_folder(folder):
            kept.append(folder)
    return kept


def story_files(project: Project, key: str) -> list[Path]:
    """The files of a story, best first; [] if it has none or the tracker has no such story."""
    sprint = read(project)
    story = sprint.story(key)
    if story is None:
        return []
    return [Path(file.path) for file in StoryFiles(list_story_files(project, sprint), sprint).of(story)]
