"""What a commit of stories holds: the paths that changed since the run began to work on them, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sprint
from git.process import GitError, run_git
from git.snapshots import Git
from running.artifacts import committed_artifacts
from running.disk import recent_snapshot, take_snapshot
from running.story import StoryRun, keep
from running.workspace import Workspace
from store.stories import get_earlier_rows
from store.takeovers import TakeOverRow


@dataclass(frozen=True, slots=True)
class CommitPlan:
    """Paths relative to the repository's top. `paths` go into the commit.

    `contested` were changed by others before the run began to work on the stories, and by their work too;
    `nested` are repositories inside this one, which commit for themselves. `tree` is what the plan was made from.
    """

    tree: str
    paths: tuple[str, ...]
    contested: tuple[str, ...]
    nested: tuple[str, ...]


async def remember_base(
    workspace: Workspace, story: StoryRun, *, developing: bool, by_hand: TakeOverRow | None = None
) -> None:
    """Keep what the tree and the last commit are before the first work on a story, which may have been `by_hand`.

    `base_tree` is kept for stories that are developed here alone: one that comes for its review has its work behind it.
    """
    git = workspace.git
    if git is None or (story.commit_base is not None and (story.base_tree is not None or not developing)):
        return
    # A recorded tree is used after a restart: a snapshot taken now would contain the work.
    if by_hand is not None and story.commit_base is None and await _is_known(git, by_hand.base_tree):
        tree, commit = by_hand.base_tree or "", by_hand.base_commit
    else:
        tree, commit = story.base_tree or await take_snapshot(git), await git.commit("HEAD")
    if developing and story.base_tree is None:
        story.base_tree = tree
    if story.commit_base is None:
        story.commit_base, story.base_commit = tree, commit
    columns = {"base_tree": story.base_tree, "commit_base": story.commit_base, "base_commit": story.base_commit}
    await keep(workspace, story, **columns)


async def _is_known(git: Git, tree: str | None) -> bool:
    """Whether a snapshot is still there."""
    if tree is None:
        return False
    try:
        await git.existing(tree, ())
    except GitError:
        return False
    return True


async def plan_commit(
    workspace: Workspace, git: Git, stories: Sequence[StoryRun], others: Sequence[StoryRun] = ()
) -> CommitPlan:
    """Return what is to be committed for these stories. Raises `GitError`.

    `others` are stories of the same cycle that are not done: what they changed stays uncommitted.
    """
    tree = await recent_snapshot(git)
    for story in stories:
        # One whose snapshot is gone may have lost its work with it: what is in the tree now need not be all of it.
        await git.changed_paths(story.work_tree or tree, tree)
    uncommitted = set(await git.uncommitted())
    changed = await changed_by(workspace, git, stories, tree)
    theirs, shared = await changed_by_others(git, stories[0], others)
    # What both changed stays in: git commits whole files here, so it is contested below.
    changed -= theirs - shared
    contested = changed & uncommitted & (shared | await changed_before(workspace, git, stories[0]))
    nested = {path.rstrip("/") for path in changed if path.rstrip("/") in git.nested}
    paths = (changed & uncommitted) - contested - nested
    inside = {path.removeprefix(git.prefix) for path in uncommitted if path.startswith(git.prefix)}
    keys = [story.key for story in stories]
    # Snapshots leave the planning files out, so the stories' own are added by name.
    own = await asyncio.to_thread(committed_artifacts, workspace, keys, inside)
    paths |= {git.path_of(path) for path in own}
    return CommitPlan(tree, tuple(sorted(paths)), tuple(sorted(contested)), tuple(sorted(nested)))


async def changed_by(workspace: Workspace, git: Git, stories: Sequence[StoryRun], tree: str) -> set[str]:
    """Return what the work on these stories changed, by the snapshots; for one that came for its review, also what its
    own file lists, since that was written before."""
    base = stories[0].commit_base or stories[0].base_tree
    changed = set() if base is None else set(await git.changed_paths(base, tree))
    for story in stories:
        changed |= await _earlier_work(workspace, git, story)
        if story.base_tree is None:
            changed.update(await asyncio.to_thread(listed_files, workspace, git, story))
    return changed


async def _earlier_work(workspace: Workspace, git: Git, story: StoryRun) -> set[str]:
    """Return what earlier cycles changed for the same story and is unchanged since.

    A story that the breaker has released is taken again, in another row, and finds its own work uncommitted.
    """
    found: set[str] = set()
    for row in await workspace.database.read(get_earlier_rows, story.row_id):
        if row.commit_base is not None and row.work_tree is not None and story.commit_base is not None:
            touched = set(await git.changed_paths(row.work_tree, story.commit_base))
            found |= set(await git.changed_paths(row.commit_base, row.work_tree)) - touched
    return found


async def changed_by_others(git: Git, first: StoryRun, others: Sequence[StoryRun]) -> tuple[set[str], set[str]]:
    """Return what other stories changed since the work on `first` began, and which of it had been changed before them.

    Stories are developed one after the other, so each has a span of its own between two snapshots.
    """
    theirs: set[str] = set()
    shared: set[str] = set()
    for other in others:
        if other.commit_base is None or other.work_tree is None:
            continue
        span = set(await git.changed_paths(other.commit_base, other.work_tree))
        theirs |= span
        if first.commit_base is not None:
            shared |= span & set(await git.changed_paths(first.commit_base, other.commit_base))
    return theirs, shared


async def changed_before(workspace: Workspace, git: Git, story: StoryRun) -> set[str]:
    """Return what differed from the last commit when the work on a story began, and is not listed as its own."""
    if story.commit_base is None:
        return set()
    commit = f"{story.base_commit}^{{tree}}" if story.base_commit else await _empty_tree(git)
    before = set(await git.changed_paths(commit, story.commit_base))
    return before - await _earlier_work(workspace, git, story) if story.base_tree is not None else set()


async def sizes(git: Git, story: StoryRun, tree: str, paths: Collection[str]) -> str:
    """Return both differences of contested files in words: before the story, and by it."""
    assert story.commit_base is not None  # noqa: S101 - nothing is contested otherwise
    commit = f"{story.base_commit}^{{tree}}" if story.base_commit else await _empty_tree(git)
    before = await git.line_counts(commit, story.commit_base)
    after = await git.line_counts(story.commit_base, tree)
    parts = (
        f"{path} (before {story.key} began: {_size(before.get(path))}, by its work: {_size(after.get(path))})"
        for path in sorted(paths)
    )
    return ", ".join(parts)


def listed_files(workspace: Workspace, git: Git, story: StoryRun) -> list[str]:
    """Return the File List of a story's file, as git names the files. Blocks on the disk."""
    files = sprint.story_files(workspace.project, story.key)
    listed = sprint.read_story(files[0]).file_list if files else ()
    # Entries are written as `src/app.py` (new); one with a blank in its path is cut and matches no changed file.
    return [git.path_of(entry.strip("`* ").split(" ")[0].strip("`")) for entry in listed]


def _size(counts: tuple[int, int] | None) -> str:
    return "binary" if counts is None else f"+{counts[0]} -{counts[1]}"


async def _empty_tree(git: Git) -> str:
    # Computed, since the hash differs in repositories that use SHA-256.
    return (await run_git(git.root, ("hash-object", "-t", "tree", "--stdin"), stdin=b"")).strip()
