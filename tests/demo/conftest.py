"""Copies of the demo project: fresh ones, and one on which the whole sprint has been run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.demo.bench import STORIES, AgentRun, DemoBench, make

CYCLES = (STORIES[:2], STORIES[2:4], STORIES[4:6], STORIES[6:])


@pytest.fixture
def bench(tmp_path: Path) -> DemoBench:
    return make(tmp_path)


class DemoSprint:
    """Every command of the classic preset on every story, in order; what each printed."""

    def __init__(self, bench: DemoBench) -> None:
        self.bench = bench
        self.runs: dict[str, AgentRun] = {}
        self._run("create-project-context")
        for keys in CYCLES:
            self._cycle(keys)
        self._run("refresh-project-context")

    def _run(self, command: str, *keys: str) -> AgentRun:
        run = self.bench.run(command, *keys)
        self.runs[" ".join((command, *keys))] = run
        return run

    def _cycle(self, keys: tuple[str, ...]) -> None:
        decisions = self._run("create-story", *keys).markers("TECH-SPEC-DECISION")
        self._run("story-discovery", *keys)
        if self._run("story-review-1", *keys).markers("CRITICAL-ISSUES-FOUND") == ["YES"]:
            self._run("story-review-2", *keys)
        if "REQUIRED" in decisions:
            self._run("create-tech-spec", *keys)
            self._run("tech-spec-review-1", *keys)
        done = [key for key in keys if self._develop(key)]
        self._run("commit", *done)

    def _develop(self, key: str) -> bool:
        if self._run("dev-story", key).markers("DEV-STORY-COMPLETE") != ["YES"]:
            return False
        return any(self._run(f"code-review-{attempt}", key).severity == "ZERO ISSUES" for attempt in (1, 2, 3))


@pytest.fixture(scope="package")
def sprint(tmp_path_factory: pytest.TempPathFactory) -> DemoSprint:
    return DemoSprint(make(tmp_path_factory.mktemp("sprint")))
