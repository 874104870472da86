"""Deferred findings: the list in a build's file, the ledger beside the stories, and loose tickets made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sprint import DeferredFinding, Intake, Refused, keep_finding, locate, read
from sprint.deferred import deferred_findings, ledger_findings

LISTED = """---
status: built
deferred:
  - summary: "The price   is read twice"
    evidence: shop.py reads it again
    location: shop.py:12
    severity: medium
  - only a sentence
  - {summary: The price is read twice}
  - evidence: nothing is said
warnings: [oversized]
---
# Plan
"""


def test_the_list_of_a_build(tmp_path: Path) -> None:
    path = tmp_path / "plan.md"
    path.write_text(LISTED)
    assert deferred_findings(path) == [
        DeferredFinding("The price is read twice", "shop.py reads it again", "shop.py:12", "medium"),
        DeferredFinding("only a sentence"),
    ]
    path.write_bytes(LISTED.replace("\n", "\r\n").encode())
    assert len(deferred_findings(path)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# x\n",
        "---\ndeferred: none\n---\n",
        "---\ndeferred: [\n---\n",
        "---\n- deferred\n---\n",
        "---\ndeferred:\n",
    ],
)
def test_what_has_no_list_has_no_findings(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.md").write_text(text)
    assert deferred_findings(tmp_path / "plan.md") == []


def test_the_ledger() -> None:
    text = "# Deferred work\n\n## From: review\n\n- [ ] one\n  more of it\n- two\n\nprose\n* three\n- two\n"
    assert [finding.summary for finding in ledger_findings(text)] == ["one more of it", "two", "three"]


def tree(root: Path) -> Path:
    files = {
        "_bmad/config.toml": '[core]\noutput_folder = "out"\n',
        "_bmad/custom/config.user.toml": '[core]\nactive_initiative = "initiative-quay"\n',
        "out/initiative-quay/tickets.toml": '[[entry]]\nid = 1\ntype = "story"\ntitle = "Piles"\n',
        ".git/HEAD": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_ticket_in_the_backlog_is_read_by_the_official_rules(tmp_path: Path) -> None:
    project = locate(tree(tmp_path))
    finding = DeferredFinding('The "price" is read twice. It costs time.', "seen", "shop.py:12", "low")
    path = keep_finding(project, finding, "1.1", Intake.BACKLOG)
    assert path == tmp_path / "out/backlog/story-the-price-is-read-twice-it-costs-time.md"
    assert keep_finding(project, finding, "1.1", Intake.BACKLOG) == path
    other = keep_finding(project, DeferredFinding(finding.summary), "1.2", Intake.BACKLOG)
    assert other.name == "story-the-price-is-read-twice-it-costs-time-2.md"
    stories = {story.key: story for story in read(project).stories}
    loose = stories["story-the-price-is-read-twice-it-costs-time"]
    assert (loose.title, loose.startable) == ('The "price" is read twice', False)
    assert "Location: shop.py:12" in path.read_text()


def test_an_idea_in_the_inbox_is_no_ticket(tmp_path: Path) -> None:
    project = locate(tree(tmp_path))
    path = keep_finding(project, DeferredFinding("?!"), "1.1", Intake.INBOX)
    assert path == tmp_path / "out/inbox/untitled.md"
    assert [story.key for story in read(project).stories] == ["1"]


def test_other_kinds_of_plan_have_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "sprint-status.yaml").write_text("development_status:\n  1-1-a: backlog\n")
    with pytest.raises(Refused, match="Only a project with tickets"):
        keep_finding(locate(tmp_path), DeferredFinding("x"), "1-1-a", Intake.INBOX)


def test_a_folder_that_leads_out_of_the_project_is_not_written(tmp_path: Path) -> None:
    root = tree(tmp_path / "p")
    (tmp_path / "elsewhere").mkdir()
    (root / "out/inbox").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="outside the project"):
        keep_finding(locate(root), DeferredFinding("x"), "1.1", Intake.INBOX)
    assert list((tmp_path / "elsewhere").iterdir()) == []
