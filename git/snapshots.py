"""Snapshots of the work tree as git trees: which files changed since a snapshot, and which commits exist.

Read-only for the project: snapshots are written with an index and an object folder of our own, so neither the user's
index nor their object store changes. Nothing here resets, checks out or discards. What counts is the whole repository,
also where the project is a folder of it: all paths are relative to the repository's top.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from base.files import replacing
from git.differ import Differ
from git.overlay import PATHS_MAX, TreeOverlay
from git.process import GitError, GitUnusable, alternates, ask_git, run_git

UNTRACKED_MAX_BYTES: Final = 10 << 20  # of an untracked file that snapshots hold; a larger one is named once
RECENT_S: Final = 0.5  # a walk over a large tree takes as long, so that a snapshot is no more exact than that
# A snapshot must not fail, or differ, because of how the user has their own commits checked.
_AS_IS: Final = ("-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false", "-c", "advice.addIgnoredFile=false")
_AS_IT_IS: Final = ("--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative")


@dataclass(frozen=True, slots=True)
class Diff:
    """The size of a change."""

    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as the dossier lists it; `at` in ms since the epoch."""

    hash: str
    subject: str
    at: int


class Git:
    """One repository as seen from a project's folder.

    `store` is a folder of ours for snapshots; `ignored` are paths, relative to `root`, that never count as a change.
    `left_out` are large untracked files that the last snapshot does not hold. `nested` are repositories inside the work
    tree, submodules too: git sees no more of one than its last commit, so a snapshot names the tree of its files.
    """

    def __init__(self, root: Path, store: Path, ignored: tuple[str, ...], prefix: str = "") -> None:
        self.root = root
        self.prefix = prefix  # from the repository's top to the project: "" or "part/of/it/"
        self._store = store
        self.objects = store / "objects"  # of snapshots
        self._ignored = ignored
        self._index_lock = asyncio.Lock()  # one index: snapshots take turns
        self.others: dict[Path, Git] = {}  # the same repository as seen from other worktrees, each once, by its store
        self.left_out: set[str] = set()
        self.nested: set[str] = set()
        self._places: tuple[Path, Path] | None = None  # the repository's objects, the work tree's index
        self._children: dict[Path, Git | None] = {}  # nested repositories by their store
        self._asked_for_overlay = False
        self._laid_over: TreeOverlay | None = None
        self._differs: dict[str, Differ] = {}  # by the form of their output
        self._asked_for_links = False
        self._newest = (-1.0, "")  # when the newest snapshot was begun, and its tree
        self._recent_until = -1.0
        self._tree: str | None = None  # of our index, while it has not changed since

    @classmethod
    async def find(cls, root: Path, store: Path, ignored: tuple[str, ...] = ()) -> Git | None:
        """Return the repository that the folder is in, None where git itself says that it is in none.

        Raises `GitUnusable` for every other answer: a repository of another owner, a git that is not installed, a
        damaged one. Silence of git must not be taken for "nothing to prove".
        """
        probe = cls(root, store, ignored)
        try:
            answer = await probe._run("rev-parse", "--is-inside-work-tree", "--show-prefix")
        except OSError as error:
            if not has_repository(root):
                return None
            raise GitUnusable(
                f"{root} is in a git repository, but git cannot be started ({error.strerror}): install it, or put it on"
                " the PATH of the server"
            ) from None
        except (GitError, TimeoutError) as error:
            if "not a git repository" in str(error) and not has_repository(root):
                return None
            raise GitUnusable(_advice(root, str(error) or "no answer")) from None
        inside, _, prefix = answer.partition("\n")
        if inside != "true":
            raise GitUnusable(f"{root} is inside a git folder, not in a work tree: name the project's own folder")
        probe.prefix = prefix.rstrip("\n")
        await asyncio.to_thread(probe.objects.mkdir, parents=True, exist_ok=True)
        return probe

    # -- snapshots ---------------------------------------------------------------------------------------------

    async def snapshot(self) -> str:
        """Return the tree of the work tree as it is now, ignored files left out: a name that git can compare later.

        A call costs one `git status`, the first one two walks over the work tree; where nothing has changed nothing is
        written. A save in between may make git's own call fail, and so may the removal of our folder: then once more,
        before the failure counts.
        """
        async with self._index_lock:
            began = time.monotonic()
            try:
                tree = await self._snapshot()
            except (GitError, FileNotFoundError):
                self._forget_trees()
                began, tree = time.monotonic(), await self._snapshot_again()
            self._newest = (began, tree)
            self._recent_until = time.monotonic() + RECENT_S
        return tree

    async def _snapshot_again(self) -> str:
        try:
            return await self._snapshot()
        except FileNotFoundError as error:
            raise GitError(f"the folder of the snapshots was removed: {error}") from None

    async def snapshot_since(self, moment: float) -> str:
        """Return a snapshot begun at this moment of the monotonic clock or later: the newest one if it was."""
        began, tree = self._newest
        return tree if began >= moment else await self.snapshot()

    async def recent_snapshot(self) -> str:
        """Return the newest snapshot while it is of this moment and nothing of the run has written since."""
        return self._newest[1] if time.monotonic() < self._recent_until else await self.snapshot()

    def outdate(self) -> None:
        """Note that something of the run may have changed the work tree: no snapshot is recent any more."""
        self._recent_until = -1.0

    async def _snapshot(self) -> str:
        objects, index = await self._find_places()
        environment = {
            "GIT_INDEX_FILE": str(self._store / "index"),
            "GIT_OBJECT_DIRECTORY": str(self.objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(objects),
        }
        if await asyncio.to_thread(self._seed, index):
            self._forget_trees()
            await self._drop_ignored(environment)
        if self._tree is not None and not self.nested:
            changed = await self._named_changes(environment)
            if changed is not None and (tree := await self._with_changes(self._tree, changed, environment)) is not None:
                return tree
        # 1: a file that git cannot take is left out.
        updated = await self._run(
            *_AS_IS, "add", "--update", "--verbose", "--ignore-errors", "--", *self._pathspecs(),
            environment=environment, accepted=(0, 1),
        )  # fmt: skip
        added = await self._add_new(environment)
        added |= await self._add_nested(environment)
        return await self._written(environment) if self._tree is None or updated or added else self._tree

    async def _written(self, environment: dict[str, str]) -> str:
        self._tree = (await self._run("write-tree", environment=environment)).strip()
        return self._tree

    async def _named_changes(self, environment: dict[str, str]) -> list[str] | None:
        """Return the files that one `git status` names as other than in our index, those that are gone first.

        None where that does not say enough: for a nested repository, or a file that git cannot read. Status keeps in
        our index what it has found unchanged, so that the next one is faster.
        """
        text = await self._run(
            *_AS_IS, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all",
            environment={**environment, "GIT_OPTIONAL_LOCKS": "1"}, undecodable="surrogateescape",
        )  # fmt: skip
        rows = [(row[1], row[3:]) for row in text.split("\0") if len(row) > 3 and row[1] != " "]
        rows = [(sign, path) for sign, path in rows if not self._never_counts(path)]
        if any(path.endswith("/") for _, path in rows):
            return None
        new = [path for sign, path in rows if sign == "?"]
        small = await asyncio.to_thread(self._small, new)
        self.left_out = _readable(set(new) - set(small))
        return [path for sign, path in rows if sign != "?"] + small  # a new folder may take the name of what is gone

    async def _with_changes(self, base: str, paths: list[str], environment: dict[str, str]) -> str | None:
        """Return the tree of our index with these files as they are now; None where git cannot take one of them.

        Few changes are laid over it, and of many it is brought up to date.
        """
        if not paths:
            return base
        if len(paths) <= PATHS_MAX and (overlay := await self._overlay(environment)) is not None:
            with suppress(GitError, OSError, TimeoutError):
                return await overlay.tree(base, paths)
            await asyncio.to_thread(overlay.forget)
        try:
            await self._run(
                *(*_AS_IS, "update-index", "--add", "--remove", "--replace", "-z", "--stdin"),
                environment=environment,
                stdin="".join(f"{self._up()}{path}\0" for path in paths).encode(errors="surrogateescape"),
            )
        except GitError:
            return None
        return await self._written(environment)

    async def _overlay(self, environment: dict[str, str]) -> TreeOverlay | None:
        """The overlay of this work tree; none where git takes modes or line ends from its index."""
        if not self._asked_for_overlay:
            self._asked_for_overlay = True
            arguments = ("config", "--get-regexp", r"^core\.(filemode|autocrlf)$")
            settings = await self._run(*arguments, accepted=(0, 1))
            if not re.search(r"filemode (false|no|off|0)$|autocrlf (?!false|no|off|0)", settings, re.M | re.I):
                objects = {name: value for name, value in environment.items() if name != "GIT_INDEX_FILE"}
                self._laid_over = TreeOverlay(self.top, _AS_IS, objects)
        return self._laid_over

    def _never_counts(self, path: str) -> bool:
        names = (f"{self.prefix}{name}" for name in self._ignored)
        return any(path == name or path.startswith(f"{name}/") for name in names)

    async def _drop_ignored(self, environment: dict[str, str]) -> None:
        """Take what never counts out of an index that was made from the user's, where it may be committed."""
        if self._ignored:
            names = [f":(top,literal){self.prefix}{path}" for path in self._ignored]
            arguments = ("rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", *names)
            await self._run(*arguments, environment=environment)

    async def _add_new(self, environment: dict[str, str]) -> bool:
        """Take up files that our index does not know yet, but for large ones; whether there were any."""
        arguments = ("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", *self._pathspecs())
        listed = await self._run(*arguments, environment=environment, undecodable="surrogateescape")
        names = [name for name in listed.split("\0") if name]
        self.nested |= {name.rstrip("/") for name in names if name.endswith("/")}
        files = [name for name in names if not name.endswith("/")]
        small = await asyncio.to_thread(self._small, files)
        self.left_out = _readable(set(files) - set(small))
        if not small:
            return False
        await self._run(
            *("--literal-pathspecs", *_AS_IS, "add", "--ignore-errors"),
            *("--pathspec-from-file=-", "--pathspec-file-nul"),
            environment=environment,
            accepted=(0, 1),
            stdin="\0".join(f"{self._up()}{name}" for name in small).encode(errors="surrogateescape"),
        )
        return True

    async def _links(self, environment: dict[str, str]) -> set[str]:
        """The repositories that our index knows: submodules, and nested ones that were entered before."""
        arguments = ("ls-files", "--stage", "--full-name", "-z", "--", ":/")
        staged = (await self._run(*arguments, environment=environment)).split("\0")
        return {row.partition("\t")[2] for row in staged if row.startswith("160000 ")}

    async def _add_nested(self, environment: dict[str, str]) -> bool:
        """Enter each nested repository with the tree of its own work tree in place of a commit; whether there are any.

        Every time, since `git add` puts the commit back.
        """
        if not self._asked_for_links:
            self._asked_for_links = True
            self.nested |= await self._links(environment)
        if not self.nested:
            return False
        trees = {path: await self._nested_tree(path) for path in sorted(self.nested)}
        rows = "".join(
            f"160000 {tree}\t{path}\0" if tree else f"0 {'0' * 40}\t{path}\0" for path, tree in trees.items()
        )
        await self._run(
            "update-index", "--add", "-z", "--index-info", environment=environment,
            stdin=rows.encode(errors="surrogateescape"),
        )  # fmt: skip
        self.nested = {path for path, tree in trees.items() if tree}
        return True

    async def _nested_tree(self, path: str) -> str | None:
        """The tree of a nested repository; None where there is none any more, or git cannot read it."""
        if not await asyncio.to_thread(os.path.lexists, self.top / path / ".git"):
            return None
        store = self._store / "nested" / hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:16]
        if store not in self._children:
            try:
                self._children[store] = await Git.find(self.top / path, store)
            except GitUnusable:
                self._children[store] = None
        child = self._children[store]
        try:
            return None if child is None else await child.snapshot()
        except (GitError, OSError):
            return None

    def _small(self, names: list[str]) -> list[str]:
        top = self.top
        return [name for name in names if _size(top / name) <= UNTRACKED_MAX_BYTES]

    def _up(self) -> str:
        """The way from the project's folder to the top: literal pathspecs are relative to where git runs."""
        return "../" * self.prefix.count("/")

    @property
    def top(self) -> Path:
        """The top folder of the work tree."""
        return self.root.joinpath(*[".."] * self.prefix.count("/")) if self.prefix else self.root

    def path_of(self, path: str) -> str:
        """A path relative to the project, as git names it: relative to the repository's top."""
        return f"{self.prefix}{path}"

    def _pathspecs(self) -> list[str]:
        """Everything but what never counts, excluded from the beginning: a save in between cannot bring it back."""
        return [":/", *(f":(top,exclude,literal){self.prefix}{path}" for path in self._ignored)]

    async def _find_places(self) -> tuple[Path, Path]:
        if self._places is None:
            paths = await self._run("rev-parse", "--git-path", "objects", "--git-path", "index")
            objects, index = (self.root / path for path in paths.splitlines())
            self._places = (objects.resolve(), index)
        return self._places

    def _seed(self, index: Path) -> bool:
        """Begin with the user's index: it knows what has not changed, so that nothing is hashed again."""
        own = self._store / "index"
        (self._store / "index.lock").unlink(missing_ok=True)  # of a call that was ended; this folder is ours alone
        self.objects.mkdir(parents=True, exist_ok=True)
        if own.exists() or not index.is_file():
            return False
        with replacing(own) as copy, index.open("rb") as source:
            shutil.copyfileobj(source, copy)
            copy.flush()
            # With its time: git decides by it which files may have changed within its second.
            times = os.fstat(source.fileno())
            os.utime(copy.fileno(), ns=(times.st_atime_ns, times.st_mtime_ns))
        return True

    async def forget(self) -> None:
        """Remove all snapshots, when none is being taken."""
        async with self._index_lock:
            await asyncio.to_thread(self.forget_snapshots)

    def forget_snapshots(self) -> None:
        """Remove the objects of all snapshots; for when no batch is open any more that could compare with one."""
        shutil.rmtree(self.objects, ignore_errors=True)
        (self._store / "index").unlink(missing_ok=True)
        shutil.rmtree(self._store / "nested", ignore_errors=True)
        self._forget_trees()
        self._newest = (-1.0, "")
        self.outdate()
        self._children.clear()
        self.objects.mkdir(parents=True, exist_ok=True)

    def _forget_trees(self) -> None:
        """What is known of our index and of objects holds no more."""
        self._tree = None
        if self._laid_over is not None:
            self._laid_over.forget()

    # -- comparing ---------------------------------------------------------------------------------------------

    async def diff(self, old_tree: str, new_tree: str) -> Diff:
        """The size of the change between two snapshots."""
        if old_tree == new_tree:
            return Diff()
        rows = await self._numstat(old_tree, new_tree)
        numbers = [(int(added), int(removed)) for added, removed, _ in rows if added.isdigit()]
        return Diff(len(rows), sum(added for added, _ in numbers), sum(removed for _, removed in numbers))

    async def line_counts(self, old_tree: str, new_tree: str) -> dict[str, tuple[int, int]]:
        """The lines added and removed in each file that differs between two trees; binary files are left out."""
        rows = await self._numstat(old_tree, new_tree)
        return {path: (int(added), int(removed)) for added, removed, path in rows if added.isdigit()}

    async def _numstat(self, old_tree: str, new_tree: str) -> list[list[str]]:
        """Lines added, lines removed and the path of each file that differs; `-` for the lines of a binary one."""
        rows = (await self._compare_by("--numstat", old_tree, new_tree)).split("\0")
        return [row.split("\t", 2) for row in rows if row]

    async def changed_paths(self, old_tree: str, new_tree: str) -> list[str]:
        """The files that differ between two snapshots or commits, relative to the repository's top."""
        if old_tree == new_tree:
            return []
        return [path for path in (await self._compare_by("--name-only", old_tree, new_tree)).split("\0") if path]

    async def has_renames(self, old_tree: str, new_tree: str) -> bool:
        """Whether a file of the old tree is in the new one under another name, changed a little at most."""
        return bool(await self._compare("--find-renames", "--diff-filter=R", "--name-only", old_tree, new_tree))

    async def existing(self, tree: str, paths: Sequence[str]) -> list[str]:
        """Those of the paths that a snapshot has."""
        environment = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(self.objects)}
        listed = await self._run("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree, environment=environment)
        known = set(listed.split("\0"))
        return [path for path in paths if path in known]

    async def _compare_by(self, form: str, old_tree: str, new_tree: str) -> str:
        """Compare two trees by a process that stays, or by one of its own, which says why it cannot be done."""
        if form not in self._differs:
            environment = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(self.objects)}
            self._differs[form] = Differ(self.root, (*_AS_IT_IS, form), environment)
        output = await self._differs[form].compare(old_tree, new_tree)
        return await self._compare(form, "-z", old_tree, new_tree) if output is None else output

    async def _compare(self, *arguments: str) -> str:
        environment = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates(self.objects)}
        return await self._run("diff-tree", "-r", *_AS_IT_IS, *arguments, environment=environment)

    async def uncommitted(self, *, tracked: bool = False) -> list[str]:
        """The files that differ from the last commit, new ones too unless only `tracked` ones are asked for."""
        untracked = "no" if tracked else "all"
        text = await self._run("status", "--porcelain", "-z", "--no-renames", f"--untracked-files={untracked}")
        return [row[3:] for row in text.split("\0") if len(row) > 3]

    # -- commits -----------------------------------------------------------------------------------------------

    async def has_commit(self, commit: str) -> bool:
        """Whether the hash, whole or abbreviated, names exactly one commit."""
        return await self.full_hash(commit) is not None

    async def full_hash(self, commit: str) -> str | None:
        """The whole hash of a commit that is named by a hash; None where there is none, or more than one."""
        found = await self.commit(commit)
        return found if found is not None and found.startswith(commit) else None  # no branch that looks like a hash

    async def commit(self, name: str) -> str | None:
        """The hash of a commit or of a branch's tip, None where there is none."""
        return await ask_git(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    async def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether a commit is the other one or lies behind it."""
        return await ask_git(self.root, "merge-base", "--is-ancestor", commit, of) is not None

    async def commits_for(self, story_key: str, most: int = 20) -> list[Commit]:
        """The newest commits whose message names the story, and not only one whose key contains its key."""
        key = re.sub(r"[][\\.+*?^$(){}|]", r"\\\g<0>", story_key)
        pattern = f"(^|[^[:alnum:]._-]){key}($|[^[:alnum:]_-])"
        arguments = ("log", f"--max-count={most}", "--format=%H%x09%ct%x09%s", "--extended-regexp", f"--grep={pattern}")
        try:
            text = await self._run(*arguments)
        except GitError:  # a repository without a commit yet
            return []
        rows = [line.split("\t", 2) for line in text.split("\n")]
        return [Commit(row[0], row[2], int(row[1]) * 1000) for row in rows if len(row) == 3]

    async def _run(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        accepted: tuple[int, ...] = (0,),
        stdin: bytes | None = None,
        undecodable: str = "replace",
    ) -> str:
        return await run_git(
            self.root, arguments, environment=environment, accepted=accepted, stdin=stdin, undecodable=undecodable
        )


def has_repository(root: Path) -> bool:
    """Whether the folder or one above it has a `.git`, whatever git says of it."""
    return any(os.path.lexists(folder / ".git") for folder in (root, *root.parents))


def _advice(root: Path, message: str) -> str:
    if "dubious ownership" in message:
        return (
            f"git refuses the repository of {root}, since it belongs to another user: run"
            f" `git config --global --add safe.directory {root}` as the user of the server, or give the folder to them"
        )
    return (
        f"git cannot answer for {root}: {message.splitlines()[0] if message else message}: fix that, then start again"
    )


def _readable(names: set[str]) -> set[str]:
    return {os.fsencode(name).decode("utf-8", "replace") for name in names}


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # it went away; git says the rest
        return 0
