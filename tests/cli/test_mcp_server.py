"""The tools for agents, called by the official client over stdio, with a real server behind them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from cli import arguments, mcp_server
from cli.config import resolve
from cli.errors import CannotStart
from settings.version import VERSION
from tests.running.projects import LONG_S, make_project
from tests.servers import ROOT, Server

KEY = "1-1-a"
TOOLS = [
    *("answer", "hand_back", "hint", "message", "needs", "pause"),
    *("resume", "start", "status", "stop", "take_over"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One blocked and one open story, whose development asks something."""
    root = make_project(tmp_path / "tiny", {KEY: "blocked", "1-2-b": "ready-for-dev"})
    (tmp_path / "script.json").write_text(json.dumps({"dev-story": ["question:Which colour?", "ok"]}))
    command = [sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max", "--script", str(tmp_path / "script.json")]
    (root / "sprint-runner.yaml").write_text(
        f"agent: own\nagents: {{own: {{kind: claude, command: {json.dumps(command)}}}}}\nverify: 'true'\n"
    )
    return root


@asynccontextmanager
async def tools(project: Path) -> AsyncIterator[ClientSession]:
    words = [str(ROOT / "server.py"), "mcp", str(project)]
    parameters = StdioServerParameters(command=sys.executable, args=words)
    async with stdio_client(parameters) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


async def call(session: ClientSession, tool: str, **given: Any) -> tuple[bool, str]:
    """Whether the tool has refused, and what it returned."""
    result = await session.call_tool(tool, given)
    return bool(result.is_error), "\n".join(getattr(each, "text", "") for each in result.content)


async def until_asked(session: ClientSession) -> str:
    """The id of the question, as soon as there is one."""
    async with asyncio.timeout(LONG_S):
        while True:
            result = await session.call_tool("needs", {})
            for need in (result.structured_content or {})["result"]:
                if need["kind"] == "question":
                    assert need["message"]
                    return str(need["id"])
            await asyncio.sleep(0.1)


async def test_without_a_server_every_tool_says_so(project: Path) -> None:
    async with tools(project) as session:
        listed = await session.list_tools()
        assert sorted(tool.name for tool in listed.tools) == TOOLS
        for tool in ("status", "needs", "pause"):
            refused, words = await call(session, tool)
            assert refused
            assert f"no server runs for {project}" in words


async def test_a_sprint_is_steered(project: Path, tmp_path: Path) -> None:
    server = Server([str(project), "--port", "0"], tmp_path)
    server.start()
    try:
        async with tools(project) as session:
            assert json.loads((await call(session, "status"))[1])["state"] == "idle"
            retried = await call(session, "hint", key=KEY, text="Sort by date.", retry=True)
            assert retried == (False, f"{KEY} is ready-for-dev again, with the hint.")
            assert (await call(session, "start", stories=["1-2-b"], batch_size=1)) == (False, "Batch 1 has started.")
            refused, words = await call(session, "start")
            assert refused
            assert "a batch is running already" in words
            asked = await until_asked(session)
            assert await call(session, "answer", id=asked, text="Blue.") == (False, "Answered; the agent continues.")
            refused, words = await call(session, "message", command_id=999, text="Hello.")
            assert refused
            assert "there is no command 999" in words
            async with asyncio.timeout(LONG_S):
                while json.loads((await call(session, "status"))[1])["state"] != "idle":
                    await asyncio.sleep(0.1)
            refused, words = await call(session, "pause")
            assert refused
            assert "no batch is running" in words
    finally:
        await asyncio.to_thread(server.end)


def test_without_the_package_one_sentence_says_what_to_install(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    config = resolve(arguments.parse(["mcp", str(project)]))
    with pytest.raises(CannotStart, match=r"install sprint-runner\[mcp\]"):
        mcp_server.serve_tools(config)


def test_the_plugin_is_that_of_this_version() -> None:
    plugin = json.loads((ROOT / ".claude-plugin/plugin.json").read_text())
    assert plugin["version"] == VERSION
    [server] = plugin["mcpServers"].values()
    assert (server["command"], server["args"][0]) == ("sprint-runner", "mcp")
    skill = (ROOT / "skills/sprint-runner/SKILL.md").read_text()
    assert skill.startswith("---\nname: sprint-runner\ndescription: ")
    assert all(f"`{tool}`" in skill for tool in TOOLS)
