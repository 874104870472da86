"""The table of stories: one row for each story in a cycle of a batch."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from store.meta import set_meta
from store.rows import insert, many, now_ms, one, update

AFRESH: Final = "afresh:"  # before a row's id: a name in `meta`
# A cycle that ended left its stories here; all other statuses are taken up by the next batch.
FINISHED: Final = ("done", "blocked")


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `stories`; `continues` is the unfinished row of an earlier batch that this row continues.

    `next_status` and `next_reason` are stored while a status is written into the tracker, None otherwise.
    """

    id: int
    batch_id: int
    story_key: str
    epic: str
    cycle_number: int
    position: int
    status: str
    entry_status: str
    needs_spec: int | None
    base_tree: str | None
    continues: int | None
    reason: str | None
    started_at: int
    ended_at: int | None
    next_status: str | None = None
    next_reason: str | None = None
    commit_base: str | None = None
    base_commit: str | None = None
    work_tree: str | None = None
    commit_hash: str | None = None
    commit_failure: str | None = None
    stash: str | None = None


class StoryOutcome(msgspec.Struct, frozen=True):
    """The cycle of a story's row, and its status in it; `reason` is why it was blocked."""

    cycle_number: int
    status: str
    reason: str | None


def create_story(connection: sqlite3.Connection, /, batch_id: int, story_key: str, **columns: Any) -> int:
    """Insert a story into a batch and return the row's id."""
    values = {"batch_id": batch_id, "story_key": story_key, "started_at": now_ms(), **columns}
    return insert(connection, "stories", Story, values)


def create_story_afresh(connection: sqlite3.Connection, /, batch_id: int, story_key: str, **columns: Any) -> int:
    """Insert a story that begins anew, whatever the row that it continues has behind it; return the row's id."""
    story_id = create_story(connection, batch_id, story_key, **columns)
    mark_afresh(connection, story_id)
    return story_id


def mark_afresh(connection: sqlite3.Connection, /, story_id: int) -> None:
    """No command that is recorded until now counts any more for the story of this row."""
    newest = connection.execute("SELECT COALESCE(MAX(id), 0) FROM commands").fetchone()[0]
    set_meta(connection, f"{AFRESH}{story_id}", str(newest))


def get_lineage(connection: sqlite3.Connection, story_id: int) -> tuple[list[int], int]:
    """Return the row and all that it continues, oldest first, and the newest command that counts for none of them.

    A story may be carried unfinished through any number of batches; what is paid counts in all of them.
    """
    # A row continues one before it, so that there are no circles.
    sql = """WITH RECURSIVE line(id) AS (
                 VALUES (?) UNION ALL SELECT continues FROM stories JOIN line USING (id) WHERE continues IS NOT NULL)
             SELECT line.id, CAST(meta.value AS INTEGER) FROM line LEFT JOIN meta ON meta.key = ? || line.id
             ORDER BY line.id"""
    rows = connection.execute(sql, (story_id, AFRESH)).fetchall()
    return [row[0] for row in rows], max((row[1] or 0 for row in rows), default=0)


def update_story(connection: sqlite3.Connection, /, story_id: int, **columns: Any) -> None:
    update(connection, "stories", Story, story_id, columns)


def finish_stories(connection: sqlite3.Connection, /, batch_id: int, ended_at: int) -> None:
    """End all rows of a batch that has ended, also those of unfinished stories."""
    sql = "UPDATE stories SET ended_at = ? WHERE batch_id = ? AND ended_at IS NULL"
    connection.execute(sql, (ended_at, batch_id))


