"""Agents that live in this very process, for runs too many to start a program for each call.

They read the prompt that a real one would get, do a little work in the project, and end in every way that the
supervisor can report; some claim what is not true. What they print is read by the real adapter. What a real process
does to its supervisor is tested elsewhere, with real processes.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from agents import AgentSpec, Call, Outcome, OutcomeKind, Preflight, Question, Record, Text, Usage
from tests.model.mischief import ELSEWHERE, git
from tests.model.recording import Ending, read, record

ENDS: Final = (
    *((OutcomeKind.SUCCESS, 78), (OutcomeKind.FAILED, 4), (OutcomeKind.TRUNCATED, 2), (OutcomeKind.STALLED, 2)),
    *((OutcomeKind.TIMEOUT, 2), (OutcomeKind.LIMIT, 1), (OutcomeKind.TRANSIENT, 4), (OutcomeKind.USAGE_LIMIT, 4)),
    *((OutcomeKind.AUTH, 1), (OutcomeKind.COULD_NOT_START, 1)),
)
ASKS: Final = 0.01  # of the calls ask the operator something
MUMBLES: Final = 0.04  # of the successful ones say nothing that can be read
LIES: Final = 0.05  # of the calls claim a cost that cannot be
QUOTES: Final = 0.03  # only quote the verdict, and have done nothing
FORGETS: Final = 0.3  # of the resumed calls do not know their session any more
FALSE_HASHES: Final = 0.3  # of the commits by an agent
SUPERVISED: Final = frozenset({OutcomeKind.TIMEOUT, OutcomeKind.STALLED, OutcomeKind.TRUNCATED, OutcomeKind.TRANSIENT})
QUOTATIONS: Final = (
    "When all is done I reply with:\n\n> {}",
    "```\n> {}\n```",
    "> {}\n\nThat is what I am going to say.",
    "{}\n\nBut first I have to think about it.",
)
SLOW_S: Final = 0.004  # a call takes up to this long, so that verbs and kills meet it


class Fakes:
    """The replacements of `agents.start`, `agents.preflight` and `agents.sweep`."""

    def __init__(self, seed: int, account: Path) -> None:
        self._random = random.Random(seed)
        self._account = account

    async def start(
        self, spec: AgentSpec, call: Call, on_record: Callable[[Record], None], on_exit: Callable[[], None]
    ) -> Process:
        return Process(self._random, spec, call, on_record, on_exit, self._account)

    async def preflight(self, spec: AgentSpec) -> Preflight:
        return Preflight("1.0", None)

    async def sweep(self, mark_prefix: str, grace_s: float = 0.0) -> list[int]:
        return []


class Process:
    """One call."""

    pid = None
    start_time = None
    quiet_since: float | None = None

    def __init__(
        self,
        dice: random.Random,
        spec: AgentSpec,
        call: Call,
        on_record: Callable[[Record], None],
        on_exit: Callable[[], None],
        account: Path,
    ) -> None:
        self._random = dice
        self._spec = spec
        self._call = call
        self._on_record = on_record
        self._on_exit = on_exit
        self._account = account
        self._stopped = asyncio.Event()
        self._known: Outcome | None = None
        self.usage = Usage()
        self.cost_usd: float | None = None
        self.estimated_usd = 0.0

    def stop(self) -> None:
        self._stopped.set()

    async def outcome(self) -> Outcome:
        return await self.wait()

    async def wait(self) -> Outcome:
        if self._known is None:
            self._known = await self._until_end()
            self.quiet_since = time.monotonic()
            self._on_exit()
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
            return self._stopped_outcome()
        kinds, weights = zip(*ENDS, strict=True)
        return self._end(self._random.choices(kinds, weights)[0])

    def _end(self, kind: OutcomeKind) -> Outcome:
        """Print what ends the call, and return what the adapter reads of it; deadlines are the supervisor's word."""
        ending = self._ending(kind)
        record(self._call, ending, self._account)
        outcome = read(self._spec, self._call)
        self.usage, self.cost_usd, self.estimated_usd = outcome.usage, outcome.cost_usd, outcome.estimated_usd
        if kind in SUPERVISED:
            return replace(outcome, kind=kind, reason=f"it ended as {kind}")
        if outcome.text:
            self._on_record(Text(outcome.text))
        return outcome

    def _ending(self, kind: OutcomeKind) -> Ending:
        lies = self._random.random() < LIES
        cost = self._random.choice((-5.0, 1e9)) if lies else round(self._random.random() / 10, 6)
        session = self._call.resume or f"s{self._random.randrange(10**9)}"
        ending = Ending("", cost, self._random.randrange(1000), session)
        match kind:
            case OutcomeKind.SUCCESS if self._call.resume and self._random.random() < FORGETS:
                return replace(ending, text=f"No conversation found with session ID: {session}", failed=True, cost=0.0)
            case OutcomeKind.SUCCESS:
                return replace(ending, text=self._reply())
            case OutcomeKind.USAGE_LIMIT:
                return replace(ending, text="limit reached", failed=True, limited=True, resets_at=self._reset())
            case OutcomeKind.COULD_NOT_START:
                return replace(ending, text="There is no such model", failed=True, error="model_not_found")
            case OutcomeKind.AUTH:
                return replace(ending, text="The key was refused", failed=True, error="authentication_failed")
        return replace(ending, text=f"it ended as {kind}", failed=True)

    def _reset(self) -> float | None:
        """The time of a reset as it is: soon, unknown, past, in milliseconds, or never."""
        now = time.time()
        return self._random.choice((now + 0.01, now + 0.01, None, now - 3600, (now + 0.01) * 1000, 9e17))

    def _reply(self) -> str:
        chance = self._random.random()
        if chance < MUMBLES:
            return "I have done what I could."
        if chance < MUMBLES + QUOTES:
            return self._random.choice(QUOTATIONS).format(self._claim())
        return self._work()

    def _claim(self) -> str:
        """The best verdict of this command, for which nothing is done."""
        command = self._field("command").rstrip("0123456789-")
        claims = {
            "create-story": "[TECH-SPEC-DECISION: SKIP]",
            "dev-story": "[DEV-STORY-COMPLETE: YES]",
            "code-review": "Issues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW\nHIGHEST SEVERITY: ZERO ISSUES",
        }
        return claims.get(command, "[NO-CHANGES-TO-COMMIT]").replace("\n", "\n> ")

    def _stopped_outcome(self) -> Outcome:
        return Outcome(
            kind=OutcomeKind.STOPPED,
            reason="it ended as stopped",
            exit_code=0,
            text="",
            usage=self.usage,
            cost_usd=self.cost_usd,
            estimated_usd=0.0,
            session_id=self._call.resume or f"s{self._random.randrange(10**9)}",
            model="sonnet",
            turns=1,
            duration_ms=1,
            resets_at=None,
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
            case "create-project-context" | "refresh-project-context":
                _write(self._call.cwd / self._field("context file"), "# Context\n")
                return "Written."
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
            case "commit":
                return self._commit(keys, artifacts)
            case _:
                return "[NO-CHANGES-TO-COMMIT]"

    def _develop(self, key: str) -> str:
        if self._random.random() < 0.05:
            return "[DEV-STORY-COMPLETE: NO]\n[DEV-STORY-BLOCKED: YES] The criteria contradict each other."
        _write(self._call.cwd / f"{key}.py", f"x = {self._random.random()}\n")
        return "[DEV-STORY-COMPLETE: YES]"

    def _commit(self, keys: list[str], artifacts: Path) -> str:
        """Commit the work, or claim a commit that is another one: the last, none, or one that no branch has."""
        root, head = self._call.cwd, git(self._call.cwd, "rev-parse", "HEAD")
        if git(root, "symbolic-ref", "--short", "HEAD") in ("", ELSEWHERE):
            return "[COMMIT-FAILED: this is not the branch of the run]"
        if self._random.random() < FALSE_HASHES:
            dangling = git(root, "commit-tree", "-p", "HEAD", "-m", "elsewhere", "HEAD^{tree}")
            return f"[COMMIT-SUCCESS: {self._pick(head, dangling, 'abcdef0123', 'done')}]"
        files = [f"{key}.py" for key in keys if (root / f"{key}.py").exists()]
        git(root, "add", "--", *files, str(artifacts))
        git(root, "commit", "-q", "-m", self._field("commit message"))
        now = git(root, "rev-parse", "HEAD")
        return "[NO-CHANGES-TO-COMMIT]" if now == head else f"[COMMIT-SUCCESS: {now}]"

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
