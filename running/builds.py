"""An unattended build of one story: what its skill is called with, and what the story's own file says afterwards.

The kind of plan decides: a ticket is called a ticket and ends at `built`, a story of a stories.yaml is called by its
folder and id and ends at `done`, a story of a tracker is called by its key. What a build says in chat proves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sprint
from running.epic_branch import branch_words
from running.marking import folder_of, is_active, plan_path_of
from running.story import StoryRun
from running.workspace import Workspace
from sprint import PlanKind
from workflow import DevVerdict, Unreadable, read_spec

HALT: Final = "Halt after planning."
BUILT_ONLY: Final = frozenset({PlanKind.TICKETS, PlanKind.STORIES})  # kinds that nothing but a build can work on
BUILD_FILES: Final = ("spec-", "plan-")  # how the file of a build begins, beside the stories of a tracker
RESULT_FILES: Final = "bmad-build-auto-result-*.md"  # where a build that found no story says why it halted
SHOWN: Final = 5  # files that are named


@dataclass(frozen=True, slots=True)
class BuildCall:
    """`subject` follows the name of the skill; `extra` ends the prompt, word for word."""

    subject: str
    extra: str = ""


def build_call(
    project: sprint.Project,
    story: StoryRun,
    *,
    halt: bool = False,
    left: Sequence[str] = (),
    branch: str | None = None,
) -> BuildCall:
    """Return how the skill is called for a story; blocks on the disk.

    `halt`: it ends after planning. `left`: uncommitted files that are none of its business. `branch`: checked out.
    """
    plan = sprint.read(project)
    entry = plan.story(story.key)
    conditions = sprint.Conditions() if entry is None else entry.conditions
    lines = [_tolerated(left), branch_words(plan, story.key, branch), HALT if halt else "", conditions.prompt]
    extra = "\n\n".join(line for line in lines if line)
    if project.kind is PlanKind.TICKETS:
        named = conditions.ref and is_active(project)
        return BuildCall(f"ticket {conditions.ref}" if named else _by_title(project, story), extra)
    if project.kind is PlanKind.STORIES:
        return BuildCall(f"{_relative(project, project.tracker.parent)} {conditions.ref or story.key}", extra)
    return BuildCall(story.key, extra)


def _by_title(project: sprint.Project, story: StoryRun) -> str:
    """A ticket that has no reference, or is of an initiative that is not the active one: its folder and its title."""
    folder = folder_of(project, story.key) or project.tracker.parent
    return f"ticket in {_relative(project, folder)}: {story.title}"


def _tolerated(left: Sequence[str]) -> str:
    if not left:
        return ""
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    return (
        "These files are not committed and are none of this build's business; they do not count as changes of the work "
        f"tree, so begin all the same, and neither change nor commit them: {', '.join(left[:SHOWN])}{more}."
    )


def _relative(project: sprint.Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else str(path)


# -- afterwards ----------------------------------------------------------------------------------------------------


async def build_verdict(workspace: Workspace, story: StoryRun, began: float) -> DevVerdict:
    """Return what the story's file says of the build, by its status: finished, or blocked with the condition.

    A build that has ended and left nothing that can be read is `unread`. Raises `Unreadable` for one that says itself
    that it is not finished. `began` is when the build was started, in seconds.
    """
    return await asyncio.to_thread(_verdict, workspace, story, began)


async def plan_verdict(workspace: Workspace, story: StoryRun, began: float) -> DevVerdict:
    """Return whether a build that was to halt after planning has planned, or is blocked. Raises `Unreadable`."""
    files = await asyncio.to_thread(build_files, workspace, story)
    if files and _status_of(await asyncio.to_thread(files[0].read_text, "utf-8", "replace")) == "ready-for-dev":
        return DevVerdict(complete=True)
    verdict = await build_verdict(workspace, story, began)
    if verdict.unread:
        raise Unreadable(verdict.reason)
    return verdict


def _verdict(workspace: Workspace, story: StoryRun, began: float) -> DevVerdict:
    entry = sprint.read(workspace.project).story(story.key)
    if entry is not None and entry.status is sprint.Status.BLOCKED and entry.conditions.blocked_reason:
        return DevVerdict(complete=False, blocked=True, reason=entry.conditions.blocked_reason)
    files = build_files(workspace, story)
    newest = files[:1] or _results(workspace, began)
    if not newest:
        return _unread(f"the build of {story.key} ended, and no file of it was found that says how")
    name = workspace.relative(newest[0])
    try:
        text = newest[0].read_text("utf-8", "replace")
    except OSError as error:
        return _unread(f"{name} cannot be read: {error.strerror}")
    if _status_of(text) in _UNFINISHED:
        raise Unreadable(f"the status in {name} is {_status_of(text)!r}, not {_ending(workspace)}")
    try:
        return read_spec(text, name)
    except Unreadable as error:
        return _unread(str(error))


_UNFINISHED: Final = frozenset({"draft", "ready-for-dev", "in-progress", "in-review"})


def _unread(reason: str) -> DevVerdict:
    return DevVerdict(complete=False, unread=True, reason=reason)


def _ending(workspace: Workspace) -> str:
    return "built" if workspace.project.kind is PlanKind.TICKETS else "done"


def _status_of(text: str) -> str:
    """The status in the frontmatter of a build's file; "" for none."""
    head, _, _ = text.removeprefix("\ufeff").removeprefix("---").partition("\n---")
    lines = (line.partition(":") for line in head.splitlines() if line.lower().startswith("status"))
    return next((value.split("#")[0].strip(" '\"").lower() for _, _, value in lines), "")


def build_files(workspace: Workspace, story: StoryRun) -> list[Path]:
    """Return the files in which builds of the story say how they ended, newest first; blocks on the disk."""
    project = workspace.project
    if project.kind is PlanKind.TICKETS:
        plan = plan_path_of(project, story.key)
        return [plan] if plan is not None and plan.is_file() else []
    found = sprint.story_files(project, story.key)
    if project.kind is PlanKind.TRACKER:
        found = [path for path in found if path.name.startswith(BUILD_FILES)]
    return _newest_first(found)


def _results(workspace: Workspace, began: float) -> list[Path]:
    """What builds since then left that had no file of a story to write in."""
    folder = workspace.project.tracker.parent
    found = {*folder.glob(RESULT_FILES), *workspace.project.artifacts.glob(RESULT_FILES)}
    return [path for path in _newest_first(found) if path.stat().st_mtime >= began - 1]


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def is_unbuilt(project: sprint.Project, key: str) -> bool:
    """Whether a story in review was not built to the end: its own build continues; blocks on the disk."""
    entry = sprint.read(project).story(key)
    return project.kind in BUILT_ONLY and entry is not None and entry.raw_status.strip().lower() == "in-review"