def get_done_keys(connection: sqlite3.Connection, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that a run has set to done."""
    marks = ", ".join("?" * len(keys))
    sql = f"SELECT DISTINCT story_key FROM stories WHERE status = 'done' AND story_key IN ({marks})"  # noqa: S608 - marks
    return {str(row[0]) for row in connection.execute(sql, tuple(keys))}


def get_story(connection: sqlite3.Connection, story_id: int) -> Story | None:
    return one(connection, Story, "SELECT * FROM stories WHERE id = ?", (story_id,))


def get_story_by_key(connection: sqlite3.Connection, story_key: str, batch_id: int | None = None) -> Story | None:
    """Return the newest row of a story, in one batch or in any."""
    # A story has several rows: one for each batch, and another one where it was tried again.
    sql = "SELECT * FROM stories WHERE story_key = ? AND (? IS NULL OR batch_id = ?) ORDER BY id DESC LIMIT 1"
    return one(connection, Story, sql, (story_key, batch_id, batch_id))


def get_commits_of(connection: sqlite3.Connection, story_key: str) -> list[str]:
    """Return the commits that are recorded for a story, newest first; a row has only the last one made for it."""
    sql = "SELECT commit_hash FROM stories WHERE story_key = ? AND commit_hash <> '' ORDER BY id DESC"
    made = """SELECT json_extract(verdict, '$.commit') AS made FROM commands WHERE command = 'commit'
              AND json_valid(verdict) AND made <> '' AND EXISTS (
                  SELECT 1 FROM json_each(commands.story_keys) WHERE value = ?) ORDER BY id DESC"""
    rows = [*connection.execute(sql, (story_key,)), *connection.execute(made, (story_key,))]
    return list(dict.fromkeys(str(row[0]) for row in rows))


def get_keys_of_commit(connection: sqlite3.Connection, commit: str) -> list[str]:
    """Return the stories that a commit is recorded for."""
    sql = """SELECT story_key FROM stories WHERE commit_hash = ?1 UNION
             SELECT value FROM commands, json_each(commands.story_keys) WHERE command = 'commit'
             AND json_valid(verdict) AND json_extract(verdict, '$.commit') = ?1 ORDER BY 1"""
    return [str(row[0]) for row in connection.execute(sql, (commit,))]


def get_earlier_rows(connection: sqlite3.Connection, story_id: int) -> list[Story]:
    """Return the rows of the same story in the same batch before this one, oldest first."""
    sql = """SELECT earlier.* FROM stories AS earlier JOIN stories AS story ON story.id = ?
             WHERE earlier.batch_id = story.batch_id AND earlier.story_key = story.story_key
             AND earlier.id < story.id ORDER BY earlier.id"""
    return many(connection, Story, sql, (story_id,))


def count_later_stories(connection: sqlite3.Connection, story_id: int) -> int:
    """Count the rows of other stories that are newer than a row or were still open when it began."""
    sql = """SELECT COUNT(*) FROM stories AS other JOIN stories AS story ON story.id = ?
             WHERE other.story_key <> story.story_key AND other.commit_base IS NOT NULL
             AND (other.ended_at IS NULL OR other.ended_at >= story.started_at)"""
    count: int = connection.execute(sql, (story_id,)).fetchone()[0]
    return count


def get_stories_by_batch(connection: sqlite3.Connection, batch_id: int) -> list[Story]:
    """Return the stories of a batch in the order of its cycles."""
    sql = "SELECT * FROM stories WHERE batch_id = ? ORDER BY cycle_number, position, id"
    return many(connection, Story, sql, (batch_id,))


def get_story_outcomes(connection: sqlite3.Connection, ids: Collection[int | None]) -> dict[int, StoryOutcome]:
    """Return what came of these rows, by their ids; None is no row."""
    # As one value: there may be more ids than a statement may have parameters.
    sql = "SELECT id, cycle_number, status, reason FROM stories WHERE id IN (SELECT value FROM json_each(?))"
    wanted = json.dumps([id_ for id_ in ids if id_ is not None])
    return {id_: StoryOutcome(*row) for id_, *row in connection.execute(sql, (wanted,))}


def uncommitted_stories(connection: sqlite3.Connection, batch_id: int) -> list[Story]:
    """Return the stories of a batch whose work, or a part of it, is not committed; `commit_failure` has the reason."""
    return [row for row in get_stories_by_batch(connection, batch_id) if row.commit_failure is not None]


def check_story_blocked(connection: sqlite3.Connection, story_key: str) -> bool:
    """Whether the newest row of the story is blocked."""
    story = get_story_by_key(connection, story_key)
    return story is not None and story.status == "blocked"


def get_next_available_story(connection: sqlite3.Connection, batch_id: int) -> Story | None:
    """Return the first story of the batch that is neither done nor blocked."""
    sql = """SELECT * FROM stories WHERE batch_id = ? AND status NOT IN (?, ?)
             ORDER BY cycle_number, position, id LIMIT 1"""
    return one(connection, Story, sql, (batch_id, *FINISHED))
