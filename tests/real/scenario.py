"""What the model of the scripted API says to each command of the first story, and which tools it calls."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final

from tests.real.programs import Program

STORY: Final = "1-1-friendly-dates"
ARTIFACTS: Final = "_bmad-output/implementation-artifacts"
USAGE: Final = {
    "input_tokens": 300,
    "output_tokens": 120,
    "cache_read_input_tokens": 12_000,
    "cache_creation_input_tokens": 900,
}
MODULE: Final = '''"""Dates as people say them."""


def friendly(days: int) -> str:
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")
'''
TESTS: Final = """import unittest

from perch.friendly import friendly


class FriendlyTest(unittest.TestCase):
    def test_days(self):
        self.assertEqual([friendly(n) for n in (0, 1, 5)], ["today", "yesterday", "5 days ago"])
"""
CLEAN: Final = "FINDINGS:\n- none\n\nIssues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW\nHIGHEST SEVERITY: ZERO ISSUES"
WRITTEN: Final = "EOF_OF_THE_FILE"
DEVELOPED: Final = {"complete": True, "blocked": False, "reason": ""}
REVIEWED: Final = {"critical": False, "findings": []}
CODE_REVIEWED: Final = {
    "highest_severity": "ZERO ISSUES",
    **dict.fromkeys(("critical", "high", "medium", "low"), 0),
    "findings": [],
}


class Scenario:
    """What the model says to one program, with the names that its tools have there."""

    def __init__(self, program: Program) -> None:
        self._program = program

    @property
    def data(self) -> dict[str, Any]:
        """As the scripted API reads it."""
        routes = [
            route(
                "create-project-context",
                self._step(
                    "::task write start", self._write("_bmad-output/project-context.md", "# Context\n\nSmall.\n")
                ),
                self._step("[PROJECT-CONTEXT-WRITTEN: YES]"),
            ),
            route(
                "create-tech-spec",
                self._step("::task write start", self._write(f"{ARTIFACTS}/tech-spec-{STORY}.md", "# Tech-Spec\n")),
                self._step("[TECH-SPEC-COMPLETE: YES]"),
            ),
            route("tech-spec-review", self._verdict("Nothing is missing.\n\n[CRITICAL-ISSUES-FOUND: NO]", REVIEWED)),
            route(
                "dev-story",
                self._step("::task setup start reading\nI read it.", self._shell(f"head -5 {ARTIFACTS}/{STORY}.md")),
                self._step("::task implement start", self._write("perch/friendly.py", MODULE)),
                self._step("And its test.", self._write("tests/test_friendly.py", TESTS)),
                self._step("::task tests start", self._shell("python3 -m unittest 2>&1 | tail -3")),
                self._verdict("::task tests end green\n\n[DEV-STORY-COMPLETE: YES]", DEVELOPED),
            ),
            route(
                "code-review",
                self._step("::task analyze start", self._shell("git status --short")),
                self._verdict(CLEAN, CODE_REVIEWED),
            ),
        ]
        return {"routes": routes, "default": {"text": "This prompt is in no route."}}

    def replies(self, command: str) -> int:
        """How many replies a command takes, whose number behind its name is that of a round."""
        name = f"# {command.removesuffix('-1')}"
        return next(len(route["steps"]) for route in self.data["routes"] if route["prompt_contains"] == name)

    def _step(self, text: str, *tools: dict[str, Any]) -> dict[str, Any]:
        usage = dict(USAGE)
        if self._program.counts_cached:
            usage["input_tokens"] += usage["cache_read_input_tokens"]
        return {"text": text, "tools": list(tools), "usage": usage, "chunk_size": 40, "chunk_delay": 0.002}

    def _verdict(self, text: str, structured: dict[str, Any]) -> dict[str, Any]:
        """The closing reply; a program that is asked for a structured verdict gives that, too."""
        tools = [{"name": "StructuredOutput", "input": structured}] if self._program.structured else []
        return self._step(text, *tools)

    def _shell(self, command: str) -> dict[str, Any]:
        return self._program.shell(command)

    def _write(self, path: str, content: str) -> dict[str, Any]:
        folder = str(PurePosixPath(path).parent)
        return self._shell(f"mkdir -p {folder} && cat > {path} <<'{WRITTEN}'\n{content}{WRITTEN}")


def route(command: str, *steps: dict[str, Any]) -> dict[str, Any]:
    """The steps of the session whose prompt is this command's."""
    return {
        "prompt_contains": f"# {command}",
        "steps": list(steps),
        "default": {"text": "There is nothing left to do."},
    }
