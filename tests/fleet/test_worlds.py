"""The projects of a fleet as users have them: where they lie, what they are called, what happens to their folders."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.projects import ProjectOfMachine, StartRefused
from fleet.client import RunnerClient
from fleet.model import RunnerState
from fleet.projects import ProjectsOfRegistry
from fleet.registry import Registry
from fleet.service import FleetService
from fleet.source import RunnerRequest
from security.grants import Role
from security.trust_store import state_folder
from tests.fleet.conftest import until
from tests.running.plans import git
from tests.servers import PROGRAM, Server
from tests.sprint.cases import write_case
from tests.worlds import make_world

# The layout of a project, the kind of its tracker, and its branch as the fleet shows it.
WORLDS = (("folder", "v6", True), ("plain", "v6", False), ("detached", "v6", False), ("top", "tickets", True))
ODD = "Gärten & Höfe (2)"


@pytest.fixture
def serve(tmp_path: Path, state: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server of a folder that the others of the test know; all are ended."""
    made: list[Server] = []

    def start(root: Path, *options: str, **environment: str) -> Server:
        place = tmp_path / f"server {len(made)}"
        place.mkdir()
        variables = {"XDG_STATE_HOME": str(state), **environment}
        made.append(Server([str(root), "--port", "0", "--agent", "demo", *options], place, variables).start())
        return made[-1]

    yield start
    for server in made:
        if server.process is not None:
            server.end()


def known(service: FleetService) -> dict[str, RunnerState]:
    """The runners whose state is known, by their folders."""
    return {one.info.folder: one for one in service.fleet.states() if one.run is not None}


async def page_of(service: FleetService, runner: RunnerState) -> bytes:
    """What a runner responds to what its page asks first."""
    source, id = service.way_to(next(id for id in service.fleet.ids() if str(id) == runner.id))
    response = await source.request(id, RunnerRequest(method="GET", path="/api/sprint", role=Role.OPERATOR))
    assert response.status == 200
    return b"".join([piece async for piece in response.body])


async def test_every_world_is_a_row_with_its_folder_branch_and_counts(
    service: FleetService, serve: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: dict[str, tuple[bool, int]] = {}
    for number, (layout, kind, has_branch) in enumerate(WORLDS):
        (tmp_path / f"{ODD} {number}").mkdir()
        world = make_world(tmp_path / f"{ODD} {number}", monkeypatch, layout, kind)
        expected[str(world.root)] = (has_branch, len(world.stories))
        serve(world.root)
    v4 = write_case("own", "v4-docs-stories", tmp_path / ODD)
    git(v4, "init", "-q", "-b", "größer")
    expected[str(v4)] = (True, 1)
    serve(v4)
    await until(lambda: len(known(service)) == len(expected))
    found = known(service)
    for folder, (has_branch, total) in expected.items():
        runner = found[folder]
        assert runner.run is not None
        assert (runner.info.branch is not None, runner.run.plan.total, runner.lost) == (has_branch, total, None), folder
        assert await page_of(service, runner)
    assert found[str(v4)].info.branch == "größer"


async def test_two_projects_of_one_name_are_two_rows(
    service: FleetService, serve: Callable[..., Server], tmp_path: Path
) -> None:
    roots = [write_case("own", "v4-docs-stories", tmp_path / place / "shop") for place in ("a", "b")]
    for root in roots:
        serve(root)
    await until(lambda: len(known(service)) == 2)
    first, second = known(service).values()
    assert first.info.project == second.info.project
    assert (first.id != second.id, {first.info.folder, second.info.folder}) == (True, {str(root) for root in roots})


async def test_a_project_that_runs_elsewhere_is_refused_in_a_sentence(
    serve: Callable[..., Server], registry: Registry, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second server is refused by the lock of the project, and the page that has started it says so."""
    root = write_case("own", "v4-docs-stories", tmp_path / "shop")
    serve(root).end()
    serve(root, XDG_STATE_HOME=str(tmp_path / "another"))
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    client = RunnerClient()
    projects = ProjectsOfRegistry(registry, client)
    (project,) = await projects.projects()
    assert not project.running
    with pytest.raises(StartRefused) as refused:
        await projects.start(project.key)
    assert "already" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert [entry.folder for entry in Registry(state_folder(_of(tmp_path / "another"))).entries()] == [str(root)]
    await client.close()


def _of(state: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(state)}


async def test_a_folder_that_was_moved_is_listed_once_where_it_is(
    service: FleetService, serve: Callable[..., Server], registry: Registry, tmp_path: Path
) -> None:
    root = write_case("own", "v4-docs-stories", tmp_path / "shop")
    server = serve(root)
    await until(lambda: str(root) in known(service))
    epoch = known(service)[str(root)].epoch
    server.end()
    await until(lambda: not service.fleet.states())
    moved = tmp_path / "shop 2"
    os.rename(root, moved)
    client = RunnerClient()
    projects = ProjectsOfRegistry(registry, client)
    assert await projects.projects() == []
    with pytest.raises(StartRefused, match="its folder is gone"):
        await projects.start("0" * 12)
    serve(moved)
    await until(lambda: str(moved) in known(service))
    assert [one.info.folder for one in service.fleet.states()] == [str(moved)]
    assert known(service)[str(moved)].epoch == epoch
    rows: list[ProjectOfMachine] = await projects.projects()
    assert [(one.folder, one.running) for one in rows] == [(str(moved), True)]
    await client.close()


def test_a_folder_whose_name_is_no_text_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Another program's, or that of an old disk: no JSON could name it."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    root = write_case("own", "v4-docs-stories", folder)
    done = subprocess.run([*PROGRAM, str(root), "--port", "0"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not UTF-8 text: rename it" in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_option_that_is_no_text_keeps_no_server_from_running(
    serve: Callable[..., Server], tmp_path: Path, registry: Registry
) -> None:
    root = write_case("own", "v4-docs-stories", tmp_path / "shop")
    data = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    server = serve(root, "--data-dir", data)
    assert registry.entries() == []
    assert "not UTF-8 text" in server.errors()
