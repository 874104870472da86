"""The revert of a story's commit: a new commit that takes back what it changed.

It is made without the work tree and then taken by the branch as a fast-forward. Promises: nothing is reset and nothing
of the user's is written over; the plan and its story files stay as they are; where it is refused, nothing has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from git.head import head_state
from git.obstacles import find_obstacles
from git.process import GitError, ask_git, run_git
from git.worktrees import Repository
from running.preflight import NotNow
from running.workspace import Workspace
from store.stories import get_commits_of, get_keys_of_commit

NAMED: Final = 5  # paths in a message


@dataclass(frozen=True, slots=True)
class Reverted:
    """`commit` takes back what `reverted` changed in so many `files`."""

    commit: str
    reverted: str
    files: int


async def revert_story(workspace: Workspace, key: str) -> Reverted:
    """Revert the newest commit of a story that is not reverted yet. Raises `NotNow`, then nothing has changed."""
    if workspace.git is None:
        raise NotNow("git", "the project is not a git repository: there is nothing to revert")
    repository = Repository.of(workspace.git)
    try:
        branch, head = await _place(workspace)
        commit = await _newest(workspace, repository, key, head)
        return await _Revert(workspace, repository, branch, head, commit).run()
    except GitError as error:
        raise NotNow("git", workspace.masker.text(f"git refused the revert: {error}")) from None
    finally:
        workspace.git.outdate()


async def _place(workspace: Workspace) -> tuple[str, str]:
    """The branch and the commit that the revert comes after."""
    state = await head_state(workspace.project.root)
    if state.operation is not None:
        raise NotNow("git", f"{state.operation} is not finished: finish it, then revert")
    if state.branch is None or state.commit is None:
        raise NotNow("git", f"{workspace.project.root} is on {state.place}: check out a branch, then revert")
    return state.branch, state.commit


async def _newest(workspace: Workspace, repository: Repository, key: str, head: str) -> str:
    for commit in await workspace.database.read(get_commits_of, key):
        known = await repository.commit(commit)
        if known is None or not await repository.is_ancestor(known, head):
            continue
        words = f"This reverts commit {known}"
        if await ask_git(repository.root, "log", "-1", "--format=%H", "--fixed-strings", f"--grep={words}", head):
            continue
        others = [other for other in await workspace.database.read(get_keys_of_commit, commit) if other != key]
        if others:
            named = ", ".join(others)
            raise NotNow("shared", f"{known[:10]} holds the work of {named} as well: revert it yourself")
        return known
    raise NotNow("nothing_to_revert", f"no commit of {key} is on this branch and not reverted yet")


class _Revert:
    """One revert of one commit."""

    def __init__(self, workspace: Workspace, repository: Repository, branch: str, head: str, commit: str) -> None:
        self._workspace = workspace
        self._repository = repository
        self._branch = branch
        self._head = head
        self._commit = commit

    async def run(self) -> Reverted:
        tree, files = await self._tree()
        subject = (await run_git(self._repository.root, ("log", "-1", "--format=%s", self._commit))).strip()
        message = f'Revert "{subject}"\n\nThis reverts commit {self._commit}.'
        made = await self._repository.commit_tree(tree, [self._head], message)
        await self._take(made)
        return Reverted(made, self._commit, files)

    async def _tree(self) -> tuple[str, int]:
        """The tree without what the commit changed, and how many files that are."""
        repository, commit = self._repository, self._commit
        before = await self._before()
        changed = await self._changed(before)
        kept = [path for path in changed if self._is_planning(path)]
        # As if the tree before the commit came after it: where both meet is the branch without the commit.
        opposite = await repository.commit_tree(before, [commit], f"the opposite of {commit}")
        tree, conflicts = await repository.merged(self._head, opposite)
        if real := [path for path in conflicts if path not in kept]:
            raise NotNow(
                "conflict", f"later work builds on {commit[:10]}: {_named(real)} cannot be taken back by themselves"
            )
        ours = await repository.entries(self._head, kept)
        index = self._workspace.data_dir / "revert-index"
        tree = await repository.tree_with(tree, {path: ours.get(path) for path in kept}, index)
        index.unlink(missing_ok=True)
        if tree == await repository.ask("rev-parse", f"{self._head}^{{tree}}"):
            raise NotNow("nothing_to_revert", f"nothing of {commit[:10]} is in the project any more")
        return tree, len(changed) - len(kept)

    async def _before(self) -> str:
        """The tree before the commit; the empty one before the first."""
        tree = await self._repository.ask("rev-parse", "--verify", "--quiet", f"{self._commit}^^{{tree}}")
        if tree is not None:
            return tree
        return (await run_git(self._repository.root, ("mktree",), stdin=b"")).strip()

    async def _changed(self, before: str) -> list[str]:
        text = await run_git(
            self._repository.root, ("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, self._commit)
        )
        return [path for path in text.split("\0") if path]

    def _is_planning(self, path: str) -> bool:
        """Whether a file belongs to the plan: its status and its text are the runner's and the operator's."""
        project, top = self._workspace.project, self._repository.top.resolve()
        place = top / path
        folders = [folder.resolve() for folder in (project.artifacts, project.output, project.tracker.parent)]
        return place == project.tracker.resolve() or any(
            place.is_relative_to(folder) for folder in folders if folder != project.root.resolve()
        )

    async def _take(self, made: str) -> None:
        """Have the branch and the work tree take the commit, unless files of the user's are in the way."""
        met = await find_obstacles(self._repository.top, self._head, made, ())
        if met.different:
            listed = [f"{path} ({why})" for path, why in met.different.items()]
            raise NotNow(
                "in_the_way", f"files of yours are in the way: {_named(listed)}. Commit them or move them elsewhere"
            )
        await self._repository.forward(self._branch, made, met.same, met.before)
        if await self._repository.commit("HEAD") != made:
            raise NotNow("git", f"HEAD moved while {made[:10]} was made: look at `git log`")


def _named(paths: Sequence[str | Path]) -> str:
    return ", ".join(map(str, paths[:NAMED])) + (", …" if len(paths) > NAMED else "")
