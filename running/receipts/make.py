"""The receipt of a story's commit, made of its records and of what git says of the commit. Pure.

All texts that an agent or a project wrote are masked before they come into it, since notes are pushed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from receipts.judgement import CommitFacts
from receipts.model import (
    FORMAT,
    TRAILER,
    CheckPart,
    CommandPart,
    CommitPart,
    DecisionPart,
    Receipt,
    ReviewPart,
    StatusPart,
    decimal_text,
    summed,
)
from running.story import CHANGED_ELSEWHERE
from security.controls import visible_value
from security.masking import Masker
from settings.version import VERSION
from store.commands import Command
from store.receipts import StoryRecords
from workflow.presets import kind_of

ID_DIGITS: Final = 16  # of the database's epoch: no two projects share them
BY_OPERATOR: Final = "set by hand"  # the reason of a status that was set in the page
REASON_MAX: Final = 500  # characters of a reason
RUNS_MAX: Final = 100  # newest runs of the check


class _Counts(msgspec.Struct):
    counts: list[int] | None = None


def receipt_id(epoch: str, story_id: int) -> str:
    """Return the id of the receipt of a story's row, which is known before there is a commit."""
    return f"{epoch[:ID_DIGITS]}-{story_id}"


def with_trailers(message: str, epoch: str, story_ids: Sequence[int]) -> str:
    """Return a commit's message that names the receipts of these rows of stories; they will be made of the commit."""
    trailers = "\n".join(f"{TRAILER}: {receipt_id(epoch, story_id)}" for story_id in story_ids)
    return f"{message}\n\n{trailers}"


def make_receipt(
    records: StoryRecords,
    facts: CommitFacts,
    *,
    epoch: str,
    project: str,
    key: str | None,
    at: int,
    masker: Masker,
) -> Receipt:
    """Return the receipt; `key` is the fingerprint of the key that will sign it. `facts` know the commit's change."""
    story, commands = records.story, [_command(command) for command in records.commands]
    paid = [command for command in commands if command.stories[:1] == [story.story_key]]
    made = Receipt(
        format=FORMAT,
        id=receipt_id(epoch, story.id),
        runner=VERSION,
        project=project,
        story=story.story_key,
        epic=story.epic,
        batch=records.batch.id,
        workflow=records.batch.workflow,
        made_at=at,
        key=key,
        commit=_commit(facts, records.merge),
        commands=commands,
        reviews=[review for command in records.commands if (review := _review(command)) is not None],
        checks=_checks(records),
        decisions=[
            DecisionPart(gate=gate.kind, decision=gate.decision, at=gate.decided_at or gate.opened_at)
            for gate in records.gates
            if gate.decision is not None
        ],
        status=_status(records),
        cost_usd=summed([command.cost_usd for command in paid]),
        estimated_usd=summed([command.estimated_usd for command in paid]),
    )
    return msgspec.convert(_clean(msgspec.to_builtins(made), masker), type=Receipt)


def _clean(value: Any, masker: Masker) -> Any:
    """Mask every text but those that are hashes and names of ours, which have the form of secrets."""
    kept = {name: value[name] for name in ("format", "id", "runner", "key", "commit")}
    checks = [{**masker.value(check), "output_sha256": check["output_sha256"]} for check in value["checks"]]
    return visible_value({**masker.value(value), "checks": checks, **kept})


def _commit(facts: CommitFacts, merge: str | None) -> CommitPart:
    return CommitPart(
        hash=facts.hash,
        object_format=facts.object_format,
        base=facts.base,
        base_tree=facts.base_tree or "",
        end_tree=facts.tree,
        diff_sha256=facts.diff_sha256 or "",
        files=facts.files or 0,
        merge=merge,
    )


def _command(command: Command) -> CommandPart:
    tokens = (command.input_tokens, command.output_tokens, command.cache_read_tokens, command.cache_write_tokens)
    known = [count for count in tokens if count is not None]
    return CommandPart(
        id=command.id,
        command=command.command,
        attempt=command.attempt,
        agent=command.agent,
        version=command.agent_version,
        model=command.model,
        status=command.status,
        verdict=command.word,
        stories=json.loads(command.story_keys),
        started_at=command.started_at,
        ended_at=command.ended_at,
        tokens=sum(known) if known else None,
        cost_usd=decimal_text(command.cost_usd),
        estimated_usd=decimal_text(command.estimated_usd),
    )


def _review(command: Command) -> ReviewPart | None:
    if not kind_of(command.command).endswith("-review") or command.word is None or command.verdict is None:
        return None
    try:
        counts = msgspec.json.decode(command.verdict, type=_Counts).counts
    except msgspec.MsgspecError:  # of a preset's own review
        counts = None
    return ReviewPart(command_id=command.id, command=command.command, verdict=command.word, counts=counts)


def _checks(records: StoryRecords) -> list[CheckPart]:
    return [
        CheckPart(
            command=check.command,
            exit=check.exit_code,
            passed=bool(check.ok),
            output_sha256=check.output_sha256,
            at=check.at,
            duration_ms=check.duration_ms,
        )
        for check in records.checks[-RUNS_MAX:]
    ]


def _status(records: StoryRecords) -> StatusPart:
    """Return who set the last status; without its event, which may be pruned, it is the one of the row."""
    story, change = records.story, records.change
    payload = {} if change is None else json.loads(change.payload)
    reason = str(payload.get("reason") or story.reason or "")
    by = {BY_OPERATOR: "operator", CHANGED_ELSEWHERE: "elsewhere"}.get(reason, "runner")
    at = story.ended_at or story.started_at if change is None else change.timestamp
    old = str(payload.get("old_status") or story.entry_status)
    return StatusPart(old=old, new=story.status, by=by, at=at, reason=reason[:REASON_MAX])
