"""Receipts of real runs: what they hold, that they survive a kill, and what a clone says of them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from base.program import PROGRAM_DIR
from git.notes import REF, read_note
from receipts.envelope import Envelope, read_line
from receipts.model import Receipt
from running.receipts import writer
from running.receipts.check import check_commit, check_receipt, clone_of
from running.receipts.make import make_receipt, receipt_id
from running.receipts.writer import ReceiptWriter
from store.ledger import Window, get_insights
from store.receipts import get_receipt, get_receipts_to_note
from tests.conftest import MakeRunner
from tests.receipts.keys import make_key
from tests.running.projects import READY, Runner, make_project
from tests.running.repositories import git
from tests.servers import Server, post

CHECK = "sh -c 'echo checked; test -f work/1-1-a.md'"


async def written(runner: Runner) -> Envelope:
    """Make the receipts; the one beside the last commit."""
    await ReceiptWriter(runner.workspace).write_all()
    note = await read_note(runner.root, git(runner.root, "rev-parse", "HEAD"))
    return read_line(note.rstrip("\n"))


async def test_a_receipt_says_what_the_commit_rests_on(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, verify=CHECK)
    batch_id = await runner.run()
    envelope = await written(runner)
    made, commit = envelope.receipt, envelope.receipt.commit
    assert (made.story, made.batch, made.project) == ("1-1-a", batch_id, "Tiny")
    assert [command.command for command in made.commands] == ["dev-story", "code-review-1", "commit"]
    versions = {command.agent: command.version for command in made.commands}
    assert versions["demo"]
    assert versions["runner"] is None
    assert [(review.command, review.verdict) for review in made.reviews] == [("code-review-1", "ZERO ISSUES")]
    assert (made.status.old, made.status.new, made.status.by) == ("review", "done", "runner")
    ledger = await runner.database.read(get_insights, Window(batch=batch_id))
    assert f"{float(made.cost_usd):.2f}" == f"{ledger.total[0].cost_usd:.2f}"
    check = made.checks[-1]
    kept = next((runner.root / ".sprint-runner/checks").rglob("*.txt")).read_bytes()
    assert (check.exit, check.passed, check.output_sha256) == (0, True, hashlib.sha256(kept).hexdigest())
    # As docs/security.md tells a stranger to do it.
    argv = (
        "git --no-replace-objects diff-tree -r -z --raw --no-abbrev --no-renames --ignore-submodules=none -O/dev/null"
        f" {commit.base_tree} {commit.end_tree} | sha256sum"
    )
    assert _shell(runner.root, argv).split()[0] == commit.diff_sha256
    assert commit.base_tree == git(runner.root, "rev-parse", "HEAD^^{tree}")


async def test_any_clone_can_check_it_and_a_signature_shows_who_made_it(
    make_runner: MakeRunner, tmp_path: Path
) -> None:
    key, allowed = make_key(tmp_path, "operator")
    runner = await make_runner(READY, receipt_key=str(key), receipt_trailer=True)
    await runner.run()
    envelope = await written(runner)
    row = await runner.database.read(get_receipt, "1-1-a")
    assert row is not None
    trailer = git(runner.root, "log", "-1", "--format=%(trailers:key=Sprint-Runner-Receipt,valueonly)")
    assert trailer == envelope.receipt.id == receipt_id(runner.database.epoch, row.story_id)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(runner.root), str(clone))
    git(clone, "fetch", "-q", "origin", f"{REF}:{REF}")
    assert (await check_commit(await clone_of(clone), "HEAD")).answer == "VERIFIED WITH GAPS"
    assert (await check_commit(await clone_of(clone, allowed), "HEAD")).answer == "VERIFIED"
    _, strangers = make_key(tmp_path, "stranger")
    gaps = (await check_commit(await clone_of(clone, strangers), "HEAD")).results[0].gaps
    assert gaps == [f"signed by {envelope.receipt.key}, which no allowed signers file names"]
    assert (await check_receipt(await clone_of(clone, allowed), envelope)).answer == "VERIFIED"


async def test_without_its_key_no_receipt_is_made_and_the_operator_learns_why(
    make_runner: MakeRunner, tmp_path: Path
) -> None:
    key, _ = make_key(tmp_path, "operator")
    runner = await make_runner(READY, receipt_key=str(key.with_name("missing")))
    await runner.run()
    made = ReceiptWriter(runner.workspace)
    made.start()
    event = await runner.until(lambda event: event.type == "error" and event.payload["type"] == "receipt")
    await made.stop()
    assert "missing is no key that ssh-keygen can read" in event.payload["message"]
    assert await runner.database.read(get_receipt, "1-1-a") is None
    key.rename(key.with_name("missing"))
    assert (await written(runner)).signature is not None


async def test_stories_of_one_commit_have_a_line_each(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "ready-for-dev", "1-2-b": "ready-for-dev"}, commit_per="cycle")
    await runner.run()
    await ReceiptWriter(runner.workspace).write_all()
    note = await read_note(runner.root, git(runner.root, "rev-parse", "HEAD"))
    lines = [read_line(line).receipt for line in note.split("\n")[:-1]]
    assert [line.story for line in lines] == ["1-1-a", "1-2-b"]
    ledger = await runner.database.read(get_insights)
    costs = {line.name: f"{line.cost_usd:.2f}" for line in ledger.by_story}
    found = {line.story: f"{float(line.cost_usd):.2f}" for line in lines}
    assert found == {key: costs[key] for key in ("1-1-a", "1-2-b")}


async def test_the_receipt_of_a_lane_names_the_merge(make_runner: MakeRunner) -> None:
    runner = await make_runner({"1-1-a": "in-progress", "2-1-b": "in-progress"}, parallel=2)
    await runner.run()
    await ReceiptWriter(runner.workspace).write_all()
    rows = [await runner.database.read(get_receipt, key) for key in ("1-1-a", "2-1-b")]
    for row in rows:
        assert row is not None
        assert row.noted_at is not None
        merge = read_line(row.line).receipt.commit.merge
        assert merge is not None
        git(runner.root, "merge-base", "--is-ancestor", row.commit_hash, merge)
    merged = await check_commit(await clone_of(runner.root), "HEAD")
    assert (merged.answer, merged.results[0].stories) == ("VERIFIED WITH GAPS", ["2-1-b"])


async def test_notes_are_only_written_where_they_are_wanted(make_runner: MakeRunner) -> None:
    runner = await make_runner(READY, receipt_notes=False)
    await runner.run()
    await ReceiptWriter(runner.workspace).write_all()
    assert git(runner.root, "for-each-ref", "refs/notes") == ""
    row = await runner.database.read(get_receipt, "1-1-a")
    assert row is not None
    assert read_line(row.line).receipt.story == "1-1-a"


async def test_a_fault_of_the_program_costs_one_receipt_and_not_those_that_follow(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await make_runner({"1-1-a": "ready-for-dev", "1-2-b": "ready-for-dev"})
    await runner.run()

    def faulty(records: Any, *rest: Any, **more: Any) -> Receipt:
        if records.story.story_key == "1-1-a":
            raise RuntimeError("a fault of ours")
        return make_receipt(records, *rest, **more)

    made = ReceiptWriter(runner.workspace)
    with monkeypatch.context() as patched:
        patched.setattr(writer, "make_receipt", faulty)
        made.start()
        event = await runner.until(lambda event: event.type == "error" and event.payload["type"] == "receipt")
        await made.settled()
    assert "an internal error" in event.payload["message"]
    assert await runner.database.read(get_receipt, "1-1-a") is None
    assert await runner.database.read(get_receipt, "1-2-b") is not None
    made.wake()  # as the next event does
    await made.settled()
    assert await runner.database.read(get_receipt, "1-1-a") is not None
    await made.stop()


async def test_what_was_kept_is_what_is_noted_after_a_crash(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = await make_runner(READY)
    await runner.run()

    async def crash(*_: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(writer, "add_to_note", crash)
        with pytest.raises(KeyboardInterrupt):
            await ReceiptWriter(runner.workspace).write_all()
    await runner.restart()
    kept = await runner.database.read(get_receipts_to_note)
    assert (await written(runner)).digest == read_line(kept[0].line).digest
    tip = git(runner.root, "rev-parse", REF)
    await ReceiptWriter(runner.workspace).write_all()
    assert git(runner.root, "rev-parse", REF) == tip


async def test_a_server_that_was_killed_after_the_commit_notes_it_at_its_next_start(tmp_path: Path) -> None:
    root = make_project(tmp_path / "tiny", READY)
    log = tmp_path / "committed"
    hook = root / ".git/hooks/post-commit"
    hook.write_text(f"#!/bin/sh\necho > {log}\n")
    hook.chmod(0o755)
    options = [str(root), "--port", "0", "--agent", "claude"]
    (root / "sprint-runner.yaml").write_text(_demo_agent(tmp_path))
    server = Server(options, tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
            async with asyncio.timeout(60):
                while not log.exists():
                    await asyncio.sleep(0.005)
    finally:
        await asyncio.to_thread(server.end, signal.SIGKILL)
    again = Server(options, tmp_path).start()
    try:
        async with aiohttp.ClientSession(again.url) as client:
            async with client.get("/api/run") as response:
                run = await response.json()
            if run["resumable"] is not None:
                assert (await post(client, "/api/run/resume", {}))[0] == 202
            async with asyncio.timeout(60):
                while not (note := await _receipt(root)):
                    await asyncio.sleep(0.05)
    finally:
        await asyncio.to_thread(again.end)
    assert note.story == "1-1-a"
    assert git(root, "log", "--format=%s", "--grep=implement story").count("\n") == 0


async def _receipt(root: Path) -> Receipt | None:
    commit = git(root, "log", "-1", "--format=%H", "--grep=implement story")
    note = await read_note(root, commit)
    return read_line(note.rstrip("\n")).receipt if note else None


def _demo_agent(folder: Path) -> str:
    script = folder / "script.json"
    script.write_text("{}")
    command = [sys.executable, str(PROGRAM_DIR / "demo/agent.py"), "--speed", "max", "--script", str(script)]
    return f"agents: {{claude: {{kind: claude, command: {json.dumps(command)}}}}}\n"


def _shell(folder: Path, line: str) -> str:
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=True).stdout
