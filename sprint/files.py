"""Which files belong to a story, and where a new one goes.

exact `{key}.md` → `N-M-*.md` → `story-N.M*`, `story-N-M*`, `N.M.*` → `spec-N-M-*`, newest first.
A name is taken apart by the same grammar as the keys, every leading number counts, and no file is
ever two stories': where a name fits two of them it is neither's.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sprint import walk
from sprint.keys import Grammar, grammar_of, lead, normal
from sprint.listing import StoryFile, listed_file, stamped
from sprint.model import PlanKind, Sprint, StoryEntry
from sprint.notes import is_note, share_a_word
from sprint.plan import read
from sprint.project import Project
from sprint.status import Kind

# Stories lie in the folder, in `stories/`, or in a folder per epic below that.
_DEPTH = 3
_FOLDERS = 200

# Projects, and their lanes, whose owners of files are remembered.
OWNERS_MAX = 8
_owners: dict[tuple[Grammar, tuple[str, ...], tuple[tuple[str, str, str], ...]], dict[str, str]] = {}

_LEAD = re.compile(r"^(story|spec|plan|us)[-_.](?=\w)", re.IGNORECASE)
_TRACKER = re.compile(r"sprint-status.*\.ya?ml$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file and what its name says: rank 0 for `N-M-slug`, 1 for `story-N.M`, 2 for a spec or a plan."""

    file: StoryFile
    rank: int
    name: str  # without `story-` and its like

    @property
    def lead(self) -> tuple[str, ...]:
        return lead(self.name)


class StoryFiles:
    """The story files of a project, joined to the stories of its plan."""

    def __init__(self, listed: Iterable[StoryFile], sprint: Sprint) -> None:
        self._exact: dict[str, StoryFile] = {}
        self._numbered: dict[tuple[str, str], list[_Candidate]] = {}
        self._at: dict[str, StoryFile] = {}
        self._own_paths = sprint.kind is not PlanKind.TRACKER
        self._grammar = grammar_of(tuple(entry.key for entry in sprint.entries()))
        keys = {story.key.lower() for story in sprint.stories}
        for file in listed:
            self._at[file.path] = file
            stem = os.path.basename(file.path)[:-3]
            if stem.lower() in keys:
                self._exact.setdefault(stem.lower(), file)
            else:
                self._sort_in(file, stem)
        self._owners = self._kept_owners(sprint.stories)

    def of(self, story: StoryEntry) -> list[StoryFile]:
        """The story's files, best first."""
        if self._own_paths:
            return [self._at[path] for path in story.paths if path in self._at]
        return [file for file in self._fitting(story) if self._owners.get(file.path) == story.key]

    def owner(self, path: Path) -> str | None:
        """The key of the story that a file belongs to."""
        return self._owners.get(str(path))

    def _kept_owners(self, stories: tuple[StoryEntry, ...]) -> dict[str, str]:
        """The owners, from memory while files and stories have the names that they had: a status changes neither."""
        if self._own_paths:
            return self._claims(stories)
        names = (self._grammar, tuple(self._at), tuple([(story.key, story.epic, story.number) for story in stories]))
        owners = _owners.get(names)
        if owners is None:
            owners = self._claims(stories)
            if len(_owners) >= OWNERS_MAX:
                _owners.clear()
            _owners[names] = owners
        return owners

    def _claims(self, stories: Iterable[StoryEntry]) -> dict[str, str]:
        """By path the one story that a file fits; one that is called exactly so comes before all others."""
        claims: dict[str, set[str]] = {}
        for story in stories:
            for path in story.paths if self._own_paths else [file.path for file in self._fitting(story)]:
                claims.setdefault(path, set()).add(story.key)
        exact = {file.path: story.key for story in stories if (file := self._exact.get(story.key.lower()))}
        owners = {path: next(iter(keys)) for path, keys in claims.items() if len(keys) == 1}
        return owners if self._own_paths else {**owners, **exact}

    def _fitting(self, story: StoryEntry) -> list[StoryFile]:
        found = [item for item in self._numbered.get((normal(story.epic), story.number), []) if _fits(item, story)]
        plain = [item for item in found if item.rank == 0]
        # BMAD's builds leave a spec for each attempt; the newest one describes the code.
        others = sorted((item for item in found if item.rank), key=lambda item: (item.rank, -item.file.mtime_ns))
        exact = self._exact.get(story.key.lower())
        # Two files `N-M-…` of one number: which of them is the story's cannot be decided.
        first = [exact] if exact else [item.file for item in plain[:1] if len(plain) == 1]
        return first + [item.file for item in others if item.file not in first]

    def _sort_in(self, file: StoryFile, stem: str) -> None:
        found = _LEAD.match(stem)
        rest = stem[found.end() :] if found else stem
        key = self._grammar.classify(normal(rest))
        if key.kind is not Kind.STORY:
            return
        spec = found is not None and found[1].lower() in ("spec", "plan")
        rank = 2 if spec else int(found is not None or "." in stem)
        self._numbered.setdefault((normal(key.epic), key.number), []).append(_Candidate(file, rank, rest))


