"""The small made-up projects run by the real program, each as its case demands, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.running.plans import git
from tests.servers import ROOT, Server, get, post
from tests.sprint.cases import SKILL, SOURCES, write_case
from tests.sprint.conftest import CORPUS

AGENT = (sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max")
CONTEXT = {"AGENTS.md": "# Agents\n"}
WITH_SKILL = {**CONTEXT, SKILL: "---\nname: bmad-build-auto\n---\n"}


# Our own cases are of the same kinds: where the others are there, `make worlds` runs ours as well.
@pytest.fixture(params=[pytest.param(one, marks=pytest.mark.worlds if one != SOURCES[-1] else ()) for one in SOURCES])
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def serving(
    root: Path, files: dict[str, str], agent: tuple[str, ...] = AGENT, **environment: str
) -> AsyncIterator[aiohttp.ClientSession]:
    """The program over a project that is made a repository first, with further files, and a client of it."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / ".gitignore").write_text(".sprint-runner/\n")
    settings = root / "sprint-runner.yaml"
    before = settings.read_text() if settings.exists() else ""
    settings.write_text(f"{before}agent: own\nagents: {{own: {{kind: claude, command: {json.dumps(agent)}}}}}\n")
    for arguments in (("init", "-q"), ("config", "user.name", "T"), ("config", "user.email", "t@localhost")):
        git(root, *arguments)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    server = Server([str(root), "--port", "0"], root.parent, environment).start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            yield client
    finally:
        assert server.end() == 0
    assert "Traceback" not in server.errors()


async def finish(client: aiohttp.ClientSession, stories: list[str] | None = None) -> dict[str, str]:
    """Run everything that can run; the statuses afterwards."""
    fields = {"batch_size": "all", **({} if stories is None else {"stories": stories})}
    status, answer = await post(client, "/api/run/start", fields)
    assert status == 202, answer
    while (run := await get(client, "/api/run"))["state"] != "idle":
        assert run["state"] != "paused", run
        await asyncio.sleep(0.1)
    return await statuses(client)


async def statuses(client: aiohttp.ClientSession) -> dict[str, str]:
    return {story["key"]: story["status"] for story in (await get(client, "/api/sprint"))["stories"]}


async def begun(client: aiohttp.ClientSession) -> list[str]:
    """Command and story of all commands, oldest first."""
    return [f"{one['story_key']} {one['command']}" for one in (await get(client, "/api/commands"))["commands"]]


def checked(root: Path) -> subprocess.CompletedProcess[str]:
    """What `check` says of a project."""
    command = [sys.executable, str(ROOT / "server.py"), "check", str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})


# -- trackers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("file-order", ["1-5-prompt", "1-2-types"]),
        ("leftover-in-done-epic", ["2-1-export"]),
        ("tracker-setting-unusual-name", ["1-1-a"]),
        ("context-file-elsewhere", ["1-1-a"]),
    ],
)
async def test_stories_of_a_tracker_run_in_the_order_that_the_case_wants(
    tmp_path: Path, source: str, name: str, done: list[str]
) -> None:
    root = write_case(source, name, tmp_path / "p")
    files = {} if name == "context-file-elsewhere" else CONTEXT
    if source == "own" and name.startswith("tracker-setting"):
        (root / "sprint-runner.yaml").write_text("tracker: plan/web-status.yaml\n")
    async with serving(root, files) as client:
        found = await finish(client)
        ran = dict.fromkeys(line.split()[0] for line in await begun(client) if line.split()[0])
        assert [key for key in ran if key in done] == done
        assert [key for key in done if found[key] != "done"] == []
        assert not any(line.endswith("project-context") for line in await begun(client))
    contexts = [path for path in root.rglob("project-context.md") if ".sprint-runner" not in path.parts]
    assert len(contexts) == {"context-file-elsewhere": len(contexts)}.get(name, 0)


