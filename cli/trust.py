"""Trust on the command line: the list of values, the question, and the verb `trust`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import sprint
from cli.errors import CannotStart
from running.trust import agent_powers, instruction_files
from security.trust import Unlistable
from security.trust_store import FolderTrust, TrustStore, state_folder
from settings import FILE_NAME, Settings, SettingsError
from sprint import ProjectNotFound

Decide = Callable[[FolderTrust, Mapping[str, Any], Settings], None]
DECLINED = 2  # the exit code: the operator has to decide first


def untrusted_or_refuse(trust: FolderTrust, values: Mapping[str, Any]) -> frozenset[str]:
    """Return the names that are not trusted. Raises `SettingsError` for values that cannot be listed."""
    try:
        return trust.untrusted(values)
    except Unlistable as error:
        raise SettingsError(f"{trust.folder / FILE_NAME}: {error}") from None


def listing(trust: FolderTrust, values: Mapping[str, Any], settings: Settings) -> str:
    """Return the values that would be trusted, line by line; `settings` are those that would be in use then."""
    changes = trust.differences(values)
    lines = [f"{trust.folder} is not trusted yet."]
    if changes:
        lines = [f"{trust.folder} is not trusted yet with what its {FILE_NAME} sets:"]
        width = min(max(len(change.name) for change in changes), 40)
        for change in changes:
            value = "(taken out)" if change.value is None else change.value
            before = "" if change.before is None else f"   (before: {change.before})"
            lines.append(f"  {change.name:<{width}}  {value}{before}")
    lines.append(agent_powers(settings))
    if obeyed := instruction_files(trust.folder):
        lines.append(f"It obeys what the project says in {', '.join(obeyed)}.")
    return "\n".join(lines)


def decide(options: argparse.Namespace) -> Decide:
    """Return a function that decides about the trust in the folder's values before they are used."""

    def settle(trust: FolderTrust, values: Mapping[str, Any], settings: Settings) -> None:
        headless = options.verb == "run"
        if getattr(options, "trust", False):
            keep(trust, values)
        # A headless run starts agents at once; with a page, the operator is asked when they press Start.
        missing = bool(trust.untrusted(values)) or (headless and not trust.trusts_folder(values))
        if not missing or options.verb not in ("run", "serve"):
            return
        if asks(sys.stdin, sys.stderr) and confirmed(listing(trust, values, settings)):
            keep(trust, values)
        elif headless:
            raise CannotStart(f"{listing(trust, values, settings)}\n{how_to_trust(trust.folder)}")

    return settle


def how_to_trust(folder: Path) -> str:
    return f"Trust it with `sprint-runner trust {folder}`, or with --trust."


def asks(answers: TextIO, questions: TextIO) -> bool:
    """Return whether both streams are terminals, so that a question can be answered."""
    return answers.isatty() and questions.isatty()


def confirmed(text: str) -> bool:
    """Show the list, ask, and return whether the answer is yes."""
    sys.stderr.write(f"{text}\nTrust this folder and exactly these settings? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def keep(trust: FolderTrust, values: Mapping[str, Any]) -> None:
    """Store the trust in the folder. Raises `CannotStart`."""
    try:
        trust.trust(values)
    except OSError as error:
        raise CannotStart(f"the trust in {trust.folder} cannot be kept: {error}") from None


def trust_folder(options: argparse.Namespace, trust: FolderTrust, values: Mapping[str, Any], settings: Settings) -> int:
    """Run the verb `trust PATH`: list, ask and store; return the exit code."""
    if trust.trusts_folder(values) and not trust.untrusted(values):
        sys.stdout.write(f"{trust.folder} is trusted as it is (hash {trust.hash(values)}).\n")
        return 0
    text = f"{listing(trust, values, settings)}\nhash {trust.hash(values)}"
    if options.yes:
        sys.stdout.write(f"{text}\n")
    elif not asks(sys.stdin, sys.stderr) or not confirmed(text):
        sys.stderr.write(f"{text}\nNothing was trusted: use --yes to trust it.\n")
        return DECLINED
    keep(trust, values)
    sys.stdout.write(f"{trust.folder} is trusted.\n")
    return 0


def list_folders(environment: Mapping[str, str] = os.environ) -> int:
    """Run `trust --list`: print the trusted folders, one per line, with the names of the trusted values."""
    for folder, record in TrustStore(state_folder(environment)).records().items():
        note = "" if record.trusted_at is not None else " (only these settings)"
        sys.stdout.write(f"{folder}{note}{': ' if record.values else ''}{', '.join(record.values)}\n")
    return 0


def revoke(path: Path, environment: Mapping[str, str] = os.environ) -> int:
    """Run `trust --revoke PATH`, also for a folder that does not exist any more; return the exit code."""
    store = TrustStore(state_folder(environment))
    folder = path.resolve()
    # A folder inside of the project names the project, as for every other verb.
    if str(folder) not in store.records():
        with suppress(ProjectNotFound):
            folder = sprint.locate(path).root.resolve()
    try:
        found = FolderTrust(folder, store).revoke()
    except OSError as error:
        raise CannotStart(f"the trust in {folder} cannot be revoked: {error}") from None
    if not found:
        raise CannotStart(f"{folder} was not trusted: `sprint-runner trust --list` names the folders that are")
    sys.stdout.write(f"{folder} is trusted no more; a server that runs there keeps its settings until it ends.\n")
    return 0
