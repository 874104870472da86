"""The clean work tree that an unattended build starts from: the runner commits its own files, and what a blocked
story left, each as a commit that says so; files of others are left alone and named to the build.

Every step may happen twice: what is committed already is no change any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import sprint
from git.commits import commit_paths
from git.process import GitError, ask_git
from git.snapshots import Git
from running.builds import RESULT_FILES, build_files
from running.disk import take_snapshot
from running.marking import plan_path_of
from running.story import StoryRun
from running.workspace import Workspace
from sprint import PlanKind
from store.findings import get_findings

OWN_FILES: Final = "chore: keep the sprint's own files"


class NotCommitted(RuntimeError):
    """The runner's own files could not be committed; the message holds the words of git or of a hook."""


def own_files(workspace: Workspace) -> list[Path]:
    """The files that the runner itself writes between builds: the context file, and the tracker."""
    paths = [workspace.project.output / "project-context.md"]
    return [*paths, workspace.project.tracker] if workspace.project.kind is PlanKind.TRACKER else paths


async def commit_own_files(workspace: Workspace) -> None:
    """Commit what the runner wrote: the context file, the tracker, tickets of findings. Raises `NotCommitted`."""
    await _commit(workspace, await _own_files(workspace), OWN_FILES)
    await _commit_deleted(workspace)


async def _commit_deleted(workspace: Workspace) -> None:
    """Commit that files of blocked stories were deleted, which is how a story of a list is tried again."""
    git = workspace.git
    if git is None or workspace.project.kind is not PlanKind.STORIES:
        return
    changed = [git.top.resolve() / name for name in await git.uncommitted(tracked=True)]
    gone = await asyncio.to_thread(sprint.deleted_files, workspace.project, changed)
    names = ", ".join(sorted(path.name for path in gone))
    await _commit(workspace, gone, f"chore: delete {names}, to build again")


async def _own_files(workspace: Workspace) -> list[Path]:
    rows = await workspace.database.read(get_findings)
    return own_files(workspace) + [workspace.project.root / row.ticket for row in rows if row.ticket is not None]


async def commit_status(workspace: Workspace, story: StoryRun) -> None:
    """Commit the status that the runner wrote into a story's own file. Raises `NotCommitted`."""
    paths = await asyncio.to_thread(_status_files, workspace, story)
    await _commit(workspace, paths, f"chore({story.epic}): mark {story.key} {story.status}")


async def commit_left_work(workspace: Workspace, story: StoryRun) -> None:
    """Commit what a blocked story left in the work tree, so that the next build can begin. Raises `NotCommitted`."""
    git = workspace.git
    if git is None:
        return
    top, paths = git.top, await asyncio.to_thread(_story_files, workspace, story)
    if story.base_tree is not None:
        paths += [top / path for path in await git.changed_paths(story.base_tree, await take_snapshot(git))]
    if workspace.project.kind is PlanKind.TRACKER:
        paths.append(workspace.project.tracker)
    await _commit(workspace, paths, f"wip({story.epic}): keep what {story.key} left when it was blocked")


async def commit_plan(workspace: Workspace, story: StoryRun) -> None:
    """Commit the plan that a build has made before it halted, so that the next call begins. Raises `NotCommitted`."""
    paths = await asyncio.to_thread(build_files, workspace, story)
    await _commit(workspace, paths, f"chore({story.epic}): keep the plan of {story.key}")


async def commit_epic(workspace: Workspace, path: Path) -> None:
    """Commit the file of an epic that was closed. Raises `NotCommitted`."""
    await _commit(workspace, [path], f"chore: close {path.stem}")


async def built_commit(workspace: Workspace, story: StoryRun) -> str | None:
    """Return the newest commit that a build made of a story: one with its file, and none of the runner's."""
    git = workspace.git
    if git is None or story.base_commit is None:
        return None
    paths = _relative(git, await asyncio.to_thread(build_files, workspace, story))
    if not paths:
        return None
    text = await ask_git(git.top, "log", "--format=%H %s", f"{story.base_commit}..HEAD", "--", *paths)
    own = (OWN_FILES, *(f"chore({story.epic}): {verb} " for verb in ("mark", "keep the plan of")))
    found = (line.partition(" ") for line in (text or "").splitlines())
    return next((commit for commit, _, subject in found if not subject.startswith(own)), None)


async def left_by_others(workspace: Workspace, *, before_cleaning: bool = False) -> list[str]:
    """Return the files that are changed or new and not committed, relative to the repository's top.

    `before_cleaning`: those of the runner are left out, which it commits before a build begins.
    """
    git = workspace.git
    if git is None:
        return []
    own = _relative(git, await _own_files(workspace)) if before_cleaning else ()
    return sorted(set(await git.uncommitted()) - set(own))


def _status_files(workspace: Workspace, story: StoryRun) -> list[Path]:
    project = workspace.project
    if project.kind is PlanKind.TICKETS:
        plan = plan_path_of(project, story.key)
        return [] if plan is None else [plan]
    if project.kind is PlanKind.TRACKER:
        return [project.tracker]
    entry = sprint.read(project).story(story.key)
    return [] if entry is None else [Path(path) for path in entry.paths]


def _story_files(workspace: Workspace, story: StoryRun) -> list[Path]:
    """The files of a story that snapshots leave out, since they lie among the planning files."""
    folder = workspace.project.tracker.parent
    # BMAD's build writes its result here where it was blocked before it knew the ticket.
    results = folder.glob(RESULT_FILES) if folder.is_dir() else ()
    files = sprint.story_files(workspace.project, story.key)
    return [*_status_files(workspace, story), *build_files(workspace, story), *files, *results]


async def _commit(workspace: Workspace, paths: Iterable[Path], message: str) -> None:
    """Commit those of the files that differ from the last commit; none is no failure."""
    git = workspace.git
    if git is None:
        return
    names = _relative(git, paths)
    changed = set(await git.uncommitted()) & set(names)
    if not changed:
        return
    try:
        await commit_paths(workspace.project.root, git.top, sorted(changed), message)
    except GitError as error:
        raise NotCommitted(f"{', '.join(sorted(changed))}: {workspace.masker.text(str(error))}") from None


def _relative(git: Git, paths: Iterable[Path]) -> Sequence[str]:
    """Paths as git names them; those outside of the repository are left out."""
    top = git.top.resolve()
    # Only the folder is resolved: git lists a symbolic link by its own name.
    found = (path.parent.resolve() / path.name for path in paths)
    return [path.relative_to(top).as_posix() for path in found if path.is_relative_to(top)]
