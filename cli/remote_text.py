"""The state of a run as text for a terminal: one line for each fact, the most important one first."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

Need = dict[str, Any]  # {id, kind, story_key, message, answers}, as `needs --json` prints it


def needs_of(run: dict[str, Any], sprint: dict[str, Any]) -> list[Need]:
    """Return what needs the operator, oldest first: calls of the run, then blocked stories that no call names.

    `run` and `sprint` are the responses of `GET /api/run` and `GET /api/sprint`. `id` is what `answer` takes, None
    where nothing can be answered; `answers` are the decisions of a gate, or about a delivery.
    """
    blocked = [story["key"] for story in sprint["stories"] if story["status"] == "blocked"]
    needs = [_need(call) for call in run["attention"] if call["kind"] != "blocked" or call["story_key"] in blocked]
    named = {need["story_key"] for need in needs if need["kind"] == "blocked"}
    needs += [
        {"id": None, "kind": "blocked", "story_key": key, "message": f"{key} is blocked", "answers": []}
        for key in blocked
        if key not in named
    ]
    return needs


def _need(call: dict[str, Any]) -> Need:
    asks = call["kind"] == "question" and call["command_id"] is not None
    gate, delivery = call.get("gate_id"), call.get("delivery_id")
    number = f"gate-{gate}" if gate else str(call["command_id"]) if asks else None
    if delivery and call.get("decisions"):
        number = f"delivery-{delivery}"
    return {
        "id": number,
        "kind": call["kind"],
        "story_key": call["story_key"],
        "message": call["message"],
        "answers": list(call.get("decisions") or ()),
    }


def needs_text(needs: Sequence[Need]) -> str:
    """Return the list with the command line that answers each item."""
    return "\n".join(map(_line, needs)) if needs else "Nothing needs you."


def _line(need: Need) -> str:
    how = ""
    if need["id"] is not None:
        choice = "|".join(need["answers"]) or "TEXT"
        how = f"\n    sprint-runner answer {need['id']} {choice}"
    elif need["kind"] == "blocked":
        how = f"\n    sprint-runner hint {need['story_key']} TEXT --retry"
    return f"{need['kind']}: {need['message']}{how}"


def status_text(
    run: dict[str, Any],
    needs: Sequence[Need],
    deliveries: Sequence[dict[str, Any]] = (),
    windows: Sequence[dict[str, Any]] = (),
) -> str:
    """Return the state, the running commands, the cost, open deliveries, the accounts' usage windows, and how much
    needs the operator."""
    lines = [f"{run['project']['name']}: {_state(run)}"]
    lines += [_operation(operation) for operation in run["operations"]]
    waiting = [", ".join(cycle["story_keys"]) for cycle in run["cycles"] if cycle.get("waits")]
    lines += [f"  {keys}: waits for a place on a worker" for keys in waiting]
    batch, totals = run["batch"], run["totals"]
    if batch is not None:
        done, blocked, cost = totals["stories_done"], totals["stories_blocked"], totals["cost_usd"]
        lines.append(f"  batch {batch['id']}: {done} done, {blocked} blocked, ${cost:.2f}")
    lines += [f"  delivery: {one['subject']}: {one['words']}" for one in deliveries if not one["ended"]]
    lines += [_window(window) for window in windows]
    if run["problem"]:
        lines.append(f"  problem: {run['problem']}")
    if needs:
        lines.append(f"  needs you: {len(needs)} (`sprint-runner needs` lists them)")
    return "\n".join(lines)


def _state(run: dict[str, Any]) -> str:
    if run["state"] == "idle" and run["resumable"] is not None:
        return "interrupted (`sprint-runner resume` continues)"
    reason = f", {run['reason']}" if run["reason"] else ""
    until = f" until {_clock(run['until'])}" if run["until"] else ""
    return f"{run['state']}{reason}{until}"


def _operation(operation: dict[str, Any]) -> str:
    attempt = f", attempt {operation['attempt']}" if operation["attempt"] > 1 else ""
    who = " ".join(filter(None, (operation["agent"], operation["model"])))
    subject = operation["story_key"] or "the project"
    machine = f" on {operation['machine']}" if operation["machine"] else ""
    return f"  {subject}: {operation['command']}{attempt}, by {who}{machine}, since {_clock(operation['started_at'])}"


def _window(window: dict[str, Any]) -> str:
    who = ", ".join(window["agents"]) or window["account"]
    kept = f", {window['reserve']:.0%} reserved" if window["reserve"] else ""
    until = f", resets {_clock(window['resets_at'])}" if window["resets_at"] else ""
    return f"  usage of {who}, {window['window']}: {window['used_fraction']:.0%}{kept}{until}"


def _clock(at: int) -> str:
    """Return the time of this machine's zone, with the day where it is another one."""
    then = datetime.datetime.fromtimestamp(at / 1000)
    return then.strftime("%H:%M" if then.date() == datetime.datetime.now().date() else "%Y-%m-%d %H:%M")
