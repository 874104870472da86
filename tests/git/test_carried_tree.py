"""The state of a work tree on its way to another machine and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from git.bundles import BundleRefused, digest_of, is_known, take_bundle, write_bundle
from git.carried_tree import CarriedTree, TreeState
from tests.git.repositories import git, make


class Pair:
    """A repository here, and an empty one there whose work tree is set to the state of this one."""

    def __init__(self, folder: Path) -> None:
        self.here, self.there = make(folder / "here"), folder / "there"
        git(self.here, "config", "user.name", "T")
        git(self.here, "config", "user.email", "t@localhost")
        self.there.mkdir()
        git(self.there, "init", "-q")
        self.tree = CarriedTree(self.here, folder / "here.index")
        self.copy = CarriedTree(self.there, folder / "there.index")
        self.file = folder / "file.bundle"
        git(self.there, "commit", "-q", "--allow-empty", "-m", "empty")

    async def send(self, *named: str, have: tuple[str, ...] = ()) -> TreeState:
        """Bring the state of `here` to `there`."""
        state = await self.tree.state(named)
        digest = await write_bundle(self.here, state.commit, have, self.file)
        await take_bundle(self.there, state.commit, self.file, digest, "refs/sprint-runner/kept")
        await self.copy.force(state, "lane")
        return state

    async def back(self, before: TreeState) -> TreeState:
        """Bring the state of `there` back to `here`, where `before` was sent."""
        state = await self.copy.state()
        digest = await write_bundle(self.there, state.commit, [before.head], self.file)
        await take_bundle(self.here, state.commit, self.file, digest)
        await self.tree.change(state, await self.copy.changed(before.commit, state.commit), before.head)
        return state


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def files(top: Path) -> dict[str, str]:
    found = [path for path in top.rglob("*") if ".git" not in path.parts and path.is_file()]
    return {path.relative_to(top).as_posix(): path.read_text() for path in found}


async def test_everything_that_counts_arrives(pair: Pair) -> None:
    (pair.here / "src/app.py").write_text("changed, not committed\n")
    (pair.here / "src/new.py").write_text("new\n")
    (pair.here / "plan.log").write_text("ignored, and named\n")
    (pair.here / "other.log").write_text("ignored\n")
    await pair.send("plan.log", "gone.log")
    expected = files(pair.here)
    del expected["other.log"]
    assert files(pair.there) == expected
    assert git(pair.there, "rev-parse", "HEAD") == git(pair.here, "rev-parse", "HEAD")
    assert git(pair.there, "branch", "--show-current") == "lane"
    assert git(pair.there, "status", "--porcelain").splitlines() == ["M src/app.py", "?? src/new.py"]
    assert git(pair.here, "for-each-ref", "refs/sprint-runner") == ""


async def test_what_was_done_there_comes_back_with_its_commits(pair: Pair) -> None:
    (pair.here / "plan.log").write_text("ignored, and named\n")
    sent = await pair.send("plan.log")
    (pair.there / "src/app.py").unlink()
    (pair.there / "made.py").write_text("committed\n")
    git(pair.there, "add", "-A")
    git(pair.there, "commit", "-qm", "work")
    (pair.there / "made.py").write_text("and changed\n")
    (pair.there / "plan.log").write_text("written\n")
    await pair.back(sent)
    assert files(pair.here) == files(pair.there)
    assert git(pair.here, "log", "-1", "--format=%s") == "work"
    assert git(pair.here, "status", "--porcelain").splitlines() == ["M made.py"]


async def test_a_second_exchange_sends_what_is_new(pair: Pair) -> None:
    (pair.here / "large.bin").write_text("".join(f"{number * 7919}\n" for number in range(20_000)))
    first = await pair.send()
    size = pair.file.stat().st_size
    (pair.here / "src/app.py").write_text("two\n")
    await pair.send(have=(first.commit, "0" * 40))
    assert files(pair.here) == files(pair.there)
    assert pair.file.stat().st_size < size / 10


async def test_files_that_are_gone_go_there_too(pair: Pair) -> None:
    (pair.here / "left.log").write_text("ignored, and named\n")
    await pair.send("left.log")
    (pair.there / "own.log").write_text("ignored there\n")
    (pair.there / "rubbish.py").write_text("of a command that was lost\n")
    (pair.here / "left.log").unlink()
    (pair.here / "src/app.py").unlink()
    await pair.send()
    assert set(files(pair.there)) == {".gitignore", "own.log"}


async def test_a_change_that_was_cut_off_is_finished(pair: Pair) -> None:
    sent = await pair.send()
    (pair.there / "src/app.py").write_text("theirs\n")
    (pair.there / "made.py").write_text("made\n")
    state = await pair.copy.state()
    digest = await write_bundle(pair.there, state.commit, [sent.head], pair.file)
    await take_bundle(pair.here, state.commit, pair.file, digest)
    (pair.here / "made.py").write_text("made\n")  # as far as an earlier try has come
    paths = await pair.copy.changed(sent.commit, state.commit)
    await pair.tree.change(state, paths, sent.head)
    await pair.tree.change(state, paths, sent.head)
    assert files(pair.here) == files(pair.there)


async def test_a_file_that_changed_on_both_sides_is_that_of_the_worker(pair: Pair) -> None:
    sent = await pair.send()
    (pair.there / "src/app.py").write_text("theirs\n")
    (pair.there / "made.py").write_text("made\n")
    (pair.here / "src/app.py").write_text("mine\n")
    await pair.back(sent)
    assert files(pair.here) == files(pair.there)


async def test_a_commit_here_meanwhile_stays(pair: Pair) -> None:
    sent = await pair.send()
    (pair.there / "src").rename(pair.there / "lib")
    (pair.here / "mine.py").write_text("mine\n")
    git(pair.here, "add", "-A")
    git(pair.here, "commit", "-qm", "mine")
    await pair.back(sent)
    assert git(pair.here, "log", "-1", "--format=%s") == "mine"
    assert files(pair.here) == {**files(pair.there), "mine.py": "mine\n"}


async def test_a_folder_takes_the_place_of_a_file(pair: Pair) -> None:
    sent = await pair.send()
    (pair.there / "src/app.py").unlink()
    (pair.there / "src").rmdir()
    (pair.there / "src").write_text("a file\n")
    (pair.there / ".gitignore").unlink()
    (pair.there / ".gitignore").mkdir()
    (pair.there / ".gitignore" / "x").write_text("a folder\n")
    await pair.back(sent)
    assert files(pair.here) == {"src": "a file\n", ".gitignore/x": "a folder\n"}


async def test_planning_files_that_git_ignores_travel(pair: Pair) -> None:
    (pair.here / "build").mkdir()
    (pair.here / "build/plan.md").write_text("plan\n")
    state = await pair.tree.state((), ["build"])
    digest = await write_bundle(pair.here, state.commit, (), pair.file)
    await take_bundle(pair.there, state.commit, pair.file, digest, "refs/sprint-runner/kept")
    await pair.copy.force(state, "lane")
    (pair.there / "build/story.md").write_text("story\n")
    after = await pair.copy.state((), ["build"])
    assert await pair.copy.changed(state.commit, after.commit) == ["build/story.md"]


async def test_what_came_meanwhile_in_other_files_stays(pair: Pair) -> None:
    sent = await pair.send()
    (pair.there / "made.py").write_text("made\n")
    (pair.here / "mine.py").write_text("mine\n")
    await pair.back(sent)
    assert files(pair.here) == {**files(pair.there), "mine.py": "mine\n"}


@pytest.mark.parametrize("fault", ["cut", "changed", "damaged", "other", "prerequisite", "no bundle"])
async def test_a_bundle_that_does_not_verify_is_refused(pair: Pair, fault: str) -> None:
    (pair.here / "src/app.py").write_text("two\n")
    state = await pair.tree.state()
    have = [state.head] if fault == "prerequisite" else []
    digest = await write_bundle(pair.here, state.commit, have, pair.file)
    commit, data = state.commit, bytearray(pair.file.read_bytes())
    if fault == "cut":
        pair.file.write_bytes(data[:-30])
    elif fault in ("changed", "damaged"):
        data[-40] ^= 1
        pair.file.write_bytes(data)
        digest = digest_of(pair.file) if fault == "damaged" else digest
    elif fault == "other":
        commit = state.head
    elif fault == "no bundle":
        pair.file.write_text("nothing")
        digest = digest_of(pair.file)
    with pytest.raises(BundleRefused):
        await take_bundle(pair.there, commit, pair.file, digest)
    assert not await is_known(pair.there, state.commit)
    assert not await is_known(pair.there, state.head)
