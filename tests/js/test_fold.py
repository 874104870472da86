"""The run's state is folded twice, by the server and by the page: whatever happens, both must say the same."""

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runstate.fold import RunState
from runstate.server_state import ServerState
from runstate.views import run_view

FOLD = Path(__file__).parent / "fold.js"
KEYS = st.sampled_from(["1-1-a", "1-2-b", "2a-1-c"])
STATUSES = st.sampled_from(["backlog", "ready-for-dev", "in-progress", "review", "done", "blocked"])
MONEY = st.integers(0, 400).map(lambda cents: cents / 4)
VERDICTS = st.sampled_from(["complete", "blocked", "unread"])
METRICS = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": st.integers(0, 9999),
        "output_tokens": st.integers(0, 9999),
        "cache_read_tokens": st.integers(0, 9999),
        "cache_write_tokens": st.integers(0, 9999),
        "cost_usd": MONEY,
        "estimated_usd": MONEY,
        "turns": st.integers(0, 99),
        "duration_ms": st.integers(0, 9999),
    },
)
COMMAND = {
    "story_key": KEYS,
    "command": st.sampled_from(["dev-story", "code-review-1"]),
    "task_id": st.sampled_from(["setup", "test"]),
}
COMMAND_MORE = {
    "command_id": st.integers(1, 4),
    "attempt": st.integers(1, 3),
    "agent": st.just("demo"),
    "model": st.sampled_from(["large", "light"]),
    "background": st.booleans(),
    "story_keys": st.lists(KEYS, min_size=1, max_size=2),
    "cycle_number": st.integers(1, 3),
    "machine": st.sampled_from(["desktop", "laptop"]),
}


class FoldEnvelope(msgspec.Struct):
    type: str
    payload: dict[str, Any]
    timestamp: int
    seq: int
    batch_id: int | None = None


def kind(name: str, required: dict[str, Any], **optional: Any) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.tuples(st.just(name), st.fixed_dictionaries(required, optional=optional))


LABEL = st.just("2 cycles")
NEED = {"kind": st.sampled_from(["blocked", "question"]), "message": st.text(max_size=5)}

LANE = {
    "cycle_number": st.integers(1, 9),
    "story_keys": st.lists(KEYS, max_size=2),
    "state": st.sampled_from(["waiting", "here", "worker", "lost"]),
    "message": st.text(max_size=5),
}
DELIVERY = {
    "story_key": KEYS,
    "delivery_id": st.integers(1, 2),
    "state": st.sampled_from(["planned", "open"]),
    "branch": st.just("deliver/1-1"),
    "message": st.text(max_size=5),
}


def events() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    batch = {"batch_id": st.integers(1, 2)}
    reason = st.sampled_from(
        ["operator", "usage-limit", "unreachable", "retry", "program", "question", "budget", "breaker", "interrupted"]
    )
    size = st.one_of(st.just("all"), st.integers(1, 9))
    ended = {"cycles_completed": st.integers(0, 9), "status": st.sampled_from(["completed", "stopped", "error"])}
    status = {"status": st.sampled_from(["success", "error", "stopped"])}
    changed = {"story_key": KEYS, "old_status": STATUSES, "new_status": STATUSES}
    warned = {
        "warning_type": st.sampled_from(["pausing", "stopping", "git", "answered"]),
        "message": st.text(max_size=5),
    }
    return st.one_of(
        kind("batch:start", {**batch, "max_cycles": size}, agent=st.just("demo"), budget_usd=MONEY, label=LABEL),
        kind("batch:end", {**batch, **ended}, reason=st.text(max_size=5)),
        kind("batch:pause", {**batch, "reason": reason}, until=st.integers(0, 99)),
        kind("batch:resume", {**batch, "reason": reason}),
        kind("batch:warning", {**batch, **warned}, command_id=st.integers(1, 4)),
        kind("cycle:start", {"cycle_number": st.integers(1, 9), "story_keys": st.lists(KEYS, max_size=2)}),
        kind("cycle:end", {"cycle_number": st.integers(1, 9), "completed_stories": st.just([])}),
        kind("lane:change", LANE, machine=st.sampled_from(["desktop", "laptop"])),
        kind("command:start", COMMAND, **COMMAND_MORE),
        kind("command:progress", {**COMMAND, "message": st.text(max_size=5)}, metrics=METRICS, **COMMAND_MORE),
        kind("command:end", {**COMMAND, **status}, metrics=METRICS, verdict=VERDICTS, **COMMAND_MORE),
        kind("story:status", changed, reason=st.text(max_size=5)),
        kind("attention", NEED, delivery_id=st.integers(1, 2)),
        kind("story:delivery", DELIVERY),
        kind("attention", NEED, story_key=KEYS, command_id=st.integers(1, 4), story_keys=st.lists(KEYS, max_size=2)),
        kind("context:create", {"status": st.just("running")}, message=st.text(max_size=5)),
        kind("context:complete", {"status": st.sampled_from(["success", "error"])}, metrics=METRICS),
        kind("error", {"type": st.just("agent"), "message": st.text(max_size=5)}),
    )


def folded_by_server(envelopes: list[FoldEnvelope]) -> list[Any]:
    state, states = RunState(), []
    for envelope in envelopes:
        state.apply([envelope])
        states.append(json.loads(msgspec.json.encode(run_view(state.run, ServerState(), state.run.state))))
    return states


def folded_by_page(envelopes: list[FoldEnvelope]) -> list[Any]:
    received = msgspec.json.encode(envelopes)
    run = subprocess.run(["node", FOLD], input=received, capture_output=True, timeout=30, check=True)
    states: list[Any] = json.loads(run.stdout)
    return states


def first_difference(envelopes: list[FoldEnvelope]) -> str:
    """The first event after which the two folds disagree, and what each of them says; "" for none."""
    for envelope, page, server in zip(envelopes, folded_by_page(envelopes), folded_by_server(envelopes), strict=True):
        if page != server:
            received = [f"{name}: page {page.get(name)!r}, server {server[name]!r}" for name in server]
            apart = [words for name, words in zip(server, received, strict=True) if page.get(name) != server[name]]
            return f"after {envelope.type} {envelope.payload}: {'; '.join(apart)}"
    return ""


# Every example starts node, so a failure is explained as it is instead of being shrunk.
@settings(max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(events(), st.sampled_from([None, 1])), min_size=20, max_size=120))
def test_both_folds_agree_after_every_event(emitted: list[tuple[tuple[str, dict[str, Any]], int | None]]) -> None:
    envelopes = [
        FoldEnvelope(type=name, payload=payload, timestamp=1_700_000_000_000 + seq, seq=seq, batch_id=batch_id)
        for seq, ((name, payload), batch_id) in enumerate(emitted, start=1)
    ]
    assert first_difference(envelopes) == ""
