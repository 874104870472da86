"""Work that is in the tree no more: noticed around each command that git watches, and before the next one.

A reviewer, or a person, may stash, clean or revert what a story has brought; all that runs afterwards would judge
nothing. The work is in the run's own snapshots, so the message can say exactly how to get it back.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from typing import Final

from git.head import stash_tip
from git.process import GitError, run_git
from git.snapshots import Git
from payloads import Attention
from running.disk import recent_snapshot
from running.evidence import artifacts_folder
from running.gate import Gate
from running.story import StoryRun
from running.workspace import Workspace, emit_durable

NAMED: Final = 10  # paths in the command that restores; of more the whole tree is named
SHOWN: Final = 5  # paths in a reason
UNDERIVABLE: Final = (
    "what the work changed cannot be derived from the snapshots any more ({error}): look at `git status` and commit the"
    " files of the story yourself"
)
STASHES: Final = 5  # newest entries of the stash that are looked at


async def lost_work(
    workspace: Workspace, story: StoryRun, before: str, after: str, besides: Collection[str] = ()
) -> list[str]:
    """Return the story's changed paths of the tree `before` where all of them are back at the base in `after`.

    Empty where anything of the work is still there; `besides` are paths that do not count. Raises `GitError` where the
    snapshots cannot be compared any more: then it is unknown, and nothing may be taken for the work instead.
    """
    git = workspace.git
    base = story.base_tree or (f"{story.base_commit}^{{tree}}" if story.base_commit else None)
    if git is None or base is None or before == after:
        return []
    folder = artifacts_folder(workspace, git)
    work = {path for path in await git.changed_paths(base, before) if not path.startswith(folder)}.difference(besides)
    if not work or work & set(await git.changed_paths(base, after)) or await git.has_renames(before, after):
        return []
    return sorted(work)


async def absent_work(
    workspace: Workspace, stories: Sequence[StoryRun], after: str, besides: Collection[str] = ()
) -> str | None:
    """Return whose work is not in the tree `after` any more, or that it is unknown; None where all of it is."""
    for story in stories:
        if story.work_tree is None:
            continue
        try:
            lost = await lost_work(workspace, story, story.work_tree, after, besides)
        except GitError as error:
            return UNDERIVABLE.format(error=error)
        if lost:
            more = ", …" if len(lost) > SHOWN else ""
            return (
                f"the work on {story.key} is in no commit and not in the tree any more: {', '.join(lost[:SHOWN])}{more}"
            )
    return None


async def hold_for_work(workspace: Workspace, gate: Gate, story: StoryRun) -> str | None:
    """Return the tree as it is now, once the work that the story had after its last command is in it.

    Until then the operator is called and the batch paused; not where the snapshots went with the data folder, which the
    commit reports. None without git. Raises `Stopped`.
    """
    git = workspace.git
    if git is None:
        return None
    while True:
        tree = await recent_snapshot(git)
        if story.work_tree is None:
            return tree
        try:
            lost = await lost_work(workspace, story, story.work_tree, tree)
        except GitError:
            return tree
        if not lost:
            return tree
        message = (
            f"The work on {story.key} was there after its last command and is not in the tree any more. To get it back,"
            f" run `{await recovery(git, story.work_tree, lost)}`, then resume the batch; to give it up, stop the batch"
            f" and set the story back to ready-for-dev"
        )
        await emit_durable(Attention(kind="git", message=message, story_key=story.key))
        gate.pause("git")
        await gate.enter()
        git.outdate()


async def recovery(git: Git, tree: str, paths: list[str]) -> str:
    """Return the command line that brings files of a snapshot back: from the stash if they are there, else from it."""
    there = await git.existing(tree, paths)
    stash = await _stash_with(git, tree, there)
    if stash is not None:
        return f"git stash apply {stash[:12]}"
    named = there if len(there) <= NAMED else [":/"]
    objects = f"GIT_ALTERNATE_OBJECT_DIRECTORIES={shlex.quote(str(git.objects))}"
    return f"{objects} git -C {shlex.quote(str(git.top.resolve()))} restore --overlay --source={tree} -- " + shlex.join(
        named
    )


async def _stash_with(git: Git, tree: str, paths: list[str]) -> str | None:
    """Return the entry of the stash that holds these files as the tree has them."""
    if not paths or await stash_tip(git.root) is None:
        return None
    for entry in (await run_git(git.root, ("stash", "list", "--format=%H", f"--max-count={STASHES}"))).split():
        missing = set(paths) & set(await git.changed_paths(tree, entry))
        if missing:
            try:
                missing &= set(await git.changed_paths(tree, f"{entry}^3"))  # the untracked files
            except GitError:
                continue
        if not missing:
            return entry
    return None
