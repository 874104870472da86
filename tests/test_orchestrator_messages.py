"""Messages of the operator to a running agent: taken at their place, kept as hints where they come too late."""

from __future__ import annotations

import asyncio
import json

import pytest

import agents
from agents import Call
from agents.claude_options import user_message
from agents.messages import for_model
from agents.transcript import recorded
from running.hints import keep_hint
from running.messages import send_message
from running.preflight import NotNow
from running.recovery.startup import recover
from store.batches import create_batch
from store.commands import create_command, get_command
from store.hints import get_hints, get_sent_hints
from tests.conftest import MakeRunner
from tests.running.projects import LONG_S, READY, Runner

KEY = "1-1-a"
SLOW = {"dev-story": ["slow:1"]}


async def working(runner: Runner, command: str = "dev-story") -> int:
    """The id of a command whose agent works."""
    started = await runner.until_command(command)
    await runner.until_called(command)
    command_id: int = started.payload["command_id"]
    return command_id


async def entries(runner: Runner, command_id: int) -> list[tuple[str, str]]:
    row = await runner.database.read(get_command, command_id)
    assert row is not None
    assert row.stream_path is not None
    kind = runner.workspace.agents[row.agent].kind
    read = agents.read_transcript(runner.workspace.data_dir / row.stream_path, kind)
    return [(entry.kind.value, entry.text) for entry in read]


@pytest.mark.parametrize("agent", ["demo", "acp"])
async def test_a_message_is_taken_while_the_agent_works(make_runner: MakeRunner, calls: list[Call], agent: str) -> None:
    runner = await make_runner(READY, SLOW, agent=agent)
    await runner.start()
    command = await working(runner)
    message, is_sent = await send_message(runner.workspace, command, "Mind the\nzebra crossing.")
    assert is_sent
    await runner.until_end()
    ends = {end["command_id"]: end["status"] for end in runner.of("command:end")}
    assert ends[command] == "success"
    assert runner.of("story:hint") == [
        {"story_key": KEY, "hint_id": message, "message": "Mind the zebra crossing.", "sent_to": command},
        {
            "story_key": KEY,
            "hint_id": message,
            "message": "Mind the zebra crossing.",
            "sent_to": command,
            "command_id": command,
        },
    ]
    shown = await entries(runner, command)
    assert shown.count(("message", "Mind the\nzebra crossing.")) == 1
    assert ("text", "I take this into account: Mind the\nzebra crossing.") in shown
    assert [call.prompt[-600:] for call in calls if "zebra crossing" in call.prompt] == []
    assert runner.statuses() == {KEY: "done"}


@pytest.mark.parametrize("message", [None, "One more thing."])
async def test_what_both_turns_have_used_is_booked(make_runner: MakeRunner, message: str | None) -> None:
    """Over ACP a message is a prompt of its own, whose tokens are reported apart."""
    runner = await make_runner(READY, SLOW, agent="acp")
    await runner.start()
    command = await working(runner)
    if message is not None:
        await send_message(runner.workspace, command, message)
    await runner.until_end()
    row = await runner.database.read(get_command, command)
    assert row is not None
    assert row.stream_path is not None
    path = runner.workspace.data_dir / row.stream_path
    turns = [
        record.usage.output_tokens
        for record in recorded(path, "acp", runner.root)
        if isinstance(record, agents.Final) and record.usage is not None
    ]
    assert len(turns) == (1 if message is None else 2)
    assert turns == sorted(turns), "the sum of the turns so far"
    assert row.output_tokens == turns[-1]


async def test_one_that_comes_too_late_is_given_to_the_next_command(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, {"dev-story": ["lingers:2"]})
    await runner.start()
    command = await working(runner)
    stream = next((runner.workspace.data_dir / "streams").glob(f"*/{command}.ndjson"))
    async with asyncio.timeout(LONG_S):
        while b'"type":"result"' not in stream.read_bytes():
            await asyncio.sleep(0.02)
    sent, is_sent = await send_message(runner.workspace, command, "Too late.")
    assert not is_sent
    await runner.until_end()
    [hint] = [row for row in await runner.database.read(get_hints, [KEY]) if row.id == sent]
    assert hint.command_id not in (None, command)
    assert len([call for call in calls if "Too late." in call.prompt]) == 1


