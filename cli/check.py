"""`server.py check`: whether a project could be run now, and whether its records are sound, in one line a subject.

Looks only, changes nothing, and may be used while a server runs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

import agents
import sprint
from cli.archive import DATABASE
from cli.config import ServerConfig, agent_specs
from cli.errors import RESTORE
from cli.trust import how_to_trust
from running.verify import missing_program
from security.guard import NO_ORIGIN
from security.token import new_token
from settings import Settings
from store.schema import MIGRATIONS

LOW_DISK_BYTES: Final = 500 * 1024 * 1024  # a night of transcripts and a work tree's build output want more
GIT_S: Final = 30.0
CENT: Final = 0.000_01  # US dollars that two sums of the same numbers may differ by


class Finding(msgspec.Struct, frozen=True):
    """One subject: `ok` or not, and a sentence that says what was found and what to do."""

    subject: str
    ok: bool
    message: str


async def check(plan: ServerConfig) -> list[Finding]:
    """All findings, in the order in which one would mend them."""
    found = [check_disk(plan.data_dir), check_tracker(plan.project)]
    found += await asyncio.to_thread(check_database, plan.data_dir / DATABASE)
    found.append(await asyncio.to_thread(check_git, plan.project.root))
    found += await asyncio.to_thread(check_verify, plan)
    found.append(Finding("guardian", True, agents.guard_means().sentence))
    return [*found, *check_trust(plan), *check_access(plan.loaded.settings), *await check_agents(plan)]


def check_trust(plan: ServerConfig) -> list[Finding]:
    """Whether the settings of the folder count; where they do not, nothing that they name is started here."""
    names = sorted(plan.trust.untrusted(plan.loaded.guarded))
    if not names:
        return []
    message = (
        f"{plan.trust.folder} is not trusted yet, so these settings were left out: {', '.join(names)}. "
        f"{how_to_trust(plan.trust.folder)}"
    )
    return [Finding("trust", False, message)]


def check_access(settings: Settings) -> list[Finding]:
    """Who else can use the page, and what any website can read while a server runs."""
    access = "every request needs the token"
    if settings.token is None:
        access = f"none is set, so every user of this machine can use the page; to change that: token: {new_token()}"
    shared = "no other origin reads anything"
    if settings.cors_origin != NO_ORIGIN:
        who = "any website" if settings.cors_origin == "*" else settings.cors_origin
        files = "sprint-status.yaml, story-descriptions.json, orchestrator.md and orchestrator.csv"
        shared = f"{who} can read {files} while a server runs; cors_origin: {NO_ORIGIN} ends that"
    return [Finding("token", True, access), Finding("cors_origin", True, shared)]


def check_disk(data_dir: Path) -> Finding:
    """Whether the data folder, or the nearest one above it that exists, can be written and has room."""
    folder = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("disk", False, f"{folder} cannot be written: change its permissions, or use --data-dir")
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK_BYTES:
        return Finding("disk", False, f"only {free / 1e6:.0f} MB are free at {folder}: make room before a long run")
    return Finding("disk", True, f"{free / 1e9:.1f} GB free")


def check_tracker(project: sprint.Project) -> Finding:
    read = sprint.read(project)
    where = project.tracker
    if not read.stories:
        words = read.problems[0].message if read.problems else "it has no stories"
        return Finding("tracker", False, f"{where}: {words}")
    runnable = sum(story.runnable for story in read.stories)
    text = f"{len(read.stories)} stories, {runnable} of them runnable"
    if not read.problems:
        return Finding("tracker", True, text)
    problems = "; ".join(f"line {p.line}: {p.message}" if p.line else p.message for p in read.problems[:5])
    return Finding("tracker", False, f"{where}: {text}, but {problems}")


def check_git(root: Path) -> Finding:
    """Whether evidence can be had: without git nothing is committed, and no change can be proved."""
    program = shutil.which("git")
    if program is None:
        return Finding("git", False, "git is not installed: nothing can be committed or proved")
    asked = [program, "-C", str(root), "rev-parse", "--is-inside-work-tree"]
    if subprocess.run(asked, capture_output=True, timeout=GIT_S, check=False).returncode:
        return Finding(
            "git", False, f"{root} is in no git repository: run `git init` there, so that work can be proved"
        )
    return Finding("git", True, "a work tree")


def check_verify(plan: ServerConfig) -> list[Finding]:
    """Whether the project's own check can be started, where there is one."""
    command = plan.loaded.settings.verify
    if command is None:
        return []
    why = missing_program(command, plan.project.root)
    return [Finding("verify", why is None, why or f"`{command}` can be started")]


