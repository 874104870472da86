"""The machine is kept awake by a program of the system while something is to be done, with programs in its place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from running.awake import KeepAwake
from tests.agents.children import PATIENCE_S, gone


@pytest.fixture
def inhibit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of `systemd-inhibit`, the only program on PATH besides those of the system."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "systemd-inhibit"


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


async def until(awake: KeepAwake, active: bool) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while awake.is_awake is not active:
            await asyncio.sleep(0.02)


async def test_it_runs_while_there_is_a_reason(inhibit: Path, tmp_path: Path) -> None:
    program(inhibit, f'echo "$@" > {tmp_path}/given; echo $$ > {tmp_path}/pid; exec cat')
    awake = KeepAwake(lambda: True, linger_s=0.2)
    awake.want("a batch", True)
    awake.want("another", True)
    await until(awake, True)
    awake.want("a batch", False)
    async with asyncio.timeout(PATIENCE_S):
        while not (tmp_path / "pid").exists():
            await asyncio.sleep(0.02)
    given = (tmp_path / "given").read_text()
    assert "--what=sleep:idle" in given
    assert given.endswith("cat\n")
    awake.want("another", False)
    awake.want("another", True)
    await asyncio.sleep(0.4)
    assert awake.is_awake, "a reason that comes back in time keeps it"
    awake.want("another", False)
    await until(awake, False)
    await gone(int((tmp_path / "pid").read_text()))
    awake.want("later", True)
    await until(awake, True)
    await awake.close()
    assert not awake.is_awake


async def test_a_refusal_is_shown_and_not_repeated(inhibit: Path, tmp_path: Path) -> None:
    program(inhibit, f'echo x >> {tmp_path}/calls; echo "Failed to inhibit: Access denied" >&2; exit 1')
    awake = KeepAwake(lambda: True)
    for _ in range(3):
        awake.want("a batch", True)
        async with asyncio.timeout(PATIENCE_S):
            while awake.problem is None:
                await asyncio.sleep(0.02)
        awake.want("a batch", False)
    assert awake.problem == "Failed to inhibit: Access denied"
    assert (tmp_path / "calls").read_text() == "x\n"
    await awake.close()


async def test_nothing_is_started_where_it_is_not_wanted(inhibit: Path, tmp_path: Path) -> None:
    program(inhibit, f"echo x >> {tmp_path}/calls; exec cat")
    awake = KeepAwake(lambda: False)
    awake.want("a batch", True)
    await asyncio.sleep(0.2)
    assert not (tmp_path / "calls").exists()
    await awake.close()


async def test_its_end_is_ours_however_that_comes(inhibit: Path, tmp_path: Path) -> None:
    """The program reads a pipe of ours: after a kill its input ends."""
    program(inhibit, f"echo $$ > {tmp_path}/pid; exec cat")
    code = (
        "import asyncio, os, signal\nfrom running.awake import KeepAwake\n"
        "async def main():\n    awake = KeepAwake(lambda: True)\n    awake.want('x', True)\n"
        f"    while not os.path.exists('{tmp_path}/pid'):\n        await asyncio.sleep(0.02)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\nasyncio.run(main())\n"
    )
    import sys

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=Path(__file__).parents[2])
    await process.wait()
    await gone(int((tmp_path / "pid").read_text()))
