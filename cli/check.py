"""`server.py check`: whether a project can be run and its records are intact, with one line for each subject.

It changes nothing and may be used while a server runs.
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
from settings import Settings, names_of
from store.schema import MIGRATIONS

LOW_DISK_BYTES: Final = 500 * 1024 * 1024  # transcripts and build output of one night need more
GIT_S: Final = 30.0
TOLERANCE_USD: Final = 0.000_01  # the rounding error of two sums over the same numbers


class CheckResult(msgspec.Struct, frozen=True):
    """The result for one subject: `ok` or not, and a sentence on what was found and what to do."""

    subject: str
    ok: bool
    message: str


async def check(config: ServerConfig) -> list[CheckResult]:
    """Return all results, in the order in which one would repair the problems."""
    found = [check_disk(config.data_dir), check_tracker(config.project)]
    found += await asyncio.to_thread(check_database, config.data_dir / DATABASE)
    found.append(await asyncio.to_thread(check_git, config.project.root))
    found += await asyncio.to_thread(check_verify, config)
    means = agents.guard_means()
    found.append(CheckResult("guardian", True, f"{means.sentence} ({', '.join(means.names)})"))
    return [*found, *check_trust(config), *check_access(config.loaded.settings), *await check_agents(config)]


def check_trust(config: ServerConfig) -> list[CheckResult]:
    """Check that the settings of the folder are trusted; nothing that untrusted ones name is started here."""
    names = sorted(config.trust.untrusted(config.loaded.guarded))
    if not names:
        return []
    message = (
        f"{config.trust.folder} is not trusted yet, so these settings were left out: {', '.join(names)}. "
        f"{how_to_trust(config.trust.folder)}"
    )
    return [CheckResult("trust", False, message)]


def check_access(settings: Settings) -> list[CheckResult]:
    """Report who else can use the page, and what any website can read while a server runs."""
    access = "every request needs the token"
    if settings.token is None:
        access = f"none is set, so every user of this machine can use the page; to change that: token: {new_token()}"
    if settings.reader_token is not None:
        access += "; readers, who change nothing, have one of their own"
    shared = "no other origin reads anything"
    if settings.cors_origin != NO_ORIGIN:
        who = "any website" if settings.cors_origin == "*" else settings.cors_origin
        files = "sprint-status.yaml, story-descriptions.json, orchestrator.md and orchestrator.csv"
        shared = f"{who} can read {files} while a server runs; cors_origin: {NO_ORIGIN} ends that"
    return [CheckResult("token", True, access), CheckResult("cors_origin", True, shared)]


def check_disk(data_dir: Path) -> CheckResult:
    """Check that the data folder, or its nearest existing parent, is writable and has free space."""
    folder = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        return CheckResult("disk", False, f"{folder} cannot be written: change its permissions, or use --data-dir")
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK_BYTES:
        return CheckResult("disk", False, f"only {free / 1e6:.0f} MB are free at {folder}: make room before a long run")
    return CheckResult("disk", True, f"{free / 1e9:.1f} GB free")


def check_tracker(project: sprint.Project) -> CheckResult:
    read = sprint.read(project)
    where = project.tracker
    if not read.stories:
        message = read.problems[0].message if read.problems else "it has no stories"
        return CheckResult("tracker", False, f"{where}: {message}")
    runnable = sum(story.runnable for story in read.stories)
    text = f"{len(read.stories)} stories, {runnable} of them runnable"
    if not read.problems:
        return CheckResult("tracker", True, text)
    problems = "; ".join(f"line {p.line}: {p.message}" if p.line else p.message for p in read.problems[:5])
    return CheckResult("tracker", False, f"{where}: {text}, but {problems}")


def check_git(root: Path) -> CheckResult:
    """Check that the project is a git repository: without one nothing is committed and no change can be verified."""
    program = shutil.which("git")
    if program is None:
        return CheckResult("git", False, "git is not installed: nothing can be committed or proved")
    argv = [program, "-C", str(root), "rev-parse", "--is-inside-work-tree"]
    if subprocess.run(argv, capture_output=True, timeout=GIT_S, check=False).returncode:
        return CheckResult(
            "git", False, f"{root} is in no git repository: run `git init` there, so that work can be proved"
        )
    return CheckResult("git", True, "a work tree")


def check_verify(config: ServerConfig) -> list[CheckResult]:
    """Check that the program of the setting `verify` exists, if it is set."""
    command = config.loaded.settings.verify
    if command is None:
        return []
    why = missing_program(command, config.project.root)
    return [CheckResult("verify", why is None, why or f"`{command}` can be started")]


async def check_agents(config: ServerConfig) -> list[CheckResult]:
    """Check the agents that a batch would use: the default one, and those of single commands."""
    if config.loaded.left_out & {"agents", "commands"}:
        return [CheckResult("agents", False, "not checked: the settings that name them are not trusted yet")]
    settings = config.loaded.settings
    specs = agent_specs(settings.agents, settings.prices, config.project.root)
    used = dict.fromkeys(
        (
            *names_of(settings.agent),
            *(name for own in settings.commands.values() for name in names_of(own.agent or [])),
        )
    )
    found = []
    for name in used:
        result = await agents.preflight(specs[name])
        message = result.problem or result.version or "it can be started"
        found.append(CheckResult(f"agent {name}", result.problem is None, message))
    return found


# -- the database ----------------------------------------------------------------------------------------------


def check_database(file: Path) -> list[CheckResult]:
    """Check the integrity of the file, of the log and of the ledger."""
    if not file.exists():
        return [CheckResult("database", True, "nothing has run here yet")]
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return [_check(subject, function, connection) for subject, function in _CHECKS]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return [CheckResult("database", False, f"{file} cannot be read ({error}): {RESTORE}")]


def _check(
    subject: str, function: Callable[[sqlite3.Connection], tuple[bool, str]], connection: sqlite3.Connection
) -> CheckResult:
    try:
        ok, message = function(connection)
    except (sqlite3.Error, TypeError, ValueError) as error:  # values of a damaged row may be of any type
        ok, message = False, f"cannot be read ({error}): {RESTORE}"
    return CheckResult(subject, ok, message)


def _integrity(connection: sqlite3.Connection) -> tuple[bool, str]:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        return False, f"its schema is {version}, this program knows {len(MIGRATIONS)}: use the newer program"
    damage = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    if damage != ["ok"]:
        return False, f"damaged ({'; '.join(damage)}): {RESTORE}"
    loose = connection.execute("PRAGMA foreign_key_check").fetchall()
    if loose:
        return False, f"{len(loose)} rows refer to rows that do not exist: {RESTORE}"
    read_tables(connection, version)
    return True, f"intact, schema {version}"


def read_tables(connection: sqlite3.Connection, version: int) -> None:
    """Read every row of every table that a schema has. Raises `sqlite3.Error`."""
    # The names come from the migrations: the schema of a damaged file may have lost a table.
    with closing(sqlite3.connect(":memory:")) as empty:
        for statement in (statement for migration in MIGRATIONS[:version] for statement in migration):
            empty.execute(statement)
        names = [row[0] for row in empty.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for name in names:
        for _ in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - names of our own schema
            pass


def _log(connection: sqlite3.Connection) -> tuple[bool, str]:
    count, first, last = connection.execute("SELECT COUNT(*), MIN(seq), MAX(seq) FROM events").fetchone()
    # Pruning removes the oldest events only, so a gap is damage.
    if count and last - first + 1 != count:
        return False, f"{last - first + 1 - count} events are missing between {first} and {last}: {RESTORE}"
    return True, f"{count} events, none missing" if count else "empty"


def _ledger(connection: sqlite3.Connection) -> tuple[bool, str]:
    """Compare the tokens and costs in the rows of commands with those in their `command:end` events."""
    rows = {row[0]: row[1:] for row in connection.execute(_BOOKED)}
    emitted = {row[0]: row[1:] for row in connection.execute(_EMITTED)}
    for batch, sums in emitted.items():
        booked = rows.get(batch, (0, 0.0))
        if sums[0] != booked[0] or abs(sums[1] - booked[1]) > TOLERANCE_USD:
            return False, (
                f"batch {batch}: {booked[0]} tokens and {booked[1]:.4f} USD are booked, "
                f"{sums[0]} and {sums[1]:.4f} were emitted: please report this"
            )
    spent = sum(row[1] for row in rows.values())
    return True, f"every batch adds up; {spent:.2f} USD in all"


_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_BOOKED: Final = f"""
    SELECT batch_id, SUM({" + ".join(f"COALESCE({name}, 0)" for name in _TOKENS)}), SUM(COALESCE(cost_usd, 0.0))
    FROM commands WHERE ended_at IS NOT NULL AND story_id IS NOT NULL GROUP BY batch_id
"""  # noqa: S608 - fixed names
_METRIC: Final = "COALESCE(payload ->> '$.metrics.{}', 0)"
_EMITTED: Final = f"""
    SELECT batch_id, SUM({" + ".join(_METRIC.format(name) for name in _TOKENS)}), SUM({_METRIC.format("cost_usd")})
    FROM events WHERE type = 'command:end'
    AND batch_id IN (SELECT batch_id FROM events WHERE type = 'batch:start') GROUP BY batch_id
"""  # noqa: S608 - a batch whose oldest events are pruned has no complete sum, and is left out
_CHECKS: Final = (("database", _integrity), ("log", _log), ("ledger", _ledger))
