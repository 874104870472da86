"""Which preset projects of other people get, where such projects are at hand."""

from __future__ import annotations

from running.preset_choice import installed
from tests.workflow.conftest import CORPUS
from workflow import detect


def test_real_projects_get_a_preset_that_needs_nothing_they_lack() -> None:
    """None of the samples holds the commands of a story, so all of them are worked with our own prompts."""
    projects = sorted(path for path in CORPUS.iterdir() if path.is_dir())
    assert projects
    for project in projects:
        preset = detect(installed(project), "claude")
        assert (preset.name, preset.calls) == ("classic", {}), project.name
    assert any(installed(project).files for project in projects)
