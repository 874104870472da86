"""A batch keeps the prompts that it began with, over changes of the files and over the end of the server."""

from __future__ import annotations

from pathlib import Path

from agents import Call
from orchestrator import StopMode
from tests.conftest import MakeRunner
from tests.running.projects import READY, Runner


def own(runner: Runner, command: str) -> Path:
    path = runner.root / ".sprint-runner-prompts" / f"{command}.md"
    path.parent.mkdir(exist_ok=True)
    return path


def said(calls: list[Call], command: str) -> list[str]:
    """The last line of each prompt of a command."""
    return [call.prompt.rstrip().split("\n")[-1] for call in calls if call.prompt.startswith(f"# {command}")]


async def test_a_batch_keeps_the_prompts_that_it_began_with(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, {"dev-story": ["silent", "ok"]})
    texts = {
        command: (runner.workspace.prompts / f"{command}.md").read_text() for command in ("dev-story", "code-review")
    }
    own(runner, "code-review").write_text(f"{texts['code-review']}\nAs it began.\n")
    await runner.start()
    await runner.until_called("dev-story")
    own(runner, "code-review").write_text(f"{texts['code-review']}\nChanged by hand.\n")
    own(runner, "dev-story").write_text(f"{texts['dev-story']}\nAdded by hand.\n")
    await runner.restart()
    await runner.orchestrator.resume()
    await runner.until_end()
    assert said(calls, "code-review") == ["As it began."]
    assert "Added by hand." not in said(calls, "dev-story")


async def test_the_next_batch_takes_a_changed_prompt(make_runner: MakeRunner, calls: list[Call]) -> None:
    runner = await make_runner(READY, {"dev-story": ["silent", "silent"]})
    for words in ("First.", "Second."):
        text = (runner.workspace.prompts / "dev-story.md").read_text()
        own(runner, "dev-story").write_text(f"{text}\n{words}\n")
        await runner.start()
        await runner.until_called("dev-story", 1 if words == "First." else 2)
        runner.orchestrator.stop(StopMode.NOW)
        await runner.until_end()
    assert said(calls, "dev-story") == ["First.", "Second."]
