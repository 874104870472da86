"""The receipt of a story's commit as a value, in format 1. Times in ms since the epoch, money as decimal texts.

Promises: only texts, whole numbers, booleans, null, lists and objects, so that it has one canonical form.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Final

import msgspec

FORMAT: Final = "sprint-runner-receipt/1"
TRAILER: Final = "Sprint-Runner-Receipt"  # in a commit's message, followed by the id of a receipt
MICRO: Final = Decimal("0.000001")  # of a US dollar, which an agent's figures are rounded to


USD_MAX: Final = 1e12
# As `decimal_text` writes it: what another wrote is never counted with.
Usd = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}\.[0-9]{6}\Z")]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all parts: an unknown key is refused, since nothing would check it."""


class CommitPart(Part, frozen=True, kw_only=True):
    """The commit, as git names it. `base` is its first parent, None for the first commit of a repository.

    `diff_sha256` is the hash of what `git diff-tree` prints between the two trees; `merge` is the commit by which the
    branch of the project took it, None where it was made there.
    """

    hash: str
    object_format: str
    base: str | None
    base_tree: str
    end_tree: str
    diff_sha256: str
    files: int
    merge: str | None


class CommandPart(Part, frozen=True, kw_only=True):
    """A command that worked for the story. One for several stories is paid by the first of `stories`.

    `cost_usd` is None where the agent reported none, `version` where the program does not say it.
    """

    id: int
    command: str
    attempt: int
    agent: str
    version: str | None
    model: str | None
    status: str
    verdict: str | None
    stories: list[str]
    started_at: int
    ended_at: int | None
    tokens: int | None
    cost_usd: Usd | None
    estimated_usd: Usd | None


class ReviewPart(Part, frozen=True, kw_only=True):
    """A review that ended with a verdict; `counts` are the numbers of critical, high, medium and low findings."""

    command_id: int
    command: str
    verdict: str
    counts: list[int] | None


class CheckPart(Part, frozen=True, kw_only=True):
    """A run of the project's check. `exit` is None after its time limit, `output_sha256` is that of the kept file."""

    command: str
    exit: int | None
    passed: bool
    output_sha256: str | None
    at: int
    duration_ms: int


class DecisionPart(Part, frozen=True, kw_only=True):
    """What a person decided at a gate."""

    gate: str
    decision: str
    at: int


class StatusPart(Part, frozen=True, kw_only=True):
    """The last change of the story's status. `by`: runner, operator, or elsewhere (in the plan's own file)."""

    old: str
    new: str
    by: str
    at: int
    reason: str


class Receipt(Part, frozen=True, kw_only=True):
    """The receipt of one story. `id` is known before its commit is made; `key` is the fingerprint of who signs."""

    format: str
    id: str
    runner: str
    project: str
    story: str
    epic: str
    batch: int
    workflow: str
    made_at: int
    key: str | None
    commit: CommitPart
    commands: list[CommandPart]
    reviews: list[ReviewPart]
    checks: list[CheckPart]
    decisions: list[DecisionPart]
    status: StatusPart
    cost_usd: Usd
    estimated_usd: Usd


def decimal_text(usd: float | None) -> str | None:
    """Return an amount with six decimals; None where it is unknown, or no amount that can have been paid."""
    return None if usd is None or not 0 <= usd < USD_MAX else str(Decimal(str(usd)).quantize(MICRO, ROUND_HALF_UP))


def summed(amounts: list[str | None]) -> str:
    """Return the sum of amounts that are known."""
    return str(sum((Decimal(amount) for amount in amounts if amount is not None), Decimal("0.000000")))


def paid_by(receipt: Receipt) -> list[CommandPart]:
    """Return the commands that the receipt's story pays."""
    return [command for command in receipt.commands if command.stories[:1] == [receipt.story]]
