"""Projects as users have them: one for each way in which git, its owner and the tracker may lie around a project.

A world is a layout (where the project lies and what git says of it), a kind of tracker, and a number of lanes. A test
takes the fixture `world` and names the worlds that apply: `@pytest.mark.parametrize("world", worlds(), indirect=True)`.
A new kind of tracker is one line in `TRACKERS`, a new layout one line in `LAYOUTS`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.running.projects import TRACKER, write_project

# No settings of this machine's user: a world is the same everywhere.
ENVIRONMENT: Final = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
IDENTITY: Final = (("user.name", "T"), ("user.email", "t@localhost"))
STORIES: Final = {"1-1-a": "in-progress"}
STORIES_OF_LANES: Final = {"1-1-a": "in-progress", "2-1-b": "in-progress"}
OTHER_UID: Final = 54321
HOOK_WORDS: Final = "the project's hook refuses"


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which a project lies. `build` puts it below an empty folder and returns its root.

    `refused` are words of the reason for which a batch must not start there, None where it may. `lanes` are the numbers
    of lanes that apply. `commits` is false where git cannot take a commit.
    """

    name: str
    build: Callable[[Path, Template], Path]
    refused: str | None = None
    lanes: tuple[int, ...] = (1, 2)
    commits: bool = True
    git: bool = True


@dataclass(frozen=True, slots=True)
class Template:
    """What a project holds: a kind of tracker, and stories by key with their status."""

    tracker: str
    stories: tuple[tuple[str, str], ...]

    def write(self, root: Path) -> None:
        """Write the project's files into a folder."""
        TRACKERS[self.tracker].write(root, dict(self.stories))


@dataclass(frozen=True, slots=True)
class TrackerKind:
    """A kind of tracker: how a project with it is written, and where the file of the statuses is."""

    write: Callable[[Path, Mapping[str, str]], object]
    path: Path


@dataclass(frozen=True, slots=True)
class World:
    """A project on the disk. `root` is its folder, `tracker` the file of its statuses, `outside` a folder beside it."""

    layout: Layout
    kind: str
    lanes: int
    root: Path
    outside: Path

    @property
    def tracker(self) -> Path:
        return self.root / TRACKERS[self.kind].path

    @property
    def top(self) -> Path | None:
        """The top of the work tree, None without git."""
        return Path(git(self.root, "rev-parse", "--show-toplevel")) if self.layout.git else None

    def log(self) -> list[str]:
        """The subjects of all commits that HEAD reaches, newest first."""
        return git(self.root, "log", "--format=%s").splitlines() if self.layout.git else []