async def test_what_cannot_be_sent_is_refused_and_not_kept(make_runner: MakeRunner) -> None:
    runner = await make_runner({KEY: "backlog"}, {"create-project-context": ["slow:1"]}, context=False)
    with pytest.raises(NotNow, match="command 7 does not run: give its story a hint instead"):
        await send_message(runner.workspace, 7, "Hello.")
    await runner.start()
    started = await runner.until(lambda event: event.type == "context:create")
    while runner.workspace.live_calls.get(started.payload.get("command_id", 1)) is None:
        await asyncio.sleep(0.02)
    with pytest.raises(NotNow, match="works for no story"):
        await send_message(runner.workspace, started.payload.get("command_id", 1), "Hello.")
    assert await runner.database.read(get_sent_hints, 1) == []


async def test_a_program_that_takes_none_says_so(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY)

    class Deaf:
        story_key, story_keys, agent, takes_messages = KEY, [KEY], "codex", False

        def say(self, message_id: int, text: str) -> bool:
            raise AssertionError("not asked")

        def end(self) -> None:
            raise AssertionError("not asked")

    with runner.workspace.live_calls.running(5, Deaf()), pytest.raises(NotNow, match="codex takes no message"):
        await send_message(runner.workspace, 5, "Hello.")
    assert await runner.database.read(get_hints, [KEY]) == []


@pytest.mark.parametrize("agent", ["demo", "acp"])
async def test_one_that_a_stop_has_cut_off_is_given_again_only_if_it_was_not_taken(
    make_runner: MakeRunner, calls: list[Call], agent: str
) -> None:
    """The session of the first command is resumed: it knows what it has taken."""
    runner = await make_runner(READY, {"dev-story": ["slow:1+silent", "ok"]}, agent=agent)
    await runner.start()
    command = await working(runner)
    message, is_sent = await send_message(runner.workspace, command, "Mind the gap.")
    assert is_sent
    await runner.restart()
    await runner.orchestrator.resume()
    await runner.until_end()
    with_it = [number for number, call in enumerate(calls) if "Mind the gap." in call.prompt]
    [row] = await runner.database.read(get_hints, [KEY])
    assert (row.id, row.sent_to) == (message, command)
    assert with_it == [1], "the agent was silent: it had not taken the message"
    assert row.command_id != command


@pytest.mark.parametrize("taken", [True, False])
async def test_after_a_kill_the_recording_shows_what_was_taken(make_runner: MakeRunner, taken: bool) -> None:
    """The server died before it had stored that the message was taken."""
    runner = await make_runner(READY)
    database = runner.database
    batch = await database.write(create_batch, max_cycles=None)
    columns = {"story_key": KEY, "agent": "demo", "stream_path": "streams/1/1.ndjson", "status": "running"}
    command = await database.write(create_command, batch, "dev-story", **columns)
    message = await keep_hint(runner.workspace, KEY, "Mind the gap.", sent_to=command)
    stream = runner.workspace.data_dir / "streams/1/1.ndjson"
    stream.parent.mkdir(parents=True)
    lines = ['{"type":"system","subtype":"init","session_id":"s"}']
    if taken:
        said = json.loads(user_message(for_model("Mind the gap."), message))
        lines.append(json.dumps({**said, "session_id": "s", "isReplay": True}))
    stream.write_text("\n".join(lines) + "\n")
    await recover(runner.workspace)
    [row] = await database.read(get_hints, [KEY])
    assert row.command_id == (command if taken else None)
    assert len(runner.of("story:hint")) == (2 if taken else 1)
    await recover(runner.workspace)
    assert len(runner.of("story:hint")) == (2 if taken else 1), "stored once"
