"""Any program can be an agent: the prompt on its standard input, plain text on its standard output."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import aiohttp

from tests.running.projects import make_project
from tests.servers import Server, get, post

AGENT = """#!/bin/sh
prompt=$(cat)
case "$prompt" in
"# dev-story"*)
    echo "::task implement start the work"
    echo hello > hello.txt
    echo "[DEV-STORY-COMPLETE: YES]" ;;
"# code-review"*)
    echo "Issues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW"
    echo "HIGHEST SEVERITY: ZERO ISSUES" ;;
"# commit"*)
    git add -A && git commit -qm "by a shell script" && echo "[COMMIT-SUCCESS: $(git rev-parse HEAD)]" ;;
*)
    echo "what?"; exit 1 ;;
esac
"""


async def test_a_shell_script_runs_a_story_to_its_end(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "in-progress"})
    agent = tmp_path / "my-agent"
    agent.write_text(AGENT)
    agent.chmod(agent.stat().st_mode | stat.S_IXUSR)
    (project / "sprint-runner.yaml").write_text(f"agents: {{local: {{kind: text, command: [{agent}]}}}}\n")
    server = Server([str(project), "--agent", "local", "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            assert (await post(client, "/api/run/start", {"batch_size": "all"}))[0] == 202
            async with asyncio.timeout(60):
                while (run := await get(client, "/api/run"))["state"] != "idle":
                    await asyncio.sleep(0.1)
            assert run["batch"]["status"] == "completed"
            assert run["totals"]["stories_done"] == 1
            progress = (await get(client, "/api/events?type=command:progress"))["events"]
            assert [event["payload"]["task_id"] for event in progress][:1] == ["implement"]
            dossier = await get(client, "/api/stories/1-1-a")
            assert [command["verdict"] for command in dossier["commands"][:2]] == ["complete", "ZERO ISSUES"]
            assert (await get(client, "/api/commands/1/transcript"))["entries"]
    finally:
        assert server.end() == 0
    assert (project / "hello.txt").read_text() == "hello\n"
