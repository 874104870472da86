"""The project in one answer: what `GET /api/sprint` sends, kept until a file changes.

Every call looks at the names, times and sizes of all files that matter; only what has changed is
read again.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

from sprint import prose
from sprint.epics import EpicDoc, StoryPlan, list_epic_files, merged, read_epic_file
from sprint.files import StoryFiles, list_story_files
from sprint.keys import lead, normal
from sprint.listing import StoryFile
from sprint.model import EpicGate, PlanKind, Problem, Sprint, StoryEntry
from sprint.notes import share_a_word
from sprint.plan import read
from sprint.project import Project
from sprint.story import StoryDocument, build_notes, read_story
from sprint.title import slug_of, title_of
from sprint.tracker import epic_ranks
from sprint.views import (
    Drift,
    EpicInfo,
    GateInfo,
    OtherInfo,
    Overview,
    ProblemInfo,
    ProjectInfo,
    SprintProblems,
    StoryInfo,
    TaskCount,
)

# Story and epics files kept in parsed form: twice the largest project seen.
REMEMBERED_FILES = 2_000
# Projects whose answer is kept.
REMEMBERED_PROJECTS = 8

# Kinds whose stories are defined in documents beside the plan; the others say it themselves.
_WITH_EPICS = frozenset({PlanKind.TRACKER, PlanKind.V4})
# A status with the sentence that follows it in many files.
DRIFT_CHARS = 80

K = TypeVar("K")
V = TypeVar("V")


def overview(project: Project) -> Overview:
    """The project as it is now. Blocks for the disk: call it in a thread. Never raises for content."""
    return _shelf.overview(project)


def problems(project: Project) -> SprintProblems:
    """The problems of the plan, and the number of stories that a run may start now."""
    sprint = read(project)
    return SprintProblems(
        kind=sprint.kind,
        broken=sprint.broken,
        problems=[ProblemInfo(problem.line, problem.message) for problem in sprint.problems],
        not_understood=[extra.key for extra in sprint.extras],
        startable=sum(story.startable for story in sprint.stories) if sprint.writable or sprint.store else 0,
    )


def descriptions(project: Project) -> dict[str, str]:
    """A short plain text for each story that has one, by key."""
    return {story.key: story.description for story in overview(project).stories if story.description}


def titles(project: Project, keys: Collection[str]) -> dict[str, str]:
    """What these stories are called; the files of others are not read. Blocks on the disk."""
    return _shelf.titles(project, keys)


def sizes(project: Project) -> dict[str, int]:
    """How many acceptance criteria the plan has for each story, for those of which it says so. Blocks on the disk."""
    return _shelf.sizes(project)


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
            # Problems and `writable` are part of it: they change with the permissions of the folder alone.
            state = (sprint.sha256, sprint.problems, sprint.writable, tuple(stories), tuple(epics))
            known = self._answers.get(project)
            if known and known[0] == state:
                return known[1]
            answer = self._build(project, sprint, stories, epics)
            _keep(self._answers, project, (state, answer), REMEMBERED_PROJECTS)
            return answer

    def titles(self, project: Project, keys: Collection[str]) -> dict[str, str]:
        with self._lock:
            sprint = read(project)
            files, planned = StoryFiles(list_story_files(project, sprint), sprint), self._plans(project, sprint)
            wanted = [story for story in sprint.stories if story.key in keys]
            return {
                story.key: title_of(sprint, story, self._best(files.of(story)), planned.of(story)) for story in wanted
            }

    def sizes(self, project: Project) -> dict[str, int]:
        with self._lock:
            sprint = read(project)
            planned = self._plans(project, sprint)
            plans = ((story.key, planned.of(story)) for story in sprint.stories)
            return {key: len(plan.criteria) for key, plan in plans if plan is not None and plan.criteria}

    def _plans(self, project: Project, sprint: Sprint) -> "_Planned":
        epics = list_epic_files(project) if sprint.kind in _WITH_EPICS else []
        return _Planned(merged(self._epics_in(file) for file in epics), sprint)

    def _best(self, files: list[StoryFile]) -> StoryDocument:
        return self._document(files[0]) if files else StoryDocument()

    def _build(self, project: Project, sprint: Sprint, stories: list[StoryFile], epics: list[StoryFile]) -> Overview:
        plans = merged(self._epics_in(file) for file in epics if sprint.kind in _WITH_EPICS)
        files = StoryFiles(stories, sprint)
        planned = _Planned(plans, sprint)
        infos = [self._story(project, sprint, story, files.of(story), planned) for story in sprint.stories]
        text = [*sprint.problems, *planned.problems]
        return Overview(
            project=_project(project, sprint),
            problems=[ProblemInfo(problem.line, problem.message) for problem in text],
            epics=_epics(sprint, plans),
            stories=infos,
            other=[OtherInfo(extra.key, extra.raw_status, extra.line) for extra in sprint.extras],
            kind=sprint.kind,
        )

    def _story(
        self,
        project: Project,
        sprint: Sprint,
        story: StoryEntry,
        files: list[StoryFile],
        planned: "_Planned",
    ) -> StoryInfo:
        document = self._best(files)
        plan = planned.of(story)
        names = [_shown(Path(file.path), project.root) for file in files]
        notes = build_notes(map(self._document, files))
        return StoryInfo(
            key=story.key,
            epic=story.epic,
            title=title_of(sprint, story, document, plan),
            description=document.description or story.description or (_planned(plan) if plan else ""),
            status=story.status,
            raw_status=story.raw_status,
            runnable=story.runnable and (sprint.writable or sprint.store != ""),
            tasks=TaskCount(document.tasks_done, len(document.tasks)),
            file=names[0] if names else None,
            files=names,
            # Plans of other kinds have no second status that could differ.
            drift=_drift(story, document) if sprint.kind is PlanKind.TRACKER else None,
            line=story.line,
            comment=story.comment,
            after=list(story.conditions.after),
            waiting_for=list(story.conditions.waiting_for),
            hold=story.conditions.hold,
            ref=story.conditions.ref,
            plan_checkpoint=story.conditions.plan_checkpoint,
            done_checkpoint=story.conditions.done_checkpoint,
            hitl=story.conditions.hitl,
            risk=story.conditions.risk,
            assignee=story.conditions.assignee,
            blocked_reason=story.conditions.blocked_reason,
            leftover=story.key in planned.leftovers,
            alias=story.conditions.alias,
            followup_review_recommended=notes.followup_review_recommended,
            warnings=list(notes.warnings),
        )

    def _document(self, file: StoryFile) -> StoryDocument:
        if file not in self._stories:
            _keep(self._stories, file, read_story(Path(file.path)), REMEMBERED_FILES)
        return self._stories[file]

    def _epics_in(self, file: StoryFile) -> dict[str, EpicDoc]:
        if file not in self._epics:
            _keep(self._epics, file, read_epic_file(Path(file.path)), REMEMBERED_FILES)
        return self._epics[file]


class _Planned:
    """The stories of the epics' documents, each for the one story of the tracker that it defines."""

    def __init__(self, plans: dict[str, EpicDoc], sprint: Sprint) -> None:
        self._plans = plans
        self._shared = Counter((normal(story.epic), story.number) for story in sprint.stories)
        self.problems: list[Problem] = []
        self.leftovers = sprint.leftovers

    def of(self, story: StoryEntry) -> StoryPlan | None:
        """What was planned under the story's number; None, with a note, where its title says something else."""
        plan = self._numbered(story)
        if plan is None or share_a_word(slug_of(story), plan.title):
            return plan
        message = f"The epics call {story.key} {plan.title!r}, which its key does not say; the key counts."
        self.problems.append(Problem(story.line, message))
        return None

    def _numbered(self, story: StoryEntry) -> StoryPlan | None:
        epic = self._plans.get(normal(story.epic))
        # Else stories share a number, as `1-5-1-…` and `1-5-2-…` do: their plan is one level deeper, in epic 1.5.
        if self._shared[normal(story.epic), story.number] < 2:
            return epic.stories.get(story.number) if epic else None
        parts = lead(story.key)
        deeper = self._plans.get("-".join(parts[:-1]))
        return deeper.stories.get(parts[-1]) if deeper and len(parts) > 2 else None


def _gate(gate: EpicGate | None) -> GateInfo | None:
    if gate is None:
        return None
    return GateInfo(
        closed=gate.closed,
        finished=list(gate.finished),
        missing=list(gate.missing),
        holds=list(gate.holds),
        waits_for=list(gate.waits_for),
        retrospective=gate.retrospective,
    )


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
    names = dict.fromkeys([*entries, *stories])
    # The other kinds list their epics in build order.
    for ident in epic_ranks(names) if sprint.kind is PlanKind.TRACKER else names:
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
                gate=_gate(entry.gate if entry else None),
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
