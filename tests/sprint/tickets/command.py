"""The official program's command line over our own reader and writer, to compare answers with it."""

import argparse
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from sprint.tickets.find import Found, find_ticket
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import TicketConfig, find_root, read_layers, read_store
from sprint.tickets.leaves import STATUSES, Leaves
from sprint.tickets.mark import Mark, mark
from sprint.tickets.rows import row_of
from sprint.tickets.views import StoreError, next_view, status_view


@dataclass(frozen=True)
class CommandOutput:
    exit: int
    stdout: bytes
    error: str = ""


class CommandUsageError(Exception):
    """What argparse would say before it ends the process."""


class CommandParser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise CommandUsageError(message)


def parser() -> CommandParser:
    top = CommandParser()
    top.add_argument("--project-root")
    commands = top.add_subparsers(dest="command", required=True)
    shown = commands.add_parser("next")
    shown.add_argument("dir", nargs="?")
    shown.add_argument("--synced", action="store_true")
    commands.add_parser("status").add_argument("dir", nargs="?")
    find = commands.add_parser("find")
    find.add_argument("dir", nargs="?")
    find.add_argument("ref")
    change = commands.add_parser("mark")
    change.add_argument("dir", nargs="?")
    change.add_argument("ref")
    change.add_argument("status", choices=STATUSES)
    change.add_argument("--assignee")
    change.add_argument("--blocked")
    return top


def answer(argv: list[str], cwd: Path, today: date) -> CommandOutput:
    """What our own code answers where the official program would be called with `argv`."""
    try:
        arguments = parser().parse_args(argv)
        return CommandOutput(0, msgspec.json.encode(_answer(arguments, cwd, today), enc_hook=str))
    except CommandUsageError as error:
        return CommandOutput(2, b"", str(error))
    except StoreError as error:
        return CommandOutput(2, b"", str(error))
    except TreeError as error:
        return CommandOutput(1, b"", str(error))


def _answer(arguments: argparse.Namespace, cwd: Path, today: date) -> object:
    start = cwd / arguments.project_root if arguments.project_root else find_root(cwd)
    if start is None:
        raise TreeError("no project root found")
    config = _config(start.resolve(), arguments)
    folder = _folder(config, cwd, arguments.dir) if arguments.dir else None
    leaves = Leaves()
    if arguments.command == "next":
        return next_view(config, folder, leaves, arguments.synced)
    if arguments.command == "status":
        return status_view(config, folder, leaves)
    if arguments.command == "mark" and config.store != "repo":
        raise StoreError("the store forbids it")
    found = find_ticket(config, folder, arguments.ref, leaves)
    if arguments.command == "find":
        return _shown(found)
    change = Mark(arguments.status, arguments.assignee, arguments.blocked)
    return mark(config, found, change, today)


def _config(root: Path, arguments: argparse.Namespace) -> TicketConfig:
    try:
        return read_layers(root)
    except TreeError:  # a folder that is named needs no configuration
        if arguments.dir is None:
            raise
        return TicketConfig(root, root, None, read_store(root))


def _folder(config: TicketConfig, cwd: Path, name: str) -> Path:
    places = [cwd, config.output, *([config.initiative] if config.initiative else []), config.root]
    for place in places:
        if (place / name).is_dir():
            return (place / name).resolve()
    raise TreeError(f"not a folder: {name}")


def _shown(found: Found) -> dict[str, object]:
    row = msgspec.to_builtins(row_of(found.scope, found.needs, found.ticket, blocks=[]))
    del row["blocks"]
    entry = None if found.ticket.file else found.ticket.entry
    return {
        **row,
        "folder": found.folder.name,
        "description": entry.description if entry else "",
        "verify": entry.verify if entry else "",
        "references": list(entry.references) if entry else [],
        "notes": list(entry.notes) if entry else [],
        "unknown": found.ticket.unknown,
        "epic_file": found.epic_file,
        "story_file": found.story_file,
        "plan": found.plan,
    }
