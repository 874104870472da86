"""Git bundles: commits that travel from one repository to another as a file.

Promises: a bundle holds what the other side lacks and nothing else; one that is not whole, is another one than was
named, or builds on what is not here is refused before anything of it is in the repository.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from git.process import TIMEOUT_S, GitError, clean_environment, run_git

NAME: Final = "refs/sprint-runner/state"  # of the one commit in a bundle


class BundleRefused(GitError):
    """A bundle that does not verify; the message is a sentence without a period."""


async def write_bundle(folder: Path, commit: str, have: Sequence[str], file: Path) -> str:
    """Write what leads to a commit into a file, without what leads to the commits `have`; return its SHA-256.

    `have` are commits that the other side has; those that are unknown here are left out. Raises `GitError`.
    """
    known = await _known(folder, have)
    form = (await run_git(folder, ("rev-parse", "--show-object-format"))).strip()
    signature = "# v2 git bundle\n" if form == "sha1" else f"# v3 git bundle\n@object-format={form}\n"
    header = signature + "".join(f"-{name} \n" for name in known) + f"{commit} {NAME}\n\n"
    # Their trees too: git leaves out only those of commits from which the wanted one descends.
    wanted = "".join([f"{commit}\n", *(f"^{name}\n^{name}^{{tree}}\n" for name in known)])
    await asyncio.to_thread(_write, folder, header.encode(), wanted.encode(), file)
    return await asyncio.to_thread(digest_of, file)


async def take_bundle(folder: Path, commit: str, file: Path, digest: str, ref: str | None = None) -> None:
    """Take the commit of a bundle into a repository, below `ref` if given. Raises `BundleRefused`, `GitError`."""
    if await asyncio.to_thread(digest_of, file) != digest:
        raise BundleRefused("the bundle is not the one that was sent: its SHA-256 differs")
    try:
        await run_git(folder, ("bundle", "verify", "--quiet", str(file)))
        heads = await run_git(folder, ("bundle", "list-heads", str(file)))
    except GitError as error:
        raise BundleRefused(f"the bundle does not verify ({' '.join(str(error).split())})") from None
    if heads.split() != [commit, NAME]:
        raise BundleRefused(f"the bundle does not hold the commit {commit[:10]}")
    target = NAME if ref is None else f"+{NAME}:{ref}"
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")
    try:  # a pack that is damaged leaves nothing behind
        await run_git(folder, ("fetch", *options, str(file), target))
    except GitError as error:
        raise BundleRefused(f"the bundle is damaged ({' '.join(str(error).split())})") from None


async def is_known(folder: Path, *commits: str) -> bool:
    """Whether a repository has these commits."""
    return len(await _known(folder, commits)) == len(set(commits))


async def set_ref(folder: Path, ref: str, commit: str) -> None:
    """Have a ref of ours lead to a commit."""
    await run_git(folder, ("update-ref", ref, commit))


async def _known(folder: Path, commits: Sequence[str]) -> list[str]:
    """Return those of the commits that a repository has, each once."""
    wanted = list(dict.fromkeys(commits))
    if not wanted:
        return []
    text = await run_git(folder, ("cat-file", "--batch-check"), stdin="".join(f"{name}\n" for name in wanted).encode())
    return [row.split()[0] for row in text.splitlines() if row.split()[1:2] == ["commit"]]


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file. Blocks on the disk."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _write(folder: Path, header: bytes, wanted: bytes, file: Path) -> None:
    """Write header and pack: `git bundle create` takes refs alone, and ours are not to be in a user's repository."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        target.write(header)
        target.flush()
        done = subprocess.run(
            ("git", "pack-objects", "--revs", "--thin", "--stdout", "--delta-base-offset", "--quiet"),
            cwd=folder,
            env={**clean_environment(), "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            input=wanted,
            stdout=target,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        raise GitError(f"git pack-objects: {done.stderr.decode(errors='replace').strip()}")
