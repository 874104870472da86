"""A small project in the canonical layout, and the corpus of real ones where it is at hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sprint import Project, locate

CORPUS = Path(__file__).parents[2] / "../shared/corpus"
collect_ignore = [] if CORPUS.exists() else ["test_corpus.py"]  # other people's projects do not come along

TRACKER = """\
# generated: 2026-01-02
# STATUS DEFINITIONS: backlog, ready-for-dev, in-progress, review, done

generated: 2026-01-02
project: Lantern
story_location: "{project-root}/_bmad-output/implementation-artifacts"

development_status:
  epic-1: backlog
  1-1-light-the-lamp: backlog  # the first one
  1-2-carry-the-oil: ready-for-dev
  1-10-trim-the-wick: backlog
  epic-1-retrospective: optional

  epic-2: in-progress
  2-1-open-the-shutter: review
  2a-1-close-the-shutter: done
"""

MakeProject = Callable[..., Project]


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Writes a tracker and other files, and locates the project."""

    def make(tracker: str | bytes = TRACKER, **files: str) -> Project:
        (tmp_path / ".git").mkdir(exist_ok=True)
        folder = tmp_path / "_bmad-output/implementation-artifacts"
        folder.mkdir(parents=True, exist_ok=True)
        data = tracker.encode() if isinstance(tracker, str) else tracker
        (folder / "sprint-status.yaml").write_bytes(data)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return locate(tmp_path)

    return make


def corpus_trackers() -> list[Path]:
    """The real trackers, [] where they are absent."""
    return sorted(CORPUS.glob("trackers/*.y*ml"))
