"""The wheel of this checkout, and that wheel installed in an empty environment outside of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.installed import InstalledProgram, build_wheel, install


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> InstalledProgram:
    """The wheel and its locked dependencies; read-only, as in a system's own Python."""
    installed = install(wheel, tmp_path_factory.mktemp("installed") / "venv")
    for path in (installed.folder, *installed.folder.rglob("*")):
        path.chmod(path.stat().st_mode & 0o555)
    return installed
