"""Invariants between the database and what lies outside of it: the agents' own account, the repository.

`laws.py` has those within the database. An agent's lie about money counts as no record.
"""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Final

from base.plausible import COST_MAX_USD
from receipts.envelope import read_line
from receipts.model import decimal_text, paid_by, summed
from tests.model.laws import read
from tests.model.mischief import BRANCH, git

EXACT_USD: Final = 1e-9
ESTIMATE_MAX_USD: Final = 1.0  # of the tokens of one call
OWN_FAULT: Final = re.compile(
    r"failed \d+ times: (unreadable verdict|it ended as (failed|limit|truncated|stalled|timeout)|nothing was changed"
    r"|no (?:story file|tech-spec) was written|the agent's reply|.*is not set to)"
    r"|The criteria contradict|code reviews?\b|found the same issues|nothing was changed in the project"
    r"|the branch \S+ is kept, and not merged into \S+: conflicts"
    r"|its work was not committed and is in",
    re.IGNORECASE | re.DOTALL,
)


def broken_outside(database: Path, account: Path) -> list[str]:
    """Every law that does not hold between the database and the agents' account, and of what blocks a story."""
    with read(database) as connection:
        return [*_ledger(connection, account), *_faults(connection), *_receipts(connection)]


def _ledger(connection: sqlite3.Connection, account: Path) -> list[str]:
    """Each call that has ended costs what its agent says, and nothing where that cannot be."""
    epoch = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
    claimed = {}
    for line in account.read_text().splitlines() if account.exists() else ():
        entry = json.loads(line)
        claimed[entry["mark"]] = entry["usd"]
    found = []
    for row in connection.execute("SELECT * FROM commands WHERE ended_at IS NOT NULL"):
        mark, cost = f"{epoch}:{row['id']}", row["cost_usd"] or 0.0
        usd = claimed.get(mark, cost if row["stream_path"] else 0.0)  # a kill may come between recording and account
        plausible = 0 <= usd <= COST_MAX_USD
        if not (abs(cost - usd) < EXACT_USD if plausible else 0 <= cost < ESTIMATE_MAX_USD):
            found.append(f"command {row['id']} ({row['status']}) costs {cost}, and its agent says {usd}")
    return found


def _receipts(connection: sqlite3.Connection) -> list[str]:
    """A receipt is whole, and says of each command what the ledger says."""
    costs = {row["id"]: decimal_text(row["cost_usd"]) for row in connection.execute("SELECT * FROM commands")}
    found = []
    for row in connection.execute("SELECT * FROM receipts WHERE line <> ''"):
        receipt = read_line(row["line"]).receipt
        wrong = [command.id for command in receipt.commands if costs[command.id] != command.cost_usd]
        if wrong or receipt.cost_usd != summed([command.cost_usd for command in paid_by(receipt)]):
            found.append(f"the receipt of {row['story_key']} costs {receipt.cost_usd}, and differs in {wrong}")
    return found


def _faults(connection: sqlite3.Connection) -> list[str]:
    """A story is blocked by what its own agents did, and by nothing that befell the run; or it was blocked before."""
    blocked = connection.execute(
        "SELECT * FROM stories WHERE status = 'blocked' AND entry_status <> 'blocked' AND reason IS NOT NULL"
    )
    return [
        f"story row {row['id']} ({row['story_key']}) is blocked by a fault that is not its own: {row['reason']}"
        for row in blocked
        if not OWN_FAULT.search(row["reason"])
    ]


def broken_repository(database: Path, root: Path) -> list[str]:
    """A story that was developed here and is done is on the branch, or its row says why not.

    Nothing is known of batches that were started on another branch: that one may be reset, or thrown away.
    """
    if not (root / ".git").is_dir():
        return []
    with read(database) as connection:
        rows = connection.execute(
            "SELECT stories.*, batches.status AS batch_status FROM stories JOIN batches ON batches.id = batch_id"
            " WHERE stories.status = 'done' AND entry_status <> 'done' AND stories.commit_failure IS NULL"
            " AND batches.branch = ?",
            (BRANCH,),
        ).fetchall()
    commits = set(git(root, "rev-list", BRANCH).split())
    files = set(git(root, "ls-tree", "--name-only", BRANCH).split("\n"))
    found = []
    for row in rows:
        name = f"story row {row['id']} ({row['story_key']}) of batch {row['batch_id']}"
        if row["commit_hash"] and row["commit_hash"] not in commits:
            found.append(f"{name} is done, and its commit {row['commit_hash'][:10]} is not on {BRANCH}")
        if row["commit_hash"] is None and row["batch_status"] == "completed":
            found.append(f"{name} is done in a completed batch, and neither committed nor said why not")
        if row["commit_hash"] is not None and row["base_tree"] and f"{row['story_key']}.py" not in files:
            found.append(f"{name} is done, and its work is not on {BRANCH}")
    return found
