"""Bounded looks at folders."""

from pathlib import Path

from sprint import walk


def names(top: Path, depth: int = 6, limit: int = 100) -> list[str]:
    return [entry.name for entry in walk.files(top, depth, limit)]


def test_nearest_first_and_not_into_what_is_skipped(tmp_path: Path) -> None:
    for name in ("a/deep.md", "top.md", "node_modules/x/other.md", ".git/y.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ["top.md", "deep.md"]


def test_depth_and_number_of_folders_are_bounded(tmp_path: Path) -> None:
    for name in ("a/b/c/deep.md", "a/one.md", "b/two.md", "c/three.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path, depth=1) == ["one.md", "two.md", "three.md"]
    assert names(tmp_path, limit=3) == ["one.md", "two.md"]


def test_loops_of_links_are_not_entered(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "x.md").touch()
    assert sorted(names(tmp_path)) == ["loop", "x.md"]


def test_what_is_not_there_is_empty(tmp_path: Path) -> None:
    assert names(tmp_path / "nowhere") == []
    assert not walk.is_file(Path("a\0b"))
    assert not walk.is_folder(Path("a\0b"))
    assert not walk.is_file(tmp_path / ("x" * 5000))
