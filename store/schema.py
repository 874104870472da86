"""The tables, and the migrations of a database of any older version to the newest one.

A migration is a list of statements; its index in `MIGRATIONS` plus one is the `user_version` after it. Migrations are
only appended, never changed. Each runs in one transaction, so a crash leaves the old version or the new one.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from typing import Final


class SchemaTooNew(RuntimeError):
    """The database was written by a newer program than this one."""


# A condition of a query and of its index, word for word the same, so that SQLite sees that one implies the other.
OF_COURSE: Final = "type IN ('batch:pause', 'batch:resume', 'batch:warning', 'batch:end', 'error', 'attention')"

FIRST: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        status TEXT NOT NULL DEFAULT 'running'
            CHECK (status IN ('running', 'paused', 'interrupted', 'completed', 'stopped', 'error')),
        max_cycles INTEGER,                        -- NULL: all
        cycles_completed INTEGER NOT NULL DEFAULT 0,
        started_at INTEGER NOT NULL,               -- this and every other time: ms since the epoch
        ended_at INTEGER,
        agent TEXT NOT NULL DEFAULT '',
        workflow TEXT NOT NULL DEFAULT '',
        budget_usd REAL,
        only_stories TEXT,                         -- JSON list of keys the operator asked for; NULL: any
        reason TEXT
    )""",
    """CREATE TABLE stories (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id INTEGER NOT NULL REFERENCES batches (id),
        story_key TEXT NOT NULL,
        epic TEXT NOT NULL DEFAULT '',
        cycle_number INTEGER NOT NULL DEFAULT 1,
        position INTEGER NOT NULL DEFAULT 0,       -- place in the cycle, from 0
        status TEXT NOT NULL DEFAULT 'backlog',
        entry_status TEXT NOT NULL DEFAULT 'backlog', -- what the tracker said when the cycle took the story
        needs_spec INTEGER,                        -- whether a tech-spec is wanted; NULL: not decided yet
        base_tree TEXT,                            -- git tree of the work tree when development started
        continues INTEGER REFERENCES stories (id), -- the unfinished row of an earlier batch that this one goes on with
        reason TEXT,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        UNIQUE (batch_id, cycle_number, story_key)
    )""",
    "CREATE INDEX stories_by_key ON stories (story_key, id)",
    """CREATE TABLE commands (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id INTEGER NOT NULL REFERENCES batches (id),
        story_id INTEGER REFERENCES stories (id),  -- NULL: work for the project, such as its context file
        story_key TEXT NOT NULL DEFAULT '',
        story_keys TEXT NOT NULL DEFAULT '[]',     -- JSON list: all the stories one call works for
        command TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 1,
        status TEXT NOT NULL DEFAULT 'running',
        task_id TEXT NOT NULL DEFAULT 'setup',
        agent TEXT NOT NULL DEFAULT '',
        model TEXT,
        background INTEGER NOT NULL DEFAULT 0,
        mark TEXT,                                 -- the environment mark of its processes
        pid INTEGER,
        pid_start TEXT,                            -- when that pid started, so that a reused pid is not mistaken
        session_id TEXT,
        stream_path TEXT,
        verdict TEXT,                              -- JSON of the verdict that was read
        word TEXT,                                 -- the same in a word, for people
        reason TEXT,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        duration_ms INTEGER, input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER,
        cache_write_tokens INTEGER, cost_usd REAL, turns INTEGER, exit_code INTEGER,
        files_changed INTEGER, lines_added INTEGER, lines_removed INTEGER
    )""",
    "CREATE INDEX commands_by_story ON commands (story_id, id)",
    "CREATE INDEX commands_by_key ON commands (story_key, id)",
    "CREATE INDEX commands_by_start ON commands (started_at)",
    """CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        type TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        batch_id INTEGER,
        story_key TEXT,
        payload TEXT NOT NULL                      -- the JSON as it went over the wire
    )""",
    "CREATE INDEX events_by_batch ON events (batch_id, seq)",
    "CREATE INDEX events_by_story ON events (story_key, seq) WHERE story_key IS NOT NULL",
    """CREATE TABLE background_tasks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id INTEGER REFERENCES batches (id),
        story_key TEXT,
        task_type TEXT NOT NULL,
        status TEXT NOT NULL DEFAULT 'running',
        message TEXT,
        command_id INTEGER REFERENCES commands (id),
        started_at INTEGER NOT NULL,
        ended_at INTEGER
    )""",
)

# The burn-up reads all status events, which are few among very many events.
SECOND: Final = ("CREATE INDEX events_of_status ON events (seq) WHERE type = 'story:status'",)

