"""Commits that the runner makes itself: exactly the paths it names, with the user's own hooks, identity and signing.

Made by `git commit --only`, which commits the named files and leaves everything else that is staged as it is. What
a refused commit leaves behind is nothing: files that were unknown to git before are unknown again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from git.process import GitError, ask_git, clean_environment, run_git

WORDS_MAX: Final = 4000  # characters of a hook's output that are kept, from its end, where the error is
PROBE: Final = "sprint-runner: trial of a commit, never part of a branch"
LOCK_TRIES: Final = 20  # a git of the user may hold the index for a moment
LOCK_WAIT_S: Final = 0.25
END_S: Final = 1.0  # that git and a hook get to end by themselves
PATHS_PER_CALL: Final = 500  # an argument list has a bound
_STDIN: Final = ("--pathspec-from-file=-", "--pathspec-file-nul")


class CommitRefused(GitError):
    """Git or one of its hooks rejected the commit; the message is its output."""


class CommitImpossible(GitError):
    """Git cannot make a commit here at all; the message holds git's words."""


async def commit_paths(root: Path, top: Path, paths: Sequence[str], message: str, mark: str = "") -> str:
    """Commit the work tree's content of the paths and return the commit's hash.

    `paths` are relative to `top`; deleted files count as paths too. `mark` is in the environment, so that a hook
    which outlives us is found. Raises `CommitRefused` with the words of git or of the hook, `GitError` otherwise.
    """
    known, before = await asyncio.gather(_known(top, paths), ask_git(root, "rev-parse", "--verify", "--quiet", "HEAD"))
    new = [path for path in paths if path not in known]
    unknown = [path for path in new if not await asyncio.to_thread(os.path.lexists, top / path)]
    chosen = [path for path in paths if path not in unknown]
    if not chosen:
        raise GitError("git commit: none of the files exists, before or after")
    new = [path for path in new if path not in unknown]
    await _register(top, new)
    try:
        await _commit(root, top, chosen, message, mark)
    except BaseException:
        await asyncio.shield(_unregister(top, new))
        raise
    commit = (await run_git(root, ("rev-parse", "--verify", "HEAD^{commit}"))).strip()
    if commit == before:
        raise GitError(f"git commit: HEAD is still at {commit[:10]}, so another branch has taken the commit")
    return commit


async def staged_files(root: Path) -> set[str]:
    """The files whose staged content is not that of the last commit, relative to the repository's top."""
    text = await ask_git(root, "diff", "--cached", "--name-only", "-z")
    return set((text or "").split("\0")) - {""}


async def unstage(root: Path, paths: Collection[str]) -> None:
    """Take files out of the index again; what is in the work tree is kept as it is. Nothing where git refuses."""
    if paths and (top := await ask_git(root, "rev-parse", "--show-toplevel")) is not None:
        await ask_git(Path(top), "reset", "--quiet", "--", *sorted(paths))


async def try_commit(root: Path, folder: Path) -> None:
    """Make a commit object in an object folder of ours; raises `CommitImpossible` where git will not.

    Finds a missing identity, a signing key that cannot be used and a full disk before anything was paid. No branch, no
    index and no object of the user's changes.
    """
    with tempfile.TemporaryDirectory(dir=folder) as objects:
        real = (await run_git(root, ("rev-parse", "--git-path", "objects"))).strip()
        environment = {
            "GIT_OBJECT_DIRECTORY": objects,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{(root / real).resolve()}"',
        }
        try:
            tree = await run_git(
                root, ("hash-object", "-t", "tree", "-w", "--stdin"), stdin=b"", environment=environment
            )
            sign = await run_git(root, ("config", "--type=bool", "--get", "commit.gpgSign"), accepted=(0, 1))
            options = ("-S",) if sign.strip() == "true" else ()
            await run_git(root, ("commit-tree", tree.strip(), *options, "-m", PROBE), environment=environment)
        except GitError as error:
            raise CommitImpossible(str(error)) from None


async def try_filters(root: Path) -> None:
    """Run the clean filter of one tracked file for each filter that attributes name; raises `GitError` if one fails.

    A missing filter, such as that of Git LFS, would refuse the commit after everything was paid.
    """
    tracked = await run_git(root, ("ls-files", "-z", "--full-name", "--", ":/"))
    if not tracked:
        return
    top = Path((await run_git(root, ("rev-parse", "--show-toplevel"))).rstrip("\n"))
    answers = await run_git(
        top, ("check-attr", "-z", "--stdin", "filter"), stdin=tracked.encode(errors="surrogateescape")
    )
    fields = answers.split("\0")
    chosen = {value: path for path, value in zip(fields[::3], fields[2::3], strict=False) if value}
    for value, path in chosen.items():
        if value not in ("unspecified", "unset", "set"):
            await run_git(top, ("hash-object", "--stdin", "--path", path), stdin=b"trial\n")


async def _known(top: Path, paths: Sequence[str]) -> set[str]:
    """Those of the paths that the index has."""
    known: set[str] = set()
    for first in range(0, len(paths), PATHS_PER_CALL):
        some = paths[first : first + PATHS_PER_CALL]
        listed = await run_git(top, ("--literal-pathspecs", "ls-files", "-z", "--full-name", "--", *some))
        known.update(path for path in listed.split("\0") if path)
    return known


async def _register(top: Path, new: Sequence[str]) -> None:
    """Add new files to the index without content, because `commit --only` rejects files outside of the index."""
    if new:
        await run_git(top, ("--literal-pathspecs", "add", "--intent-to-add", *_STDIN), stdin=_joined(new))


async def _unregister(top: Path, new: Sequence[str]) -> None:
    if new:
        await run_git(top, ("update-index", "--force-remove", "-z", "--stdin"), stdin=_joined(new))


def _joined(paths: Sequence[str]) -> bytes:
    return "\0".join(paths).encode(errors="surrogateescape")


async def _commit(root: Path, top: Path, paths: Sequence[str], message: str, mark: str) -> None:
    """Run `git commit` in a session of its own, so that a hook's children can be ended with it."""
    for number in range(1, LOCK_TRIES + 1):
        code, words = await _call(top, paths, message, mark)
        if code == 0:
            return
        if "index.lock" not in words or number == LOCK_TRIES:
            raise CommitRefused(words[-WORDS_MAX:] or f"git commit: exit code {code}")
        await asyncio.sleep(LOCK_WAIT_S)


async def _call(top: Path, paths: Sequence[str], message: str, mark: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        "git", "--literal-pathspecs", "commit", "--quiet", "--only", "-m", message, *_STDIN,
        cwd=top,
        env={**clean_environment(), "LC_ALL": "C", "GIT_EDITOR": "true", "GIT_TERMINAL_PROMPT": "0"}
        | ({"SPRINT_RUNNER_MARK": mark} if mark else {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = await process.communicate(_joined(paths))
    except asyncio.CancelledError:
        await asyncio.shield(_end(process))
        raise
    return process.returncode or 0, output.decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End git and its hook: first so that git removes its locks of the index, then by force."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), END_S)
        os.killpg(process.pid, signal.SIGKILL)  # a hook may have stayed behind
    await process.wait()
