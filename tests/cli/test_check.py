"""`check`: intact records pass, and each kind of damage is found and reported."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

import cli.check
from cli.check import check_database, check_disk, check_git
from db import Database
from events import EventType, current_batch, emit_event, start, stop
from store.batches import create_batch
from store.commands import create_command, update_command
from store.stories import create_story


async def recorded(file: Path) -> None:
    """One batch with one command, booked and emitted."""
    database = await Database.open(file)
    start(database)
    batch = await database.write(create_batch, 1)
    current_batch.set(batch)
    await emit_event(EventType.BATCH_START, {"batch_id": batch, "max_cycles": 1})
    story = await database.write(create_story, batch, "1-1-a")
    command = await database.write(create_command, batch, "dev-story", story_id=story, story_key="1-1-a")
    metrics = {"input_tokens": 5, "output_tokens": 7, "cost_usd": 0.25}
    await database.write(update_command, command, status="success", ended_at=1, **metrics)
    payload = {
        "story_key": "1-1-a",
        "command": "dev-story",
        "task_id": "setup",
        "status": "success",
        "metrics": metrics,
    }
    await emit_event(EventType.COMMAND_END, payload)
    stop()
    await database.close()


def change(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement)
    connection.close()


async def test_sound_records(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    await recorded(file)
    found = check_database(file)
    assert [finding.subject for finding in found] == ["database", "log", "ledger"]
    assert all(finding.ok for finding in found), found
    assert "0.25 USD" in found[2].message


def lose_an_event(file: Path) -> None:
    change(file, "INSERT INTO events VALUES (9, 'error', 0, NULL, NULL, '{}')")


def book_twice(file: Path) -> None:
    change(file, "UPDATE commands SET input_tokens = 10")


def lose_a_batch(file: Path) -> None:
    change(file, "DELETE FROM batches")


def come_from_the_future(file: Path) -> None:
    change(file, "PRAGMA user_version = 99")


def lose_a_table(file: Path) -> None:
    change(file, "DROP TABLE presets")


def write_no_text(file: Path) -> None:
    change(file, "UPDATE commands SET reason = CAST(X'ff' AS TEXT)")


def overwrite(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "subject", "words"),
    [
        (lose_an_event, "log", "6 events are missing"),
        (book_twice, "ledger", "17 tokens and 0.2500 USD are booked, 12"),
        (lose_a_batch, "database", "rows refer to rows that do not exist"),
        (come_from_the_future, "database", "use the newer program"),
        (overwrite, "database", "sprint-runner restore FILE PROJECT"),
        (lose_a_table, "database", "no such table: presets"),
        (write_no_text, "database", "sprint-runner restore FILE PROJECT"),
    ],
)
async def test_damage_is_found(tmp_path: Path, damage: Callable[[Path], None], subject: str, words: str) -> None:
    file = tmp_path / "x.db"
    await recorded(file)
    damage(file)
    found = {finding.subject: finding for finding in check_database(file)}
    assert not found[subject].ok
    assert words in found[subject].message


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("hello " * 1000)
    assert not any(finding.ok for finding in check_database(tmp_path / "x.db"))


def test_nothing_has_run_yet(tmp_path: Path) -> None:
    assert [finding.ok for finding in check_database(tmp_path / "x.db")] == [True]


def test_a_folder_outside_of_git(tmp_path: Path) -> None:
    found = check_git(tmp_path)
    assert not found.ok
    assert "git init" in found.message


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_disk(tmp_path / "not/yet/there").ok
    monkeypatch.setattr(cli.check, "LOW_DISK_BYTES", 1 << 62)
    assert "make room" in check_disk(tmp_path).message