# The part of `cost_usd` that the agent did not report, computed from a price list.
THIRD: Final = ("ALTER TABLE commands ADD COLUMN estimated_usd REAL",)

# The preset of a batch as it was at its start, the questions of commands with their answers, the verify runs.
FOURTH: Final = (
    """CREATE TABLE presets (
        batch_id INTEGER PRIMARY KEY REFERENCES batches (id),
        preset TEXT NOT NULL                       -- JSON
    )""",
    """CREATE TABLE questions (
        command_id INTEGER PRIMARY KEY REFERENCES commands (id), -- the call that ended with it
        question TEXT NOT NULL,
        answer TEXT,                               -- NULL: it waits for one
        asked_at INTEGER NOT NULL,
        answered_at INTEGER
    )""",
    """CREATE TABLE checks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id INTEGER NOT NULL REFERENCES batches (id),
        story_key TEXT NOT NULL,
        command_id INTEGER REFERENCES commands (id), -- whose work was checked
        command TEXT NOT NULL,                     -- the command line of the check
        ok INTEGER NOT NULL,
        exit_code INTEGER,                         -- NULL: ended by us, after the time limit
        duration_ms INTEGER NOT NULL,
        at INTEGER NOT NULL,                       -- when it began
        tail TEXT NOT NULL,                        -- the end of its output
        file TEXT                                  -- where its output is kept, relative to the data folder
    )""",
    "CREATE INDEX checks_by_story ON checks (story_key, id)",
)

# A cycle that runs in parallel with others has its own git worktree.
FIFTH: Final = (
    """CREATE TABLE lanes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id INTEGER NOT NULL REFERENCES batches (id),
        cycle_number INTEGER NOT NULL,
        worktree TEXT NOT NULL,                    -- its folder's name below worktrees/ in the data folder
        branch TEXT NOT NULL,
        target TEXT NOT NULL,                      -- the branch that the work goes to
        merged TEXT,                               -- the commit by which it did
        ended_at INTEGER,                          -- NULL: the worktree may still be there
        UNIQUE (batch_id, cycle_number)
    )""",
)

# The status that is about to be written into the tracker, committed before the write, so that recovery can complete it.
SIXTH: Final = (
    "ALTER TABLE stories ADD COLUMN next_status TEXT",
    "ALTER TABLE stories ADD COLUMN next_reason TEXT",
)

# What commits and the proof of work are measured from, kept so that both survive the end of the server.
SEVENTH: Final = (
    "ALTER TABLE batches ADD COLUMN branch TEXT",  # checked out at its start; NULL with a head_commit: a detached HEAD
    "ALTER TABLE batches ADD COLUMN head_commit TEXT",
    "ALTER TABLE stories ADD COLUMN commit_base TEXT",  # tree of the work tree when the run began to work on the story
    "ALTER TABLE stories ADD COLUMN base_commit TEXT",  # the last commit at that moment
    "ALTER TABLE stories ADD COLUMN work_tree TEXT",  # tree after the last command that was watched
    "ALTER TABLE stories ADD COLUMN commit_hash TEXT",  # of its commit; empty: there was nothing to commit
    "ALTER TABLE stories ADD COLUMN commit_failure TEXT",  # why its work, or a part of it, is not committed
    "ALTER TABLE stories ADD COLUMN stash TEXT",  # refs/stash, where it changed while a command ran in its lane
    "ALTER TABLE commands ADD COLUMN tree_before TEXT",  # tree of the work tree when it started
)

# The gates at which the run waits for a person, with the decisions: an approval is stored nowhere else.
GATES: Final = (
    """CREATE TABLE gates (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id INTEGER NOT NULL REFERENCES batches (id),
        kind TEXT NOT NULL,                        -- plan, done, epic, unread
        subject TEXT NOT NULL,                     -- a story's key, or an epic's id
        round INTEGER NOT NULL,
        content TEXT NOT NULL,                     -- the print of what was shown
        message TEXT NOT NULL,
        opened_at INTEGER NOT NULL,
        decision TEXT,                             -- go, back, skip, stop; NULL: it waits for one
        comments TEXT,
        decided_at INTEGER
    )""",
    "CREATE INDEX gates_by_subject ON gates (subject, kind, id)",
)

