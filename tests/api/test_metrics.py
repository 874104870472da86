"""`/metrics`: well-formed, complete, in agreement with the run; the dashboard file asks for nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp

from tests.servers import demo, get, post

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = re.compile(r"^([a-z_:][a-z0-9_:]*)(\{(?:[a-z_]+=\"(?:[^\"\\\n]|\\.)*\",?)*\})? (-?[0-9.e+-]+|NaN)$")


async def metrics(client: aiohttp.ClientSession) -> dict[str, float]:
    """Every sample, by name and labels."""
    async with client.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = await response.text()
    typed = set(re.findall(r"^# TYPE (\S+) (?:gauge|counter)$", text, re.MULTILINE))
    found: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match is not None, line
        assert match[1] in typed, line
        assert match[1] + (match[2] or "") not in found, line
        found[match[1] + (match[2] or "")] = float(match[3])
    return found


async def test_metrics_of_a_run(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, client):
        before = await metrics(client)
        assert before['sprint_runner_state{state="idle"}'] == 1
        assert sum(value for name, value in before.items() if name.startswith("sprint_runner_state{")) == 1
        assert before["sprint_runner_stories_planned"] == 7
        status, _ = await post(client, "/api/run/start", {"batch_size": 1, "stories": ["1-2-correct-a-sighting"]})
        assert status == 202
        async with client.ws_connect("/ws") as socket:
            async for message in socket:
                if message.json().get("type") == "batch:end":
                    break
        after = await metrics(client)
        run = await get(client, "/api/run")
        insights = await get(client, "/api/insights")
    done = 'sprint_runner_commands_total{command="dev-story",agent="demo",status="success"}'
    assert after[done] == 1
    assert after["sprint_runner_events_total"] == run["seq"]
    assert after["sprint_runner_cost_usd_total"] == insights["total"][0]["cost_usd"]
    assert after['sprint_runner_tokens_total{kind="output"}'] == insights["total"][0]["output_tokens"]
    assert after["sprint_runner_commits_total"] > before["sprint_runner_commits_total"]
    assert after["process_resident_memory_bytes"] > 10_000_000
    asked = asked_for()
    assert asked
    assert asked <= {name.partition("{")[0] for name in after} | {"sprint_runner_budget_usd"}


def asked_for() -> set[str]:
    """The names in the queries of the dashboard file."""
    board = json.loads((ROOT / "docs/grafana.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return {name for query in queries for name in re.findall(r"(?:sprint_runner|process)_[a-z_]+", query)}
