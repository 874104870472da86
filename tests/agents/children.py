"""Small programs in the place of agents, and helpers to observe them."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from agents import AgentProcess, AgentSpec, Call, Graces, Outcome, Record, start
from tests.processes import marked

QUICK = Graces(step_s=0.4, linger_s=0.3, eof_s=0.3, sweep_s=0.3, archive_s=0)  # what takes seconds in life
PATIENT = Graces(step_s=60, linger_s=60, eof_s=0.3, sweep_s=0.3, archive_s=0)  # where the agent must get to its own end
PATIENCE_S = 60  # for what comes at once on any machine that is not stuck
_numbers = itertools.count()

PRELUDE = """
import json, os, signal, subprocess, sys, time
def say(**line):
    print(json.dumps({"session_id": "s-1", **line}), flush=True)
def init():
    say(type="system", subtype="init", model="claude-sonnet-4-5")
def text(words, id="m-1", output=10):
    usage = {"input_tokens": 100, "output_tokens": output, "cache_read_input_tokens": 1000}
    content = [{"type": "text", "text": words}]
    say(type="assistant", message={"id": id, "model": "claude-sonnet-4-5", "content": content, "usage": usage})
def result(ok=True, **more):
    since = {"claude-sonnet-4-5": {"inputTokens": 100, "outputTokens": 50, "costUSD": 0.5}}
    line = {"subtype": "success", "is_error": not ok, "num_turns": 1, "model_usage_since_last_result": since}
    say(type="result", **{**line, **more})
"""


@dataclass(slots=True)
class AgentBench:
    """Starts scripts as agents in a folder, and collects what they say."""

    folder: Path
    records: list[Record] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    mark: str = field(default_factory=lambda: f"test-{os.getpid()}-{next(_numbers)}:1")

    def spec(self, script: str, kind: str = "claude") -> AgentSpec:
        path = self.folder / f"agent{next(_numbers)}.py"
        path.write_text(PRELUDE + textwrap.dedent(script))
        return AgentSpec("fake", kind, (sys.executable, "-S", str(path)))

    def call(self, prompt: str = "do it") -> Call:
        return Call(prompt, self.folder, self.mark, self.folder / "streams" / "1.ndjson")

    async def start(
        self, script: str, kind: str = "claude", prompt: str = "do it", graces: Graces = QUICK
    ) -> AgentProcess:
        return await start(self.spec(script, kind), self.call(prompt), self.receive, graces)

    async def run(self, script: str, kind: str = "claude", prompt: str = "do it") -> Outcome:
        process = await self.start(script, kind, prompt)
        return await ended(process)

    def receive(self, record: Record) -> None:
        self.records.append(record)
        self.arrived.set()

    async def until(self, kind: type[Record]) -> None:
        """Until a record of this kind has come."""
        async with asyncio.timeout(PATIENCE_S):
            while not any(isinstance(record, kind) for record in self.records):
                self.arrived.clear()
                await self.arrived.wait()

    def living(self) -> list[int]:
        return marked(self.mark)


async def ended(process: AgentProcess) -> Outcome:
    return await asyncio.wait_for(process.wait(), PATIENCE_S)


def hasten(process: AgentProcess, *, timeout_s: float | None = None, silence_s: float | None = None) -> None:
    """Other limits from now on: what the agent has said by now was not too late, however slow the machine is."""
    limits = process._limits
    limits.timeout_s = limits.timeout_s if timeout_s is None else timeout_s
    limits.silence_s = limits.silence_s if silence_s is None else silence_s
    process._changed.set()


async def gone(pid: int) -> None:
    """Until a process that need not be our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        await asyncio.wait_for(over.wait(), PATIENCE_S)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def line(**fields: object) -> bytes:
    """A line of a Claude-like stream."""
    return json.dumps({"session_id": "s-1", **fields}).encode()
