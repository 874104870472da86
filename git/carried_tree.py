"""A work tree whose whole state travels to another machine as a commit, and is set to the state that comes back.

The commit's tree holds every file that counts: what is committed, what is not, and files that git ignores and that were
named. Its parent is HEAD. An index of our own is used, so that the tree's own index changes only with its HEAD.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from git.process import Calls, in_thread, run_git
from git.work_tree import AS_IS

# The same state has the same name, on any machine and at any time.
SAME: Final = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Sprint Runner"), ("EMAIL", "sprint-runner@localhost"), ("DATE", "2000-01-01T00:00Z"))
}
REFRESHED: Final = (0, 1)  # 1: some files differ from the index, which is no failure


@dataclass(frozen=True, slots=True)
class TreeState:
    """The state of a work tree: its HEAD, and the commit that holds all of its files, whose parent HEAD is."""

    head: str
    commit: str


class CarriedTree:
    """The work tree with the folder `top`; `index` is a file of this object alone. One call at a time.

    `prefix` is the project's folder in it, "" or "part/of/it/", from which pathspecs are meant.
    """

    def __init__(self, top: Path, index: Path, prefix: str = "") -> None:
        self._top = top
        self._index = index
        self._project = top / prefix

    async def state(self, named: Sequence[str] = (), planning: Sequence[str] = ()) -> TreeState:
        """Return the state as it is now. Raises `GitError`.

        Of what git ignores `named` count, paths relative to the top, and all that these pathspecs of `planning` name.
        The objects are in the repository, and no branch leads to them.
        """
        return await in_thread(lambda calls: self._state(calls, named, planning))

    async def changed(self, before: str, after: str) -> list[str]:
        """Return the paths in which two commits differ."""
        arguments = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)
        text = await run_git(self._top, arguments, undecodable="surrogateescape")
        return [name for name in text.split("\0") if name]

    async def change(self, after: TreeState, paths: Sequence[str], since: str) -> None:
        """Set these paths to what a state has of them; git changes all of them or none. Raises `GitError`.

        HEAD moves on to that of the state where that comes after it; `since` is the HEAD that the other side began
        with. Everything else stays. May be repeated after it was cut off.
        """
        await in_thread(lambda calls: self._change(calls, after, paths, since))

    async def combined(self, base: TreeState, after: TreeState, paths: Sequence[str], since: str) -> TreeState:
        """Return a state with these paths as another one has them, of which nothing is in the work tree.

        Its HEAD is that of the other one where that has moved on `since`.
        """
        return await in_thread(lambda calls: self._combined(calls, base, after, paths, since))

    async def force(self, after: TreeState, branch: str) -> None:
        """Set the work tree to a state and have its branch there; ignored files that are not in the state stay.

        Raises `GitError`.
        """
        await in_thread(lambda calls: self._force(calls, after, branch))

    # -- in a thread

    def _run(self, calls: Calls, *arguments: str, index: Path | None = None, **more: object) -> str:
        """Run git with the index of our own."""
        environment = {"GIT_INDEX_FILE": str(index or self._index)}
        return calls.run(self._top, arguments, environment=environment, **more).strip()  # type: ignore[arg-type]

    def _state(self, calls: Calls, named: Sequence[str], planning: Sequence[str]) -> TreeState:
        head = calls.run(self._top, ("rev-parse", "--verify", "HEAD^{commit}")).strip()
        self._take_up(calls, [*named, *self._others(calls, planning)])
        tree = self._run(calls, "write-tree")
        commit = calls.run(self._top, ("commit-tree", tree, "-p", head, "-m", "state"), environment=SAME)
        return TreeState(head, commit.strip())

    def _others(self, calls: Calls, planning: Sequence[str]) -> list[str]:
        if not planning or not self._project.is_dir():
            return []
        arguments = ("ls-files", "--others", "--full-name", "-z", "--", *planning)
        text = calls.run(self._project, arguments, undecodable="surrogateescape")
        return [name for name in text.split("\0") if name and not name.endswith("/")]

    def _take_up(self, calls: Calls, named: Sequence[str] = ()) -> None:
        """Bring our index to what the work tree holds; a file that git cannot read is left out."""
        self._index.parent.mkdir(parents=True, exist_ok=True)
        self._index.with_name(f"{self._index.name}.lock").unlink(missing_ok=True)  # of a call that was ended
        if not self._index.exists():
            self._run(calls, "read-tree", "HEAD")
        self._run(calls, *AS_IS, "add", "--all", "--ignore-errors", "--", ":/", accepted=(0, 1))
        there = [name for name in named if (self._top / name).is_symlink() or (self._top / name).is_file()]
        if there:
            self._run(
                *(calls, "--literal-pathspecs", *AS_IS, "add", "--force", "--ignore-errors"),
                *("--pathspec-from-file=-", "--pathspec-file-nul"),
                stdin="\0".join(there).encode(errors="surrogateescape"),
                accepted=(0, 1),
            )

    def _change(self, calls: Calls, after: TreeState, paths: Sequence[str], since: str) -> None:
        self._take_up(calls, paths)
        if paths:
            now = self._run(calls, "write-tree")
            # Git looks at every file first: it changes all of them or none.
            self._run(calls, "read-tree", "-m", "-u", now, self._with(calls, now, after.commit, paths))
        head = calls.run(self._top, ("rev-parse", "--verify", "HEAD")).strip()
        if head in (since, after.head) or self._is_ancestor(calls, head, after.head):
            self._move_head(calls, after.head)

    def _combined(self, calls: Calls, base: TreeState, after: TreeState, paths: Sequence[str], since: str) -> TreeState:
        head = base.head if after.head == since else after.head
        tree = self._with(calls, f"{base.commit}^{{tree}}", after.commit, paths)
        commit = calls.run(self._top, ("commit-tree", tree, "-p", head, "-m", "state"), environment=SAME)
        return TreeState(head, commit.strip())

    def _with(self, calls: Calls, tree: str, commit: str, paths: Sequence[str]) -> str:
        """Return a tree with some paths as a commit has them."""
        index = self._index.with_name(f"{self._index.name}.next")
        index.unlink(missing_ok=True)
        self._run(calls, "read-tree", tree, index=index)
        wanted, named = set(paths), "".join(f"{path}\0" for path in paths).encode(errors="surrogateescape")
        self._run(calls, "update-index", "--force-remove", "-z", "--stdin", index=index, stdin=named)
        rows = calls.run(self._top, ("ls-tree", "-r", "-z", "--full-tree", commit), undecodable="surrogateescape")
        entries = "".join(f"{row}\0" for row in rows.split("\0") if row and row.partition("\t")[2] in wanted)
        kept = entries.encode(errors="surrogateescape")
        self._run(calls, "update-index", "-z", "--index-info", index=index, stdin=kept)
        return self._run(calls, "write-tree", index=index)

    def _is_ancestor(self, calls: Calls, before: str, after: str) -> bool:
        base = calls.run(self._top, ("merge-base", before, after), accepted=(0, 1)).strip()
        return base == before

    def _force(self, calls: Calls, after: TreeState, branch: str) -> None:
        self._take_up(calls)
        self._run(calls, "read-tree", "--reset", "-u", after.commit)
        if branch:
            calls.run(self._top, ("symbolic-ref", "HEAD", f"refs/heads/{branch}"))
        self._move_head(calls, after.head, always=True)

    def _move_head(self, calls: Calls, head: str, *, always: bool = False) -> None:
        """Move the branch, and then the tree's own index, which is as of HEAD afterwards."""
        now = calls.run(self._top, ("rev-parse", "--quiet", "--verify", "HEAD"), accepted=(0, 1)).strip()
        if now == head and not always:
            return
        calls.run(self._top, ("update-ref", "-m", "sprint-runner: the work of another machine", "HEAD", head))
        calls.run(self._top, ("read-tree", head))
        calls.run(self._top, ("update-index", "-q", "--refresh"), accepted=REFRESHED)
