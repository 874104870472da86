"""The writer of receipts: one for each story that is done and committed, then its note beside the commit.

Beside the run, and never in its way. Everything follows from committed rows: a receipt is a row before its note is
written, so that a server that ends in between writes the same note at its next start.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import msgspec

from events import EventType, emit
from git.notes import add_to_note
from git.process import GitError
from payloads import Error
from receipts.envelope import encode_line, seal
from receipts.judgement import CommitFacts
from receipts.signing import SigningFailed, fingerprint_of, sign
from running.follower import Follower
from running.receipts.facts import facts_of
from running.receipts.make import make_receipt
from running.workspace import Workspace
from store.receipts import (
    StoryRecords,
    get_receipts_to_note,
    get_records,
    get_stories_without_receipt,
    keep_receipt,
    mark_noted,
)
from store.stories import Story
from store.writer import DatabaseUnavailable

WAKING: Final = frozenset({EventType.STORY_STATUS, EventType.COMMAND_END, EventType.CYCLE_END, EventType.BATCH_END})
TROUBLE: Final = (GitError, OSError, TimeoutError, SigningFailed)  # of the repository or the key, not of the program
GONE: Final = "its commit is not in the repository any more"
UNKNOWN_BASE: Final = "the parent of its commit is not in this clone"

log = logging.getLogger("sprint_runner.receipts")


class ReceiptWriter(Follower):
    """Makes receipts after commits."""

    name = "receipts"
    waking = WAKING

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._problem = ""  # the last one that was reported

    async def work(self) -> None:
        try:
            await self.write_all()
        except TROUBLE as error:
            self._report(str(error) or type(error).__name__)

    def failed(self, error: Exception) -> None:
        super().failed(error)
        self._report("an internal error, which the log of the server has")

    async def write_all(self) -> None:
        """Make the receipts that are missing, then their notes. Raises `GitError`, `SigningFailed`, `OSError`."""
        if self._workspace.git is None:
            return
        fault = await self._make_all()
        if self._workspace.settings().receipt_notes:
            await self._note_all()
        if fault is not None:
            raise fault

    async def _make_all(self) -> Exception | None:
        """Make the receipts that are missing; return a fault of ours, which costs only the receipt that it concerns."""
        fault: Exception | None = None
        for story in await self._workspace.database.read(get_stories_without_receipt):
            try:
                await self._make(story)
            except (*TROUBLE, DatabaseUnavailable):
                raise
            except Exception as error:
                fault = error
        return fault

    async def _note_all(self) -> None:
        database = self._workspace.database
        for row in await database.read(get_receipts_to_note):
            await add_to_note(self._workspace.project.root, row.commit_hash, [row.line])
            await database.write(mark_noted, row.story_id)

    async def _make(self, story: Story) -> None:
        """Keep the receipt of a story, or why there can be none."""
        workspace = self._workspace
        records = await workspace.database.read(get_records, story.id)
        if records is None:
            return
        facts = await facts_of(workspace.project.root, story.commit_hash or "")
        commit = story.commit_hash or "" if facts is None else facts.hash
        problem = GONE if facts is None else None if facts.diff_sha256 is not None else UNKNOWN_BASE
        line = ""
        if facts is not None and problem is None:
            try:
                line = await self._line(records, facts)
            except msgspec.ValidationError as error:  # of a record that an older version wrote
                problem = f"its records do not fit a receipt: {error}"
        await workspace.database.write(keep_receipt, story, commit, line, problem)

    async def _line(self, records: StoryRecords, facts: CommitFacts) -> str:
        workspace, key = self._workspace, self._key()
        receipt = make_receipt(
            records,
            facts,
            epoch=workspace.database.epoch,
            project=workspace.project.name,
            key=None if key is None else await fingerprint_of(key),
            at=int(workspace.clock() * 1000),
            masker=workspace.masker,
        )
        envelope = seal(receipt)
        return encode_line(envelope if key is None else seal(receipt, await sign(envelope.content, key)))

    def _key(self) -> Path | None:
        name = self._workspace.settings().receipt_key
        return None if name is None else self._workspace.project.root / Path(name).expanduser()

    def _report(self, problem: str) -> None:
        """Report a problem once: every end of a command tries again."""
        if problem == self._problem:
            return
        self._problem = problem
        message = f"Receipts wait: {self._workspace.masker.text(problem)}"
        log.warning("%s", message)
        try:
            emit(Error(type="receipt", message=message))
        except DatabaseUnavailable:
            log.debug("and the database takes no writes")
