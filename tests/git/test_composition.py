"""What several spans of work changed in all: real snapshots of a real repository, between which others change files."""

from __future__ import annotations

from pathlib import Path

from git.composition import Span, layers_of, size_of
from git.history import change_between
from git.snapshots import Git
from git.trees import Diff
from tests.git.repositories import looking_at


async def lines_of(git: Git, spans: list[Span]) -> list[tuple[str, str, list[str]]]:
    """The changed lines of each file of each layer, and what made them."""
    found = []
    for layer in await layers_of(git, spans):
        for file in (await change_between(git, layer.old, layer.new)).files:
            lines = [line for hunk in file.hunks or [] for line in hunk.lines if line[0] in "+-"]
            found.append((file.path, "".join(lines), layer.makers[file.path]))
    return found


async def test_only_what_the_spans_changed_is_in_the_change(root: Path) -> None:
    git = await looking_at(root)
    (root / "folder").mkdir()
    for name, text in {"app.py": "one\n", "other.py": "x\n", "folder/gone.txt": "g\n"}.items():
        (root / name).write_text(text)
    (root / "mine.txt").write_text("of the operator, before\n")
    first = await git.snapshot()
    (root / "app.py").write_text("one\ntwo\n")
    (root / "folder/gone.txt").unlink()
    (root / "temporary").write_text("soon gone\n")
    developed = await git.snapshot()
    (root / "other.py").write_text("x\nof another story\n")
    (root / "mine.txt").write_text("of the operator, meanwhile\n")
    second = await git.snapshot()
    (root / "app.py").write_text("one\n2\n")
    (root / "temporary").unlink()
    reviewed = await git.snapshot()
    spans = [Span(first, developed, "dev"), Span(second, reviewed, "review")]
    assert await lines_of(git, spans) == [
        ("app.py", "+2", ["dev", "review"]),
        ("folder/gone.txt", "-g", ["dev"]),
    ]
    assert await size_of(git, spans) == Diff(2, 1, 1)

    # A later story on the same file, and then this one again: two changes of one file, without the one between them.
    (root / "app.py").write_text("one\n2\nof another story\n")
    third = await git.snapshot()
    (root / "app.py").write_text("one\n2\nof another story\nfixed\n")
    fixed = await git.snapshot()
    spans.append(Span(third, fixed, "fix"))
    assert await lines_of(git, spans) == [
        ("app.py", "+2", ["dev", "review"]),
        ("folder/gone.txt", "-g", ["dev"]),
        ("app.py", "+fixed", ["fix"]),
    ]
    assert await size_of(git, spans) == Diff(2, 2, 1)
    assert await layers_of(git, [Span(first, first, "nothing")]) == []