async def test_a_leftover_runs_only_when_it_is_named(tmp_path: Path, source: str) -> None:
    async with serving(write_case(source, "leftover-in-done-epic", tmp_path / "p"), CONTEXT) as client:
        shown = (await get(client, "/api/sprint"))["stories"]
        assert [story["key"] for story in shown if story.get("leftover")] == ["1-2-nice-to-have"]
        assert (await finish(client))["1-2-nice-to-have"] == "backlog"
        status, answer = await post(client, "/api/run/start", {"batch_size": "all"})
        assert status == 409
        assert "left in an epic that is done and run only when named: 1-2-nice-to-have" in answer["error"]["message"]
        assert (await finish(client, ["1-2-nice-to-have"]))["1-2-nice-to-have"] == "done"


@pytest.mark.parametrize(
    ("name", "key", "folder"),
    [
        ("stale-story-location", "1-2-logout", "_bmad-output/implementation-artifacts"),
        ("stories-by-epic-folder", "2-2-b", "_bmad-output/implementation-artifacts/epic-2/stories"),
    ],
)
async def test_a_new_story_is_written_where_its_siblings_are(
    tmp_path: Path, source: str, name: str, key: str, folder: str
) -> None:
    root = write_case(source, name, tmp_path / "p")
    async with serving(root, CONTEXT) as client:
        assert (await finish(client))[key] == "done"
        assert (await get(client, f"/api/stories/{key}"))["files"] == [f"{folder}/{key}.md"]
    assert [path.name for path in root.rglob(f"{key}.md") if "work" not in path.parts] == [f"{key}.md"]


async def test_keys_of_three_parts_each_get_a_file_of_their_own(tmp_path: Path, source: str) -> None:
    root = write_case(source, "three-part-keys", tmp_path / "p")
    summary = next(root.rglob("2-1-1-implementation-summary.md"))
    before = summary.read_bytes()
    async with serving(root, CONTEXT) as client:
        assert set((await finish(client)).values()) == {"done"}
        owned = [name for story in (await get(client, "/api/sprint"))["stories"] for name in story["files"]]
        assert len(owned) == len(set(owned))
    assert summary.read_bytes() == before


async def test_a_note_is_never_written_over(tmp_path: Path, source: str) -> None:
    root = write_case(source, "handoff-note-as-story", tmp_path / "p")
    notes = {path: path.read_bytes() for path in (root / "docs/stories").iterdir()}
    async with serving(root, CONTEXT) as client:
        found = await finish(client)
        assert "done" in found.values()
    assert {path: path.read_bytes() for path in notes} == notes


async def test_keys_with_a_prefix_are_run(tmp_path: Path, source: str) -> None:
    root = write_case(source, "prefixed-keys", tmp_path / "p")
    assert "understood" not in checked(root).stdout
    async with serving(root, CONTEXT) as client:
        found = await finish(client)
        assert [key for key, status in found.items() if status != "done"] == []
        assert {"TD-18-1-cleanup", "HF-18-hotfix", "dm-01-1-install"} <= found.keys()


async def test_titles_and_criteria_of_the_dossier(tmp_path: Path, source: str) -> None:
    async with serving(write_case(source, "stray-epic-document", tmp_path / "a/p"), CONTEXT) as client:
        assert (await get(client, "/api/stories/3-7-saves-list-page"))["title"] == "Saves list page"
        assert (await get(client, "/api/stories/3-6-share"))["title"] == "Share"
    async with serving(write_case(source, "build-auto-spec-6.11", tmp_path / "b/p"), CONTEXT) as client:
        dossier = await get(client, "/api/stories/3-2-digest-delivery")
        assert (len(dossier["criteria"]), len(dossier["tasks"])) == (2, 2)


# -- other kinds ---------------------------------------------------------------------------------------------------


async def test_bmad_4_is_run_with_the_status_in_the_storys_file(tmp_path: Path, source: str) -> None:
    root = write_case(source, "v4-docs-stories", tmp_path / "p")
    assert "sprint planning" not in checked(root).stdout
    async with serving(root, CONTEXT) as client:
        assert (await get(client, "/api/sprint"))["kind"] == "v4"
        assert await finish(client) == {"1.1": "done"}
        assert not any("create-story" in line for line in await begun(client))
    text = (root / "docs/stories/1.1.login.story.md").read_text()
    assert text.split("## Status\n", 1)[1].split()[0] == "Done"
    assert git(root, "status", "--porcelain") == ""


