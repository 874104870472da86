"""What a build says of its own work, in the frontmatter of its spec or plan: in the dossier and on the board."""

from __future__ import annotations

from pathlib import Path

import pytest

from sprint import locate, overview
from sprint.markdown import split
from sprint.story import BuildNotes, StoryDocument, build_notes, story_of

TRACKER = "development_status:\n  epic-1: in-progress\n  1-1-lamp: review\n  1-2-oil: backlog\n"


@pytest.mark.parametrize(
    ("front", "notes"),
    [
        ("followup_review_recommended: true", BuildNotes(True)),
        ("followup_review_recommended: false\nwarnings: []", BuildNotes()),
        ("warnings: [oversized, multiple-goals]", BuildNotes(False, ("oversized", "multiple-goals"))),
        ("warnings:\n  - over   sized\n  - {odd: one}", BuildNotes(False, ("over sized",))),
        ("warnings: oversized", BuildNotes(False, ("oversized",))),
        ("status: done", BuildNotes()),
    ],
)
def test_the_notes_of_a_file(front: str, notes: BuildNotes) -> None:
    assert story_of(split(f"---\ntitle: Lamp\n{front}\n---\n# Lamp\n".encode())).build == notes


def test_the_first_file_that_has_notes_counts() -> None:
    newest, older = BuildNotes(True), BuildNotes(False, ("oversized",))
    documents = [StoryDocument(), StoryDocument(build=newest), StoryDocument(build=older)]
    assert build_notes(documents) == newest
    assert build_notes([]) == BuildNotes()


def test_the_notes_of_a_spec_beside_the_story_file(tmp_path: Path) -> None:
    folder = tmp_path / "_bmad-output/implementation-artifacts"
    folder.mkdir(parents=True)
    (folder / "sprint-status.yaml").write_text(TRACKER)
    (folder / "1-1-lamp.md").write_text("# Story 1.1: Lamp\n\nStatus: review\n")
    (folder / "spec-1-1-lamp.md").write_text(
        "---\nstatus: done\nfollowup_review_recommended: true\nwarnings: [oversized]\n---\n# Lamp\n"
    )
    lamp, oil = overview(locate(tmp_path)).stories
    assert (lamp.followup_review_recommended, lamp.warnings) == (True, ["oversized"])
    assert (oil.followup_review_recommended, oil.warnings) == (False, [])


def test_the_notes_of_a_ticket(tmp_path: Path) -> None:
    epic = tmp_path / "initiative-x/epic-a"
    epic.mkdir(parents=True)
    (tmp_path / "_bmad").mkdir()
    (tmp_path / "initiative-x/tickets.toml").write_text('[[epic]]\nid = 1\nslug = "epic-a"\n')
    (epic / "epic-a.md").write_text("---\ntype: epic\n---\n")
    (epic / "tickets.toml").write_text('[[entry]]\nid = 1\ntype = "story"\ntitle = "Lamp"\n')
    (epic / "story-lamp-plan.md").write_text(
        "---\nticket: 1\nstatus: built\nfollowup_review_recommended: true\nwarnings: [multiple-goals]\n---\n# Lamp\n"
    )
    story = overview(locate(tmp_path)).stories[0]
    assert (story.status, story.followup_review_recommended, story.warnings) == ("review", True, ["multiple-goals"])
