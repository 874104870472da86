"""A short run of the fuzzer of routes; `make fuzz` has a longer one."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.fuzz_routes import WARM_UP, fuzz

SECONDS = 4.0
REQUESTS = 2000  # at most; a slow machine gets through fewer
SEED = 20_240_229


async def test_no_request_makes_a_fault_a_hang_or_a_leak(tmp_path: Path) -> None:
    found = await fuzz(tmp_path, SECONDS, REQUESTS, SEED)
    assert found.requests > WARM_UP / 10
    assert found.sockets
    assert {"200", "400"} <= set(found.statuses)
