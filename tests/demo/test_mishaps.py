"""Every mishap of the scripted agent through the real supervisor: the outcome, and that nothing is left alive."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agents import (
    AgentProcess,
    AgentSpec,
    Call,
    Denied,
    Graces,
    Noise,
    Outcome,
    OutcomeKind,
    Question,
    Record,
    Retry,
    Started,
    Text,
    start,
)
from demo import chaos
from demo.prompt import parse as parse_prompt
from demo.script import BEHAVIOURS, SEVERITIES, WORK
from tests.agents.children import PATIENCE_S, QUICK, ended, hasten
from tests.demo.bench import AGENT, STORIES, DemoBench
from tests.processes import marked

COMMAND, STORY = "story-discovery", STORIES[2]  # a command that runs no tests of the project
_numbers = itertools.count()


@dataclass
class Simulator:
    """The scripted agent as the runner starts it, with a script."""

    bench: DemoBench
    folder: Path
    records: list[Record] = field(default_factory=list)
    mark: str = field(default_factory=lambda: f"mishap-{os.getpid()}-{next(_numbers)}:1")

    kind: str = "claude"
    program: tuple[str, ...] = (str(AGENT),)
    graces: Graces = QUICK

    async def start(self, words: str | list[str], speed: str = "max", **call_with: Any) -> AgentProcess:
        script = self.folder / "script.json"
        script.write_text(json.dumps({COMMAND: words}))
        command = (sys.executable, *self.program, "--speed", speed, "--script", str(script))
        env = {"DEMO_AGENT_HOME": str(self.folder / "sessions")}
        prompt = self.bench.prompt(COMMAND, STORY)
        call = Call(prompt, self.bench.root, self.mark, self.folder / "streams" / "1.ndjson", **call_with)
        return await start(AgentSpec("demo", self.kind, command, env=env), call, self.records.append, self.graces)

    async def run(self, words: str) -> Outcome:
        return await ended(await self.start(words))

    def has(self, kind: type[Record]) -> int:
        return sum(isinstance(record, kind) for record in self.records)

    async def until(self, met: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not met():
                await asyncio.sleep(0.01)


@pytest.fixture
def simulator(bench: DemoBench, tmp_path: Path) -> Simulator:
    return Simulator(bench, tmp_path)


ENDS = [
    ("ok", OutcomeKind.SUCCESS, ""),
    ("fail:the disk is full", OutcomeKind.FAILED, "The disk is full."),
    ("crash", OutcomeKind.TRUNCATED, "The agent ended with exit code 3 without a final record"),
    ("crash:7", OutcomeKind.TRUNCATED, "The agent ended with exit code 7 without"),
    ("crash:SIGSEGV", OutcomeKind.TRUNCATED, "The agent was killed by SIGSEGV without a final record."),
    ("limit", OutcomeKind.LIMIT, "Reached maximum number of turns (1)."),
    ("usage-limit:90", OutcomeKind.USAGE_LIMIT, "You've hit your 5-hour limit"),
    ("auth", OutcomeKind.AUTH, "Failed to authenticate."),
    ("auth-retry", OutcomeKind.AUTH, "The agent's key or login was refused (authentication_failed, HTTP 401)."),
    ("overloaded", OutcomeKind.TRANSIENT, "API Error: 529 Overloaded."),
    ("no-final", OutcomeKind.TRUNCATED, "The agent ended with exit code 0 without a final record."),
    ("cut-off", OutcomeKind.TRUNCATED, "The agent ended with exit code 0 without a final record."),
    ("lingers", OutcomeKind.SUCCESS, ""),
    ("children", OutcomeKind.SUCCESS, ""),
    ("slow:0.1", OutcomeKind.SUCCESS, ""),
]


@pytest.mark.parametrize(("words", "kind", "reason"), ENDS)
async def test_every_end_has_its_outcome(simulator: Simulator, words: str, kind: OutcomeKind, reason: str) -> None:
    outcome = await simulator.run(words)
    assert outcome.kind is kind, outcome.reason
    assert outcome.reason.startswith(reason)
    assert bool(outcome.reason) == (kind is not OutcomeKind.SUCCESS)
    assert (outcome.resets_at is not None) == (kind is OutcomeKind.USAGE_LIMIT)
    assert marked(simulator.mark) == []


async def test_a_refused_key_is_not_tried_ten_times(simulator: Simulator) -> None:
    await ended(await simulator.start("auth-retry", speed="1"))
    assert simulator.has(Retry) < 10


PRINTS = [
    ("garbage:20", 10),
    ("half-lines", 3),
    ("long-line:20", 0),
    ("long-line:65", 1),
    ("flood:20", 0),
    ("stderr:5", 0),
]


@pytest.mark.parametrize(("words", "noise"), PRINTS)
async def test_whatever_it_prints_the_work_is_read(simulator: Simulator, words: str, noise: int) -> None:
    outcome = await simulator.run(words)
    assert outcome.kind is OutcomeKind.SUCCESS, outcome.reason
    assert "[STORY-DISCOVERY-COMPLETE: YES]" in outcome.text
    assert noise <= outcome.malformed_lines <= 2 * noise
    assert simulator.has(Noise) == outcome.malformed_lines


STAYS = [
    ("hang", None, "It never said anything."),
    ("silent", Started, "It never said anything."),
    ("stuck", Text, "Last activity: "),
    ("ignores-signals+silent", Started, "It never said anything."),
    ("stubborn", Text, "Last activity: I will not stop"),
    ("question:Which one?+silent", Question, "It was waiting for an answer or a permission: Which one?"),
]


@pytest.mark.parametrize(("words", "sign", "reason"), STAYS)
async def test_a_program_that_stays_is_ended(
    simulator: Simulator, words: str, sign: type[Record] | None, reason: str
) -> None:
    process = await simulator.start(words)
    await simulator.until(lambda: sign is None or simulator.has(sign))
    hasten(process, silence_s=0.3)
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.STALLED
    assert outcome.reason.startswith(f"No output for 0.3 s. {reason}")
    assert marked(simulator.mark) == []


async def test_what_it_continues_after_is_reported(simulator: Simulator) -> None:
    outcome = await simulator.run("rate-limited:2+denied")
    assert outcome.kind is OutcomeKind.SUCCESS
    assert (simulator.has(Retry), simulator.has(Denied)) == (2, 1)


async def test_a_question_is_asked_and_is_no_verdict(simulator: Simulator) -> None:
    outcome = await simulator.run("question:Which of the two?")
    assert [record.text for record in simulator.records if isinstance(record, Question)] == [
        "Which of the two? (Yes / No)"
    ]
    assert outcome.kind is OutcomeKind.SUCCESS
    assert outcome.text.endswith("Which of the two?")
    assert "COMPLETE" not in outcome.text


def test_no_mishap_is_left_out() -> None:
    tables = [*(row[0] for row in ENDS), *(row[0] for row in PRINTS), *(row[0] for row in STAYS)]
    shown = {word.split(":")[0] for words in tables for word in words.split("+")}
    assert shown | {"rate-limited", "denied"} == BEHAVIOURS - set(SEVERITIES) - set(WORK) | {"ok", "slow"}


# -- chance ------------------------------------------------------------------------------------------------------------


def calls(bench: DemoBench, folder: Path, seed: str, count: int) -> list[str]:
    """What a seed does to so many calls of one command."""
    folder.mkdir()
    prompt = parse_prompt(bench.prompt(COMMAND, STORY))
    chosen = chaos.parse(seed)
    return ["+".join(chosen.turn(prompt, chosen.counts(folder)).words) for _ in range(count)]


def test_the_same_seed_meets_the_same_mishaps(bench: DemoBench, tmp_path: Path) -> None:
    first, again = calls(bench, tmp_path / "first", "7", 40), calls(bench, tmp_path / "again", "7", 40)
    other = calls(bench, tmp_path / "other", "8", 40)
    assert first == again != other
    assert 2 < sum(map(bool, first)) < 25, "about a quarter of the calls"


def test_how_often_can_be_said(bench: DemoBench, tmp_path: Path) -> None:
    assert not any(calls(bench, tmp_path / "never", "7:0", 20))
    assert all(calls(bench, tmp_path / "always", "7:1", 20))


def test_every_mishap_of_chance_is_one() -> None:
    assert {word.split(":")[0] for words in chaos.MISHAPS for word in words.split("+")} <= BEHAVIOURS
    assert not {"auth", "auth-retry"} & set(chaos.MISHAPS)


def test_chance_is_a_flag_and_a_variable(bench: DemoBench) -> None:
    refused = bench.call(bench.prompt(COMMAND, STORY), "--chaos", "7:2")
    assert (refused.code, refused.stderr) == (1, "chaos: '7:2' is no SEED[:PROBABILITY]\n")
    bench.env = {"DEMO_AGENT_CHAOS": ":1"}
    assert "chaos: ':1'" in bench.run(COMMAND, STORY).stderr
    bench.env = {"DEMO_AGENT_CHAOS": "7:0"}
    assert bench.run(COMMAND, STORY).code == 0
    assert list(bench.home.glob("chaos-*.state"))
