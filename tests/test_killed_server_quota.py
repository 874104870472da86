"""A server that is killed while another agent has taken over: the wait, the order and the windows are as they were."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.servers import ROOT
from tests.unattended import Unattended

STORY = {"1-1-tea": "in-progress"}
SCRIPT = {"dev-story": ["usage-limit:3600", "slow:600", "ok"]}


def calls(script: Path) -> int:
    """How many calls of dev-story the scripted agent has begun."""
    state = script.with_name("script.json.state")
    counts: dict[str, int] = json.loads(state.read_text() or "{}") if state.exists() else {}
    return sum(count for name, count in counts.items() if name.startswith("dev-story"))


async def test_a_switch_survives_a_kill(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(SCRIPT))
    command = [sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max", "--script", str(script)]
    configs = {
        name: {"kind": "claude", "command": command, "env": {"CLAUDE_CONFIG_DIR": f"/{name}"}}
        for name in ("first", "second")
    }
    settings = {"agent": ["first", "second"], "agents": configs, "auto_resume": True}
    night = Unattended(tmp_path, STORY, [], settings)
    await night.start()
    try:
        assert (await night.post("start"))[0] == 202
        await night.until(lambda _run: calls(script) == 2)  # the second one is in the middle of its call
        before = await night.run()
        await night.kill()
        await night.start()
        run = await night.until(lambda run: run["state"] == "idle" and run["resumable"] is None)
        assert await night.faults() == []
        events = await night.events()
    finally:
        await night.end()
    ran = [(row["command"], row["agent"], row["status"]) for row in night.rows("SELECT * FROM commands ORDER BY id")]
    assert [row for row in ran if row[1] != "runner"] == [
        ("dev-story", "first", "usage-limit"),
        ("dev-story", "second", "interrupted"),
        ("dev-story", "second", "success"),
        ("code-review-1", "second", "success"),
    ]
    assert [event["payload"]["to_agent"] for event in events if event["type"] == "agent:switch"] == ["second"]
    assert run["quota"] == before["quota"]
    (window,) = run["quota"]
    assert (window["account"], window["window"], window["used_fraction"]) == ("agent.py /first", "5 h", 1.0)
    assert len(night.rows("SELECT * FROM account_waits")) == 1
