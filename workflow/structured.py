"""A verdict as JSON, for agents that can be asked for one: the schema, and the reader of what fits it.

It says the same as the markers that `verdicts` reads from the text, and makes the same values of it. Where an agent
gives none, or one that cannot be read, the markers count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeVar

import msgspec

from base.plausible import commit_hash
from workflow.findings import normalised, shown
from workflow.verdicts import (
    REASON_MAX,
    CodeReviewVerdict,
    CommitVerdict,
    DevVerdict,
    ReviewVerdict,
    Severity,
    Unreadable,
    worst,
)

NO_REASON: Final = "the agent gave no reason"
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class VerdictForm:
    """The JSON Schema of a verdict, and its reader, which raises `Unreadable`."""

    schema: str
    read: Callable[[str], object]


class _Development(msgspec.Struct):
    complete: bool
    blocked: bool = False
    reason: str = ""


class _Review(msgspec.Struct):
    critical: bool
    findings: list[str] = []


class _CodeReview(msgspec.Struct):
    highest_severity: Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "ZERO ISSUES"]
    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    findings: list[str] = []


class _Decisions(msgspec.Struct):
    tech_specs_required: list[bool]


class _Commit(msgspec.Struct):
    result: Literal["committed", "nothing to commit", "failed"]
    commit: str = ""
    reason: str = ""


def _read_development(text: str) -> DevVerdict:
    fields = _decoded(text, _Development)
    if fields.blocked:
        return DevVerdict(complete=False, blocked=True, reason=_reason(fields.reason))
    return DevVerdict(complete=fields.complete)


def _read_review(text: str) -> ReviewVerdict:
    fields = _decoded(text, _Review)
    return ReviewVerdict(fields.critical, shown(fields.findings))


def _read_code_review(text: str) -> CodeReviewVerdict:
    """Of the stated severity and the counts the worse one counts."""
    fields = _decoded(text, _CodeReview)
    counts = (fields.critical, fields.high, fields.medium, fields.low)
    if min(counts) < 0:
        raise Unreadable("the structured verdict counts fewer than no issues")
    severity = max(Severity[fields.highest_severity.split()[0]], worst(counts))
    return CodeReviewVerdict(severity, tuple(sorted(map(normalised, fields.findings))), shown(fields.findings), counts)


def _read_decisions(text: str, count: int) -> list[bool]:
    """A missing decision counts as required."""
    required = _decoded(text, _Decisions).tech_specs_required
    return (required[:count] + [True] * count)[:count]


def _read_commit(text: str) -> CommitVerdict:
    fields = _decoded(text, _Commit)
    if fields.result == "failed":
        return CommitVerdict(failure=_reason(fields.reason))
    if fields.result == "nothing to commit":
        return CommitVerdict()
    commit = commit_hash(fields.commit)
    if commit is None:
        raise Unreadable(f"the structured verdict names no commit hash but {fields.commit.strip()[:60]!r}")
    return CommitVerdict(commit=commit)


def _decoded(text: str, kind: type[V]) -> V:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Unreadable(f"the structured verdict has another form: {error}") from None


def _reason(text: str) -> str:
    return " ".join(text.split())[:REASON_MAX] or NO_REASON


def _schema(properties: Mapping[str, Mapping[str, Any]], required: Sequence[str]) -> str:
    value = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return json.dumps(value)


def _of(kind: str, description: str) -> dict[str, Any]:
    return {"type": kind, "description": description}


def _count(severity: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "description": f"how many {severity} issues this round found"}


_FINDINGS: Final = {
    "type": "array",
    "items": {"type": "string"},
    "description": "one line for each finding of this round, beginning with its severity in brackets",
}
DEVELOPMENT_FORM: Final = VerdictForm(
    _schema(
        {
            "complete": _of("boolean", "every task is done and everything is green"),
            "blocked": _of("boolean", "a person must decide before anybody can go on"),
            "reason": _of("string", "if blocked: why, and what a person must decide; else empty"),
        },
        ("complete", "blocked"),
    ),
    _read_development,
)
REVIEW_FORM: Final = VerdictForm(
    _schema(
        {
            "critical": _of("boolean", "this round found a critical issue, also one that is fixed"),
            "findings": _FINDINGS,
        },
        ("critical", "findings"),
    ),
    _read_review,
)
CODE_REVIEW_FORM: Final = VerdictForm(
    _schema(
        {
            "highest_severity": {
                "type": "string",
                "enum": ["CRITICAL", "HIGH", "MEDIUM", "LOW", "ZERO ISSUES"],
                "description": "of the worst issue that this round found, also where it is fixed",
            },
            **{name: _count(name.upper()) for name in ("critical", "high", "medium", "low")},
            "findings": _FINDINGS,
        },
        ("highest_severity", "critical", "high", "medium", "low", "findings"),
    ),
    _read_code_review,
)
COMMIT_FORM: Final = VerdictForm(
    _schema(
        {
            "result": {"type": "string", "enum": ["committed", "nothing to commit", "failed"]},
            "commit": _of("string", "if committed: the hash of the commit, as git prints it; else empty"),
            "reason": _of("string", "if failed: why; else empty"),
        },
        ("result",),
    ),
    _read_commit,
)


def decisions_form(count: int) -> VerdictForm:
    """The form of create-story's decisions about so many stories."""
    decisions = {
        "type": "array",
        "items": {"type": "boolean"},
        "minItems": count,
        "maxItems": count,
        "description": "for each story, in the order in which they were given: whether it needs a tech-spec",
    }
    return VerdictForm(
        _schema({"tech_specs_required": decisions}, ("tech_specs_required",)), partial(_read_decisions, count=count)
    )
