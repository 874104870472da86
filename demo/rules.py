"""The rules of the unattended build in BMAD's versions: what its file is called, how it ends, what it leaves beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one version. `record` begins the name of a build's file, `ending` is its last status.

    `ledger`: deferred findings go into deferred-work.md instead of the file. `extra` are further lines of its
    frontmatter when it ends; `{head}` in them is the commit that is checked out.
    """

    record: str = "spec-"
    ending: str = "done"
    ledger: bool = False
    extra: tuple[str, ...] = ()


NEWEST: Final = "6.12"  # of those that are released
VERSIONS: Final = {
    "6.10": Rules(ledger=True, extra=("final_revision: {head}",)),
    "6.11": Rules(),
    "6.12": Rules(extra=("route: full",)),
    "7": Rules(record="plan-", ending="built", extra=("review: quick", "lenses_ran: [correctness]", "risk: low")),
}
