"""Before a batch: whether a program speaks the protocol, and which version of itself it is."""

from __future__ import annotations

import asyncio
import os

import pytest

from agents import preflight
from agents.acp import probe
from agents.guardian import MARK_VARIABLE
from tests.agents.acp.conftest import AcpBench

FOUND = [
    ("greet()", "small 0.1", None),
    ("result(hear(), protocolVersion=1, agentInfo={'name': 'x', 'title': 'X', 'version': '2'})", "X 2", None),
    ("result(hear(), protocolVersion=1)", None, None),
    ("print('welcome'); greet()", "small 0.1", None),
    ("greet(version=2)", None, "The agent small speaks version 2 of the Agent Client Protocol. It is not spoken here."),
    ("error(hear(), 1, 'no')", None, "The agent small refuses `initialize`: no."),
    (
        "sys.stderr.write('Error: bad flag\\n'); sys.exit(2)",
        None,
        "The agent small cannot run (exit code 2): Error: bad flag.",
    ),
    ("sys.exit(0)", None, "The agent small cannot run (exit code 0): it printed nothing."),
    ("print('x' * 3_000_000, flush=True); sys.exit(0)", None, "The agent small cannot run"),
]


@pytest.mark.parametrize(("script", "version", "problem"), FOUND)
async def test_a_program_is_asked_over_the_protocol(
    acp: AcpBench, script: str, version: str | None, problem: str | None
) -> None:
    found = await preflight(acp.spec(script + "\nsys.stdout.flush(); time.sleep(600)"))
    assert found.version == version
    assert (found.problem or "").startswith(problem or "")
    assert (found.problem is None) == (problem is None)


async def test_what_does_not_answer_has_its_time(acp: AcpBench, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = acp.spec("open('pid', 'w').write(str(os.getpid())); time.sleep(600)")
    monkeypatch.chdir(acp.folder)
    found = await probe.probe(spec, dict(os.environ), timeout_s=1.0)
    assert found.problem == "The agent small did not answer `initialize` within 1 s."
    pid = int((acp.folder / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_what_it_has_started_ends_with_it(acp: AcpBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(acp.folder)
    monkeypatch.setenv(MARK_VARIABLE, acp.mark)
    spec = acp.spec(
        """
        argv = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
        child = subprocess.Popen(argv, start_new_session=True)
        greet(); time.sleep(600)
        """
    )
    assert (await preflight(spec)).version == "small 0.1"
    assert acp.living() == []


async def test_several_are_asked_at_once(acp: AcpBench) -> None:
    spec = acp.spec("greet(); time.sleep(600)")
    assert {found.version for found in await asyncio.gather(*(preflight(spec) for _ in range(3)))} == {"small 0.1"}
