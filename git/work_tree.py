"""A work tree as seen from the folder of a project in it: its top, and how git is given paths of it.

What counts is the whole repository, also where the project is a folder of it: git's paths are relative to the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from git.process import Calls, in_thread

# A snapshot must not fail, or differ, because of how the user has their own commits checked.
AS_IS: Final = ("-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false", "-c", "advice.addIgnoredFile=false")


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A work tree. `prefix` is the way from its top to the folder `root`, "" or "part/of/it/".

    `ignored` are paths, relative to `root`, that never count as a change.
    """

    root: Path
    prefix: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def top(self) -> Path:
        """The top folder."""
        return self.root.joinpath(*[".."] * self.prefix.count("/")) if self.prefix else self.root

    @property
    def up(self) -> str:
        """The way from the project's folder to the top: literal pathspecs are relative to where git runs."""
        return "../" * self.prefix.count("/")

    @property
    def pathspecs(self) -> list[str]:
        """Everything but what never counts, excluded from the beginning: a save in between cannot bring it back."""
        return [":/", *(f":(top,exclude,literal){self.prefix}{path}" for path in self.ignored)]

    def path_of(self, path: str) -> str:
        """A path relative to the project, as git names it: relative to the repository's top."""
        return f"{self.prefix}{path}"

    def never_counts(self, path: str) -> bool:
        """Whether a path, relative to the top, never counts as a change."""
        names = (self.path_of(name) for name in self.ignored)
        return any(path == name or path.startswith(f"{name}/") for name in names)

    def at_most(self, size: int, names: Sequence[str]) -> list[str]:
        """Return the files, relative to the top, that have at most `size` bytes. Blocks on the disk."""
        top = self.top
        return [name for name in names if _size(top / name) <= size]

    async def run(
        self, *arguments: str, environment: dict[str, str], accepted: Sequence[int] = (0,), stdin: bytes | None = None
    ) -> str:
        """Run git in the project's folder and return its output, from which file names can be given back to it."""
        work = partial(self.run_now, environment=environment, accepted=accepted, stdin=stdin)
        return await in_thread(lambda calls: work(calls, *arguments))

    def run_now(
        self,
        calls: Calls,
        *arguments: str,
        environment: dict[str, str],
        accepted: Sequence[int] = (0,),
        stdin: bytes | None = None,
    ) -> str:
        """Do the same in a thread that has `calls`."""
        return calls.run(
            self.root,
            arguments,
            environment=environment,
            accepted=accepted,
            stdin=stdin,
            undecodable="surrogateescape",
        )


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # it went away; git says the rest
        return 0
