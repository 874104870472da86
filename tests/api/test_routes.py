"""Every route of the protocol against the real program, after a small run; and what it answers to nonsense."""

from __future__ import annotations

import asyncio
import datetime
import io
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.running.projects import TRACKER, make_project
from tests.servers import ROOT, Server, get, post, run_story

STORIES = {"1-1-a": "review", "1-2-b": "backlog", "2-1-c": "deferred"}
HOSTILE_BODIES = ["[]", "null", "7", '"x"', "{", "\xff", "[" * 200_000, '{"batch_size": NaN}']


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose project has one finished batch behind it."""
    folder = tmp_path_factory.mktemp("routes")
    project = make_project(folder / "tiny", STORIES)
    agent = json.dumps([sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"])
    (project / "sprint-runner.yaml").write_text(
        f"# mine\nagent: own\nagents: {{own: {{kind: claude, command: {agent}, env: {{OWN_KEY: k}}}}}}\n"
    )
    (project / "secret.txt").write_text("not for the web")
    started = Server([str(project), "--port", "0"], folder).start()
    asyncio.run(run_story(started.url, "1-1-a"))
    yield started
    assert started.end() == 0
    assert "Traceback" not in started.errors()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


def project_of(server: Server) -> Path:
    return server._cwd / "tiny"


async def test_the_run(client: aiohttp.ClientSession) -> None:
    plan = {"done": 1, "total": 2, "blocked": 0, "runnable": 1}
    while (run := await get(client, "/api/run"))["plan"] != plan:  # looked at every half second
        await asyncio.sleep(0.1)
    assert run["batch"]["status"] == "completed"
    assert run["operations"] == []
    old = await get(client, "/api/orchestrator/status")
    assert old == {"status": "idle", "batch_id": 1, "cycles_completed": 1, "max_cycles": 1, "current_stories": []}


async def test_the_sprint_and_a_dossier(client: aiohttp.ClientSession) -> None:
    sprint = await get(client, "/api/sprint")
    assert [story["key"] for story in sprint["stories"]] == list(STORIES)
    assert sprint["stories"][0]["status"] == "done"
    dossier = await get(client, "/api/stories/1-1-a")
    assert [command["command"] for command in dossier["commands"]] == ["code-review-1", "commit"]
    assert dossier["commands"][0]["verdict"] == "ZERO ISSUES"
    assert dossier["commits"][0]["subject"] == "feat(1): implement story 1-1-a"
    assert not {"mark", "pid", "stream_path"} & set(dossier["commands"][0])


async def test_what_is_odd_about_the_plan(client: aiohttp.ClientSession) -> None:
    sprint = await get(client, "/api/sprint")
    problems = await get(client, "/api/sprint/problems")
    assert (sprint["kind"], problems["kind"], problems["broken"]) == ("tracker", "tracker", False)
    assert problems["problems"] == sprint["problems"]
    assert problems["not_understood"] == [other["key"] for other in sprint["other"]]
    assert problems["startable"] == sum(story["runnable"] for story in sprint["stories"])


async def test_history(client: aiohttp.ClientSession) -> None:
    batches = await get(client, "/api/batches?limit=1")
    assert batches["total"] == 1
    assert batches["batches"][0]["stories_done"] == 1
    batch = await get(client, "/api/batches/1")
    assert batch["batch"]["cost_usd"] == pytest.approx(sum(command["cost_usd"] for command in batch["commands"]))
    insights = await get(client, "/api/insights")
    assert insights["total"][0]["cost_usd"] == pytest.approx(batch["batch"]["cost_usd"])
    assert [line["name"] for line in insights["by_command"]] == ["code-review", "commit"]
    assert insights["review_rounds"] == [{"story_key": "1-1-a", "rounds": 1, "verdicts": "ZERO ISSUES"}]
    (point,) = insights["burn_up"]["points"]
    assert (point["story_key"], point["done"], insights["burn_up"]["now"]) == ("1-1-a", 1, 1)
    assert await get(client, "/api/insights?batch=1&days=1") == insights
    commands = await get(client, "/api/commands?limit=1")
    assert (commands["commands"], commands["total"]) == (batch["commands"][-1:], len(batch["commands"]))
    (story,) = commands["stories"].values()
    assert (story["cycle_number"], story["status"]) == (1, "done")
    assert (await get(client, "/api/commands?batch=2"))["commands"] == []
    assert (await get(client, "/api/batches?outcome=stopped"))["total"] == 0
    assert (await get(client, "/api/batches?story=1-1&agent=own&sort=cost_usd&order=asc"))["total"] == 1
    beside = await get(client, "/api/batches/1/compare?with=1")
    assert [(each["story_key"], each["left"] == each["right"]) for each in beside["stories"]] == [("1-1-a", True)]
    assert (insights["budgets"], insights["before"]) == (
        {"day": None, "batch": None, "story": None, "command": None},
        None,
    )
    today = datetime.date.today()
    ranged = await get(client, f"/api/insights?from={today}&to={today}")
    assert (ranged["total"], ranged["before"]["total"]) == (insights["total"], [])
    for query in ("from=yesterday", "from=2026-02-30", "to=2026-03-01&days=7", "from=2026-03-02&to=2026-03-01"):
        async with client.get(f"/api/insights?{query}") as response:
            assert response.status == 400, query
    for query in ("sort=id;", "outcome=great", "order=up"):
        async with client.get(f"/api/batches?{query}") as response:
            assert response.status == 400, query


async def test_stored_events(client: aiohttp.ClientSession) -> None:
    events = (await get(client, "/api/events"))["events"]
    seqs = [event["seq"] for event in events]
    assert seqs == list(range(1, len(events) + 1))
    assert (await get(client, "/api/events?since=3&limit=2"))["events"] == events[3:5]
    ends = (await get(client, "/api/events?type=command:end&story=1-1-a&batch=1"))["events"]
    assert [event["payload"]["command"] for event in ends] == ["code-review-1", "commit"]
    found = (await get(client, "/api/events?q=zero%20issues&type=command:end"))["events"]
    assert [event["payload"]["verdict"] for event in found] == ["ZERO ISSUES"]
    async with client.get("/api/events", headers={"Accept": "application/x-ndjson"}) as response:
        assert response.content_type == "application/x-ndjson"
        assert [json.loads(line) for line in (await response.text()).splitlines()] == events
    for query in ("limit=0", "limit=x", "since=x"):
        async with client.get(f"/api/events?{query}", headers={"Accept": "application/x-ndjson"}) as response:
            assert response.status == 400
            assert (await response.json())["error"]["message"].startswith(query[:5])


async def test_a_transcript(client: aiohttp.ClientSession) -> None:
    transcript = await get(client, "/api/commands/1/transcript")
    assert transcript["command"] == "code-review-1"
    assert any("HIGHEST SEVERITY" in json.dumps(entry) for entry in transcript["entries"])
    rest = await get(client, "/api/commands/1/transcript?from=2")
    assert (rest["from"], rest["entries"]) == (2, transcript["entries"][2:])
    beyond = await get(client, "/api/commands/1/transcript?from=1000000")
    assert (beyond["from"], beyond["entries"]) == (len(transcript["entries"]), [])
    async with client.get("/api/commands/1/transcript?from=-1") as response:
        assert response.status == 400
    async with client.get("/api/commands/1/transcript?raw=1") as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert lines[0]["subtype"] == "init"
    assert lines[-1]["type"] == "result"


async def test_data_files_and_descriptions_are_for_everybody(client: aiohttp.ClientSession, server: Server) -> None:
    async with client.get("/sprint-status.yaml", headers={"Origin": "https://elsewhere.example"}) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Cache-Control"] == "no-cache"
        assert await response.read() == (project_of(server) / TRACKER).read_bytes()
    (project_of(server) / TRACKER).with_name("orchestrator.csv").write_text("a,b\n")
    async with client.get("/orchestrator.csv") as response:
        assert await response.text() == "a,b\n"
    async with client.get("/orchestrator.md") as response:
        assert response.status == 404
    assert "1-1-a" in await get(client, "/story-descriptions.json")


async def test_the_page_and_its_modules(client: aiohttp.ClientSession) -> None:
    async with client.get("/") as response:
        assert response.content_type == "text/html"
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        etag = response.headers["ETag"]
    async with client.get("/", headers={"If-None-Match": etag}) as response:
        assert response.status == 304
    async with client.get("/static/state.js") as response:
        assert response.content_type == "text/javascript"


@pytest.mark.parametrize(
    "path",
    ["/server.py", "/static/", "/static/../server.py", "/static/%2e%2e%2fserver.py", "/static//etc/passwd",
     "/.sprint-runner/sprint-runner.db", "/secret.txt", "/api/nothing", "/api/batches/99", "/api/batches/x",
     "/api/batches/99999999999999999999", "/api/commands/0/transcript", "/api/stories/1-1", "/api/stories/..%2f..%2fx"],
)  # fmt: skip
async def test_what_is_not_there(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "fields", "named"),
    [
        ("/api/run/start", {"batch_size": 0}, "batch_size"),
        ("/api/run/start", {"batch_size": 1001}, "batch_size"),
        ("/api/run/start", {"batch_size": True}, "batch_size"),
        ("/api/run/start", {"batch_size": 1.5}, "batch_size"),
        ("/api/run/start", {"batch_size": 10**30}, "batch_size"),
        ("/api/run/start", {"batch_size": "2"}, "batch_size"),
        ("/api/run/start", {"batch_size": None}, "batch_size"),
        ("/api/run/start", {"stories": []}, "stories"),
        ("/api/run/start", {"stories": "1-1-a"}, "stories"),
        ("/api/run/start", {"stories": ["nobody"]}, "stories"),
        ("/api/run/start", {"agent": 7}, "agent"),
        ("/api/run/start", {"agent": "nobody"}, "agent"),
        ("/api/run/start", {"budget_usd": -1}, "budget_usd"),
        ("/api/run/start", {"budget_usd": True}, "budget_usd"),
        ("/api/run/start", {"size": 2}, "size"),
        ("/api/run/stop", {"mode": "maybe"}, "mode"),
        ("/api/run/stop", {"mode": []}, "mode"),
        ("/api/run/pause", {"x": 1}, "x"),
    ],
)
async def test_bad_input_names_the_field(client: aiohttp.ClientSession, path: str, fields: Any, named: str) -> None:
    status, answer = await post(client, path, fields)
    assert status == 400
    assert answer["error"]["message"].startswith(f"{named}: ")


@pytest.mark.parametrize("path", ["/api/run/start", "/api/run/stop", "/api/run/resume", "/api/settings"])
@pytest.mark.parametrize("body", HOSTILE_BODIES)
async def test_bodies_that_are_not_objects(client: aiohttp.ClientSession, path: str, body: str) -> None:
    method = "PUT" if path == "/api/settings" else "POST"
    headers = {"Content-Type": "application/json"}
    async with client.request(method, path, data=body.encode("latin-1"), headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "bad_json"


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "since=-1", "limit=99999999999", "since=1e3", "batch=²"])
async def test_bad_queries(client: aiohttp.ClientSession, query: str) -> None:
    async with client.get(f"/api/events?{query}") as response:
        assert response.status == 400


async def test_methods_types_and_sizes(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/run/start") as response:
        assert response.status == 405
        assert "POST" in response.headers["Allow"]
    async with client.post("/api/run/start", data="batch_size=1") as response:
        assert response.status == 415
    huge = json.dumps({"agent": "x" * 2_000_000})
    async with client.post(
        "/api/run/start", data=io.BytesIO(huge.encode()), headers={"Content-Type": "application/json"}
    ) as response:
        assert response.status == 413
        assert (await response.json())["error"]["code"] == "too_large"


@pytest.mark.parametrize("path", ["/api/run/pause", "/api/run/resume", "/api/run/stop", "/api/orchestrator/stop"])
async def test_verbs_that_do_not_fit_the_state(client: aiohttp.ClientSession, path: str) -> None:
    status, answer = await post(client, path)
    assert (status, answer["error"]["code"]) == (409, "idle")


class TestStatusByHand:
    async def put(self, client: aiohttp.ClientSession, key: str, fields: Any) -> tuple[int, Any]:
        async with client.put(f"/api/stories/{key}/status", json=fields) as response:
            return response.status, await response.json()

    async def test_it_is_written_and_emitted(self, client: aiohttp.ClientSession, server: Server) -> None:
        async with client.ws_connect("/ws") as line:
            await line.receive()
            wanted = {"status": "ready-for-dev", "expected": "backlog"}
            assert (await self.put(client, "1-2-b", wanted))[0] == 200
            received = json.loads((await line.receive()).data)
        assert received["payload"]["new_status"] == "ready-for-dev"
        assert received["batch_id"] is None
        assert "  1-2-b: ready-for-dev  # note\n" in (project_of(server) / TRACKER).read_text()
        back = {"status": "backlog", "expected": "ready-for-dev"}
        assert (await self.put(client, "1-2-b", back))[0] == 200

    async def test_what_is_refused(self, client: aiohttp.ClientSession) -> None:
        assert (await self.put(client, "1-2-b", {"status": "done", "expected": "review"}))[0] == 409
        assert (await self.put(client, "9-9-x", {"status": "done", "expected": "review"}))[0] == 404
        assert (await self.put(client, "1-2-b", {"status": "done"}))[0] == 400
        status, answer = await self.put(client, "1-2-b", {"status": "made-up", "expected": "backlog"})
        assert (status, answer["error"]["message"].partition(":")[0]) == (400, "status")

    async def test_an_epic_is_no_story(self, client: aiohttp.ClientSession) -> None:
        assert (await self.put(client, "epic-1", {"status": "done", "expected": "in-progress"}))[0] == 404

    @pytest.mark.parametrize("content", ["- [", "development_status:\n  1-2-b: backlog\n---\na: b\n", None])
    async def test_a_file_that_is_not_safe_to_edit(
        self, client: aiohttp.ClientSession, server: Server, content: str | None
    ) -> None:
        tracker = project_of(server) / TRACKER
        before = tracker.read_bytes()
        try:
            if content is None:
                tracker.unlink()
            else:
                tracker.write_text(content)
            assert (await self.put(client, "1-2-b", {"status": "review", "expected": "backlog"}))[0] == 422
            assert content is None or tracker.read_text() == content
        finally:
            tracker.write_bytes(before)


class TestSettings:
    async def put(self, client: aiohttp.ClientSession, fields: Any) -> tuple[int, Any]:
        async with client.put("/api/settings", json=fields) as response:
            return response.status, await response.json()

    async def test_all_of_them_with_range_and_source(self, client: aiohttp.ClientSession) -> None:
        settings = {setting["name"]: setting for setting in (await get(client, "/api/settings"))["settings"]}
        assert settings["port"]["source"] == "flag"
        assert settings["agent"]["source"] == "file"
        assert settings["retries"] == {
            "name": "retries",
            "value": 2,
            "allowed": "a whole number from 0 to 20",
            "default": 2,
            "effect": "further attempts after a failed command",
            "source": "default",
            "kind": "integer",
            "low": 0,
            "high": 20,
            "choices": [],
            "optional": False,
            "editable": True,
            "applies": "at once",
            "locked": None,
        }
        assert "command line" in settings["port"]["locked"]
        assert settings["heartbeat_s"]["applies"] == "after a restart"
        assert "sprint-runner.yaml" in settings["heartbeat_s"]["locked"]
        assert settings["agents"]["value"]["own"]["env"] == {"OWN_KEY": "set"}
        assert "own" in settings["agent"]["choices"]

    async def test_a_change_is_kept_in_the_file_and_in_force(
        self, client: aiohttp.ClientSession, server: Server
    ) -> None:
        status, answer = await self.put(client, {"retries": 3, "verify": "make check"})
        assert status == 200
        values = {setting["name"]: setting["value"] for setting in answer["settings"]}
        assert (values["retries"], values["verify"]) == (3, "make check")
        text = (project_of(server) / "sprint-runner.yaml").read_text()
        assert text.startswith("# mine\nagent: own\n")
        assert text.endswith('retries: 3\nverify: "make check"\n')

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"retries": 3, "nonsense": 1}, 400),
            ({"retries": True}, 400),
            ({"agent": "nobody"}, 400),
            ({"retries": 10**30}, 400),
            ({"token": "x"}, 400),
            ({"port": 1}, 409),
        ],
    )
    async def test_all_or_nothing(
        self, client: aiohttp.ClientSession, server: Server, fields: Any, status: int
    ) -> None:
        before = (project_of(server) / "sprint-runner.yaml").read_bytes()
        assert (await self.put(client, fields))[0] == status
        assert (project_of(server) / "sprint-runner.yaml").read_bytes() == before

    async def test_what_a_change_would_write_is_returned_before_it_is_written(
        self, client: aiohttp.ClientSession, server: Server
    ) -> None:
        file = project_of(server) / "sprint-runner.yaml"
        before = file.read_bytes()
        status, received = await post(client, "/api/settings/preview", {"auto_resume": True})
        assert (status, received["file"], received["diff"][-1]) == (200, "sprint-runner.yaml", "+auto_resume: true")
        assert (await post(client, "/api/settings/preview", {"agent": "nobody"}))[0] == 400
        assert (await post(client, "/api/settings/preview", {"port": 1}))[0] == 409
        assert file.read_bytes() == before

    async def test_null_goes_back_to_the_default(self, client: aiohttp.ClientSession, server: Server) -> None:
        before = (project_of(server) / "sprint-runner.yaml").read_bytes()
        assert (await self.put(client, {"max_code_review_attempts": 4}))[0] == 200
        status, answer = await self.put(client, {"max_code_review_attempts": None})
        (setting,) = [each for each in answer["settings"] if each["name"] == "max_code_review_attempts"]
        assert (status, setting["value"], setting["source"]) == (200, 10, "default")
        assert (project_of(server) / "sprint-runner.yaml").read_bytes() == before

    async def test_a_manual_change_is_reported(self, client: aiohttp.ClientSession, server: Server) -> None:
        file = project_of(server) / "sprint-runner.yaml"
        before = file.read_text()
        assert (await get(client, "/api/settings"))["unread"] is None
        file.write_text(before + "silence_timeout_min: 7\n")
        assert "was edited" in (await get(client, "/api/settings"))["unread"]
        file.write_text(before + "silence_timeout_min: often\n")
        assert "silence_timeout_min" in (await get(client, "/api/settings"))["unread"]
        file.write_text(before)


async def test_schema_health_and_metrics(client: aiohttp.ClientSession) -> None:
    schema = await get(client, "/api/schema")
    assert len(schema["oneOf"]) == 26
    settings = schema["settings"]["properties"]
    assert list(settings) == [setting["name"] for setting in (await get(client, "/api/settings"))["settings"]]
    assert {word: settings["retries"][word] for word in ("type", "minimum", "maximum")} == {
        "type": "integer",
        "minimum": 0,
        "maximum": 20,
    }
    assert settings["budget_batch_usd"]["type"] == ["number", "null"]
    assert settings["allowed_hosts"]["items"] == {"type": "string"}
    assert (await get(client, "/healthz"))["status"] == "ok"
    async with client.get("/metrics") as response:
        text = await response.text()
    assert "sprint_runner_events_total " in text
    assert text.endswith("\n")


async def test_the_search(server: Server, client: aiohttp.ClientSession) -> None:
    found = await get(client, "/api/search?q=code-review+1-1-a&kind=event&limit=3")
    assert found["count"] >= len(found["results"]) > 0
    result = found["results"][0]
    assert result["place"] == f"#run?pane=log&line={result['seq']}"
    assert result["event"]["seq"] == result["seq"]
    assert result["at"] == result["event"]["timestamp"]
    whole = (await get(client, "/api/search?q=code-review+1-1-a&kind=event&limit=200"))["results"]
    rest = await get(client, f"/api/search?q=code-review+1-1-a&kind=event&limit=200&after={found['after']}")
    assert [one["seq"] for one in found["results"] + rest["results"]] == [one["seq"] for one in whole]
    while not (found := await get(client, "/api/search?q=change&kind=transcript"))["results"]:
        await asyncio.sleep(0.1)  # the transcripts are taken in beside everything else
    result = found["results"][0]
    assert result["place"] == f"#run?story=1-1-a&transcript={result['command_id']}&entry={result['entry']}"
    start, end = result["ranges"][0]
    assert result["excerpt"][start:end].lower() == "change"
    command = [
        sys.executable,
        str(ROOT / "server.py"),
        "search",
        "--project",
        str(project_of(server)),
        "change",
        "--json",
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert process.returncode == 0
    assert result["excerpt"] in [one["excerpt"] for one in json.loads(printed)["results"]]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=%22%22",
        "q=a&kind=story",
        "q=a&limit=0",
        "q=a&limit=201",
        "q=a&after=x",
        "q=a&before=0",
        "q=" + "a" * 301,
    ],
)
async def test_a_search_that_is_refused(client: aiohttp.ClientSession, query: str) -> None:
    async with client.get(f"/api/search?{query}") as response:
        assert response.status == 400
        assert (await response.json())["error"]["message"].split(":")[0] in ("q", "kind", "limit", "after", "before")


async def test_what_is_typed_is_text(client: aiohttp.ClientSession) -> None:
    for text in ('NEAR("a', "a* OR (b", "col:x AND", "'; DROP TABLE events; --", "\x00\x1e*", "\u65e5\u672c"):
        async with client.get("/api/search", params={"q": text}) as response:
            assert response.status == 200, text
