"""The broker of the verb `fleet`: the runners of other machines, and the streams that they need."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cli.errors import CannotStart
from fleet.source import RunnerSource
from fleet.stream.broker import BrokerProblem, why_unavailable
from fleet.stream.keys import new_nkey
from fleet.stream.login import CREDS, NKEY, PASSWORD, USER, BrokerLogin
from fleet.stream.prepare import prepare
from fleet.stream.source import StreamRunners
from settings import SettingsError
from settings.check import check

ADDRESS: Final = "SPRINT_RUNNER_FLEET"
OPERATOR: Final = "operator"  # the user of the page's server where none is named


def broker_login(options: argparse.Namespace) -> BrokerLogin | None:
    """Return where the broker is, None without one; the password leaves the environment. Raises `CannotStart`."""
    address = options.broker or os.environ.get(ADDRESS)
    if address is None:
        if options.prepare:
            raise CannotStart(f"--prepare needs the address of the NATS server: --broker, or {ADDRESS}")
        return None
    try:
        check("fleet", address, where="--broker" if options.broker else ADDRESS)
        for name in options.prepare or ():
            check("fleet_name", name, where="--prepare")
    except SettingsError as error:
        raise CannotStart(str(error)) from None
    if (missing := why_unavailable()) is not None:
        raise CannotStart(missing)
    return login_of(address, OPERATOR)


def login_of(address: str, user: str) -> BrokerLogin:
    """Return the login of the environment, as `user` unless it names another; the password leaves it.

    Raises `CannotStart`, also for a file that cannot be used: before anything is served.
    """
    login = BrokerLogin(
        address=address,
        user=os.environ.get(USER, user),
        password=os.environ.pop(PASSWORD, None),
        creds=os.environ.get(CREDS),
        nkey=os.environ.get(NKEY),
    )
    try:
        check("fleet_user", login.user, where=USER)
        login.secret()
    except (SettingsError, BrokerProblem) as problem:
        raise CannotStart(str(problem)) from None
    return login


def remote_runners(login: BrokerLogin | None) -> list[RunnerSource]:
    """Return the source of the runners of other machines."""
    return [] if login is None else [StreamRunners(login)]


def prepare_runners(login: BrokerLogin | None, names: Sequence[str]) -> int:
    """Make the streams of runners; return the exit code. Raises `CannotStart`."""
    if login is not None:
        try:
            asyncio.run(prepare(login, names))
        except BrokerProblem as problem:
            raise CannotStart(f"the streams could not be made: {problem}") from None
    sys.stdout.write(f"The streams of {', '.join(names)} are there.\n")
    return 0


def make_nkey(file: Path) -> int:
    """Make an NKey and print its public name; return the exit code. Raises `CannotStart`."""
    try:
        public = new_nkey(file)
    except BrokerProblem as problem:
        raise CannotStart(str(problem)) from None
    except OSError as error:
        raise CannotStart(f"{file} cannot be written: {error.strerror}") from None
    sys.stdout.write(f"{public}\n")
    return 0
