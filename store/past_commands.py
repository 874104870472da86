"""What forecasts are made of: the newest commands that have ended, and the stories in cycles, as plain rows.

Rows are tuples in the order of the columns below: thousands of them are read for one forecast.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from store.ledger import KIND

COMMANDS_MOST: Final = 3000  # newest commands: about 300 stories, more than a forecast looks back on
STORIES_MOST: Final = 1000

# batch, cycle (NULL: of the project), keys as JSON, kind, agent, model, background, start, end, dollars, tokens, ok
_COMMANDS: Final = f"""
    SELECT c.batch_id, s.cycle_number, c.story_keys, {KIND}, c.agent, COALESCE(c.model, ''), c.background,
           c.started_at, c.ended_at, c.cost_usd,
           c.input_tokens + c.output_tokens + c.cache_read_tokens + c.cache_write_tokens, c.status = 'success'
    FROM (SELECT * FROM commands ORDER BY id DESC LIMIT ?) c LEFT JOIN stories s ON s.id = c.story_id
    WHERE c.ended_at IS NOT NULL ORDER BY c.started_at, c.id
"""  # noqa: S608 - a constant
# batch, cycle, key, entry status, status, start
_STORIES: Final = """
    SELECT batch_id, cycle_number, story_key, entry_status, status, started_at
    FROM (SELECT * FROM stories ORDER BY id DESC LIMIT ?) ORDER BY id
"""


def get_past_commands(
    connection: sqlite3.Connection, limit: int = COMMANDS_MOST
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the newest commands and the stories whose commands they are, oldest first, of one moment."""
    connection.execute("SAVEPOINT past")  # one snapshot: a story is not finished without its commands
    try:
        commands = connection.execute(_COMMANDS, (limit,)).fetchall()
        stories = connection.execute(_STORIES, (STORIES_MOST,)).fetchall()
    finally:
        connection.execute("RELEASE past")
    if len(commands) >= limit:
        # The oldest batch may have lost some of its commands to the limit.
        oldest = min(row[0] for row in commands)
        stories = [row for row in stories if row[0] > oldest]
    return commands, stories
