"""Questions, checks and presets: what is kept of them, and that the first answer counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import Database
from store.batches import create_batch
from store.checks import create_check, get_checks_by_key, get_checks_of_command
from store.commands import create_command
from store.meta import get_preset, keep_preset
from store.questions import NotAsked, answer_question, ask_question, get_question, get_questions


async def test_the_first_answer_to_a_question_counts(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "test.db")
    batch = await database.write(create_batch, None)
    asked = await database.write(create_command, batch, "dev-story")
    other = await database.write(create_command, batch, "dev-story")
    await database.write(ask_question, asked, "Which colour?")
    with pytest.raises(NotAsked):
        await database.write(answer_question, other, "not asked")
    await database.write(answer_question, asked, "blue")
    with pytest.raises(NotAsked):
        await database.write(answer_question, asked, "red")
    question = await database.read(get_question, asked)
    assert question is not None
    assert (question.question, question.answer) == ("Which colour?", "blue")
    assert question.answered_at is not None
    assert question.answered_at >= question.asked_at
    assert await database.read(get_questions, [other, asked]) == [question]
    assert await database.read(get_questions, []) == []
    assert await database.read(get_question, other) is None
    await database.close()


async def test_the_newest_checks_of_a_story_are_kept_in_order(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "test.db")
    batch = await database.write(create_batch, None)
    command = await database.write(create_command, batch, "dev-story")
    for number in range(4):
        columns = {"command": "true", "ok": 1, "exit_code": 0, "duration_ms": number, "at": number, "tail": ""}
        await database.write(create_check, batch, "1-1-a", command_id=command, **columns)
    assert [check.at for check in await database.read(get_checks_by_key, "1-1-a", 3)] == [1, 2, 3]
    assert len(await database.read(get_checks_of_command, command)) == 4
    assert await database.read(get_checks_by_key, "1-1", 3) == []
    await database.close()


async def test_a_batch_keeps_its_preset(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "test.db")
    batch = await database.write(create_batch, None)
    assert await database.read(get_preset, batch) is None
    await database.write(keep_preset, batch, '{"name": "mine"}')
    assert await database.read(get_preset, batch) == '{"name": "mine"}'
    await database.close()
