"""The routes of the forecast and of the costs, with a real server and a real batch."""

from __future__ import annotations

import asyncio
import datetime
import json
from pathlib import Path

import pytest

from tests.servers import demo, get, post


async def test_before_during_and_after_a_batch(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, client):
        before = await get(client, "/api/forecast?batch_size=1")
        assert before["batch_id"] is None
        assert before["basis"]["defaults"]
        assert len(before["story_keys"]) == before["stories"] > 0
        status, started = await post(client, "/api/run/start", {"batch_size": 1})
        assert status == 202
        assert (await get(client, "/api/forecast"))["batch_id"] == started["batch_id"]
        while (run := await get(client, "/api/run"))["state"] != "idle":
            await asyncio.sleep(0.1)
        assert run["forecast"] is None or run["forecast"]["batch_id"] == started["batch_id"]

        detail = await get(client, "/api/batches/1")
        kept = json.loads(detail["batch"]["forecast"])
        assert kept["stories"] == before["stories"]
        assert kept["basis"] == before["basis"]["text"]
        events = await get(client, "/api/events?type=batch:start")
        assert events["events"][0]["payload"]["forecast"] == kept

        cost = await get(client, "/api/batches/1/cost")
        assert cost["cost_usd"] == pytest.approx(detail["batch"]["cost_usd"], abs=1e-6)
        assert sum(line["cost_usd"] or 0 for line in cost["lines"]) == pytest.approx(cost["cost_usd"])
        assert {"planning", "development"} & {line["purpose"] for line in cost["lines"]}
        assert cost["prompts"][0]["tokens"] > 100
        today = await get(client, "/api/cost")
        assert today["of"] == datetime.date.today().isoformat()
        stories = [await get(client, f"/api/stories/{row['story_key']}/cost") for row in detail["stories"]]
        project = sum(line["cost_usd"] for line in cost["lines"] if line["purpose"] == "context")
        assert sum(story["cost_usd"] for story in stories) + project == pytest.approx(cost["cost_usd"], abs=1e-6)
        for path, status, words in (
            ("/api/batches/9/cost", 404, "there is no batch 9"),
            ("/api/stories/9-9/cost", 404, "the plan has no story '9-9'"),
            ("/api/cost?day=soon", 400, "day: must be a date such as 2026-03-01"),
            ("/api/forecast?agent=nobody", 400, "agent: there is no agent 'nobody'"),
            ("/api/forecast?start_at=soon", 400, "start_at: must be a time as HH:MM"),
            ("/api/forecast?batch_size=0", 400, "batch_size: must be a whole number from 1 to 1000"),
            ("/api/preview?gates=lunch", 400, "gates: must be of plan, commit, done"),
        ):
            async with client.get(path) as response:
                assert response.status == status, path
                assert (await response.json())["error"]["message"].startswith(words)
