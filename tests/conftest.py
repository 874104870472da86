"""Fixtures that several parts of the tests share."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

import agents
import events
from agents import Call
from base.program import PROGRAM_DIR
from events import EventType
from security.trust_store import VARIABLE
from tests.declared import undeclared
from tests.running.projects import Runner, make_project
from tests.worlds import world

os.environ[VARIABLE] = "1"  # of the servers that tests start; those of trust itself take it out
# The servers of tests write who they are into a folder of this run, not into that of the machine's user.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="sprint-runner-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

# How long an example takes says something about the machine, and nothing about the program.
hypothesis.settings.register_profile(
    "machines differ", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("machines differ")

MakeRunner = Callable[..., Awaitable[Runner]]
__all__ = ["MakeRunner", "world"]  # a fixture is found by its name here


class Heaps(LoadScopeScheduling):  # type: ignore[misc]  # the plugin has no types
    """Workers share the tests file by file, in their order; those of the page make two heaps.

    The marks of `xdist_group` reach no worker's ids with pytest 9.2, so that the heap is read from the id.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _heap(nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Heaps | None:
    return Heaps(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first, so that none of them is left for the end."""
    heaps = {item: _heap(item.path.relative_to(PROGRAM_DIR).as_posix()) for item in items}
    long = {heap for item, heap in heaps.items() if item.get_closest_marker("slow") or "browser" in item.path.parts}
    items.sort(key=lambda item: (heaps[item] not in long, "browser" not in item.path.parts))


@cache
def _heap(file: str) -> str:
    """Return what is run by one worker: a file, or the files of the page, by whether they look at one finished run."""
    if "/browser/" not in file:
        return file
    return "a finished run" if "finished" in (PROGRAM_DIR / file).read_text() else "the page"


@pytest.fixture(autouse=True)
def only_declared_keys(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test whose run emitted a key that no class declares; `own_keys` marks tests of what callers may add."""
    found: set[tuple[str, str]] = set()
    validate = events.validate_payload

    def collect(type: str, payload: Mapping[str, Any]) -> EventType:
        event_type = validate(type, payload)
        found.update(undeclared(event_type, payload))
        return event_type

    monkeypatch.setattr(events, "validate_payload", collect)
    yield
    assert not found or request.node.get_closest_marker("own_keys"), f"undeclared keys: {sorted(found)}"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Every call of an agent, as it was started."""
    made: list[Call] = []
    start = agents.start

    async def noted(spec: Any, call: Call, on_record: Any, **options: Any) -> Any:
        made.append(call)
        return await start(spec, call, on_record, **options)

    monkeypatch.setattr(agents, "start", noted)
    return made


@pytest.fixture
async def make_runner(tmp_path: Path) -> AsyncIterator[MakeRunner]:
    """Makes a project with the given stories and a run over it: `await make_runner({"1-1-a": "backlog"}, script)`."""
    made: list[Runner] = []

    async def make(
        stories: Mapping[str, str],
        script: Mapping[str, Any] | None = None,
        *,
        git: bool = True,
        context: bool = True,
        **settings: Any,
    ) -> Runner:
        root = make_project(tmp_path / "tiny", stories, git=git, context=context)
        made.append(await Runner.create(root, script, **settings))
        return made[-1]

    yield make
    for runner in made:
        await runner.close()
