"""Nothing that the server has started outlives it, whatever ends it and whatever was started.

The server in miniature is killed by SIGKILL; everything under it is a real process that has written down its pid.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents import cgroup, guardian, process_table
from agents.guarding import Guarding, GuardMeans, guard_means
from tests.agents.children import PATIENCE_S, gone

ENDED_S = 3.0  # the promise
ROOT = Path(__file__).resolve().parents[2]
HAS_CGROUP = cgroup.is_allowed(cgroup.own_folder())

# Each writes its pid into the folder as the last thing before it sleeps; the names are those of the cases.
PRELUDE = """
import os, signal, subprocess, sys, time
def here(name):
    with open(name + ".new", "w") as file: file.write(str(os.getpid()))
    os.replace(name + ".new", name + ".pid")
def sleep():
    while True: time.sleep(60)
def deaf():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
def daemon(name, prepare=lambda: None, bare=False, ready=lambda: True):
    if os.fork(): return
    prepare()
    if os.fork(): os._exit(0)
    code = PRELUDE + f"\\nif {bare!r}: deaf()\\nhere({name!r}); sleep()"
    env = {} if bare else dict(os.environ, PRELUDE="")
    os.execve(sys.executable, [sys.executable, "-S", "-c", code], env)
"""
PRELUDE = f"PRELUDE = {PRELUDE!r}\nexec(PRELUDE)\n"

PROGRAMS = {
    "direct": 'here("a"); sleep()',
    "ignores signals": 'deaf(); here("a"); sleep()',
    "leaves its group": 'daemon("b", os.setsid); here("a"); sleep()',
    "keeps its group without environment": 'daemon("b", bare=True); here("a"); sleep()',
    # What leaves everything behind is found by its descent: its first parent is alive long enough to be seen.
    "leaves group and environment": """
if os.fork() == 0:
    os.setsid()
    os.execve(sys.executable, [sys.executable, "-S", "-c", PRELUDE + "\\ndeaf(); here('b'); sleep()"], {})
here("a"); sleep()
""",
    "a child that ignores SIGTERM": """
subprocess.Popen([sys.executable, "-S", "-c", PRELUDE + "\\ndeaf(); here('b'); sleep()"], start_new_session=True)
here("a"); sleep()
""",
}
# A wrapper as `npx` is one: a program that starts the program, and dies alone of a signal that is for both.
WRAPPERS = {
    "shell that waits": '#!/bin/sh\n"$@"\n',
    "shell that traps": "#!/bin/sh\ntrap '' TERM INT HUP\n\"$@\"\n",
    "launcher": "#!{python} -S\nimport subprocess, sys\nsys.exit(subprocess.Popen(sys.argv[1:]).wait())\n",
}


class MiniServer:
    """The server in miniature, what it has started, and the time that this survives it."""

    def __init__(self, folder: Path, kind: str, *command: str) -> None:
        self.folder = folder
        self.epoch = f"guarded-{os.getpid()}-{time.monotonic_ns()}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.agents.guarded", self.epoch, kind, *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.guardian = int(self.process.stdout.readline())

    async def pids(self, count: int) -> list[int]:
        """The pids that the started programs have written, once there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := list(self.folder.glob("*.pid"))) < count:
                await asyncio.sleep(0.02)
        return [int(path.read_text()) for path in found]

    async def killed(self, pids: list[int]) -> float:
        """Kill it; the seconds until the last of them is gone."""
        began = time.monotonic()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        for pid in pids:
            await gone(pid)
        took = time.monotonic() - began
        await gone(self.guardian)
        return took


def program(folder: Path, code: str) -> list[str]:
    path = folder / "program.py"
    path.write_text(PRELUDE + code)
    return [sys.executable, "-S", str(path)]


