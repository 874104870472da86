"""What the model of the mock API says to each command of the first story, and which tools it calls."""

from __future__ import annotations

from typing import Any, Final

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
COMMIT: Final = (
    "git add -A && git -c user.name=Demo -c user.email=demo@localhost commit -q -m 'feat(1): friendly dates' "
    '&& echo "[COMMIT-SUCCESS: $(git rev-parse HEAD)]"'
)


def step(text: str, *tools: dict[str, Any]) -> dict[str, Any]:
    return {"text": text, "tools": list(tools), "usage": USAGE, "chunk_size": 40, "chunk_delay": 0.002}


def bash(command: str) -> dict[str, Any]:
    return {"name": "Bash", "input": {"command": command, "description": "Run a command"}}


def write(path: str, content: str) -> dict[str, Any]:
    return {"name": "Write", "input": {"file_path": f"{{{{cwd}}}}/{path}", "content": content}}


def route(command: str, *steps: dict[str, Any]) -> dict[str, Any]:
    """The steps of the session whose prompt is this command's."""
    return {
        "prompt_contains": f"# {command}",
        "steps": list(steps),
        "default": {"text": "There is nothing left to do."},
    }


SCENARIO: Final = {
    "routes": [
        route(
            "create-project-context",
            step("::task write start", write("_bmad-output/project-context.md", "# Project Context\n\nSmall.\n")),
            step("[PROJECT-CONTEXT-WRITTEN: YES]"),
        ),
        route(
            "create-tech-spec",
            step("::task write start", write(f"{ARTIFACTS}/tech-spec-{STORY}.md", "# Tech-Spec\n\nOne function.\n")),
            step("[TECH-SPEC-COMPLETE: YES]"),
        ),
        route("tech-spec-review", step("Nothing is missing.\n\n[CRITICAL-ISSUES-FOUND: NO]")),
        route(
            "dev-story",
            step("::task setup start reading\nI read the story.", bash(f"head -5 {ARTIFACTS}/{STORY}.md")),
            step(
                "::task setup end\n::task implement start",
                write("perch/friendly.py", MODULE),
                write("tests/test_friendly.py", TESTS),
            ),
            step("::task implement end\n::task tests start", bash("python3 -m unittest 2>&1 | tail -3")),
            step("::task tests end green\n\n[DEV-STORY-COMPLETE: YES]"),
        ),
        route(
            "code-review",
            step("::task analyze start", bash("git status --short")),
            step("FINDINGS:\n- none\n\nIssues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW\nHIGHEST SEVERITY: ZERO ISSUES"),
        ),
        route("commit", step("::task commit start", bash(COMMIT)), step("Committed.\n\n{{prompt}}")),
    ],
    "default": {"text": "This prompt is in no route."},
}
