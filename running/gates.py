"""Gates at which the run waits for a person: before a plan is built, before a commit, after a story, at an epic, at a
build that cannot be read.

A gate is a row, a call for the operator and a pause of the whole batch. Promises: a decision survives the end of the
server; what was approved stays approved as long as it stays the same; the first decision counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import UNSET

from events import emit
from payloads import Attention, BatchWarning, StorySkip
from running.gate import Gate, StopMode, Stopped
from running.workspace import Workspace, emit_durable, until_stored
from store.gates import GateRow, NotOpen, decide_gate, get_gate, get_gates_of, open_gate, renew_gate
from store.grants import LinkUsed, use_link
from store.job import NotWritten
from store.skips import add_skip, get_skip

PAUSED: Final = "gate"  # the reason of the pause
AT_GATE: Final = "put aside at its gate"  # the reason of a skip without another one


class GateKind(StrEnum):
    PLAN = "plan"  # a plan is to be approved before it is built
    COMMIT = "commit"  # work is to be approved before it is committed
    DONE = "done"  # the run pauses after a story
    EPIC = "epic"  # everything that is left waits for an epic that only a person closes
    UNREAD = "unread"  # a build has ended, and nothing says how


class GateDecision(StrEnum):
    GO = "go"
    BACK = "back"
    SKIP = "skip"
    STOP = "stop"


CHOICES: Final[Mapping[GateKind, tuple[GateDecision, ...]]] = {
    GateKind.PLAN: (GateDecision.GO, GateDecision.BACK, GateDecision.SKIP, GateDecision.STOP),
    GateKind.COMMIT: (GateDecision.GO, GateDecision.BACK, GateDecision.SKIP, GateDecision.STOP),
    GateKind.DONE: (GateDecision.GO, GateDecision.BACK, GateDecision.SKIP, GateDecision.STOP),
    GateKind.EPIC: (GateDecision.GO, GateDecision.SKIP, GateDecision.STOP),
    GateKind.UNREAD: (GateDecision.GO, GateDecision.BACK, GateDecision.SKIP, GateDecision.STOP),
}


# The gates at which `skip` puts the story aside.
PUTS_ASIDE: Final = frozenset({GateKind.PLAN, GateKind.COMMIT, GateKind.DONE})


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What a person is asked. `subject` is a story's key or an epic's id, `content` what is to be approved.

    `changed_at`: when that was changed last, in ms since the epoch; None where it is unknown.
    """

    kind: GateKind
    subject: str
    message: str
    content: str = ""
    round: int = 1
    story_key: str | None = None
    changed_at: int | None = None


async def decision_of(workspace: Workspace, gate: Gate, request: GateRequest) -> GateRow:
    """Return the row of a gate once it is decided; opens it, and waits. Raises `Stopped`, also for a decision to."""
    row = await _row(workspace, gate.batch_id, request)
    if row is None:
        row = await _open(workspace, gate.batch_id, request)
    elif row.decision is None and row.content != request.content:  # it was changed while nothing waited here
        await until_stored(partial(workspace.database.write, renew_gate, row.id, request.content))
    elif row.decision is None and row.batch_id != gate.batch_id:
        await _call_operator(row.id, request)  # the page shows what this batch needs
    while row.decision is None:
        gate.pause(PAUSED)
        await gate.enter()
        row = await _read(workspace, row.id)
    if row.decision == GateDecision.STOP:
        gate.stop(StopMode.GRACEFUL)
        raise Stopped
    return row


async def keep_decision(
    workspace: Workspace,
    batch_id: int,
    row: GateRow,
    decision: GateDecision,
    comments: str | None,
    link: str | None = None,
) -> bool:
    """Store the decision and emit that the gate is decided; False when it was decided before, or no batch is open.

    `batch_id` is that of the open batch, which may have come to a gate that an earlier one had opened; `link`
    identifies the link that is used up by it.
    """
    payload = BatchWarning(
        batch_id=batch_id,
        warning_type="decided",
        message=f"{row.subject}: the gate ({row.kind}) was answered with {decision}",
        story_key=row.subject if row.kind != GateKind.EPIC else UNSET,
        gate_id=row.id,
    )

    def write() -> Iterator[Awaitable[object]]:
        yield workspace.database.write(decide_gate, row.id, decision.value, comments)
        if link is not None:
            yield workspace.database.write(use_link, link)
        yield emit(payload)
        if decision is GateDecision.SKIP and row.kind in PUTS_ASIDE:
            reason = comments or AT_GATE
            yield workspace.database.write(add_skip, row.subject, reason)
            yield emit(StorySkip(story_key=row.subject, skipped=True, reason=reason))

    try:
        await until_stored(lambda: workspace.database.in_one_commit(write))
    except (NotOpen, LinkUsed, NotWritten):
        return False
    return True


def print_of(path: Path) -> tuple[str, int | None]:
    """Return what identifies the contents of a file, and its last change in ms; ("", None) where it is not there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns // 1_000_000
    except OSError:
        return "", None


async def _row(workspace: Workspace, batch_id: int, request: GateRequest) -> GateRow | None:
    """The row that answers the request: an approval of the same content, else this batch's own, or an open one.

    What was sent back in this batch, or is open, is the same round whatever the file says now.
    """
    rows = await workspace.database.read(get_gates_of, request.kind.value, request.subject)
    if request.kind in PUTS_ASIDE and await workspace.database.read(get_skip, request.subject) is None:
        rows = [row for row in rows if row.decision != GateDecision.SKIP]  # the story was brought back since
    this = [row for row in rows if row.round == request.round and row.batch_id == batch_id]
    if request.kind in (GateKind.COMMIT, GateKind.DONE):
        return next((row for row in reversed(this) if row.content == request.content), None)
    if kept := [row for row in this if row.decision in (None, GateDecision.BACK)]:
        return kept[-1]
    same = [row for row in rows if row.content == request.content]
    if request.kind is GateKind.PLAN and (approved := [row for row in rows if _approves(row, request)]):
        return approved[-1]
    mine = [row for row in same if row.round == request.round and (row.batch_id == batch_id or row.decision is None)]
    return mine[-1] if mine else None


def _approves(row: GateRow, request: GateRequest) -> bool:
    """Whether an approval is of what is there: of the same content, or given after its last change."""
    if row.decision != GateDecision.GO:
        return False
    seen = row.decided_at is not None and request.changed_at is not None and row.decided_at >= request.changed_at
    return seen or row.content == request.content


async def _open(workspace: Workspace, batch_id: int, request: GateRequest) -> GateRow:
    columns = {
        "kind": request.kind.value,
        "subject": request.subject,
        "round": request.round,
        "content": request.content,
        "message": request.message,
    }
    gate_id: int = await until_stored(lambda: workspace.database.write(open_gate, batch_id, **columns))
    await _call_operator(gate_id, request)
    return await _read(workspace, gate_id)


async def _call_operator(gate_id: int, request: GateRequest) -> None:
    await emit_durable(
        Attention(
            kind="gate",
            message=request.message,
            story_key=request.story_key or UNSET,
            gate_id=gate_id,
            decisions=[choice.value for choice in CHOICES[request.kind]],
        )
    )


async def _read(workspace: Workspace, gate_id: int) -> GateRow:
    row = await workspace.database.read(get_gate, gate_id)
    if row is None:
        raise LookupError(f"gate {gate_id} is not in the database")
    return row
