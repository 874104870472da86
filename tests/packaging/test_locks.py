"""The locks fit the ranges beside them, have a hash for every package, and name no place to get packages from."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.servers import ROOT

PIN = re.compile(
    r"^([A-Za-z0-9_.-]+)==([^\s;]+)(?: ;[^\\\n]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def pins(lock: str) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version, _ in PIN.findall((ROOT / lock).read_text())}


def ranges(file: str) -> list[Requirement]:
    lines = (ROOT / file).read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("-r ")]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_is_pins_with_hashes_and_nothing_else(lock: str) -> None:
    rest = PIN.sub("", (ROOT / lock).read_text()).splitlines()
    assert [line for line in rest if not line.startswith("#")] == []


@pytest.mark.parametrize(
    ("file", "lock"),
    [
        ("requirements.txt", "requirements.lock"),
        ("requirements.txt", "requirements-dev.lock"),
        ("requirements-dev.txt", "requirements-dev.lock"),
    ],
)
def test_a_lock_fits_its_ranges(file: str, lock: str) -> None:
    """When this fails: `make lock`."""
    locked = pins(lock)
    for requirement in ranges(file):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement


def test_both_locks_agree() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()
