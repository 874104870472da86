"""The reviews of a story, round by round: what each one said, what it found again, what had disappeared. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from store.commands import Command
from workflow import kind_of
from workflow.verdicts import normalised

KINDS: Final = ("story-review", "tech-spec-review", "code-review")
_TAG: Final = re.compile(r"[*\[]{0,6}(CRITICAL|HIGH|MEDIUM|LOW)\b[\s\]*:—-]*(?=\S)", re.IGNORECASE)


class Finding(msgspec.Struct, frozen=True):
    """One finding; `severity` is "" where none was named, `again` whether the round before had it as well."""

    text: str
    severity: str
    again: bool = False


class Counts(msgspec.Struct, frozen=True):
    """How many findings the reviewer counted."""

    critical: int
    high: int
    medium: int
    low: int


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a reviewer. `readable` is whether it ended with a verdict; otherwise `reason` says why not.

    `gone` are findings of the last readable round before it that it does not name any more.
    """

    command_id: int
    command: str
    batch_id: int
    attempt: int
    status: str
    readable: bool
    verdict: str
    reason: str
    background: bool
    ended_at: int | None
    counts: Counts | None
    findings: list[Finding]
    gone: list[Finding]


class Review(msgspec.Struct, frozen=True):
    """All rounds of one kind of review, oldest first."""

    kind: str
    rounds: list[Round]


def reviews_of(commands: Sequence[Command]) -> list[Review]:
    """The reviews among a story's commands (oldest first), in the order in which a story meets them."""
    made = [(kind, [command for command in commands if kind_of(command.command) == kind]) for kind in KINDS]
    return [Review(kind, _rounds(calls)) for kind, calls in made if calls]


def _rounds(commands: Sequence[Command]) -> list[Round]:
    rounds = []
    before: list[Finding] = []
    for command in commands:
        said = _said(command)
        known = {normalised(finding.text) for finding in before}
        findings = [Finding(one.text, one.severity, normalised(one.text) in known) for one in said]
        left = {normalised(finding.text) for finding in findings}
        readable = command.verdict is not None
        gone = [one for one in before if normalised(one.text) not in left] if readable else []
        rounds.append(_round(command, findings, gone))
        before = findings if readable else before
    return rounds


def _round(command: Command, findings: list[Finding], gone: list[Finding]) -> Round:
    counts = _verdict(command).get("counts")
    return Round(
        command_id=command.id,
        command=command.command,
        batch_id=command.batch_id,
        attempt=command.attempt,
        status=command.status,
        readable=command.verdict is not None,
        verdict=command.word or "",
        reason=command.reason or "",
        background=bool(command.background),
        ended_at=command.ended_at,
        counts=Counts(*counts) if counts else None,
        findings=findings,
        gone=[Finding(one.text, one.severity) for one in gone],
    )


def _said(command: Command) -> list[Finding]:
    """As the reviewer wrote them; rows of older versions hold only what rounds are compared by."""
    verdict = _verdict(command)
    texts = verdict.get("said") or [text for text in verdict.get("findings", ()) if text != "none"]
    return [finding_of(text) for text in texts]


def finding_of(text: str) -> Finding:
    """A finding with the severity that it begins with taken off."""
    match = _TAG.match(text)
    return Finding(text, "") if match is None else Finding(text[match.end() :], match[1].lower())


def _verdict(command: Command) -> dict[str, Any]:
    value = {} if command.verdict is None else msgspec.json.decode(command.verdict)
    return value if isinstance(value, dict) else {}
