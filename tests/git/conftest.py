"""The repository that tests of git work on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git.repositories import make


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "project")
