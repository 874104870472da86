"""The reviews of a story by rounds: the findings of each, which were found again, which disappeared. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from api.commands import stored_verdict
from store.commands import Command
from workflow import kind_of
from workflow.verdicts import normalised

KINDS: Final = ("story-review", "tech-spec-review", "code-review")
_TAG: Final = re.compile(r"[*\[]{0,6}(CRITICAL|HIGH|MEDIUM|LOW)\b[\s\]*:—-]*(?=\S)", re.IGNORECASE)


class ReviewFinding(msgspec.Struct, frozen=True):
    """One finding; `severity` is "" if it has none, `again` whether the previous round had it as well."""

    text: str
    severity: str
    again: bool = False


class Counts(msgspec.Struct, frozen=True):
    """The numbers of findings by severity, as the reviewer counted them."""

    critical: int
    high: int
    medium: int
    low: int


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One command of a reviewer. `readable` is whether it ended with a verdict; otherwise `reason` is why not.

    `gone` are findings of the last readable round before it that it does not list any more.
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
    findings: list[ReviewFinding]
    gone: list[ReviewFinding]


class Review(msgspec.Struct, frozen=True):
    """All rounds of one kind of review, oldest first."""

    kind: str
    rounds: list[Round]


def reviews_of(commands: Sequence[Command]) -> list[Review]:
    """Return the reviews among a story's commands (oldest first), in the order of the workflow."""
    made = [(kind, [command for command in commands if kind_of(command.command) == kind]) for kind in KINDS]
    return [Review(kind, _rounds(calls)) for kind, calls in made if calls]


def _rounds(commands: Sequence[Command]) -> list[Round]:
    rounds = []
    before: list[ReviewFinding] = []
    for command in commands:
        written = _findings_as_written(command)
        known = {normalised(finding.text) for finding in before}
        findings = [ReviewFinding(one.text, one.severity, normalised(one.text) in known) for one in written]
        left = {normalised(finding.text) for finding in findings}
        readable = command.verdict is not None
        # A round without a verdict lists nothing, which does not mean that nothing is left.
        gone = [one for one in before if normalised(one.text) not in left] if readable else []
        rounds.append(_round(command, findings, gone))
        before = findings if readable else before
    return rounds


def _round(command: Command, findings: list[ReviewFinding], gone: list[ReviewFinding]) -> Round:
    counts = stored_verdict(command).counts
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
        gone=[ReviewFinding(one.text, one.severity) for one in gone],
    )


def _findings_as_written(command: Command) -> list[ReviewFinding]:
    """Return the findings as the reviewer wrote them; rows of older versions have only the normalised texts."""
    verdict = stored_verdict(command)
    texts = verdict.said or [text for text in verdict.findings if text != "none"]
    return [finding_of(text) for text in texts]


def finding_of(text: str) -> ReviewFinding:
    """Return a finding, with the severity separated from the beginning of the text."""
    match = _TAG.match(text)
    return ReviewFinding(text, "") if match is None else ReviewFinding(text[match.end() :], match[1].lower())
