"""Findings that builds put off: collected once, over kills too, and made tickets by the operator."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from orchestrator import NotNow
from running.deferred import make_ticket
from sprint import Intake
from store.findings import get_findings
from tests.conftest import MakeRunner
from tests.running.plans import git, make_tickets
from tests.running.test_builds import Open, open_runner
from tests.servers import Server, get, post

__all__ = ["open_runner"]

PUT_OFF = {"build-auto": {"1.1": ["deferred:The price is read twice"]}}


async def test_a_finding_is_kept_with_its_event_and_becomes_a_ticket(tmp_path: Path, open_runner: Open) -> None:
    runner = await open_runner(make_tickets(tmp_path / "x", {}), PUT_OFF)
    await runner.run(1)
    (row,) = await runner.database.read(get_findings)
    assert (row.story_key, row.summary, row.evidence, row.severity) == (
        *("1.1", "The price is read twice"),
        *("seen while building", "medium"),
    )
    assert [warning["message"] for warning in runner.of("batch:warning")] == [
        "1.1 puts off 1 finding: The price is read twice"
    ]
    name = await make_ticket(runner.workspace, row.id, Intake.BACKLOG)
    assert name == "_bmad-output/backlog/story-the-price-is-read-twice.md"
    with pytest.raises(NotNow, match=f"it became {name} already"):
        await make_ticket(runner.workspace, row.id, Intake.INBOX)
    with pytest.raises(NotNow, match="no finding 9"):
        await make_ticket(runner.workspace, 9, Intake.INBOX)
    await runner.run()
    assert runner.statuses()["2.1"] == "done"  # the new file did not halt the builds that followed
    assert git(runner.root, "status", "--porcelain") == ""
    assert len(await runner.database.read(get_findings)) == 1


async def test_a_finding_is_collected_once_though_the_cycle_runs_again(tmp_path: Path, open_runner: Open) -> None:
    """The server ends after the build, while the story waits for a look; its cycle runs again from the beginning."""
    script = {**PUT_OFF, "code-review": ["slow:2", "ok"]}
    runner = await open_runner(make_tickets(tmp_path / "x", {}), script, code_review_after_build=True)
    await runner.start(1)
    await runner.until_called("code-review")
    await runner.restart()
    await runner.orchestrator.resume()
    await runner.until_end()
    assert len(await runner.database.read(get_findings)) == 1
    assert len([one for one in runner.of("batch:warning") if one["warning_type"] == "deferred"]) == 1


async def test_only_what_the_ledger_of_older_versions_has_anew(
    make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_AGENT_BMAD", "6.10")
    runner = await make_runner({"1-1-a": "backlog"}, {"build-auto": ["deferred:No log is kept"]}, verify="true")
    skill = runner.root / ".claude/skills/bmad-dev-auto/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: x\n---\n")
    (runner.workspace.project.artifacts / "deferred-work.md").write_text("# Deferred work\n\n- an old one\n")
    git(runner.root, "add", "-A")
    git(runner.root, "commit", "-qm", "install")
    await runner.run()
    assert [row.summary for row in await runner.database.read(get_findings)] == ["No log is kept"]


async def test_findings_over_http(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "demo"), "--demo=v7", "--port", "0"]
    server = Server(arguments, tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            assert await get(client, "/api/deferred") == {"findings": [], "places": ["backlog", "inbox"]}
            assert (await get(client, "/api/stories/1.1"))["deferred"] == []
            assert (await post(client, "/api/deferred/1", {"place": "backlog"}))[0] == 409
            assert (await post(client, "/api/deferred/1", {"place": "attic"}))[0] == 400
            assert (await post(client, "/api/deferred/x", {"place": "inbox"}))[0] == 404
    finally:
        assert server.end() == 0
