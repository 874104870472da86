"""A cleaned project under a running server: the run waits, the records are written again, no second server starts."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.servers import PROGRAM
from tests.unattended import Unattended


def clean(root: Path) -> None:
    """Everything that git ignores, and nothing else: the agent's own work is not under version control yet."""
    subprocess.run(["git", "clean", "-fdXq"], cwd=root, check=False)  # the server may be faster, and then it fails


def remove(root: Path) -> None:
    """At once, as nothing else can be compared with what comes after."""
    (root / ".sprint-runner").rename(root.parent / "removed")


async def healthy(client: aiohttp.ClientSession) -> tuple[int, list[str]]:
    async with client.get("/healthz") as response:
        return response.status, (await response.json())["problems"]


@pytest.mark.parametrize("take", [clean, remove])
async def test_a_run_goes_on_whose_data_folder_was_removed(tmp_path: Path, take: Callable[[Path], None]) -> None:
    project = Unattended(tmp_path, {"1-1-a": "in-progress", "1-2-b": "in-progress"}, [], {"retries": 1})
    await project.start()
    try:
        assert (await project.post("start", batch_size="all"))[0] == 202
        await project.until(lambda run: run["state"] == "running" and bool(run["operations"]))
        await asyncio.to_thread(take, project.root)
        await project.until(lambda run: bool(run["attention"]))
        second = await asyncio.to_thread(
            subprocess.run, [*PROGRAM, str(project.root), "--port", "0"], capture_output=True, text=True, timeout=60
        )
        assert second.returncode == 2, second.stderr
        assert "this project is already run by process" in second.stderr
        run = await project.until(lambda run: run["state"] == "idle")
        assert [call["kind"] for call in run["attention"]] == ["data", "commit"]
        assert "cannot be derived from the snapshots any more" in run["attention"][1]["message"]
        assert "was written again" in run["attention"][0]["message"]
        assert project.client is not None
        assert await healthy(project.client) == (200, [])
        assert await project.faults() == []
        assert (project.root / ".sprint-runner/.gitignore").read_text() == "*\n"
        assert {row["status"] for row in project.rows("SELECT * FROM stories")} == {"done"}
    finally:
        await project.end()
    await project.start()  # and the next server reads them
    assert len((await project.insights())["by_batch"]) == 1
    await project.end()


async def test_records_that_cannot_be_written_again_hold_the_run(tmp_path: Path) -> None:
    """A file is in the way of the folder until the operator removes it."""
    project = Unattended(tmp_path, {"1-1-a": "in-progress"}, [], {"retries": 1})
    await project.start()
    try:
        assert project.client is not None
        await asyncio.to_thread(remove, project.root)
        folder = project.root / ".sprint-runner"
        try:
            folder.write_text("in the way")
        except IsADirectoryError:
            pytest.fail("written again before anything was in the way")
        status, problems = await healthy(project.client)
        assert (status, len(problems)) == (503, 1)
        assert "while the server runs" in problems[0]
        await project.until(lambda run: "cannot be written again" in (run.get("problem") or ""))
        assert (await project.post("start", batch_size=1))[0] != 202
        await asyncio.to_thread(folder.unlink)
        run = await project.until(lambda run: run.get("problem") is None)
        assert run["state"] == "idle"
        assert (await project.post("start", batch_size=1))[0] == 202
        await project.until(lambda run: run["state"] == "idle")
        assert await project.faults() == []
    finally:
        await project.end()
