"""Tests of the signals of the scripted agent: it ends as recorded from the real program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.demo.bench import STORIES, TIMEOUT_S, DemoBench, finish
from tests.demo.test_stream import check

Line = dict[str, Any]
SLEEP = f"{sys.executable} -S -c 'import time; print(7, flush=True); time.sleep(600)'"


def until(process: subprocess.Popen[bytes], wanted: Callable[[Line], bool]) -> list[Line]:
    """Reads lines until one is as wanted; the rest stays to be read."""
    assert process.stdout is not None
    lines: list[Line] = []
    for text in iter(process.stdout.readline, b""):
        lines.append(json.loads(text))
        if wanted(lines[-1]):
            return lines
    raise AssertionError(f"the agent ended first: {lines[-1:]}")


def is_init(line: Line) -> bool:
    return bool(line.get("subtype") == "init")


def first_block(line: Line) -> dict[str, Any]:
    """The block of a line of the agent; empty for other lines."""
    return dict(line["message"]["content"][0]) if line["type"] == "assistant" else {}


def is_call_of_check(line: Line) -> bool:
    return bool(first_block(line).get("input", {}).get("command") == SLEEP)


def is_text(line: Line) -> bool:
    return first_block(line).get("type") == "text"


def end(process: subprocess.Popen[bytes], number: int) -> tuple[int, list[Line]]:
    process.send_signal(number)
    run = finish(process)
    assert run.stderr == ""
    return run.code, run.lines


def in_bash(bench: DemoBench) -> subprocess.Popen[bytes]:
    """An agent whose check runs until it is ended."""
    bench.verify = SLEEP
    process = bench.start(bench.prompt("dev-story", STORIES[0]))
    until(process, is_call_of_check)
    return process


def stuck(bench: DemoBench) -> subprocess.Popen[bytes]:
    """An agent that stops in the middle of its first reply, once; called again it continues."""
    bench.script = bench.home.with_name("script.json")
    bench.script.write_text(json.dumps({"story-discovery": ["stuck", "ok"]}))
    return bench.start(bench.prompt("story-discovery", STORIES[0]))


def waiting_in(bench: DemoBench, command: str) -> int:
    """The process that a command of the agent runs in, as soon as it has said something."""
    marked = [each for each in Path("/proc").iterdir() if each.name.isdigit() and _has(each, command, bench.root)]
    return int(marked[0].name) if marked else 0


def _has(process: Path, command: str, root: Path) -> bool:
    try:
        cwd = os.readlink(process / "cwd")
        return cwd == str(root) and command.encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_interrupted_before_the_first_reply_there_is_no_result(bench: DemoBench) -> None:
    process = bench.start(bench.prompt("story-discovery", STORIES[0]), speed="0.001")
    until(process, is_init)
    code, lines = end(process, signal.SIGINT)
    assert code == 0
    assert [line["type"] for line in lines] == ["user"]
    assert lines[0]["message"]["content"][0]["text"] == "[Request interrupted by user]"


def test_interrupted_in_a_reply_the_result_is_an_error_and_the_exit_code_0(bench: DemoBench) -> None:
    process = stuck(bench)
    until(process, is_text)
    code, lines = end(process, signal.SIGINT)
    assert code == 0
    result = lines[-1]
    assert (result["subtype"], result["is_error"]) == ("error_during_execution", True)
    assert result["terminal_reason"] == "aborted_streaming"
    assert result["modelUsage"]
    check(lines)


def test_interrupted_in_a_command_its_processes_are_gone(bench: DemoBench) -> None:
    process = in_bash(bench)
    code, lines = end(process, signal.SIGINT)
    assert code == 0
    assert lines[0]["tool_use_result"] == "User rejected tool use"
    assert lines[-1]["terminal_reason"] == "aborted_tools"
    assert lines[-1]["usage"]["output_tokens"] > 0
    check(lines)
    assert not waiting_in(bench, "time.sleep(600)")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_terminated_in_a_command_there_is_its_answer_and_no_result(bench: DemoBench, number: int, code: int) -> None:
    process = in_bash(bench)
    ended, lines = end(process, number)
    assert ended == code
    assert [line["type"] for line in lines] == ["user"]
    assert lines[0]["message"]["content"][0]["content"].startswith("Exit code 137")
    assert not waiting_in(bench, "time.sleep(600)")


def test_terminated_in_a_reply_nothing_more_is_printed(bench: DemoBench) -> None:
    process = stuck(bench)
    until(process, is_text)
    assert end(process, signal.SIGTERM) == (143, [])


def test_an_interrupted_session_is_finished_by_a_resumed_one(bench: DemoBench) -> None:
    process = stuck(bench)
    session = until(process, is_text)[0]["session_id"]
    _, lines = end(process, signal.SIGINT)
    run = bench.call("Continue.", "--resume", session)
    assert "[STORY-DISCOVERY-COMPLETE: YES]" in run.text
    assert run.result["total_cost_usd"] > lines[-1]["total_cost_usd"] > 0


def test_a_stubborn_agent_needs_kill_and_leaves_a_child(bench: DemoBench, tmp_path: Path) -> None:
    bench.script = tmp_path / "script.json"
    bench.script.write_text(json.dumps({"dev-story": "stubborn"}))
    process = bench.start(bench.prompt("dev-story", STORIES[0]))
    said = until(process, is_text)[-1]["message"]["content"][0]["text"]
    child = int(said.rstrip(".").split()[-1])
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        assert os.getsid(child) == child, "the child is in a session of its own"
        process.kill()
        assert process.wait(TIMEOUT_S) == -signal.SIGKILL
        assert os.getpgid(child) == child, "and outlives the agent"
    finally:
        os.kill(child, signal.SIGKILL)
        process.kill()
        process.communicate()
