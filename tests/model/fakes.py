"""Agents that live in this very process, for runs too many to start a program for each call.

They read the prompt that a real one would get, do a little work in the project, and end in every way that the
supervisor can report. What a real process does to its supervisor is tested elsewhere, with real processes.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agents import AgentSpec, Call, Outcome, OutcomeKind, Preflight, Question, Record, Text, Usage

ENDS: Final = (
    *((OutcomeKind.SUCCESS, 78), (OutcomeKind.FAILED, 4), (OutcomeKind.TRUNCATED, 2), (OutcomeKind.STALLED, 2)),
    *((OutcomeKind.TIMEOUT, 2), (OutcomeKind.LIMIT, 1), (OutcomeKind.TRANSIENT, 4), (OutcomeKind.USAGE_LIMIT, 4)),
    *((OutcomeKind.AUTH, 1), (OutcomeKind.COULD_NOT_START, 1)),
)
ASKS: Final = 0.01  # of the calls ask the operator something
MUMBLES: Final = 0.04  # of the successful ones say nothing that can be read
SLOW_S: Final = 0.004  # a call takes up to this long, so that verbs and kills meet it


class Fakes:
    """What stands in the place of `agents.start`, `agents.preflight` and `agents.sweep`."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.calls = 0

    async def start(self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None]) -> Process:
        self.calls += 1
        return Process(self._random, call, on_record)

    async def preflight(self, spec: AgentSpec) -> Preflight:
        return Preflight("1.0", None)

    async def sweep(self, mark_prefix: str, grace_s: float = 0.0) -> list[int]:
        return []


class Process:
    """One call."""

    pid = None
    start_time = None

    def __init__(self, dice: random.Random, call: Call, on_record: Callable[[Record], None]) -> None:
        self._random = dice
        self._call = call
        self._on_record = on_record
        self._stopped = asyncio.Event()
        self._known: Outcome | None = None
        self.usage = Usage(dice.randrange(1000), dice.randrange(1000), dice.randrange(1000), 0)
        self.cost_usd: float | None = round(dice.random() / 10, 6)
        self.estimated_usd = 0.0

    def stop(self) -> None:
        self._stopped.set()

    async def outcome(self) -> Outcome:
        return await self.wait()

    async def wait(self) -> Outcome:
        if self._known is None:
            self._known = await self._until_end()
        return self._known

    async def _until_end(self) -> Outcome:
        asks = self._random.random() < ASKS
        if asks:
            self._on_record(Question("Which of the two?"))
        try:
            await asyncio.wait_for(self._stopped.wait(), self._random.random() * SLOW_S)
        except TimeoutError:
            pass
        else:
            return self._outcome(OutcomeKind.STOPPED, "")
        kinds, weights = zip(*ENDS, strict=True)
        kind = self._random.choices(kinds, weights)[0]
        if kind is not OutcomeKind.SUCCESS:
            return self._outcome(kind, "")
        text = "I have done what I could." if self._random.random() < MUMBLES else self._work()
        self._on_record(Text(text))
        return self._outcome(kind, text)

    def _outcome(self, kind: OutcomeKind, text: str) -> Outcome:
        return Outcome(
            kind=kind,
            reason="" if kind is OutcomeKind.SUCCESS else f"it ended as {kind}",
            exit_code=0,
            text=text,
            usage=self.usage,
            cost_usd=self.cost_usd,
            estimated_usd=0.0,
            session_id=f"s{self._random.randrange(10**9)}",
            model="sonnet",
            turns=1,
            duration_ms=1,
            resets_at=time.time() + 0.01 if kind is OutcomeKind.USAGE_LIMIT and self._random.random() < 0.7 else None,
            malformed_lines=0,
            last_activity="",
        )

    # -- work --------------------------------------------------------------------------------------------------

    def _work(self) -> str:
        """Do what the prompt asks for; the reply with its marker."""
        command = self._field("command").rstrip("0123456789-")
        keys = [key.strip() for key in self._field("stories").split(",")]
        artifacts = self._call.cwd / self._field("artifacts folder")
        match command:
            case "create-story":
                for key in keys:
                    _write(artifacts / f"{key}.md", f"# Story {key}\n\nStatus: ready-for-dev\n\n## Story\n\nA test.\n")
                return "\n".join(f"[TECH-SPEC-DECISION: {self._pick('REQUIRED', 'SKIP')}]" for _ in keys)
            case "create-tech-spec":
                for key in keys:
                    _write(artifacts / f"tech-spec-{key}.md", "# Spec\n")
                return "[TECH-SPEC-COMPLETE: YES]"
            case "story-discovery":
                return "[STORY-DISCOVERY-COMPLETE: YES]"
            case "story-review" | "tech-spec-review":
                return f"[CRITICAL-ISSUES-FOUND: {self._pick('YES', 'NO', 'NO')}]"
            case "dev-story":
                return self._develop(keys[0])
            case "code-review":
                return self._review()
            case _:
                return "[NO-CHANGES-TO-COMMIT]"

    def _develop(self, key: str) -> str:
        if self._random.random() < 0.05:
            return "[DEV-STORY-COMPLETE: NO]\n[DEV-STORY-BLOCKED: YES] The criteria contradict each other."
        _write(self._call.cwd / f"{key}.py", f"x = {self._random.random()}\n")
        return "[DEV-STORY-COMPLETE: YES]"

    def _review(self) -> str:
        severity = self._pick("ZERO ISSUES", "ZERO ISSUES", "LOW", "HIGH", "CRITICAL")
        if severity == "ZERO ISSUES":
            return "Issues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW\nHIGHEST SEVERITY: ZERO ISSUES"
        counts = ", ".join(f"{int(name == severity)} {name}" for name in ("CRITICAL", "HIGH", "MEDIUM", "LOW"))
        finding = f"- [{severity}] a.py: finding {self._random.randrange(3)}"
        return f"FINDINGS:\n{finding}\n\nIssues: {counts}\nHIGHEST SEVERITY: {severity}"

    def _pick(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _field(self, name: str) -> str:
        found = re.search(rf"^- {name}: (.*)$", self._call.prompt, re.MULTILINE)
        if found is not None:
            return found[1]
        first = re.search(r"^# (.*)$", self._call.prompt, re.MULTILINE)
        return first[1] if first is not None and name == "command" else ""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
