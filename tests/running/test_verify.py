"""The project's check: judged by its exit code, bounded whatever it prints, and every run kept."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

import running.check_process
import sprint
from db import Database
from running.check_process import HEAD_BYTES, TAIL_BYTES, run
from running.verify import VerifyContext, verify_failure
from running.workspace import Workspace
from security.masking import Masker
from settings import Settings
from store.batches import create_batch
from store.checks import Check, get_checks_by_key
from tests.running.projects import make_project


def workspace(tmp_path: Path, verify: str | None, database: Any = None, *secrets: str) -> Workspace:
    root = make_project(tmp_path / "tiny", {"1-1-a": "backlog"}, git=False)
    project, masker = sprint.locate(root), Masker(secrets)
    kept = cast(Any, database)
    settings = Settings(verify=verify)
    return Workspace(project, lambda: settings, {}, kept, tmp_path / "data", tmp_path, None, time.time, masker)


def python(code: str) -> str:
    return f'{sys.executable} -c "{code}"'


async def kept(tmp_path: Path, verify: str, *secrets: str) -> tuple[str | None, list[Check], list[str]]:
    """What the check was judged, the rows, and the lines in the log."""
    database = await Database.open(tmp_path / "test.db")
    batch = await database.write(create_batch, None)
    said: list[str] = []
    failure = await verify_failure(
        workspace(tmp_path, verify, database, *secrets), VerifyContext(batch, "1-1-a", said.append)
    )
    rows = await database.read(get_checks_by_key, "1-1-a")
    await database.close()
    return failure, rows, said


async def test_a_run_that_passes_is_kept(tmp_path: Path) -> None:
    failure, rows, said = await kept(tmp_path, python("print('42 passed')"))
    assert failure is None
    assert [(row.ok, row.exit_code, row.tail) for row in rows] == [(1, 0, "42 passed")]
    assert rows[0].duration_ms > 0
    assert rows[0].file is not None
    assert (tmp_path / "data" / rows[0].file).read_text() == "42 passed\n"
    assert said[0].startswith("The check `")
    assert " passed in " in said[0]


async def test_a_run_that_fails_is_kept_and_its_end_is_emitted(tmp_path: Path) -> None:
    failure, rows, said = await kept(tmp_path, python("print('1 failed: tea'); raise SystemExit(3)"))
    assert "ended with 3:\n1 failed: tea" in (failure or "")
    assert [(row.ok, row.exit_code) for row in rows] == [(0, 3)]
    assert said[0].endswith("ended with 3: 1 failed: tea")


async def test_secrets_are_kept_nowhere(tmp_path: Path) -> None:
    failure, rows, said = await kept(
        tmp_path, python("print('key', 'hunter2' * 2); raise SystemExit(1)"), "hunter2hunter2"
    )
    assert rows[0].file is not None
    written = (tmp_path / "data" / rows[0].file).read_text()
    for text in (failure or "", rows[0].tail, said[0], written):
        assert "hunter2hunter2" not in text


async def test_of_a_long_output_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    size = 4 << 20
    code = f"print('begins'); print('x' * {size}); print('ends')"
    failure, rows, _ = await kept(tmp_path, python(code))
    assert failure is None
    assert rows[0].tail.endswith("ends")
    assert rows[0].file is not None
    text = (tmp_path / "data" / rows[0].file).read_text()
    assert text.startswith("begins\n")
    assert text.endswith("ends\n")
    assert "bytes are left out here" in text
    assert len(text) < HEAD_BYTES + TAIL_BYTES + 200_000


async def test_a_disk_that_takes_no_file_leaves_the_row(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder would be")
    failure, rows, _ = await kept(tmp_path, python("print('fine')"))
    assert (failure, rows[0].tail, rows[0].file) == (None, "fine", None)


async def test_a_daemon_that_holds_the_output_delays_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has left the process group, so it lives on; the check has ended all the same."""
    monkeypatch.setattr(running.check_process, "DRAIN_S", 0.05)
    pid = tmp_path / "pid"
    code = f"""
import os, time
from pathlib import Path
if os.fork() == 0:
    os.setsid()
    Path({str(pid)!r}).write_text(str(os.getpid()))
    time.sleep(60)
while not Path({str(pid)!r}).exists():
    time.sleep(0.01)
print("done", flush=True)
"""
    ran = await asyncio.wait_for(run([sys.executable, "-c", code], tmp_path), 20)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    assert (ran.exit_code, ran.tail) == (0, "done")


async def test_a_check_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.check_process, "CHECK_TIMEOUT_S", 0.5)
    failure, rows, _ = await kept(tmp_path, python("print('begun', flush=True); import time; time.sleep(60)"))
    assert "took longer than" in (failure or "")
    assert [(row.ok, row.exit_code) for row in rows] == [(0, None)]


async def test_without_a_check_there_is_nothing_to_fail_or_to_keep(tmp_path: Path) -> None:
    assert await verify_failure(workspace(tmp_path, None)) is None
