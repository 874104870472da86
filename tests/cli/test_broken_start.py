"""A start that cannot succeed: one sentence that says what to do, exit code 2, and no traceback."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.config import make_data_dir
from cli.errors import CannotStart, unusable_database, unwritable
from db import Database
from running.lock import ProjectLock
from tests.servers import PROGRAM
from tests.worlds import World

NOBODY = 65534


def start(root: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a server that does not start."""
    done = subprocess.run(
        [*PROGRAM, *arguments, str(root), "--port", "0"], cwd=root, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stderr


def no_database(file: Path) -> None:
    file.write_text("hello " * 1000)


def overwritten(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 100] = b"\xff" * 100
    file.write_bytes(content)


def without_a_table(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("DROP TABLE batches")
    connection.close()


def with_no_json(file: Path) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("INSERT INTO batches (id, started_at) VALUES (1, 0)")
        connection.execute("INSERT INTO events VALUES (1, 'batch:start', 0, 1, NULL, '{')")
    connection.close()


@pytest.mark.parametrize("damage", [no_database, overwritten, without_a_table, with_no_json])
async def test_a_damaged_database_is_named_with_the_command_that_restores(
    world: World, damage: Callable[[Path], None]
) -> None:
    file = world.root / ".sprint-runner/sprint-runner.db"
    await (await Database.open(file)).close()
    damage(file)
    before = file.read_bytes()
    code, errors = start(world.root)
    assert (code, errors.count("\n")) == (2, 1), errors
    assert f"{file} is damaged (" in errors
    assert "restore a backup with `sprint-runner restore FILE PROJECT`" in errors
    if damage is no_database:
        assert file.read_bytes() == before


def test_a_folder_in_the_place_of_the_database(world: World) -> None:
    file = world.root / ".sprint-runner/sprint-runner.db"
    file.mkdir(parents=True)
    code, errors = start(world.root)
    assert (code, errors.count("\n")) == (2, 1), errors
    assert f"{file} cannot be opened (unable to open database file): make it and its folder writable" in errors


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may enter, unlike those of tests."""
    made = Path(tempfile.mkdtemp(prefix="read-only-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root may write everywhere: such a test runs as the user `nobody`."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield
    if root:
        os.seteuid(0)


def make_read_only(folder: Path) -> None:
    folder.chmod(0o555)
    for file in folder.iterdir():
        file.chmod(0o444)


def test_a_data_folder_that_cannot_be_written(folder: Path, request: pytest.FixtureRequest) -> None:
    make_read_only(folder)
    request.getfixturevalue("unprivileged")
    with pytest.raises(CannotStart, match="cannot be written"):
        make_data_dir(folder)
    with pytest.raises(PermissionError) as refused:
        ProjectLock(folder).acquire()
    assert str(unwritable(refused.value)).startswith(
        f"{folder / 'lock'} cannot be written (Permission denied): make it"
    )


async def test_a_database_that_cannot_be_written(folder: Path, request: pytest.FixtureRequest) -> None:
    file = folder / "x.db"
    await (await Database.open(file)).close()
    make_read_only(folder)
    request.getfixturevalue("unprivileged")
    with pytest.raises(sqlite3.Error) as refused:
        await Database.open(file)
    words = str(unusable_database(file, refused.value))
    assert words.startswith(f"{file} cannot be opened (")
    assert "make it and its folder writable" in words