async def test_a_spec_folder_is_run_in_the_order_of_its_list(tmp_path: Path, source: str) -> None:
    root = write_case(source, "spec-folder-stories-yaml", tmp_path / "p")
    async with serving(root, WITH_SKILL) as client:
        assert await finish(client) == {"1": "done", "2": "done"}
    spec = root / "_bmad-output/planning-artifacts/epic-1-words"
    assert [path.name for path in sorted((spec / "stories").iterdir())] == ["1-add-greeting.md", "2-add-farewell.md"]


@pytest.mark.parametrize("name", ["v7-active-initiative", "v7-ticket-tree"])
async def test_tickets_of_the_active_initiative_are_run(tmp_path: Path, source: str, name: str) -> None:
    root = write_case(source, name, tmp_path / "p")
    async with serving(root, WITH_SKILL) as client:
        assert (await get(client, "/api/sprint"))["kind"] == "tickets"
        assert await finish(client) == {"1.1": "done", "1.6a": "done", "2.1": "done"}
        ran = await begun(client)
        assert ran[0] == "1.1 code-review-1"  # it is built already: a review, and no build
        assert [line for line in ran if line.endswith("build-auto")] == ["1.6a build-auto", "2.1 build-auto"]
    assert git(root, "status", "--porcelain") == ""


async def test_tickets_of_an_initiative_that_none_is_set_as_active(tmp_path: Path, source: str) -> None:
    root = write_case(source, "v7-initiative-without-epics", tmp_path / "p")
    async with serving(root, WITH_SKILL) as client:
        assert await finish(client) == {"1": "done"}
    assert list((root / "_bmad-output/initiative-small").glob("story-one-thing-plan.md"))


# -- unattended builds ---------------------------------------------------------------------------------------------


async def test_both_stories_are_built_by_an_agent_that_halts_on_any_change(tmp_path: Path, source: str) -> None:
    root = write_case(source, "build-auto-clean-tree", tmp_path / "p")
    log = tmp_path / "calls.log"
    agent = _agent(source, "build-auto-clean-tree", tmp_path)
    async with serving(root, {}, agent, DEMO_AGENT=str(ROOT / "demo/agent.py"), SPY_LOG=str(log)) as client:
        assert await finish(client) == {"1-1-add-greeting": "done", "1-2-add-farewell": "done"}
        ran = await begun(client)
        assert [line for line in ran if line.endswith("build-auto")] == [
            "1-1-add-greeting build-auto",
            "1-2-add-farewell build-auto",
        ]
    assert git(root, "status", "--porcelain") == ""


async def test_builds_of_version_7_beside_a_tracker(tmp_path: Path, source: str) -> None:
    root = write_case(source, "build-auto-clean-tree", tmp_path / "p")
    agent = _agent(source, "v7-build-auto", tmp_path, "--bmad", "7")
    async with serving(root, CONTEXT, agent, DEMO_AGENT=str(ROOT / "demo/agent.py")) as client:
        assert await finish(client) == {"1-1-add-greeting": "done", "1-2-add-farewell": "done"}
        builds = [line for line in await begun(client) if line.endswith("build-auto")]
        assert len(builds) == 2
    plans = list((root / "_bmad-output/implementation-artifacts").glob("plan-*.md"))
    assert ["status: built" in path.read_text() for path in plans] == [True, True]


def _agent(source: str, name: str, folder: Path, *words: str) -> tuple[str, ...]:
    """The corpus's agent of a case; ours keeps the same rules itself."""
    if source == "own":
        return (*AGENT, *words)
    path = Path(shutil.copy(CORPUS / f"cases/{name}.agent.sh", folder))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return (str(path),)
