"""The tables of the first edition, as statements for `store/schema.py`; a released one is never changed."""

from __future__ import annotations

from typing import Final

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