def wrapper(folder: Path, text: str) -> str:
    path = folder / "wrapper"
    path.write_text(text.replace("{python}", sys.executable))
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("means", ["--no-cgroup", pytest.param("", id="cgroup")][: 1 + HAS_CGROUP])
@pytest.mark.parametrize("name", PROGRAMS)
async def test_an_agent_ends_with_the_server(tmp_path: Path, name: str, means: str) -> None:
    code = PROGRAMS[name]
    server = MiniServer(tmp_path, "text", *([means] if means else []), *program(tmp_path, code))
    pids = await server.pids(2 if "'b'" in code or '"b"' in code else 1)
    assert await server.killed(pids) < ENDED_S


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("kind", ["claude", "codex", "gemini", "opencode", "qwen"])
async def test_so_does_one_behind_a_wrapper(tmp_path: Path, kind: str, name: str) -> None:
    command = [wrapper(tmp_path, WRAPPERS[name]), *program(tmp_path, PROGRAMS["leaves its group"])]
    server = MiniServer(tmp_path, kind, "--no-cgroup", *command)
    assert await server.killed(await server.pids(2)) < ENDED_S


@pytest.mark.parametrize("kind", ["verify", "notify", "version"])
async def test_so_does_everything_else_that_it_starts(tmp_path: Path, kind: str) -> None:
    command = [wrapper(tmp_path, WRAPPERS["shell that traps"]), *program(tmp_path, PROGRAMS["leaves its group"])]
    server = MiniServer(tmp_path, kind, "--no-cgroup", *command)
    assert await server.killed(await server.pids(2)) < ENDED_S


async def test_a_guardian_that_was_killed_is_replaced_and_receives_everything(tmp_path: Path) -> None:
    server = MiniServer(tmp_path, "text", "--no-cgroup", *program(tmp_path, PROGRAMS["a child that ignores SIGTERM"]))
    pids = await server.pids(2)
    os.kill(server.guardian, signal.SIGKILL)
    await gone(server.guardian)
    async with asyncio.timeout(PATIENCE_S):
        while not (found := _guardians(server.process.pid)):
            await asyncio.sleep(0.05)
    server.guardian = found[0]
    assert await server.killed(pids) < ENDED_S


def _guardians(server: int) -> list[int]:
    """The guardians of a server that have begun."""
    table = process_table.read_table(environments=False)
    children = [pid for pid, process in table.items() if process.parent == server]
    return [pid for pid in children if Path(f"/proc/{pid}/comm").read_text().strip() == "sprint-guardian"]


async def test_a_server_that_ends_by_itself_leaves_the_guardian_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "own_folder", lambda: None)  # the group of the user who runs the tests
    guarding = Guarding()
    guarding.start()
    pid = guarding.pid
    assert pid is not None
    guarding.close()
    await gone(pid)
    await asyncio.to_thread(os.waitpid, pid, 0)
    assert guarding.pid is None


def test_the_means_are_named() -> None:
    assert guard_means() == GuardMeans(HAS_CGROUP, process_table.has_proc())
    assert "control group" in GuardMeans(True, True).sentence
    assert "second" in GuardMeans(False, True).sentence
    assert "no /proc" in GuardMeans(False, False).sentence
    assert GuardMeans(True, True).names == ("control group", "mark", "session", "process group", "descent")
    assert GuardMeans(False, False).names == ("mark", "session", "process group")
    assert GuardMeans(False, True, guardian=False).names == ("parent-death signal",)
    assert "could not be started" in GuardMeans(False, True, guardian=False).sentence
    assert GuardMeans(False, False, guardian=False).names == ()


def test_ps_finds_the_same_as_proc() -> None:
    """Where there is no /proc, `ps` is asked: the columns that matter agree."""
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; print(flush=True); time.sleep(600)"],
        env={guardian.MARK_VARIABLE: "ps:1"},
        start_new_session=True,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        child.stdout.readline()
        seen = process_table.read_ps()[child.pid]
        known = process_table.read_table()[child.pid]
        assert (seen.parent, seen.group) == (known.parent, known.group)
        assert b"\0SPRINT_RUNNER_MARK=ps:1" in (seen.environment or b"")
    finally:
        child.kill()
        child.communicate()