# What the operator wants the next command of a story to know.
HINTS: Final = (
    """CREATE TABLE hints (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        story_key TEXT NOT NULL,
        text TEXT NOT NULL,
        at INTEGER NOT NULL
    )""",
    "CREATE INDEX hints_by_story ON hints (story_key, id)",
    """CREATE TABLE hints_given (
        hint_id INTEGER NOT NULL REFERENCES hints (id),
        command_id INTEGER NOT NULL REFERENCES commands (id), -- whose prompt holds it
        PRIMARY KEY (hint_id, command_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX hints_by_command ON hints_given (command_id)",
)

# Hints that were sent to a running command as messages.
MESSAGES: Final = (
    "ALTER TABLE hints ADD COLUMN sent_to INTEGER REFERENCES commands (id)",
    "CREATE INDEX hints_by_receiver ON hints (sent_to) WHERE sent_to IS NOT NULL",
)

# When a batch begins to work, in ms since the epoch; NULL: at once.
START_TIMES: Final = ("ALTER TABLE batches ADD COLUMN start_at INTEGER",)

# What builds have put off, and what became of it.
FINDINGS: Final = (
    """CREATE TABLE findings (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id INTEGER NOT NULL REFERENCES batches (id),
        story_key TEXT NOT NULL,
        summary TEXT NOT NULL,
        evidence TEXT NOT NULL,
        location TEXT NOT NULL,
        severity TEXT NOT NULL,
        found_at INTEGER NOT NULL,
        ticket TEXT,                               -- the file that was made of it; NULL: none
        UNIQUE (story_key, summary)
    )""",
)

# What the operator has put aside.
SKIPS: Final = (
    """CREATE TABLE skips (
        story_key TEXT PRIMARY KEY,
        reason TEXT NOT NULL,
        at INTEGER NOT NULL
    ) WITHOUT ROWID""",
)

# Sums and lists of one batch, which are asked before each command, do not take longer with every batch.
BY_BATCH: Final = ("CREATE INDEX commands_by_batch ON commands (batch_id, id)",)

# Finished work that goes to a branch of a remote, and to a request on a forge.
DELIVERIES: Final = (
    """CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        batch_id INTEGER NOT NULL REFERENCES batches (id),
        kind TEXT NOT NULL,                        -- branch, pull-request: as it was set when the work was finished
        subject TEXT NOT NULL,                     -- a story's key, or epic-<id>
        story_keys TEXT NOT NULL,                  -- JSON list, in the order of their commits
        epic TEXT NOT NULL,
        remote TEXT NOT NULL,
        branch TEXT NOT NULL,
        base TEXT,                                 -- NULL: not asked for yet
        target TEXT,                               -- the operator's branch, which takes mended work too
        state TEXT NOT NULL,
        wanted TEXT NOT NULL,                      -- the commit that the branch is to hold
        head TEXT,                                 -- the commit that the remote's branch is known to hold
        requested_at INTEGER,                      -- when the request's program was started; NULL: nothing is unknown
        url TEXT,
        checks TEXT,                               -- pending, green, red
        looks INTEGER NOT NULL DEFAULT 0,          -- in a row that found the checks green
        log TEXT,                                  -- of the failed checks
        round INTEGER NOT NULL DEFAULT 0,
        command TEXT,                              -- of the round that is under way
        failures INTEGER NOT NULL DEFAULT 0,       -- in a row that may pass by themselves
        next_at INTEGER NOT NULL DEFAULT 0,        -- not before
        problem TEXT,                              -- what waits for the operator
        created_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    )""",
    "CREATE INDEX deliveries_by_branch ON deliveries (remote, branch, id)",
    """CREATE TABLE delivery_comments (
        delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
        comment_id TEXT NOT NULL,                  -- the forge's
        text TEXT NOT NULL,
        round INTEGER,                             -- that dealt with it; NULL: it waits for one
        at INTEGER NOT NULL,
        PRIMARY KEY (delivery_id, comment_id)
    ) WITHOUT ROWID""",
)

# What agents report of the usage windows of their accounts, which accounts wait, and who takes over from whom.
QUOTA: Final = (
    """CREATE TABLE quota_windows (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account TEXT NOT NULL,                     -- program, config folder and fingerprint of the key
        window TEXT NOT NULL,
        used_fraction REAL NOT NULL,               -- from 0 to 1
        resets_at INTEGER,                         -- NULL: not known
        at INTEGER NOT NULL
    )""",
    "CREATE INDEX quota_windows_by_account ON quota_windows (account, window, id)",
    "CREATE INDEX quota_windows_by_time ON quota_windows (at)",
    """CREATE TABLE account_waits (
        account TEXT PRIMARY KEY,
        reason TEXT NOT NULL,
        until INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "ALTER TABLE batches ADD COLUMN agents TEXT",  # JSON list of those that take over from `agent`; NULL: none
    "ALTER TABLE commands ADD COLUMN agent_change TEXT",  # why another agent than for the command before
)

