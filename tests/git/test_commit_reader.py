"""Tests of the search for commits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git.repositories import git, looking_at


async def test_a_commit_exists_or_does_not(root: Path) -> None:
    looking = await looking_at(root)
    whole = git(root, "rev-parse", "HEAD")
    assert await looking.has_commit(whole)
    assert await looking.has_commit(whole[:7])
    for wrong in ("0" * 40, "abcdef0", git(root, "rev-parse", "HEAD^{tree}"), "--all", "", "HEAD..HEAD", "nope"):
        assert not await looking.has_commit(wrong)


MESSAGES = [
    "feat(2a): implement stories 2a-1-tea, 2a-2-cup",
    "feat: 2a-1-teapot",
    "feat: 12a-1-tea",
    "feat: x-2a-1-tea",
    "feat: 2a-1-tea-for-two",
    "Story 2a-1-tea.\n\nwith a body",
    "(2a-1-tea)",
    "a body\n\nthat ends with 2a-1-tea",
]


async def test_commits_are_found_by_the_exact_key(root: Path) -> None:
    """Pitfall: key `2a-1` also matches `2a-10` and `12a-1`."""
    for message in MESSAGES:
        git(root, "commit", "-q", "--allow-empty", "-m", message)
    looking = await looking_at(root)
    found = await looking.commits_for("2a-1-tea")
    assert [commit.subject for commit in found] == [
        "a body",
        "(2a-1-tea)",
        "Story 2a-1-tea.",
        "feat(2a): implement stories 2a-1-tea, 2a-2-cup",
    ]
    assert found[0].hash == git(root, "rev-parse", "HEAD")
    assert found[0].at == int(git(root, "log", "-1", "--format=%ct")) * 1000
    assert [commit.subject for commit in await looking.commits_for("2a-1-tea", most=1)] == ["a body"]


@pytest.mark.parametrize("key", ["2.5-1-warm", "a+b", "x[1]", "^y", "é-1", "-rf"])
async def test_a_key_is_sought_as_it_is(root: Path, key: str) -> None:
    git(root, "commit", "-q", "--allow-empty", "-m", f"feat: {key}, done")
    git(root, "commit", "-q", "--allow-empty", "-m", f"feat: {key.replace('.', 'x').replace('+', 'y')}z")
    looking = await looking_at(root)
    assert [commit.subject for commit in await looking.commits_for(key)] == [f"feat: {key}, done"]
