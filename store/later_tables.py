"""Tables and columns that were added later, as statements for `store/schema.py`; a released one is never changed."""

from __future__ import annotations

from typing import Final

# A condition of a query and of its index, word for word the same, so that SQLite sees that one implies the other.
OF_COURSE: Final = "type IN ('batch:pause', 'batch:resume', 'batch:warning', 'batch:end', 'error', 'attention')"

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

# With it a command's own change can be shown, whatever was changed after it.
TREES: Final = ("ALTER TABLE commands ADD COLUMN tree_after TEXT",)  # tree of the work tree when it had ended

# What the full-text search has taken in: texts in blocks, and how far each source is. The index over the blocks is no
# table of a migration, since an SQLite without FTS5 could not make it: see `store/search.py`.
SEARCH: Final = (
    """CREATE TABLE search_blocks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,      -- the row of the index; never used again
        source INTEGER NOT NULL,                   -- a command, whose transcript it is; 0: the events
        first INTEGER NOT NULL,                    -- the number of its first entry; of events the seq
        count INTEGER NOT NULL,
        chars INTEGER NOT NULL,
        text BLOB NOT NULL                         -- the entries, compressed
    )""",
    # Unique: an entry that were taken in twice would be found twice.
    "CREATE UNIQUE INDEX search_blocks_by_place ON search_blocks (source, first)",
    """CREATE TABLE search_progress (
        source INTEGER PRIMARY KEY,                -- as in search_blocks
        next INTEGER NOT NULL,                     -- the first entry that is not taken in yet
        ended INTEGER NOT NULL DEFAULT 0           -- whether nothing more will come
    )""",
    "INSERT INTO search_progress (source, next) VALUES (0, 0)",
)

# How far the events are published to a fleet, and the replies to commands that came by it.
FLEET: Final = (
    """CREATE TABLE outbox (
        name TEXT PRIMARY KEY,                     -- of the stream
        seq INTEGER NOT NULL                       -- of the newest event that the stream has acknowledged
    ) WITHOUT ROWID""",
    """CREATE TABLE command_replies (
        key TEXT PRIMARY KEY,                      -- that the sender chose for the command
        digest TEXT NOT NULL,                      -- SHA-256 of the command
        status INTEGER,                            -- NULL: begun; after a restart it is unknown whether it was done
        headers TEXT NOT NULL DEFAULT '[]',        -- JSON list of pairs
        body BLOB NOT NULL DEFAULT x'',
        at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX command_replies_by_time ON command_replies (at)",
)

# Lanes on other machines: which worker holds one, and where each command ran. NULL: on the machine of the database.
MACHINES: Final = (
    "ALTER TABLE lanes ADD COLUMN machine TEXT",
    "ALTER TABLE lanes ADD COLUMN job TEXT",  # in the fleet's work queue
    "ALTER TABLE lanes ADD COLUMN token INTEGER",  # of the lease; grows with every machine that takes the lane
    "ALTER TABLE lanes ADD COLUMN cursor INTEGER",  # the newest message of the lane that was taken
    "ALTER TABLE commands ADD COLUMN machine TEXT",
    "ALTER TABLE checks ADD COLUMN machine TEXT",
)
