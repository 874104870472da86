"""The queue: what runs next by hand, and when the batch stops, also after the end of the server."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator import BadRequest, NotNow
from store.run_queue import RunQueue, get_run_queue
from tests.conftest import MakeRunner
from tests.running.plans import EPIC_A, entries, make_tickets, ticket
from tests.running.projects import Runner
from tests.running.test_builds import Open, open_runner

__all__ = ["open_runner"]

FOUR = dict.fromkeys(("1-1-a", "1-2-b", "2-1-c", "3-1-d"), "ready-for-dev")


async def queue(runner: Runner, *stories: str, **fields: Any) -> list[str]:
    given = {"stories": stories, **fields}
    return (await runner.orchestrator.steering.set_queue(partial(msgspec.structs.replace, **given)))[1]


def cycles(runner: Runner) -> list[list[str]]:
    return [start["story_keys"] for start in runner.of("cycle:start")]


async def test_what_is_queued_runs_first_and_nothing_overtakes_it(make_runner: MakeRunner) -> None:
    runner = await make_runner(FOUR)
    await queue(runner, "3-1-d", "1-2-b")
    await runner.restart()
    assert (await runner.orchestrator.steering.order(None, None)).cycles == [["3-1-d"], ["1-2-b", "1-1-a"], ["2-1-c"]]
    await runner.run()
    assert cycles(runner) == [["3-1-d"], ["1-2-b", "1-1-a"], ["2-1-c"]]


async def test_the_order_changes_while_a_batch_runs(make_runner: MakeRunner) -> None:
    runner = await make_runner(FOUR)
    await runner.start()
    await runner.until_command("dev-story")
    with pytest.raises(NotNow, match="1-2-b is in the group that runs"):
        await queue(runner, "1-2-b")
    await queue(runner, "3-1-d")
    assert runner.of("run:queue") == [{"stories": ["3-1-d"], "only": False}]
    await runner.until_end()
    assert cycles(runner) == [["1-1-a", "1-2-b"], ["3-1-d"], ["2-1-c"]]


async def test_nothing_but_the_queue_runs_and_that_ends_with_the_batch(make_runner: MakeRunner) -> None:
    runner = await make_runner(FOUR)
    await queue(runner, "2-1-c", only=True)
    await runner.run()
    assert cycles(runner) == [["2-1-c"]]
    assert runner.of("batch:end")[-1]["status"] == "completed"
    assert await runner.database.read(get_run_queue) == RunQueue(stories=("2-1-c",))
    assert runner.run_state.run.queue.only is False
    await runner.run(1)
    assert cycles(runner)[1:] == [["1-1-a", "1-2-b"]]


async def test_a_queue_whose_last_story_is_taken_out_lets_everything_run(make_runner: MakeRunner) -> None:
    runner = await make_runner(FOUR)
    await queue(runner, "2-1-c", only=True)
    await runner.orchestrator.steering.set_queue(partial(msgspec.structs.replace, stories=()))
    assert runner.of("run:queue")[-1] == {"stories": [], "only": False}
    await runner.run(1)
    assert cycles(runner) == [["1-1-a", "1-2-b"]]


async def test_a_queued_story_joins_a_batch_of_chosen_ones(make_runner: MakeRunner) -> None:
    runner = await make_runner(FOUR)
    await runner.start(stories=["1-1-a"])
    await runner.until_command("dev-story")
    await queue(runner, "3-1-d")
    await runner.until_end()
    assert cycles(runner) == [["1-1-a"], ["3-1-d"]]


@pytest.mark.parametrize(("after", "done"), [("story", ["1-1-a"]), ("cycle", ["1-1-a", "1-2-b"])])
async def test_a_batch_stops_where_it_is_asked_to(make_runner: MakeRunner, after: str, done: list[str]) -> None:
    runner = await make_runner(FOUR)
    await runner.start()
    await runner.until_command("dev-story")
    await queue(runner, after=after)
    await runner.restart()
    assert runner.orchestrator.steering.selection.queue.after == after
    await runner.orchestrator.resume()
    await runner.until_end()
    assert [key for key, status in runner.statuses().items() if status == "done"] == done
    assert runner.of("cycle:end")[-1]["completed_stories"] == done
    assert runner.of("batch:end")[-1]["status"] == "stopped"
    assert (await runner.database.read(get_run_queue)).after is None
    await runner.run()
    assert set(runner.statuses().values()) == {"done"}


async def test_a_batch_stops_at_a_clock_time(make_runner: MakeRunner) -> None:
    runner = await make_runner(FOUR)
    await runner.start()
    await runner.until_command("dev-story")
    await queue(runner, after="time", at=int(runner.now() * 1000) - 1)
    await runner.until_end()
    assert runner.of("batch:end")[-1]["status"] == "stopped"
    assert runner.commands() == ["1-1-a dev-story"]


async def test_a_paused_batch_stops_at_its_time_as_well(make_runner: MakeRunner) -> None:
    runner = await make_runner(FOUR)
    await runner.start()
    await runner.until_command("dev-story")
    runner.orchestrator.pause()
    await runner.until(lambda event: event.type == "batch:pause")
    await queue(runner, after="time", at=int(runner.now() * 1000) + 300)
    await runner.until_end()
    assert runner.of("batch:end")[-1]["status"] == "stopped"


@pytest.mark.parametrize(
    ("stories", "fields", "message"),
    [
        (["9-9-z"], {}, "the plan has no story '9-9-z'"),
        (["1-1-a", "1-1-a"], {}, "1-1-a is named twice"),
        (["2-1-c"], {}, "2-1-c is done"),
        (["3-1-d"], {}, "3-1-d is blocked: try it again first"),
        (["1-2-b"], {}, "1-2-b is skipped: bring it back first"),
        (["1-1-a"], {"after": "cycle"}, "no batch is running that could be stopped later"),
    ],
)
async def test_what_cannot_be_queued_is_refused(
    make_runner: MakeRunner, stories: list[str], fields: dict[str, Any], message: str
) -> None:
    runner = await make_runner({**FOUR, "2-1-c": "done", "3-1-d": "blocked"})
    await runner.orchestrator.steering.skip("1-2-b", "not now")
    with pytest.raises((BadRequest, NotNow), match=message):
        await queue(runner, *stories, **fields)
    assert runner.of("run:queue") == []


async def test_a_queued_story_waits_for_what_it_needs(tmp_path: Path, open_runner: Open) -> None:
    plan = entries(ticket(1, "One"), ticket(2, "Two", "after = [1]"), ticket(3, "Three"))
    runner = await open_runner(make_tickets(tmp_path / "x", {f"{EPIC_A}/tickets.toml": plan}))
    assert await queue(runner, "1.2", "1.3") == ["1.2 waits for 1.1 and runs after that"]
    with pytest.raises(NotNow, match=r"1.2 waits for 1.1: put 1.1 before it"):
        await queue(runner, "1.2", "1.1")
    with pytest.raises(NotNow, match=r"1.2 waits for 1.1, which would not run: add it"):
        await queue(runner, "1.2", only=True)
    order = await runner.orchestrator.steering.order(None, None)
    assert (order.cycles, order.waits) == ([["1.3"], ["1.1"], ["1.2"], ["2.1"]], {})
    await runner.run()
    assert cycles(runner) == order.cycles
