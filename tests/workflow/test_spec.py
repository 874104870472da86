"""Tests of the verdict in the frontmatter of a spec file."""

from __future__ import annotations

import pytest

from workflow import Unreadable, read_spec

BLOCKED = "---\nstatus: blocked\n---\n\n## Auto Run Result\n\nStatus: blocked\n"


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: Tea\nstatus: done\n---\n# Spec\n",
        "---\nstatus: 'done'\ntype: feature\n---\n",
        '---\nstatus: "Done"  # by hand\n---\n',
        "\ufeff---\nstatus: done\n---\n",
        "---\r\nstatus: done\r\n---\r\n",
    ],
)
def test_done_is_complete(text: str) -> None:
    assert read_spec(text, "spec-1-1-a.md").complete


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BLOCKED + "Blocking condition: the key is missing\n", "the key is missing"),
        (BLOCKED + "- **Blocking condition:** the key is missing\n", "the key is missing"),
        (BLOCKED, "spec-1-1-a.md is blocked without a reason"),
        (BLOCKED + "Blocking condition: " + "x" * 9999, "x" * 500),
    ],
)
def test_blocked_comes_with_its_condition(text: str, reason: str) -> None:
    verdict = read_spec(text, "spec-1-1-a.md")
    assert (verdict.complete, verdict.blocked, verdict.reason) == (False, True, reason)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\nstatus: draft\n---\n", "is 'draft', not done"),
        ("---\nstatus: ready-for-dev\n---\n", "is 'ready-for-dev', not done"),
        ("---\nstatus: in-progress\n---\n", "is 'in-progress', not done"),
        ("---\nstatus: in-review\n---\nstatus: done\n", "is 'in-review', not done"),
        ("---\ntitle: x\n---\nstatus: done\n", "has no status"),
        ("# Spec\n\nstatus: done\n", "has no status"),
        ("status: done\n", "has no status"),
        ("", "has no status"),
    ],
)
def test_anything_else_is_not_finished(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read_spec(text, "spec-1-1-a.md")
