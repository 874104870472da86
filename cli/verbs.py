"""What each verb of the command line does, with its exit code."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from cli.archive import ArchiveError, back_up, described, restore
from cli.check import Finding, check
from cli.config import ServerConfig
from cli.errors import CannotStart
from cli.headless import Headless, HeadlessOptions
from cli.trust import how_to_trust, trust_folder
from orchestrator import StartRequest
from running.lock import ProjectLocked
from security.token import new_token

BROKEN: Final = 1  # the exit code of `check` when something is not as it should be

Serve = Callable[[ServerConfig, Headless | None], Coroutine[Any, Any, int]]


def perform(options: argparse.Namespace, plan: ServerConfig, serve: Serve) -> int:
    """Do what the command line asks for; the exit code. Raises `CannotStart`."""
    match options.verb:
        case "trust":
            return trust_folder(options, plan.trust, plan.loaded.guarded, plan.wanted)
        case "backup":
            return _back_up(options, plan)
        case "restore":
            return _restore(options, plan)
        case "check":
            return _tell(asyncio.run(check(plan)), as_json=options.json)
        case "run":
            return _run(options, plan, serve)
        case _:
            return asyncio.run(serve(plan, None))


def print_token() -> int:
    """One that may be set as it is."""
    sys.stdout.write(new_token() + "\n")
    return 0


def _run(options: argparse.Namespace, plan: ServerConfig, serve: Serve) -> int:
    settings = plan.loaded.settings
    cycles = settings.default_batch_size if options.batch is None else options.batch
    request = StartRequest(cycles=None if cycles == "all" else cycles, stories=options.story, budget_usd=options.budget)
    headless = Headless(HeadlessOptions(request, resume=options.resume, wait=options.wait, as_json=options.json))
    try:
        return asyncio.run(serve(plan, headless))
    finally:
        headless.close()


def _back_up(options: argparse.Namespace, plan: ServerConfig) -> int:
    _refuse_other_folder(plan)
    try:
        manifest = back_up(plan.data_dir, options.file, plan.project.name)
    except ArchiveError as error:
        raise CannotStart(str(error)) from None
    sys.stdout.write(f"{options.file}: {described(manifest)}\n")
    return 0


def _refuse_other_folder(plan: ServerConfig) -> None:
    """Without the data folder that the project names another one would be backed up or replaced."""
    if "data_dir" in plan.loaded.left_out and plan.loaded.sources["data_dir"] == "default":
        raise CannotStart(
            f"{plan.project.root} names its data folder and is not trusted yet. {how_to_trust(plan.project.root)} "
            "Or name the folder with --data-dir."
        )


def _restore(options: argparse.Namespace, plan: ServerConfig) -> int:
    _refuse_other_folder(plan)
    try:
        manifest, aside = restore(options.file, plan.data_dir)
    except (ArchiveError, ProjectLocked) as error:
        raise CannotStart(str(error)) from None
    kept = "" if aside is None else f"; what was there stands in {aside}"
    sys.stdout.write(f"restored {described(manifest)}{kept}\n")
    return 0


def _tell(findings: list[Finding], *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(msgspec.json.encode(findings).decode() + "\n")
    else:
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            sys.stdout.write(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.subject:<{width}}  {finding.message}\n")
    return 0 if all(finding.ok for finding in findings) else BROKEN
