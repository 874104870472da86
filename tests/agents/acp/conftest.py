"""Small programs that speak the Agent Client Protocol in a way of their own."""

from __future__ import annotations

import gzip
import json
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agents import AgentProcess, AgentSpec, Call, Graces, Outcome, start, sweep
from tests.agents.children import QUICK, AgentBench, ended

PRELUDE = """
import json, os, signal, subprocess, sys, time
def say(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
def hear():
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit(0)
def result(message, **fields):
    say(id=message["id"], result=fields)
def error(message, code, words, **data):
    say(id=message["id"], error={"code": code, "message": words, **data})
def update(what, /, **fields):
    say(method="session/update", params={"sessionId": "s-1", "update": {"sessionUpdate": what, **fields}})
def text(words, **fields):
    update("agent_message_chunk", content={"type": "text", "text": words}, **fields)
def ask(method, id="a-1", **params):
    say(id=id, method=method, params={"sessionId": "s-1", **params})
    return hear()
def greet(version=1, auth=(), **capabilities):
    methods = [{"id": id, "name": id, "description": f"Run {id}"} for id in auth]
    info = {"name": "small", "version": "0.1"}
    result(hear(), protocolVersion=version, agentCapabilities=capabilities, authMethods=methods, agentInfo=info)
def opened(**fields):
    result(hear(), sessionId="s-1", **fields)
def prompted(**fields):
    greet(**fields); opened()
    return hear()
"""


@dataclass(slots=True)
class AcpBench(AgentBench):
    """Starts scripts as agents of kind acp. `settings` are those of the agent, `given` those of the call."""

    settings: dict[str, Any] | None = None
    given: dict[str, Any] | None = None

    def spec(self, script: str, kind: str = "acp") -> AgentSpec:
        path = self.folder / "agent.py"
        path.write_text(PRELUDE + textwrap.dedent(script))
        return AgentSpec("small", "acp", (sys.executable, "-S", str(path)), **(self.settings or {}))

    def call(self, prompt: str = "do it") -> Call:
        (self.folder / "tree").mkdir(exist_ok=True)
        call = Call(prompt, self.folder / "tree", self.mark, self.folder / "streams" / "1.ndjson")
        return replace(call, **(self.given or {}))

    async def start(
        self, script: str, kind: str = "acp", prompt: str = "do it", graces: Graces = QUICK
    ) -> AgentProcess:
        return await start(self.spec(script), self.call(prompt), self.receive, graces)

    async def run(self, script: str, kind: str = "acp", prompt: str = "do it") -> Outcome:
        return await ended(await self.start(script))

    def heard(self) -> list[Any]:
        """What the script has written to its file `heard`, a JSON value a line."""
        return [json.loads(line) for line in (self.folder / "tree" / "heard").read_text().splitlines()]

    def recorded(self) -> bytes:
        """The whole recording of the call."""
        return gzip.decompress((self.folder / "streams" / "1.ndjson.gz").read_bytes())


@pytest.fixture
async def acp(tmp_path: Path) -> AsyncIterator[AcpBench]:
    """A bench for such programs; nothing of it may be alive afterwards."""
    made = AcpBench(tmp_path)
    yield made
    left = made.living()
    await sweep(made.mark, grace_s=0)
    assert left == []
