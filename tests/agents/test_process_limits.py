"""Limits in time, and the troubles that end a run before them."""

from __future__ import annotations

import asyncio

import pytest

from agents import OutcomeKind, Question, Retry, Started, Usage, UsageSeen
from tests.agents.children import PATIENCE_S, AgentBench, ended, hasten


async def test_it_lives_on_after_its_result(bench: AgentBench) -> None:
    outcome = await bench.run("init(); text('ok'); result(); time.sleep(600)")
    assert outcome.kind is OutcomeKind.SUCCESS


async def test_silence(bench: AgentBench) -> None:
    process = await bench.start("init(); text('Thinking hard'); time.sleep(600)")
    await bench.until(UsageSeen)
    hasten(process, silence_s=0.4)
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.STALLED
    assert outcome.reason == "No output for 0.4 s. Last activity: Thinking hard"
    assert outcome.usage == Usage(100, 10, 1000)  # what was spent until then is booked
    assert outcome.cost_usd == pytest.approx(100 * 3e-6 + 10 * 15e-6 + 1000 * 0.3e-6)
    assert outcome.estimated_usd == pytest.approx(outcome.cost_usd)


async def test_silence_names_the_open_question(bench: AgentBench) -> None:
    process = await bench.start(
        """
        init()
        asked = {"questions": [{"question": "Delete the database?"}]}
        block = {"type": "tool_use", "id": "t", "name": "AskUserQuestion", "input": asked}
        say(type="assistant", message={"id": "m", "content": [block]})
        time.sleep(600)
        """
    )
    await bench.until(Question)
    hasten(process, silence_s=0.1)
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.STALLED
    assert "Delete the database?" in outcome.reason


async def test_output_postpones_the_silence_limit(bench: AgentBench) -> None:
    """Any line does, also one that is no record."""
    process = await bench.start("init()\nwhile True: time.sleep(.01); say(type='ping')")
    await bench.until(Started)
    first = process._limits.next().at
    async with asyncio.timeout(PATIENCE_S):
        while process._limits.next().at == first:
            await asyncio.sleep(0.01)
    process.stop()
    assert (await ended(process)).kind is OutcomeKind.STOPPED


async def test_stderr_is_no_sign_of_progress(bench: AgentBench) -> None:
    process = await bench.start("init()\nwhile True: time.sleep(.01); print('retrying', file=sys.stderr)")
    await bench.until(Started)
    hasten(process, silence_s=0.5)
    assert (await ended(process)).kind is OutcomeKind.STALLED


async def test_timeout(bench: AgentBench) -> None:
    process = await bench.start("init()\nwhile True: text('more'); time.sleep(.02)")
    await bench.until(UsageSeen)
    hasten(process, timeout_s=0.5)
    outcome = await ended(process)
    assert outcome.kind is OutcomeKind.TIMEOUT
    assert outcome.reason.startswith("No end after 0.5 s.")
    assert outcome.usage.input_tokens == 100


async def test_a_refused_key_ends_the_run_at_once(bench: AgentBench) -> None:
    outcome = await bench.run(
        "init(); say(type='system', subtype='api_retry', attempt=1, max_retries=10, retry_delay_ms=500,"
        " error_status=401, error='authentication_failed'); time.sleep(60)"
    )
    assert outcome.kind is OutcomeKind.AUTH
    assert outcome.reason == (
        "The agent's key or login was refused (authentication_failed, HTTP 401). "
        "Log in with `claude` and /login, or set ANTHROPIC_API_KEY in the agent's environment."
    )
    assert any(isinstance(record, Retry) and record.fatal for record in bench.records)
