"""The snapshot that is begun when an agent has exited does not count where it has left something that writes."""

from __future__ import annotations

from pathlib import Path

from agents import AgentSpec
from tests.conftest import MakeRunner
from tests.running.repositories import DONE, git

KEY = "1-1-login"
# All that it changes is written by what it has left running, which ignores the first signal.
LATE = "(trap '' TERM; sleep 0.3; echo late > late.txt) >/dev/null 2>&1 </dev/null &"


async def test_what_an_agent_has_left_is_waited_for(make_runner: MakeRunner) -> None:
    runner = await make_runner({KEY: "ready-for-dev"}, git=True)
    answer = f"case \"$prompt\" in *code-review*) {DONE};; *) {LATE} echo '[DEV-STORY-COMPLETE: YES]';; esac"
    spec = AgentSpec(name="late", kind="text", command=("/bin/sh", "-c", f"prompt=$(cat); {answer}"))
    runner.workspace.agents["late"] = spec  # type: ignore[index]
    _, commands = await runner.rows(await runner.run(cycles=1, agent="late"))
    developed = next(row for row in commands if row.command == "dev-story")
    assert (developed.status, developed.files_changed) == ("success", 1)
    assert "late.txt" in git(Path(runner.root), "show", "--name-only", "--format=", "HEAD")