def _fits(item: _Candidate, story: StoryEntry) -> bool:
    """Whether a file of the same epic and number is this story's: all numbers, and what the words say."""
    mine, theirs = lead(story.key), item.lead
    if theirs != mine and (len(theirs) > len(mine) or mine[: len(theirs)] != theirs):
        return False
    return not is_note(item.name, story.key) and share_a_word(story.key, item.name)


def list_story_files(project: Project, sprint: Sprint) -> list[StoryFile]:
    """The Markdown files in the folders where stories lie, each once; or those that the plan itself names."""
    if sprint.kind is not PlanKind.TRACKER:
        named = (stamped(path) for story in sprint.stories for path in story.paths)
        return [file for file in named if file]
    seen: dict[str, StoryFile] = {}
    for folder in _story_folders(project):
        foreign: set[str] = set()
        entries = list(walk.files(folder, _DEPTH, _FOLDERS))
        for entry in entries:
            if _TRACKER.match(entry.name) and entry.path != str(project.tracker):
                foreign.add(os.path.dirname(entry.path))
        # A copy beside the tracker, such as sprint-status-old.yaml, does not make this folder another project's.
        foreign -= {str(project.tracker.parent), str(project.artifacts)}
        for entry in entries:
            if not entry.name.endswith(".md") or entry.path in seen or (foreign and _below(entry.path, foreign)):
                continue
            if file := listed_file(entry, project.root):
                seen[entry.path] = file
    return list(seen.values())


def _below(path: str, folders: set[str]) -> bool:
    """Whether a file lies in a folder that has a tracker of its own: another project's."""
    return any(path.startswith(folder + os.sep) for folder in folders)


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


def new_story_path(project: Project, key: str) -> Path | None:
    """Where the file of a story that has none goes: beside its siblings. None where another story owns the place."""
    sprint = read(project)
    story = sprint.story(key)
    if story is None or sprint.kind is not PlanKind.TRACKER:
        return None
    files = StoryFiles(list_story_files(project, sprint), sprint)
    siblings = [Path(file.path) for other in sprint.stories if other.epic == story.epic for file in files.of(other)]
    folder = _sibling_folder(project, story, siblings)
    path = folder / f"{story.key}.md"
    return path if files.owner(path) in (None, story.key) else None


def _sibling_folder(project: Project, story: StoryEntry, siblings: list[Path]) -> Path:
    """The folder of the epic's other stories; that of `epic-N/stories` for one that has its folder already."""
    folders = [path.parent for path in siblings]
    if folders:
        # A dict keeps the order, so the first of equals is chosen each time; a set would not.
        return max(dict.fromkeys(folders), key=folders.count)
    return project.artifacts


def story_files(project: Project, key: str) -> list[Path]:
    """The files of a story, best first; [] if it has none or the tracker has no such story."""
    sprint = read(project)
    story = sprint.story(key)
    if story is None:
        return []
    return [Path(file.path) for file in StoryFiles(list_story_files(project, sprint), sprint).of(story)]
