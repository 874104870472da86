"""Projects that keep a status in each story's own file, for tests: a tree of tickets, a list of stories."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SKILL = ".claude/skills/bmad-build-auto/SKILL.md"
INITIATIVE = "_bmad-output/initiative-x"
EPIC_A = f"{INITIATIVE}/epic-a"


def make_tickets(root: Path, files: Mapping[str, str]) -> Path:
    """A repository with a tree of tickets with two epics, of which the second has one ticket."""
    return make_repository(root, {**ticket_files(), **files})


def ticket_files() -> dict[str, str]:
    """The files of such a tree."""
    return {
        "_bmad/config.toml": '[core]\nproject_name = "X"\noutput_folder = "{project-root}/_bmad-output"\n',
        "_bmad/custom/config.user.toml": '[core]\nactive_initiative = "initiative-x"\n',
        f"{INITIATIVE}/tickets.toml": '[[epic]]\nid = 1\nslug = "epic-a"\n\n[[epic]]\nid = 2\nslug = "epic-b"\n',
        f"{EPIC_A}/epic-a.md": "---\ntype: epic\n---\n# A\n",
        f"{EPIC_A}/tickets.toml": entries(ticket(1, "One thing"), ticket(2, "Two things", "after = [1]")),
        f"{INITIATIVE}/epic-b/epic-b.md": "---\ntype: epic\n---\n# B\n",
        f"{INITIATIVE}/epic-b/tickets.toml": entries(ticket(1, "Other thing")),
    }


def make_stories(root: Path, text: str, files: Mapping[str, str] | None = None) -> Path:
    """A repository with a spec folder with its list of stories."""
    return make_repository(root, {**story_files(text), **(files or {})})


def story_files(text: str) -> dict[str, str]:
    """The files of such a folder."""
    return {"specs/x/SPEC.md": "---\ntitle: X\n---\n# X\n", "specs/x/stories.yaml": text}


def ticket(ident: int | str, title: str, *more: str) -> str:
    shown = f'"{ident}"' if isinstance(ident, str) else ident
    return "\n".join((f'[[entry]]\nid = {shown}\ntype = "story"\ntitle = "{title}"', *more)) + "\n"


def entries(*tickets: str) -> str:
    return "\n".join(tickets)


def make_repository(root: Path, files: Mapping[str, str]) -> Path:
    """A repository with these files, the skill of an unattended build, and a context file."""
    write_files(root, {".gitignore": ".sprint-runner/\n", **files})
    for arguments in (("init", "-q"), ("config", "user.name", "T"), ("config", "user.email", "t@localhost")):
        git(root, *arguments)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    return root


def write_files(root: Path, files: Mapping[str, str]) -> None:
    """Write these files, the skill of an unattended build, and a context file."""
    usual = {SKILL: "---\nname: x\n---\n", "AGENTS.md": "# Agents\n"}
    for name, text in {**usual, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(("git", *arguments), cwd=root, check=True, capture_output=True, text=True).stdout


def subjects(root: Path) -> Sequence[str]:
    """The subjects of all commits, oldest first."""
    return git(root, "log", "--reverse", "--format=%s").splitlines()
