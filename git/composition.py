"""What several spans of work changed in all, without what others changed between them.

A span lies between two snapshots. A file that nothing else touched between two spans is compared from its first content
to its last; where something did, its spans stay apart, each in a layer of its own. The result is made of small trees
that hold the changed files alone, so that git compares them like any other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from git.process import alternates, run_git
from git.trees import Diff, TreeReader

_ABSENT = "000000"  # the mode of a file that a tree does not have


@dataclass(frozen=True, slots=True)
class Content:
    """What a tree has at a path: the mode and the object, as git names them."""

    mode: str
    object: str


@dataclass(frozen=True, slots=True)
class Span:
    """The change between two snapshots, and what made it."""

    old: str
    new: str
    maker: str


@dataclass(slots=True)
class Segment:
    """The change of one file over spans that follow each other without another change between them."""

    old: Content
    new: Content
    makers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layer:
    """Two trees that differ by one segment of each file; `makers` are those of each path."""

    old: str
    new: str
    makers: Mapping[str, list[str]]


async def layers_of(git: TreeReader, spans: Sequence[Span]) -> list[Layer]:
    """Return the layers of a change, the earliest one first; none where nothing is different. Raises `GitError`."""
    segments = await _segments(git, spans)
    layers = []
    for number in range(max(map(len, segments.values()), default=0)):
        of = {path: found[number] for path, found in segments.items() if len(found) > number}
        old = await _tree(git, {path: segment.old for path, segment in of.items()})
        new = await _tree(git, {path: segment.new for path, segment in of.items()})
        layers.append(Layer(old, new, {path: segment.makers for path, segment in of.items()}))
    return layers


async def size_of(git: TreeReader, spans: Sequence[Span]) -> Diff:
    """Return the size of the change of all spans together; a file in two layers counts once. Raises `GitError`."""
    layers = await layers_of(git, spans)
    sizes = [await git.diff(layer.old, layer.new) for layer in layers]
    paths = {path for layer in layers for path in layer.makers}
    return Diff(len(paths), sum(size.lines_added for size in sizes), sum(size.lines_removed for size in sizes))


async def _segments(git: TreeReader, spans: Sequence[Span]) -> dict[str, list[Segment]]:
    """Return the segments of each file that is different at the end of one."""
    found: dict[str, list[Segment]] = {}
    for span in spans:
        for path, (old, new) in parse_raw(await git.changed_contents(span.old, span.new)):
            known = found.setdefault(path, [])
            if not known or known[-1].new != old:  # something else changed it meanwhile
                known.append(Segment(old, new))
            known[-1].new = new
            if span.maker not in known[-1].makers:
                known[-1].makers.append(span.maker)
    kept = {path: [one for one in all_ if one.old != one.new] for path, all_ in found.items()}
    return {path: segments for path, segments in kept.items() if segments}


def parse_raw(output: str) -> Iterable[tuple[str, tuple[Content, Content]]]:
    """Yield each file of `diff-tree --raw -z` with its content before and after."""
    parts = iter(output.split("\0"))
    for part in parts:
        if part.startswith(":"):
            old_mode, new_mode, old, new, _ = part[1:].split(" ", 4)
            yield next(parts, ""), (Content(old_mode, old), Content(new_mode, new))


async def _tree(git: TreeReader, contents: Mapping[str, Content]) -> str:
    """Write a tree of these files into our own object folder and return its name."""
    lines = [f"{one.mode} {one.object}\t{path}\0" for path, one in contents.items() if one.mode != _ABSENT]
    objects = (await run_git(git.root, ("rev-parse", "--git-path", "objects"))).strip()
    with tempfile.TemporaryDirectory(prefix="sprint-runner-") as folder:
        environment = {
            "GIT_INDEX_FILE": str(Path(folder) / "index"),
            "GIT_OBJECT_DIRECTORY": str(git.objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates((git.root / objects).resolve()),
        }
        stdin = "".join(lines).encode(errors="surrogateescape")
        await run_git(git.root, ("update-index", "-z", "--index-info"), environment=environment, stdin=stdin)
        # Files of a nested repository are named by a tree that may be nowhere here.
        return (await run_git(git.root, ("write-tree", "--missing-ok"), environment=environment)).strip()
