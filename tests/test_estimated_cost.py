"""An agent that reports tokens and no cost: the prices of the settings count, and every sum says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.running.projects import make_project
from tests.servers import Server, get, post

AGENT = """#!/bin/sh
test "$1" = --version && echo 1.0 && exit
prompt=$(cat)
case "$prompt" in
"# dev-story"*) echo hello > hello.txt; said="[DEV-STORY-COMPLETE: YES]" ;;
"# code-review"*) said='Issues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW\\\\nHIGHEST SEVERITY: ZERO ISSUES' ;;
*) said="[NO-CHANGES-TO-COMMIT]" ;;
esac
echo '{"type":"thread.started","thread_id":"t-1"}'
echo '{"type":"item.completed","item":{"id":"1","type":"agent_message","text":"'"$said"'"}}'
echo '{"type":"turn.completed","usage":{"input_tokens":3000,"cached_input_tokens":1000,"output_tokens":500}}'
"""
SETTINGS = """
agents: {{local: {{kind: codex, command: [{agent}], model: tiny-1}}}}
prices: {{tiny: {{input: 10, output: 40, cache_read: 1}}}}
"""
EACH_USD = (2000 * 10 + 500 * 40 + 1000 * 1) / 1_000_000


async def test_an_estimate_is_one_from_the_command_to_the_ledger(tmp_path: Path) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "in-progress"}, git=False)
    agent = tmp_path / "my-agent"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    (project / "sprint-runner.yaml").write_text(SETTINGS.format(agent=agent))
    server = Server([str(project), "--agent", "local", "--port", "0"], tmp_path).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            assert (await post(client, "/api/run/start", {"batch_size": 1}))[0] == 202
            async with asyncio.timeout(120):
                while (run := await get(client, "/api/run"))["state"] != "idle":
                    await asyncio.sleep(0.1)
            commands = (await get(client, "/api/batches/1"))["commands"]
            ends = (await get(client, "/api/events?type=command:end"))["events"]
            total = (await get(client, "/api/insights"))["total"][0]
    finally:
        assert server.end() == 0
    assert [command["command"] for command in commands] == ["dev-story", "code-review-1"]
    for spent in (*commands, *(event["payload"]["metrics"] for event in ends)):
        assert (spent["cost_usd"], spent["estimated_usd"]) == (pytest.approx(EACH_USD), pytest.approx(EACH_USD))
    for spent in (total, run["totals"]):
        assert spent["cost_usd"] == pytest.approx(2 * EACH_USD)
        assert spent["estimated_usd"] == pytest.approx(2 * EACH_USD)
