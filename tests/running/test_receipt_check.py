"""What a clone says of receipts when history was rewritten, cut, joined or tampered with; by a real git."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from git.notes import REF, add_to_note, read_note
from receipts.envelope import Envelope, encode_line, read_line, seal
from running.receipts.check import CheckResult, NoReceipt, check_commit, check_receipt, clone_of
from running.receipts.facts import facts_of
from tests.receipts.samples import receipt
from tests.running.repositories import git, repository

RANDOM = 40  # changes of a real repository, each of which takes git several calls


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "x"
    folder.mkdir()
    repository(folder)
    commit(folder, "README", "start")
    return folder


def commit(root: Path, path: str, text: str, message: str = "work") -> str:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(f"{text}\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", message)
    return git(root, "rev-parse", "HEAD")


async def noted(root: Path, name: str = "HEAD", id: str = "0123456789abcdef-7", story: str = "1-1-a") -> Envelope:
    """Write a receipt of a commit beside it."""
    facts = await facts_of(root, name)
    assert facts is not None
    part = msgspec.structs.replace(
        receipt().commit,
        hash=facts.hash,
        object_format=facts.object_format,
        base=facts.base,
        base_tree=facts.base_tree,
        end_tree=facts.tree,
        diff_sha256=facts.diff_sha256,
        files=facts.files,
    )
    made = msgspec.structs.replace(receipt(), id=id, story=story, commit=part, commands=[], cost_usd="0.000000")
    envelope = seal(made)
    await add_to_note(root, facts.hash, [encode_line(envelope)])
    return envelope


async def checked(root: Path, name: str = "HEAD") -> CheckResult:
    return await check_commit(await clone_of(root), name)


def words(result: CheckResult) -> str:
    return " ".join(text for one in result.results for text in (*one.gaps, *one.differs))


GAPS, NOT = "VERIFIED WITH GAPS", "NOT VERIFIED"


async def test_a_first_commit_has_a_receipt_too(root: Path) -> None:
    await noted(root)
    found = await checked(root)
    assert (found.answer, len(found.results[0].gaps)) == (GAPS, 1)  # it is not signed


async def test_repositories_by_sha256(tmp_path: Path) -> None:
    folder = tmp_path / "y"
    folder.mkdir()
    git(folder, "init", "-q", "--object-format=sha256")
    git(folder, "config", "user.name", "T")
    git(folder, "config", "user.email", "t@localhost")
    commit(folder, "README", "start")
    commit(folder, "a", "1")
    made = await noted(folder)
    assert (len(made.receipt.commit.hash), made.receipt.commit.object_format) == (64, "sha256")
    assert len((await checked(folder)).results[0].gaps) == 1


async def test_a_shallow_clone_names_what_it_cannot_see(root: Path, tmp_path: Path) -> None:
    commit(root, "a", "1")
    envelope = await noted(root)
    git(tmp_path, "clone", "-q", "--depth=1", root.as_uri(), "shallow")
    git(tmp_path / "shallow", "fetch", "-q", "--depth=1", "origin", f"{REF}:{REF}")
    found = await checked(tmp_path / "shallow")
    assert found.answer == GAPS
    assert "the parent is not in this clone" in words(found)
    commit(root, "b", "2")
    git(tmp_path, "clone", "-q", "--depth=1", root.as_uri(), "later")
    of_file = await check_receipt(await clone_of(tmp_path / "later"), envelope)
    assert (of_file.answer, "has no commit" in words(of_file)) == (NOT, True)


@pytest.mark.parametrize("trailer", [True, False])
async def test_a_rebased_commit_is_the_same_change_or_another_one(root: Path, trailer: bool) -> None:
    message = "work\n\nSprint-Runner-Receipt: 0123456789abcdef-7" if trailer else "work"
    git(root, "checkout", "-q", "-b", "side")
    commit(root, "a", "1", message)
    await noted(root)
    git(root, "checkout", "-q", "main")
    commit(root, "b", "2")
    git(root, "checkout", "-q", "side")
    git(root, "rebase", "-q", "main")
    found = await checked(root)
    assert found.answer == GAPS
    assert "made again (rebased, amended or picked), with another tree" in words(found)
    (root / "a").write_text("1 and more\n")
    git(root, "commit", "-qa", "--amend", "--no-edit")
    if trailer:
        assert "makes another change" in words(await checked(root))
    else:
        with pytest.raises(NoReceipt, match="there is no receipt of"):
            await checked(root)


async def test_a_note_that_git_took_along_is_of_the_old_commit(root: Path) -> None:
    git(root, "config", "notes.rewriteRef", "refs/notes/*")
    commit(root, "a", "1")
    await noted(root)
    git(root, "commit", "-q", "--amend", "-m", "other words")
    assert await read_note(root, git(root, "rev-parse", "HEAD"))
    found = await checked(root)
    assert (found.answer, "with the same tree" in words(found)) == (GAPS, True)


async def test_a_squashed_commit_is_the_sum_of_its_receipts(root: Path) -> None:
    for number in (1, 2, 3):
        commit(root, f"file{number}", str(number), f"work\n\nSprint-Runner-Receipt: 0123456789abcdef-{number}")
        await noted(root, id=f"0123456789abcdef-{number}", story=f"1-{number}-x")
    messages = git(root, "log", "--reverse", "--format=%B", "HEAD~3..")
    git(root, "reset", "-q", "--soft", "HEAD~3")
    git(root, "commit", "-qm", messages)
    found = await checked(root)
    assert (found.answer, found.results[0].stories) == (GAPS, ["1-1-x", "1-2-x", "1-3-x"])
    assert "holds 3 commits in one" in words(found)
    (root / "more").write_text("x")
    git(root, "add", "-A")
    git(root, "commit", "-q", "--amend", "--no-edit")
    with pytest.raises(NoReceipt, match="there is no receipt of"):
        await checked(root)


async def test_a_merge_is_as_good_as_what_it_took(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "lane")
    commit(root, "a", "1")
    await noted(root)
    commit(root, "b", "2", "without a receipt")
    git(root, "checkout", "-q", "main")
    git(root, "merge", "-q", "--no-ff", "-m", "merge", "lane")
    found = await checked(root)
    assert (found.answer, found.results[0].stories) == (GAPS, ["1-1-a"])
    assert "which it took, has no receipt" in words(found)


async def test_of_a_submodule_only_the_commit_is_proved(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "lib"
    other.mkdir()
    repository(other)
    commit(other, "c", "1")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "vendor/lib")
    git(root, "config", "diff.ignoreSubmodules", "all")
    git(root, "config", "submodule.vendor/lib.ignore", "all")
    git(root, "commit", "-qm", "with a submodule")
    await noted(root)
    assert "vendor/lib is a submodule" in words(await checked(root))


async def test_replaced_objects_and_settings_of_the_user_change_nothing(root: Path) -> None:
    commit(root, "a", "1")
    commit(root, "b", "2")
    await noted(root)
    git(root, "replace", git(root, "rev-parse", "HEAD"), git(root, "rev-parse", "HEAD~1"))
    (root / ".git/order").write_text("z*\n")
    for name, value in (("diff.orderFile", ".git/order"), ("diff.renames", "copies"), ("diff.noprefix", "true")):
        git(root, "config", name, value)
    assert (await checked(root)).answer == GAPS
    assert len((await checked(root)).results[0].gaps) == 1


async def test_a_receipt_that_is_elsewhere_is_named(root: Path) -> None:
    commit(root, "a", "1", "work\n\nSprint-Runner-Receipt: 0123456789abcdef-7")
    with pytest.raises(NoReceipt, match=r"names the receipt 0123456789abcdef-7, which is not here: `git fetch"):
        await checked(root)
    with pytest.raises(NoReceipt, match="there is no commit nowhere here"):
        await checked(root, "nowhere")


async def test_two_receipts_of_one_id_contradict_each_other(root: Path) -> None:
    commit(root, "a", "1")
    envelope = await noted(root)
    await noted(root, story="1-1-b")
    assert "two different receipts of one id" in words(await checked(root))
    assert "another receipt of the same id" in words(await check_receipt(await clone_of(root), envelope))


def _text(root: Path, chance: random.Random) -> None:
    """Change the note."""
    name = git(root, "rev-parse", "HEAD")
    note = git(root, "notes", "--ref=sprint-runner", "show", name)
    at = chance.randrange(len(note))
    changed = note[:at] + chance.choice("0123456789abcdef{}x ") + note[at + 1 :]
    if changed == note:
        changed = note[:at] + note[at + 1 :]
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=root, input=changed.encode(), capture_output=True, check=True
    )
    git(root, "notes", "--ref=sprint-runner", "add", "-f", "-C", blob.stdout.decode().strip(), name)


def _amend(root: Path, chance: random.Random) -> None:
    """Change the commit, and take the note along."""
    note = git(root, "notes", "--ref=sprint-runner", "list", "HEAD")
    path = root / chance.choice(("a", "src/b", "new"))
    path.write_text(f"{chance.random()}\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "--amend", "--no-edit")
    git(root, "notes", "--ref=sprint-runner", "add", "-f", "-C", note, "HEAD")


def _other(root: Path, chance: random.Random) -> None:
    """Put the note beside another commit."""
    note = git(root, "notes", "--ref=sprint-runner", "list", "HEAD")
    commit(root, "a", str(chance.random()))
    git(root, "notes", "--ref=sprint-runner", "add", "-f", "-C", note, "HEAD")


async def test_random_changes_of_a_repository_are_all_found(root: Path, tmp_path: Path) -> None:
    chance = random.Random(18)
    commit(root, "src/b", "2")
    commit(root, "a", "1")
    line = encode_line(await noted(root))
    assert (await checked(root)).answer == GAPS
    changes: list[Callable[[Path, random.Random], None]] = [_text, _amend, _other]
    for number in range(RANDOM):
        changed = tmp_path / "changed"
        shutil.copytree(root, changed)
        changes[number % 3](changed, chance)
        found = await checked(changed)
        assert found.answer == NOT, (number, found)
        shutil.rmtree(changed)
    assert read_line(line).receipt.story == "1-1-a"
