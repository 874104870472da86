"""Hints of the operator: kept with the story, given to its next command, given again where that command failed."""

from __future__ import annotations

from agents import Call
from running.hints import keep_hint
from store.hints import get_hints, get_hints_of_command
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner


def with_hint(calls: list[Call], hint: str) -> list[int]:
    return [number for number, call in enumerate(calls) if hint in call.prompt]


async def last_command(runner: Runner, hint: int) -> int | None:
    [found] = [row for row in await runner.database.read(get_hints, ["1-1-a"]) if row.id == hint]
    return found.command_id


async def test_the_next_command_gets_a_hint_and_no_later_one(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY)
    hint = await keep_hint(runner.workspace, "1-1-a", "Use the plain sort.")
    other = await keep_hint(runner.workspace, "9-9-z", "For another story.")
    assert runner.of("story:hint") == [
        {"story_key": "1-1-a", "hint_id": hint, "message": "Use the plain sort."},
        {"story_key": "9-9-z", "hint_id": other, "message": "For another story."},
    ]
    await runner.run()
    assert with_hint(calls, "Use the plain sort.") == [0]
    assert "<operator-hint>\nUse the plain sort.\n</operator-hint>" in calls[0].prompt
    assert with_hint(calls, "another story") == []
    command = await last_command(runner, hint)
    assert command is not None
    assert [row.id for row in await runner.database.read(get_hints_of_command, command)] == [hint]
    assert runner.of("story:hint")[2:] == [
        {"story_key": "1-1-a", "hint_id": hint, "message": "Use the plain sort.", "command_id": command}
    ]


async def test_a_command_that_failed_gets_its_hints_again(make_runner: MakeRunner, calls: list[Call]) -> None:
    """Its session is gone, and with it what it knew."""
    runner = await make_runner(READY, {"dev-story": ["crash", "ok"]})
    hint = await keep_hint(runner.workspace, "1-1-a", "Mind the\nempty list.")
    await runner.run()
    assert with_hint(calls, "Mind the\nempty list.") == [0, 1]
    rows = {row["command_id"]: row for row in runner.of("command:end")}
    last = await last_command(runner, hint)
    assert (rows[last]["command"], rows[last]["status"]) == ("dev-story", "success")


async def test_a_resumed_session_is_not_given_a_hint_twice(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, {"dev-story": ["question:Which colour?", "ok"]})
    await keep_hint(runner.workspace, "1-1-a", "First hint.")
    await runner.start()
    await runner.until(lambda event: event.type == "batch:pause")
    await keep_hint(runner.workspace, "1-1-a", "Second hint.")
    [asked] = [each for each in runner.of("attention") if each["kind"] == "question"]
    await runner.orchestrator.steering.answer(asked["command_id"], "blue")
    await runner.until_end()
    assert with_hint(calls, "First hint.") == [0]
    assert with_hint(calls, "Second hint.") == [1]
    assert "blue" in calls[1].prompt


async def test_a_hint_outlives_the_server(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY)
    await keep_hint(runner.workspace, "1-1-a", "Kept over the restart.")
    await runner.restart()
    await runner.run()
    assert with_hint(calls, "Kept over the restart.") == [0]


async def test_commands_of_several_stories_name_whose_hint_it_is(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner({"1-1-a": "backlog", "1-2-b": "backlog"})
    await keep_hint(runner.workspace, "1-1-a", "About A.")
    await keep_hint(runner.workspace, "1-2-b", "About B.")
    await runner.run()
    given = with_hint(calls, "For 1-1-a: About A.\n\nFor 1-2-b: About B.")
    names = sorted(calls[number].prompt.splitlines()[0] for number in given)
    assert names == ["# create-story", "# story-discovery"]  # these two start together
    assert with_hint(calls, "About A.") == given