# What was expected of a batch at its start, as JSON of `BatchForecast`; NULL: nothing.
FORECASTS: Final = ("ALTER TABLE batches ADD COLUMN forecast TEXT",)

# The stories that the operator works on by hand, in the tree of their story.
TAKEOVERS: Final = (
    """CREATE TABLE takeovers (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        story_key TEXT NOT NULL,
        folder TEXT NOT NULL,                      -- where the operator works: the project, or its copy in a lane
        requested_at INTEGER NOT NULL,
        taken_at INTEGER,                          -- NULL: what runs in the folder has not ended yet
        returned_at INTEGER,                       -- NULL: the folder is the operator's
        agent TEXT,
        session_id TEXT,                           -- the agent's, which is the operator's from now on
        command_line TEXT,                         -- what continues it in a terminal; NULL: nothing does
        message TEXT NOT NULL DEFAULT '',          -- for the operator
        tree_before TEXT,                          -- snapshots; NULL without git
        tree_after TEXT,
        base_tree TEXT,                            -- what the work on the story is measured from
        base_commit TEXT,
        last_command INTEGER,                      -- the newest command when it was handed back
        files_changed INTEGER, lines_added INTEGER, lines_removed INTEGER
    )""",
    "CREATE INDEX takeovers_by_story ON takeovers (story_key, id)",
    # Two pages that take a story over at the same time.
    "CREATE UNIQUE INDEX takeovers_open ON takeovers (story_key) WHERE returned_at IS NULL",
)

# Who has access beside the token, which devices get push messages, and the links in messages that are used.
ACCESS: Final = (
    """CREATE TABLE grants (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,                        -- device, link
        role TEXT NOT NULL,                        -- operator, reader
        name TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,               -- SHA-256 of its secret
        made_at INTEGER NOT NULL,
        seen_at INTEGER                            -- when it was used last
    )""",
    """CREATE TABLE push_subscriptions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        grant_id INTEGER REFERENCES grants (id),   -- the device's; NULL: a browser with the operator's token
        name TEXT NOT NULL,
        endpoint TEXT NOT NULL UNIQUE,
        p256dh TEXT NOT NULL,
        auth TEXT NOT NULL,
        origin TEXT NOT NULL,                      -- of the page that asked for the messages
        made_at INTEGER NOT NULL
    )""",
    """CREATE TABLE used_links (
        digest TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) WITHOUT ROWID""",
)

# The receipts of commits, of stories that begin after this; what they say besides the rows that were there before.
RECEIPTS: Final = (
    """CREATE TABLE receipts (
        story_id INTEGER PRIMARY KEY REFERENCES stories (id),
        story_key TEXT NOT NULL,
        commit_hash TEXT NOT NULL,
        line TEXT NOT NULL,                        -- the receipt as its note has it; empty where none could be made
        problem TEXT,                              -- why not
        made_at INTEGER NOT NULL,
        noted_at INTEGER                           -- NULL: the note is not written yet
    )""",
    "CREATE INDEX receipts_by_key ON receipts (story_key, story_id)",
    "INSERT INTO meta SELECT 'receipts after', CAST(COALESCE(MAX(id), 0) AS TEXT) FROM stories",
    "ALTER TABLE commands ADD COLUMN agent_version TEXT",  # as the program said it
    "ALTER TABLE checks ADD COLUMN output_sha256 TEXT",  # of the file in which its output is kept
)

# The course of a batch is a few events among very many.
BRIEFS: Final = (f"CREATE INDEX events_of_course ON events (batch_id, seq) WHERE {OF_COURSE}",)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    *(FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH),
    *(GATES, HINTS, FINDINGS, MESSAGES, START_TIMES, BY_BATCH, SKIPS, QUOTA, FORECASTS, TAKEOVERS, ACCESS),
    *(RECEIPTS, BRIEFS, DELIVERIES),
)


def version_to_keep(connection: sqlite3.Connection) -> int | None:
    """Return the version of a non-empty database that `migrate` would change; None when it would not."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version if 0 < version < len(MIGRATIONS) else None


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate the database to the newest version and set its epoch; raises `SchemaTooNew`."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise SchemaTooNew(
            f"the database has schema {version}, this program knows up to {len(MIGRATIONS)}: start the newer program"
        )
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        _run(connection, (*statements, f"PRAGMA user_version = {number}"))
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?)", (uuid.uuid4().hex,))


def _run(connection: sqlite3.Connection, statements: Sequence[str]) -> None:
    """Execute all statements or none; a failure leaves no transaction open, because its lock would remain."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
