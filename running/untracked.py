"""Planning files that git does not track, and which a worktree therefore lacks.

They are copied in when a lane begins, and what the agents made of them is brought back when it ends. Promises: no file
of the user's is written over that has changed since it was copied, none is deleted.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from base.files import atomic_write
from git.worktrees import Repository
from sprint import PlanKind, Project

# Read by agents, never brought back: their own commands, skills and settings, and prompts of the project's own.
TOOLS: Final = (
    *("_bmad", ".bmad", "bmad", ".sprint-runner-prompts", ".agents", ".claude", ".codex", ".gemini", ".opencode"),
    ".qwen",
)
ONE_WAY: Final = "one way"  # in the manifest, where others have the print of what was copied
AT_TOP: Final = (":(glob)*.md", ":(glob)*.yaml", ":(glob)*.yml")  # where planning files lie among everything else


@dataclass(frozen=True, slots=True)
class UntrackedFiles:
    """The planning files of a project and of its copy in a worktree. `manifest` remembers what was copied in."""

    project: Project
    copy: Project
    manifest: Path

    @property
    def shared(self) -> list[str]:
        return shared_files(self.project)

    async def load(self, repository: Repository, data_dir: Path, *, more: bool = False) -> None:
        """Copy the untracked planning files into the worktree; `more` adds those that came since an earlier time."""
        names, kept = await self._names(repository, data_dir)
        await asyncio.to_thread(self._load, names, kept, self._copied() if more else {})

    async def adopt(self, repository: Repository, data_dir: Path) -> None:
        """Write the manifest of a worktree again of which it is unknown what was copied in: nothing is copied."""
        names, kept = await self._names(repository, data_dir)
        await asyncio.to_thread(self._write_manifest, {name: None if name in kept else ONE_WAY for name in names})

    async def _names(self, repository: Repository, data_dir: Path) -> tuple[list[str], set[str]]:
        """Return the untracked files that lanes need, and which of them are brought back."""
        kept = await _others(repository, self.folders)
        tools = await _others(repository, [name for name in TOOLS if (self.project.root / name).is_dir()])
        ours = data_dir.relative_to(self.project.root).as_posix() if self._inside(data_dir) else None
        names = [name for name in (*kept, *tools) if ours is None or not name.startswith(f"{ours}/")]
        return names, set(kept)

    def refresh(self) -> None:
        """Bring the copies of the tracker and the context file up to date. Blocks on the disk."""
        for name in self.shared:
            if (self.project.root / name).is_file():
                _copy(self.project.root / name, self.copy.root / name)

    @property
    def loaded(self) -> bool:
        return self.manifest.is_file()

    def left_out(self) -> list[str]:
        """What a merge leaves as it is in the user's tree, because it came in by copy. Blocks on the disk."""
        return [*self.shared, *self._copied()]

    def one_way(self, name: str) -> bool:
        """Whether a copy is for reading only."""
        return self._copied().get(name) == ONE_WAY

    def same(self, name: str) -> bool:
        """Whether the user has this very content, so that nothing is lost with the lane. Blocks on the disk."""
        mine = _print(self.project.root / name)
        return mine is not None and mine == _print(self.copy.root / name)

    async def bring_back(self, repository: Repository, lane: Repository) -> list[str]:
        """Bring back what was changed or made in the lane; the files that changed on both sides and were left alone."""
        made = await _others(lane, self.folders)
        return await asyncio.to_thread(self._bring_back, made)

    # -- inside ------------------------------------------------------------------------------------------------

    @property
    def folders(self) -> list[str]:
        """The folders of planning files as paths for git."""
        project = self.project
        named = [path for path in (project.artifacts, project.planning, project.output, project.story_location) if path]
        folders = [path.relative_to(project.root).as_posix() for path in named if self._inside(path)]
        return [spec for folder in dict.fromkeys(folders) for spec in (AT_TOP if folder == "." else (folder,))]

    def _inside(self, path: Path) -> bool:
        return path.is_relative_to(self.project.root)

    def _load(self, names: Iterable[str], kept: set[str], prints: dict[str, str | None]) -> None:
        for name in dict.fromkeys(names):
            # What a branch that continues has committed is its own: the user's file is no newer one of it.
            if name not in self.shared and not os.path.lexists(self.copy.root / name):
                _copy(self.project.root / name, self.copy.root / name)
                prints[name] = _print(self.copy.root / name) if name in kept else ONE_WAY
        self._write_manifest(prints)

    def _write_manifest(self, prints: dict[str, str | None]) -> None:
        _write(self.manifest, json.dumps(prints).encode())

    def _copied(self) -> dict[str, str | None]:
        try:
            copied: dict[str, str | None] = json.loads(self.manifest.read_bytes())
        except (OSError, ValueError):
            return {}
        return copied

    def _bring_back(self, made: Iterable[str]) -> list[str]:
        copied = self._copied()
        left = []
        for name in dict.fromkeys((*copied, *made)):
            here, there = self.project.root / name, self.copy.root / name
            now, mine = _print(there), _print(here)
            if name in self.shared or copied.get(name) == ONE_WAY or now is None or now == copied.get(name):
                continue
            if mine == copied.get(name):
                _write(here, there.read_bytes())
            elif mine != now:
                left.append(name)
                continue
            copied[name] = now  # from here on it is a copy, which may change again in the lane
        if self.loaded:
            self._write_manifest(copied)
        return left


def shared_files(project: Project) -> list[str]:
    """The tracker and the context file, relative to the root: the run's own, copies of which lead nowhere.

    Where stories keep their status themselves, their files are work like any other and are merged.
    """
    own = [project.output / "project-context.md"]
    if project.kind is PlanKind.TRACKER:
        own.append(project.tracker)
    return [path.relative_to(project.root).as_posix() for path in own if path.is_relative_to(project.root)]


def copy_of(project: Project, root: Path) -> Project:
    """The project as it lies in a worktree whose root is `root`; what lies outside the project stays where it is."""

    def place(path: Path) -> Path:
        return root / path.relative_to(project.root) if path.is_relative_to(project.root) else path

    def place_if(path: Path | None) -> Path | None:
        return None if path is None else place(path)

    return replace(
        project,
        root=root,
        tracker=place(project.tracker),
        candidates=(),
        artifacts=place(project.artifacts),
        planning=place_if(project.planning),
        output=place(project.output),
        story_location=place_if(project.story_location),
    )


async def _others(repository: Repository, paths: list[str]) -> list[str]:
    """The files below these paths that are not under version control, ignored ones too; no repositories of others."""
    if not paths:
        return []
    text = await repository.ask("ls-files", "--others", "-z", "--", *paths) or ""
    return [name for name in text.split("\0") if name and not name.endswith("/")]


def _copy(source: Path, target: Path) -> None:
    """A link stays a link; a file that has gone meanwhile is left out."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    try:
        shutil.copy2(source, target, follow_symlinks=False)
    except FileNotFoundError:
        return


def _print(path: Path) -> str | None:
    """What identifies contents; None for what is no plain file."""
    if path.is_symlink() or not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Write a file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, content)
