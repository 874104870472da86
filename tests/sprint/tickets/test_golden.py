"""Every answer of our own reader beside the official program's."""

import json
from datetime import date
from pathlib import Path

import pytest

from tests.sprint.tickets.command import CommandOutput, answer
from tests.sprint.tickets.golden import UNUSED, Case, GoldenRun, cases, filled

TODAY = date(2026, 9, 30)
CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_golden_case(case: Case, tmp_path: Path) -> None:
    for number, run in enumerate(case.runs):
        if run.command not in UNUSED and case.merge_script:
            check(case, run, tmp_path / str(number) / "p")


def check(case: Case, run: GoldenRun, root: Path) -> None:
    root.mkdir(parents=True)
    case.write(root)
    argv = [argument.replace("{root}", str(root)) for argument in run.argv]
    found = answer(argv, root / run.cwd, TODAY)
    assert found.exit == run.exit, (argv, found, run.error)
    expected = filled(run.stdout, root, TODAY.isoformat())
    assert as_json(found) == expected, (argv, found.error)
    changed = {name: (root / name).read_bytes() for name in names(root) if case.tree.get(name) != data(root, name)}
    wanted = {name: text.replace("{today}", TODAY.isoformat()).encode() for name, text in (run.after or {}).items()}
    assert changed == wanted, argv


def as_json(found: CommandOutput) -> object:
    return json.loads(found.stdout) if found.stdout else None


def names(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


def data(root: Path, name: str) -> bytes:
    return (root / name).read_bytes()
