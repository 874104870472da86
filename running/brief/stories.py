"""The stories of a batch in its brief: done with their evidence, blocked with the reason, or left open. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from running.brief.text import one_line
from running.brief.views import BlockedStory, DoneStory, Mend, OpenStory
from store.brief import BatchRecords
from store.stories import Story


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What the plan says: titles by key, the stories that come next, and why others do not.

    `problem` is why it cannot be read, "" where it can.
    """

    titles: Mapping[str, str]
    upcoming: Sequence[str] = ()
    waits: Mapping[str, str] | None = None
    problem: str = ""


class Stories:
    """The stories of one batch, each by its newest row: one may be taken again in the same batch."""

    def __init__(self, records: BatchRecords, plan: PlanFacts) -> None:
        self.rows = {row.story_key: row for row in records.stories}
        self._records = records
        self._titles = plan.titles
        self._costs = {line.name: line.cost_usd for line in records.by_story}
        self._checks = {check.story_key: check for check in records.checks}
        self._reviews = {review.story_key: review for review in records.reviews}

    def done(self) -> list[DoneStory]:
        return [self._done(row) for row in self.rows.values() if row.status == "done"]

    def blocked(self) -> list[BlockedStory]:
        return [self._blocked(row) for row in self.rows.values() if row.status == "blocked"]

    def open(self) -> list[OpenStory]:
        """Return those that were begun, and are neither done nor blocked."""
        return [
            OpenStory(status=row.status, **self._facts(key))
            for key, row in self.rows.items()
            if row.status not in ("done", "blocked")
        ]

    def _title(self, key: str) -> str:
        return one_line(self._titles.get(key, ""))

    def _facts(self, key: str) -> dict[str, Any]:
        """Return the fields that all kinds have."""
        cost, unpriced = self._costs.get(key, 0.0), key in self._records.unpriced
        return {"story_key": key, "title": self._title(key), "cost_usd": cost, "is_unpriced": unpriced}

    def _done(self, row: Story) -> DoneStory:
        return DoneStory(
            commit=row.commit_hash or "",
            evidence=self._evidence(row),
            has_receipt=row.story_key in self._records.receipts,
            **self._facts(row.story_key),
        )

    def _evidence(self, row: Story) -> list[str]:
        """Return what the records say for a story that is done; also what they do not."""
        found = []
        if row.commit_hash:
            found.append(f"commit {row.commit_hash[:10]}")
        elif row.commit_failure is not None:
            found.append("not committed")
        elif row.commit_hash == "":
            found.append("nothing was left to commit")
        if (check := self._checks.get(row.story_key)) is not None:
            found.append(f"check {one_line(check.command)} {'passed' if check.ok else 'FAILED'}")
        if (review := self._reviews.get(row.story_key)) is not None:
            found.append(f"{review.command}: {one_line(review.word)}")
        return found or [one_line(row.reason or "nothing is recorded for it")]

    def _blocked(self, row: Story) -> BlockedStory:
        key, newest = row.story_key, self._records.newest.get(row.story_key, row.status)
        return BlockedStory(
            reason=one_line(row.reason or "") or "no reason is recorded",
            since="" if newest == "blocked" else newest,
            mend=_retry(key) if newest == "blocked" else None,
            **self._facts(key),
        )


def _retry(key: str) -> Mend:
    return Mend("retry", "Try again with a hint", f"sprint-runner hint {key} TEXT --retry", key)
