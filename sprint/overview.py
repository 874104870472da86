"""The project in one answer: what `GET /api/sprint` sends, kept until a file changes.

Every call looks at the names, times and sizes of all files that matter; only what has changed is
read again.
"""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TypeVar

from sprint import prose
from sprint.epics import EpicDoc, StoryPlan, list_epic_files, merged, read_epic_file
from sprint.files import StoryFile, StoryFiles, list_story_files
from sprint.keys import normal
from sprint.locate import Project
from sprint.model import Sprint, StoryEntry
from sprint.reader import read
from sprint.story import StoryDocument, read_story
from sprint.tracker import epic_ranks
from sprint.views import Drift, EpicInfo, OtherInfo, Overview, ProblemInfo, ProjectInfo, StoryInfo, TaskCount

# Story and epics files kept in parsed form: twice the largest project seen.
REMEMBERED_FILES = 2_000
# Projects whose answer is kept.
REMEMBERED_PROJECTS = 8

# A status with the sentence that follows it in many files.
DRIFT_CHARS = 80

K = TypeVar("K")
V = TypeVar("V")


def overview(project: Project) -> Overview:
    """The project as it is now. Blocks for the disk: call it in a thread. Never raises for content."""
    return _shelf.overview(project)


def descriptions(project: Project) -> dict[str, str]:
    """A short plain text for each story that has one, by key."""
    return {story.key: story.description for story in overview(project).stories if story.description}


class Shelf:
    """Parsed files and ready answers. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stories: OrderedDict[StoryFile, StoryDocument] = OrderedDict()
        self._epics: OrderedDict[StoryFile, dict[str, EpicDoc]] = OrderedDict()
        self._answers: OrderedDict[Project, tuple[object, Overview]] = OrderedDict()

    def overview(self, project: Project) -> Overview:
        with self._lock:
            sprint = read(project)
            stories = list_story_files(project, sprint)
            epics = list_epic_files(project)
            state = (sprint.sha256, sprint.problems, sprint.writable, tuple(stories), tuple(epics))
            known = self._answers.get(project)
            if known and known[0] == state:
                return known[1]
            answer = self._build(project, sprint, stories, epics)
            _keep(self._answers, project, (state, answer), REMEMBERED_PROJECTS)
            return answer

    def _build(self, project: Project, sprint: Sprint, stories: list[StoryFile], epics: list[StoryFile]) -> Overview:
        plans = merged(self._epics_in(file) for file in epics)
        files = StoryFiles(stories, sprint)
        infos = [self._story(project, sprint, story, files.of(story), plans) for story in sprint.stories]
        return Overview(
            project=_project(project, sprint),
            problems=[ProblemInfo(problem.line, problem.message) for problem in sprint.problems],
            epics=_epics(sprint, plans),
            stories=infos,
            other=[OtherInfo(extra.key, extra.raw_status, extra.line) for extra in sprint.extras],
        )

    def _story(
        self,
        project: Project,
        sprint: Sprint,
        story: StoryEntry,
        files: list[StoryFile],
        plans: dict[str, EpicDoc],
    ) -> StoryInfo:
        document = self._document(files[0]) if files else StoryDocument()
        epic = plans.get(normal(story.epic))
        plan = epic.stories.get(story.number) if epic else None
        names = [_shown(Path(file.path), project.root) for file in files]
        return StoryInfo(
            key=story.key,
            epic=story.epic,
            title=document.title or story.title or (plan.title if plan else "") or humanised(story),
            description=document.description or (_planned(plan) if plan else ""),
            status=story.status,
            raw_status=story.raw_status,
            runnable=story.runnable and sprint.writable,
            tasks=TaskCount(document.tasks_done, len(document.tasks)),
            file=names[0] if names else None,
            files=names,
            drift=_drift(story, document),
            line=story.line,
            comment=story.comment,
        )

    def _document(self, file: StoryFile) -> StoryDocument:
        if file not in self._stories:
            _keep(self._stories, file, read_story(Path(file.path)), REMEMBERED_FILES)
        return self._stories[file]

    def _epics_in(self, file: StoryFile) -> dict[str, EpicDoc]:
        if file not in self._epics:
            _keep(self._epics, file, read_epic_file(Path(file.path)), REMEMBERED_FILES)
        return self._epics[file]


_shelf = Shelf()


def _keep(shelf: OrderedDict[K, V], key: K, value: V, limit: int) -> None:
    shelf[key] = value
    shelf.move_to_end(key)
    while len(shelf) > limit:
        shelf.popitem(last=False)


def _project(project: Project, sprint: Sprint) -> ProjectInfo:
    return ProjectInfo(
        name=project.name,
        root=_text(project.root),
        tracker=_shown(project.tracker, project.root),
        candidates=[_shown(path, project.root) for path in project.candidates],
        writable=sprint.writable,
    )


def _shown(path: Path, root: Path) -> str:
    return _text(path.relative_to(root) if path.is_relative_to(root) else path)


def _text(path: Path) -> str:
    """Names of files are bytes; JSON is text."""
    return str(path).encode("utf-8", "replace").decode()


def _epics(sprint: Sprint, plans: dict[str, EpicDoc]) -> list[EpicInfo]:
    """The tracker's epics, and those that only its stories name."""
    stories: dict[str, list[str]] = {}
    for story in sprint.stories:
        stories.setdefault(story.epic, []).append(story.key)
    entries = {epic.epic: epic for epic in sprint.epics}
    retros = {retro.epic: retro.raw_status for retro in sprint.retros}
    found: list[EpicInfo] = []
    for ident in epic_ranks([*entries, *stories]):
        entry, plan = entries.get(ident), plans.get(normal(ident))
        title = (entry.title if entry else "") or (plan.title if plan else "")
        found.append(
            EpicInfo(
                id=ident,
                key=entry.key if entry else "",
                title=title,
                status=entry.status if entry else "unknown",
                raw_status=entry.raw_status if entry else "",
                retrospective=retros.get(ident),
                stories=stories.get(ident, []),
            )
        )
    return found


def _drift(story: StoryEntry, document: StoryDocument) -> Drift | None:
    """None where the file says nothing or the same."""
    if document.status is None or document.status is story.status:
        return None
    return Drift(prose.shortened(document.raw_status, DRIFT_CHARS))


def _planned(plan: StoryPlan) -> str:
    return prose.sentence(plan.statement) if plan.statement else ""


def humanised(story: StoryEntry) -> str:
    """A title out of a key: `1-2-user-login` becomes `User login`."""
    start = f"{normal(story.epic)}-{story.number}-"
    slug = story.key[len(start) :] if normal(story.key).startswith(start) else story.key
    words = slug.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
