"""Marking through the project's own program: a real process, whose answer and traces are checked."""

import subprocess
import sys
from pathlib import Path

import pytest

from sprint.tickets.find import Found, find_ticket
from sprint.tickets.frontmatter import TreeError
from sprint.tickets.layers import TicketConfig, read_layers
from sprint.tickets.leaves import Leaves
from sprint.tickets.mark import Mark
from sprint.tickets.official import SCRIPT, Finished, mark_argv, mark_officially, script_of

# A program with the same command line; what it does besides is appended by a test.
PROGRAM = """\
import json, pathlib, sys
root, folder, ref, status = sys.argv[2], pathlib.Path(sys.argv[4]), sys.argv[5], sys.argv[6]
plan = folder / "story-piles-plan.md"
def mark(word):
    plan.write_text(f"---\\nticket: {ref}\\nstatus: {word}\\n---\\n")
def answer(word, path=plan):
    print(json.dumps({"plan": str(path), "created": True, "status": word}))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An initiative without epics."""
    files = {
        "_bmad/config.toml": '[core]\noutput_folder = "out"\n',
        "_bmad/custom/config.user.toml": '[core]\nactive_initiative = "initiative-quay"\n',
        "out/initiative-quay/tickets.toml": '[[entry]]\nid = 1\ntype = "story"\ntitle = "Piles"\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def install(root: Path, program: str) -> tuple[TicketConfig, Found]:
    path = root / SCRIPT
    path.parent.mkdir(parents=True)
    path.write_text(PROGRAM + program)
    config = read_layers(root)
    return config, find_ticket(config, None, "1", Leaves())


def run(argv: list[str], cwd: Path) -> Finished:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, check=False)
    return Finished(done.returncode, done.stdout, done.stderr)


def test_a_mark_that_does_what_it_says(root: Path) -> None:
    config, found = install(root, "mark(status)\nanswer(status)\n")
    assert script_of(config) == root / SCRIPT
    assert mark_officially(config, found, Mark("done"), run).status == "done"
    assert found.plan.read_text() == "---\nticket: 1\nstatus: done\n---\n"


def test_the_command_line(root: Path) -> None:
    config, found = install(root, "")
    argv = mark_argv(config, found, Mark("blocked", assignee="mo", blocked="no log"))
    assert argv[0] == sys.executable
    assert argv[2:] == [
        *("--project-root", str(root), "mark", str(found.folder.path), "1", "blocked"),
        *("--assignee", "mo", "--blocked", "no log"),
    ]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (
            'print(\'{"error": "no ticket matches"}\', file=sys.stderr)\nsys.exit(1)\n',
            "ended with 1: no ticket matches",
        ),
        ("print('usage: tickets.py', file=sys.stderr)\nsys.exit(2)\n", "ended with 2: usage"),
        ("sys.exit(3)\n", "ended with 3: no reason"),
        ("print('done')\n", "no answer that is understood"),
        ('mark(status)\nanswer("draft")\n', "still says 'draft'"),
        ('mark(status)\nanswer(status, "/elsewhere.md")\n', "not"),
        (
            'mark(status)\n(folder / "story-other.md").write_text("x")\nanswer(status)\n',
            "more than the plan: story-other",
        ),
    ],
)
def test_what_went_wrong_is_said(root: Path, program: str, reason: str) -> None:
    config, found = install(root, program)
    with pytest.raises(TreeError, match=reason):
        mark_officially(config, found, Mark("done"), run)


def test_without_the_program_there_is_none(root: Path) -> None:
    assert script_of(read_layers(root)) is None
