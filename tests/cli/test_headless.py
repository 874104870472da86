"""`server.py run` as a process: what it prints, what it leaves, and how it ends."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.headless import Exit, Headless, HeadlessOptions, LineWriter, event_line
from events import Event, EventType
from orchestrator import StartRequest
from tests.servers import ROOT

STORY = "1-2-correct-a-sighting"
LONG_S = 120  # a loaded machine


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with started(folder, *arguments) as process:
        out, err = process.communicate(timeout=LONG_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            str(ROOT / "server.py"),
            "run",
            str(folder),
            "--demo",
            "--port",
            "0",
            *arguments,
        ],
        env={**os.environ, "SPRINT_RUNNER_DEMO_SPEED": "max"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def test_a_batch_as_lines_of_json(tmp_path: Path) -> None:
    ended = run(tmp_path / "demo", "--batch", "1", "--story", STORY, "--json", "--no-browser")
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == Exit.DONE, ended.stderr
    assert events[0]["type"] == "batch:start"
    assert events[-1]["type"] == "batch:end"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["payload"]["status"] == "completed"
    assert "Sprint Runner at http://127.0.0.1:" in ended.stderr  # and nothing but events on standard output
    again = run(tmp_path / "demo", "--batch", "1", "--story", STORY)
    assert again.returncode == Exit.DONE
    assert "nothing" in again.stderr or "no story can run" in again.stderr
    assert again.stdout == ""


def test_an_unknown_story_is_a_usage_error(tmp_path: Path) -> None:
    ended = run(tmp_path / "demo", "--story", "9-9-nowhere")
    assert ended.returncode == Exit.USAGE
    assert "9-9-nowhere" in ended.stderr


@pytest.mark.parametrize("size", ["0", "1001", "-1", "some", "1.5"])
def test_a_batch_size_out_of_range_is_refused(tmp_path: Path, size: str) -> None:
    ended = run(tmp_path / "demo", f"--batch={size}")
    assert ended.returncode == Exit.USAGE
    assert "from 1 to 1000, or all" in ended.stderr


def test_the_page_shows_the_same_run_and_a_signal_leaves_it_to_be_resumed(tmp_path: Path) -> None:
    with started(tmp_path / "demo", "--batch", "all") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stderr.readline()
        url = line.split(" at ")[1].split("/  (")[0]
        for line in process.stdout:
            if "dev-story" in line:
                break
        with urllib.request.urlopen(f"{url}/api/run", timeout=30) as answer:
            assert json.load(answer)["batch"]["max_cycles"] == "all"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LONG_S)
        assert process.returncode == Exit.STOPPED
    with started(tmp_path / "demo", "--resume", "--json") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["type"], first["batch_id"]) == ("batch:resume", 1)


# -- what decides the exit code ------------------------------------------------------------------------------------


def judged(events: Sequence[tuple[str, dict[str, Any]]], *, wait: bool = False) -> Exit | None:
    """The exit code after these events, None while the batch continues."""

    class Begun:
        async def start(self, _request: StartRequest) -> int:
            headless.on_events([Event(type=EventType(kind), payload=payload, timestamp=0) for kind, payload in events])
            return 1

    async def perform() -> Exit | None:
        try:
            async with asyncio.timeout(0.05):
                return await headless.run(Begun())  # type: ignore[arg-type]
        except TimeoutError:
            return None

    headless = Headless(HeadlessOptions(StartRequest(1), wait=wait), io.StringIO(), io.StringIO())
    try:
        return asyncio.run(perform())
    finally:
        headless.close()


def status(new: str) -> tuple[str, dict[str, Any]]:
    return "story:status", {"story_key": "1-1-a", "old_status": "review", "new_status": new}


def end(how: str) -> tuple[str, dict[str, Any]]:
    return "batch:end", {"batch_id": 1, "cycles_completed": 1, "status": how}


def delivery(state: str, **more: Any) -> tuple[str, dict[str, Any]]:
    said = {"story_key": "1-1-a", "delivery_id": 1, "branch": "b", "message": "why"}
    return "story:delivery", {**said, "state": state, **more}


def attention(kind: str) -> tuple[str, dict[str, Any]]:
    return "attention", {"kind": kind, "message": "why"}


def pause(reason: str) -> tuple[str, dict[str, Any]]:
    return "batch:pause", {"batch_id": 1, "reason": reason}


@pytest.mark.parametrize(
    ("events", "wait", "expected"),
    [
        ([status("done"), end("completed")], False, Exit.DONE),
        ([status("blocked"), end("completed")], False, Exit.BLOCKED),
        ([status("done"), end("stopped")], False, Exit.STOPPED),
        ([end("error")], False, Exit.FAILED),
        ([pause("budget")], False, Exit.NEEDS_YOU),
        ([pause("question")], False, Exit.NEEDS_YOU),
        ([pause("budget")], True, None),
        ([pause("breaker")], False, Exit.NEEDS_YOU),
        ([pause("retry")], False, None),
        ([pause("tracker")], False, Exit.TRACKER_LOST),
        ([attention("tracker"), end("error")], False, Exit.TRACKER_LOST),
        ([attention("commit"), status("done"), end("completed")], False, Exit.COMMIT_REFUSED),
        ([status("blocked"), status("done"), end("completed")], False, Exit.DONE),
        ([pause("tracker")], True, None),
        ([pause("usage-limit")], False, None),
        ([pause("operator")], False, None),
        ([status("done")], False, None),
        # Work that is to be delivered is pushed and asked for before the end; its checks are not awaited.
        ([delivery("planned"), end("completed")], False, None),
        ([delivery("planned"), end("completed"), delivery("requesting")], False, None),
        ([delivery("planned"), end("completed"), delivery("requesting"), delivery("open")], False, Exit.DONE),
        ([delivery("planned"), end("completed"), delivery("planned")], False, Exit.DONE),  # tried again later
        ([delivery("planned"), end("completed"), delivery("planned", problem=True)], False, Exit.DONE),
        ([delivery("planned"), end("stopped")], False, Exit.STOPPED),
    ],
)
def test_exit_codes(events: list[tuple[str, dict[str, Any]]], wait: bool, expected: Exit | None) -> None:
    assert judged(events, wait=wait) is expected


def test_a_line_for_people_is_one_line_without_control_characters() -> None:
    payload = {
        "story_key": "1-1-a",
        "command": "dev-story",
        "task_id": "tests",
        "message": "a\nb\x1b[2J",
        "kind": "tool",
    }
    line = event_line(Event(type=EventType.COMMAND_PROGRESS, payload=payload, timestamp=0))
    assert line[8:] == " 1-1-a dev-story tests tool a b [2J"


def test_a_reader_that_has_gone_stops_the_lines_and_nothing_else() -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    lines = LineWriter(Gone())
    for _ in range(3):
        lines.put("x")
    lines.close()


def test_a_run_whose_tracker_is_lost_ends_with_a_code_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with started(folder, "--batch", "1") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "dev-story" not in process.stdout.readline():
            pass
        (tracker,) = folder.rglob("sprint-status.yaml")
        tracker.unlink()
        out, err = process.communicate(timeout=LONG_S)
    assert process.returncode == Exit.TRACKER_LOST, out + err
    assert "the batch is paused (tracker): make it readable again, then use --resume" in err
    assert "batch 1, cycles completed" not in out
