"""The verbs that speak with a running server, as processes against a real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.remote_text import needs_of, needs_text, status_text
from tests.running.projects import make_project
from tests.servers import ROOT, Server

LONG_S = 120
Call = Callable[..., tuple[int, str, str]]
KEY = "1-1-a"
TOKEN = "a-token-of-this-test"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server with a token, whose agent asks a question first; not started yet."""
    project = make_project(tmp_path / "tiny", {KEY: "ready-for-dev", "1-2-b": "blocked"})
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"dev-story": ["question:Which colour?", "ok", "question:Which size?"]}))
    command = [sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max", "--script", str(script)]
    (project / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: {json.dumps(command)}}}}}\nverify: 'true'\n"
    )
    return Server([str(project), "--port", "0"], tmp_path, {"SPRINT_RUNNER_TOKEN": TOKEN})


@pytest.fixture
def call(server: Server, tmp_path: Path) -> Iterator[Call]:
    """Run a verb in the project's folder: exit code, standard output, standard error."""

    def run(*arguments: str, text: str | None = None, folder: Path | None = None) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, str(ROOT / "server.py"), *arguments],
            cwd=folder or tmp_path / "tiny",
            env={**os.environ, "SPRINT_RUNNER_TOKEN": TOKEN},
            input=text,
            capture_output=True,
            text=True,
            timeout=LONG_S,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    yield run
    if server.process is not None:
        assert server.end() == 0


def until(call: Call, wanted: Callable[[Any], bool]) -> Any:
    """The state once it is as wanted."""
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline:
        run = json.loads(call("status", "--json")[1])
        if wanted(run):
            return run
    raise AssertionError(run)


def test_a_batch_from_start_to_end(server: Server, call: Call) -> None:
    server.start()
    code, out, _ = call("status")
    assert (code, out) == (0, "Tiny: idle\n  needs you: 1 (`sprint-runner needs` lists them)\n")
    assert call("hint", KEY, "-", text="Sort by date.\nNot by name.\n")[:2] == (
        0,
        f"The next command of {KEY} gets the hint.\n",
    )
    assert call("start", "--story", KEY) == (0, "Batch 1 has started.\n", "")
    until(call, lambda run: run["reason"] == "question")
    code, out, _ = call("needs")
    question, blocked = out.split("\nblocked: ")
    assert question.startswith("question: ")
    assert "Which colour?" in question
    assert "sprint-runner answer 1 TEXT" in question
    assert blocked.startswith("1-2-b is blocked\n")
    assert "Tiny: paused, question\n  batch 1: 0 done, 0 blocked, $" in call("status")[1]
    assert call("answer", "1", "blue,", "please")[:2] == (0, "Answered; the agent continues.\n")
    assert call("answer", "1", "red")[0::2] == (1, "refused: the question was answered already\n")
    run = until(call, lambda run: run["state"] == "idle")
    assert call("hint", "1-2-b", "Smaller.", "--retry")[:2] == (0, "1-2-b is ready-for-dev again, with the hint.\n")
    assert run["totals"]["stories_done"] == 1
    code, out, err = call("pause")
    assert (code, out) == (1, "")
    assert err.startswith("refused: ")
    assert json.loads(call("needs", "--json")[1]) == []


def test_a_batch_is_resumed_and_stopped(server: Server, call: Call) -> None:
    server.start()
    call("start", "--story", KEY)
    until(call, lambda run: run["reason"] == "question")
    assert call("resume")[:2] == (0, "The batch continues.\n")
    until(call, lambda run: run["state"] == "idle")
    call("hint", "1-2-b", "Smaller.", "--retry")
    call("start", "--story", "1-2-b")
    until(call, lambda run: run["reason"] == "question")
    assert call("stop", "--now")[:2] == (0, "The running command is ended, then the batch.\n")
    until(call, lambda run: run["state"] == "idle")


def test_without_a_server_there_is_one_sentence(server: Server, call: Call, tmp_path: Path) -> None:
    code, out, err = call("status")
    assert (code, out) == (2, "")
    assert f"no server runs for {tmp_path / 'tiny'}: start one with `sprint-runner` there" in err
    server.start()
    assert server.end() == 0  # its lock file stays, with the address in it
    assert call("pause")[0] == 2
    lock = tmp_path / "tiny" / ".sprint-runner" / "lock"
    lock.write_text('{"pid": 1, "url": "http://192.0.2.1:1/"}')  # a file of a stranger
    assert "no server runs for" in call("status")[2]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("answer", "x", "blue"), 2, "'x' is no id: `sprint-runner needs` lists the ids"),
        (("answer", "7", "blue"), 1, "command 7 has asked nothing"),
        (("answer", "gate-7", "go"), 1, "there is no gate 7"),
        (("answer", "gate-7", "perhaps"), 1, "decision: must be one of go, back, skip, stop"),
        (("hint", "9-9-z", "x"), 1, "the plan has no story '9-9-z'"),
        (("hint", KEY), 2, "the following arguments are required: text"),
        (("start", "--batch", "0"), 2, "must be a whole number from 1"),
        (("status", "--project", "/nowhere"), 2, "/nowhere"),
    ],
)
def test_what_is_refused(server: Server, call: Call, arguments: tuple[str, ...], code: int, message: str) -> None:
    server.start()
    found, out, err = call(*arguments)
    assert (found, out) == (code, "")
    assert message in err


def test_a_blocked_story_is_listed_once() -> None:
    call = {"kind": "blocked", "message": "1-1-a is blocked: x", "story_key": KEY, "command_id": None}
    old = {**call, "message": "1-4-d is blocked: x", "story_key": "1-4-d"}  # set back meanwhile
    stories = [{"key": key, "status": "blocked"} for key in (KEY, "1-2-b")]
    needs = needs_of({"attention": [call, old]}, {"stories": [*stories, {"key": "1-4-d", "status": "done"}]})
    assert [need["message"] for need in needs] == ["1-1-a is blocked: x", "1-2-b is blocked"]
    assert needs_text(needs[1:]) == "blocked: 1-2-b is blocked\n    sprint-runner hint 1-2-b TEXT --retry"


def test_a_gate_is_listed_with_its_decisions() -> None:
    gate = {"kind": "gate", "message": "Approve the plan", "story_key": "1-1", "command_id": None, "gate_id": 3}
    run = {"attention": [{**gate, "decisions": ["go", "back"]}]}
    needs = needs_of(run, {"stories": []})
    assert needs_text(needs) == "gate: Approve the plan\n    sprint-runner answer gate-3 go|back"
    assert needs_text([]) == "Nothing needs you."


def test_usage_windows_are_lines_of_the_status() -> None:
    run: dict[str, Any] = {"project": {"name": "Tiny"}, "state": "idle", "resumable": None, "reason": None}
    run |= {"until": None, "operations": [], "cycles": [], "batch": None, "totals": {}, "problem": None}
    known = {"account": "abc", "window": "5 h", "used_fraction": 0.754, "resets_at": None, "reserve": 0.2}
    windows = [{**known, "agents": ["claude", "opus"]}, {**known, "agents": [], "window": "week", "reserve": 0.0}]
    assert status_text(run, [], [], windows).splitlines() == [
        "Tiny: idle",
        "  usage of claude, opus, 5 h: 75%, 20% reserved",
        "  usage of abc, week: 75%",
    ]
