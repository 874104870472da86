"""Tests of the wheel: it contains the application's folder as `sprint_runner/`, and nothing else."""

from __future__ import annotations

import email
import subprocess
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from settings.version import VERSION
from tests.servers import ROOT

PACKAGE = "sprint_runner/"
APART = ("tests", "docs", "packaging", "skills")  # folders of those who work on the program
AT_THE_TOP = (".py", ".html")  # the kinds of files there that belong to the program


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> dict[str, list[str]]:
    with zipfile.ZipFile(wheel) as archive:
        message = email.message_from_bytes(archive.read(f"sprint_runner-{VERSION}.dist-info/METADATA"))
    return {name: message.get_all(name, []) for name in message}


def application_files() -> set[str]:
    """The tracked files of the application."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = map(Path, tracked.splitlines())
    return {
        path.as_posix()
        for path in paths
        if not path.parts[0].startswith((".", *APART)) and (len(path.parts) > 1 or path.suffix in AT_THE_TOP)
    }


def test_every_tracked_file_of_the_application_and_no_other(names: set[str]) -> None:
    files = {name.removeprefix(PACKAGE) for name in names if name.startswith(PACKAGE)}
    assert files == {*application_files(), "__init__.py"}


def test_nothing_else_lands_in_site_packages(names: set[str]) -> None:
    assert {name.partition("/")[0] for name in names} == {"sprint_runner", f"sprint_runner-{VERSION}.dist-info"}


def test_the_dependencies_are_those_of_requirements_txt(metadata: dict[str, list[str]]) -> None:
    extras = [
        "mcp>=2.3,<3; extra == 'mcp'",
        "pywebpush>=2.5,<3; extra == 'push'",
        "cryptography<60,>=42; extra == 'fleet'",
        "nats-py>=2.16,<3; extra == 'fleet'",
    ]
    wanted = [*(ROOT / "requirements.txt").read_text().splitlines(), *extras]
    assert set(map(Requirement, metadata["Requires-Dist"])) == set(map(Requirement, wanted))
    assert metadata["Provides-Extra"] == ["fleet", "mcp", "push"]


def test_the_version_is_the_program_s(metadata: dict[str, list[str]]) -> None:
    assert metadata["Version"] == [VERSION]
    assert f"\n## {VERSION}\n" in (ROOT / "CHANGELOG.md").read_text()
