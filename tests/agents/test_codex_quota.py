"""Codex' usage windows, from its app server: what the real one answered, and what one answers that is damaged."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents import AgentSpec, OutcomeKind, quota, start
from agents.codex_quota import APP_SERVER, windows
from agents.records import LimitSeen
from running.preflight import used_windows
from running.workspace import Workspace
from settings import Settings
from tests.agents.children import PATIENT, PRELUDE, AgentBench, ended
from tests.agents.streams import RECORDINGS

FOLDER = RECORDINGS / "app_server"
RESET, LATER = 1795966071.0, 1796048871.0
KNOWN = (LimitSeen(True, RESET, "5 h", 1.0), LimitSeen(False, LATER, "7 d", 0.4))
# Answers each request with the recorded lines up to that of the request.
SERVER = """
import json, sys, time
assert sys.argv[1:] == ["app-server"]
lines = open({recorded!r}).read().splitlines()
for request in map(json.loads, sys.stdin):
    while "id" in request and lines:
        line = lines.pop(0)
        print(line, flush=True)
        if json.loads(line).get("id") == request["id"]:
            break
"""


def server(folder: Path, script: str) -> list[str]:
    path = folder / "app_server.py"
    path.write_text(script)
    return [sys.executable, str(path)]


def recorded(name: str) -> str:
    return SERVER.format(recorded=str(FOLDER / f"codex-0.171.0-{name}.ndjson"))


async def ask(folder: Path, script: str, timeout_s: float = 10.0) -> tuple[LimitSeen, ...]:
    return await windows(server(folder, script), dict(os.environ), folder, timeout_s)


async def test_the_windows_of_a_login(tmp_path: Path) -> None:
    assert await ask(tmp_path, recorded("login")) == KNOWN


ODD = {
    "no login": recorded("nologin"),
    "it ends at once": "raise SystemExit(2)",
    "no answer": "import time; time.sleep(600)",
    "no JSON": "print('{' * 100000, flush=True); import time; time.sleep(600)",
    "not an object": "import sys\nfor _ in sys.stdin: print('[1]', flush=True)",
    "the wrong form": """import sys, json
for line in sys.stdin:
    print(json.dumps({"id": json.loads(line).get("id"), "result": {"rateLimits": [1]}}), flush=True)""",
    "other things for ever": "while True: print('[]')",
    "a line without end": "import sys\nwhile True: sys.stdout.write('x' * 65536)",
}


@pytest.mark.parametrize("script", ODD.values(), ids=ODD.keys())
async def test_what_is_not_reported_is_not_known(tmp_path: Path, script: str) -> None:
    assert await ask(tmp_path, script, timeout_s=2.0) == ()


async def test_a_program_that_is_missing_knows_nothing(tmp_path: Path) -> None:
    assert await windows(["/no/such/codex"], {}, tmp_path) == ()
    assert await quota(AgentSpec("c", "codex", ("no-such-codex",))) == ()
    assert await quota(AgentSpec("c", "codex", ())) == ()


def with_help(folder: Path, command: str, name: str = "login") -> AgentSpec:
    script = f"import sys\nif sys.argv[1:] == ['--help']:\n    print('Commands:\\n  {command}  Run it'); sys.exit()\n"
    return AgentSpec("one", "codex", tuple(server(folder, script + recorded(name))))


async def test_only_a_program_that_lists_an_app_server_is_asked(tmp_path: Path) -> None:
    assert await quota(with_help(tmp_path, APP_SERVER)) == KNOWN
    assert await quota(with_help(tmp_path, "app-servant")) == ()
    assert await quota(AgentSpec("two", "claude", with_help(tmp_path, APP_SERVER).command)) == ()


async def test_a_used_up_window_is_said_before_a_batch(tmp_path: Path) -> None:
    nothing: Any = None
    specs = {"one": with_help(tmp_path, APP_SERVER), "two": AgentSpec("two", "text", ("cat",))}
    workspace = Workspace(nothing, Settings, specs, nothing, tmp_path, tmp_path, None, lambda: 0.0)
    (said,) = await used_windows(workspace, ["one", "two", "one"])
    assert said.startswith("one: 100% of its usage window of 5 h is used until ")


LIMITED = """
if sys.argv[1] == "exec":
    sys.stdin.read()
    print(json.dumps({{"type": "thread.started", "thread_id": "t"}}))
    print(json.dumps({{"type": "turn.failed", "error": {{"message": "You've hit your usage limit.{words}"}}}}))
    sys.exit(1)
"""


@pytest.mark.parametrize(
    ("words", "options", "resets_at"),
    [("", {APP_SERVER}, RESET), ("", set(), None), (" Try again in 2 hours.", {APP_SERVER}, "words")],
    ids=["asked", "no app server", "said in words"],
)
async def test_a_limit_without_a_time_is_asked_for_it(
    bench: AgentBench, words: str, options: set[str], resets_at: Any
) -> None:
    spec = replace(with_help(bench.folder, APP_SERVER), command=())
    script = PRELUDE + LIMITED.format(words=words) + recorded("login")
    spec = replace(spec, command=tuple(server(bench.folder, script)))
    call = replace(bench.call(), options=frozenset(options))
    outcome = await ended(await start(spec, call, bench.receive, PATIENT))
    assert outcome.kind is OutcomeKind.USAGE_LIMIT
    if resets_at == "words":
        assert outcome.resets_at not in (None, RESET)
    else:
        assert outcome.resets_at == resets_at