async def check_agents(plan: ServerConfig) -> list[Finding]:
    """The agents that a batch would use: the usual one, and those of single commands."""
    if plan.loaded.left_out & {"agents", "commands"}:
        return [Finding("agents", False, "not looked at: the settings that name them are not trusted yet")]
    settings = plan.loaded.settings
    specs = agent_specs(settings.agents, settings.prices, plan.project.root)
    used = dict.fromkeys([settings.agent, *(own.agent for own in settings.commands.values() if own.agent)])
    found = []
    for name in used:
        answer = await agents.preflight(specs[name])
        words = answer.problem or answer.version or "it can be started"
        found.append(Finding(f"agent {name}", answer.problem is None, words))
    return found


# -- the database ----------------------------------------------------------------------------------------------


def check_database(file: Path) -> list[Finding]:
    """Integrity of the file, of the log and of the ledger."""
    if not file.exists():
        return [Finding("database", True, "nothing has run here yet")]
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return [_look(subject, look, connection) for subject, look in _LOOKS]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return [Finding("database", False, f"{file} cannot be read ({error}): {RESTORE}")]


def _look(
    subject: str, look: Callable[[sqlite3.Connection], tuple[bool, str]], connection: sqlite3.Connection
) -> Finding:
    try:
        ok, message = look(connection)
    except (sqlite3.Error, TypeError, ValueError) as error:  # values of a damaged row may be of any type
        ok, message = False, f"cannot be read ({error}): {RESTORE}"
    return Finding(subject, ok, message)


def _integrity(connection: sqlite3.Connection) -> tuple[bool, str]:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        return False, f"its schema is {version}, this program knows {len(MIGRATIONS)}: use the newer program"
    damage = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    if damage != ["ok"]:
        return False, f"damaged ({'; '.join(damage)}): {RESTORE}"
    loose = connection.execute("PRAGMA foreign_key_check").fetchall()
    if loose:
        return False, f"{len(loose)} rows refer to rows that are not there: {RESTORE}"
    read_tables(connection, version)
    return True, f"sound, schema {version}"


def read_tables(connection: sqlite3.Connection, version: int) -> None:
    """Read every row of every table that a schema has. Raises `sqlite3.Error`."""
    with closing(sqlite3.connect(":memory:")) as empty:
        for statement in (statement for migration in MIGRATIONS[:version] for statement in migration):
            empty.execute(statement)
        names = [row[0] for row in empty.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for name in names:
        for _ in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - names of our own schema
            pass


def _log(connection: sqlite3.Connection) -> tuple[bool, str]:
    count, first, last = connection.execute("SELECT COUNT(*), MIN(seq), MAX(seq) FROM events").fetchone()
    if count and last - first + 1 != count:
        return False, f"{last - first + 1 - count} events are missing between {first} and {last}: {RESTORE}"
    return True, f"{count} events, none missing" if count else "empty"


def _ledger(connection: sqlite3.Connection) -> tuple[bool, str]:
    """What the rows of the stories' commands cost, against what the pages were told when these commands ended."""
    rows = {row[0]: row[1:] for row in connection.execute(_BOOKED)}
    told = {row[0]: row[1:] for row in connection.execute(_TOLD)}
    for batch, sums in told.items():
        booked = rows.get(batch, (0, 0.0))
        if sums[0] != booked[0] or abs(sums[1] - booked[1]) > CENT:
            return False, (
                f"batch {batch}: {booked[0]} tokens and {booked[1]:.4f} USD are booked, "
                f"{sums[0]} and {sums[1]:.4f} were told: please report this"
            )
    spent = sum(row[1] for row in rows.values())
    return True, f"every batch adds up; {spent:.2f} USD in all"


_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_BOOKED: Final = f"""
    SELECT batch_id, SUM({" + ".join(f"COALESCE({name}, 0)" for name in _TOKENS)}), SUM(COALESCE(cost_usd, 0.0))
    FROM commands WHERE ended_at IS NOT NULL AND story_id IS NOT NULL GROUP BY batch_id
"""  # noqa: S608 - fixed names
_METRIC: Final = "COALESCE(payload ->> '$.metrics.{}', 0)"
_TOLD: Final = f"""
    SELECT batch_id, SUM({" + ".join(_METRIC.format(name) for name in _TOKENS)}), SUM({_METRIC.format("cost_usd")})
    FROM events WHERE type = 'command:end'
    AND batch_id IN (SELECT batch_id FROM events WHERE type = 'batch:start') GROUP BY batch_id
"""  # noqa: S608 - batches whose oldest events are gone are left out
_LOOKS: Final = (("database", _integrity), ("log", _log), ("ledger", _ledger))