def git(folder: Path, *arguments: str, **environment: str) -> str:
    """What git prints; it must succeed. A repository of another owner is taken as it is."""
    command = ["git", "-c", "safe.directory=*", *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **ENVIRONMENT, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.rstrip()


# -- layouts ---------------------------------------------------------------------------------------------------


@cache
def _committed(template: Template, folder: str) -> Path:
    """A repository with the project in a folder of it, made once for each process and copied."""
    top = _scratch() / f"{len(os.listdir(_scratch()))}"
    template.write(top / folder)
    (top / ".gitignore").write_text(".sprint-runner/\n")
    git(top, "init", "-q", "-b", "main")
    for name, value in IDENTITY:
        git(top, "config", name, value)
    git(top, "add", "-A")
    git(top, "commit", "-qm", "start")
    return top


@cache
def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="worlds-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _copied(target: Path, template: Template, folder: str = ".") -> Path:
    shutil.copytree(_committed(template, folder), target, symlinks=True)
    return target / folder


def _top(folder: Path, template: Template) -> Path:
    return _copied(folder / "tiny", template)


def _inner(folder: Path, template: Template) -> Path:
    """In a folder of a repository, which has other files beside it."""
    root = _copied(folder / "mono", template, "apps/web")
    (folder / "mono/apps/api").mkdir()
    (folder / "mono/apps/api/main.txt").write_text("of another team\n")
    git(root, "add", "-A", ":/")
    git(root, "commit", "-qm", "another app")
    return root


def _nested(folder: Path, template: Template) -> Path:
    """With a repository of its own inside, which git sees as one untracked folder."""
    root = _top(folder, template)
    library = root / "vendor/lib"
    library.mkdir(parents=True)
    (library / "lib.txt").write_text("a library\n")
    git(library, "init", "-q", "-b", "main")
    git(library, "add", "-A")
    git(library, *_identity(), "commit", "-qm", "the library")
    return root


def _linked(folder: Path, template: Template) -> Path:
    """In a worktree that the user has added to a repository."""
    main = _top(folder, template)
    git(main, "worktree", "add", "-q", "-b", "feature", str(folder / "linked"))
    return folder / "linked"


def _foreign(folder: Path, template: Template) -> Path:
    """Owned by another user; git is set to assume so where a test may not give files away."""
    root = _top(folder, template)
    if os.geteuid() == 0:
        for path in (root, *root.rglob("*")):
            os.chown(path, OTHER_UID, OTHER_UID, follow_symlinks=False)
    return root


def _nameless(folder: Path, template: Template) -> Path:
    """Git does not know who commits, and must not guess."""
    root = _top(folder, template)
    for name, _ in IDENTITY:
        git(root, "config", "--unset", name)
    git(root, "config", "user.useConfigOnly", "true")
    return root


def _hooked(folder: Path, template: Template) -> Path:
    """With a hook that refuses every commit."""
    root = _top(folder, template)
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\necho "{HOOK_WORDS}" >&2\nexit 1\n')
    hook.chmod(0o755)
    return root


def _detached(folder: Path, template: Template) -> Path:
    root = _top(folder, template)
    git(root, "checkout", "-q", "--detach")
    return root


def _rebasing(folder: Path, template: Template) -> Path:
    """In the middle of a rebase that the user has begun."""
    root = _top(folder, template)
    git(root, "rebase", "-q", "-i", "HEAD", GIT_SEQUENCE_EDITOR="sh -c 'echo break > \"$1\"' editor")
    assert (root / ".git/rebase-merge").is_dir()
    return root


def _plain(folder: Path, template: Template) -> Path:
    """Without git."""
    root = folder / "tiny"
    template.write(root)
    return root


def _identity() -> list[str]:
    return [word for name, value in IDENTITY for word in ("-c", f"{name}={value}")]


LAYOUTS: Final[Mapping[str, Layout]] = {
    layout.name: layout
    for layout in (
        Layout("top", _top),
        Layout("folder", _inner),
        Layout("nested", _nested),
        Layout("linked", _linked),
        Layout("foreign", _foreign, refused="belongs to another user"),
        Layout("nameless", _nameless, refused="user.email", commits=False),
        Layout("hooks", _hooked, lanes=(1,), commits=False),
        Layout("detached", _detached, lanes=(1,)),
        Layout("rebasing", _rebasing, refused="rebase"),
        Layout("plain", _plain, lanes=(1,), git=False),
    )
}
TRACKERS: Final[Mapping[str, TrackerKind]] = {"v6": TrackerKind(write_project, TRACKER)}


# -- for tests -------------------------------------------------------------------------------------------------


def make_world(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    kind: str = "v6",
    lanes: int = 1,
    stories: Mapping[str, str] | None = None,
) -> World:
    """Make one world below a folder; git and what is started from here sees nothing of this machine's settings."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    if layout == "foreign" and os.geteuid() != 0:
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    given = stories or (STORIES if lanes == 1 else STORIES_OF_LANES)
    root = LAYOUTS[layout].build(folder, Template(kind, tuple(given.items())))
    return World(LAYOUTS[layout], kind, lanes, root, folder)


def worlds(
    layouts: Collection[str] | None = None,
    kinds: Collection[str] | None = None,
    lanes: Collection[int] = (1,),
    refused: bool | None = False,
) -> list[object]:
    """Parameters for the fixture `world`: each layout, kind of tracker and number of lanes that apply together.

    Each layout alone, and each kind and number of lanes at the repository's top, are part of every test run; what
    combines them is marked `worlds` and runs by `make worlds`.

    `refused`: only layouts in which a batch must not start; False: only the others; None: all.
    """
    return [
        pytest.param(
            (layout.name, kind, width),
            id=f"{layout.name}-{kind}-{width}",
            marks=[pytest.mark.worlds] if layout.name != "top" and (kind, width) != ("v6", 1) else [],
        )
        for layout in LAYOUTS.values()
        if (layouts is None or layout.name in layouts) and refused in (None, layout.refused is not None)
        for kind in (TRACKERS if kinds is None else kinds)
        for width in lanes
        if width in layout.lanes
    ]


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world that the test names as a parameter; without one a project at the top of its repository."""
    layout, kind, lanes = getattr(request, "param", ("top", "v6", 1))
    return make_world(tmp_path, monkeypatch, layout, kind, lanes)
