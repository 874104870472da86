"""No agent is started in a folder that is not trusted, by whatever way a batch could begin or continue."""

from __future__ import annotations

import pytest

from orchestrator import NotNow
from tests.conftest import MakeRunner
from tests.running.projects import Runner

REFUSAL = "the folder is not trusted"
ONE_STORY = {"1-1-a": "backlog"}


async def refused(runner: Runner) -> None:
    for verb in (runner.start, runner.orchestrator.resume):
        with pytest.raises(NotNow, match=REFUSAL) as caught:
            await verb()
        assert caught.value.code == "trust"


async def test_a_start_is_refused_until_the_folder_is_trusted(make_runner: MakeRunner) -> None:
    runner = await make_runner(ONE_STORY)
    runner.refusal = REFUSAL
    await refused(runner)
    assert runner.events == []
    runner.refusal = None
    await runner.run(1)
    assert runner.statuses() == {"1-1-a": "done"}


@pytest.mark.parametrize("auto_resume", [False, True])
async def test_records_that_came_with_the_folder_start_nothing(make_runner: MakeRunner, auto_resume: bool) -> None:
    runner = await make_runner(ONE_STORY, auto_resume=auto_resume)
    await runner.start(1)
    await runner.until_command("create-story")
    runner.refusal = REFUSAL
    await runner.restart()
    begun = len(runner.of("command:start"))
    await refused(runner)
    assert len(runner.of("command:start")) == begun
    runner.refusal = None
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}


async def test_a_pause_with_an_end_does_not_end_by_itself(make_runner: MakeRunner) -> None:
    runner = await make_runner(ONE_STORY)
    await runner.start(1)
    await runner.until_command("create-story")
    runner.orchestrator.pause()
    await runner.until(lambda event: event.type == "batch:pause")
    runner.refusal = REFUSAL
    await runner.restart()
    await refused(runner)
    runner.refusal = None
    await runner.orchestrator.resume()
    await runner.until_end()
    assert runner.statuses() == {"1-1-a": "done"}
