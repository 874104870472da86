"""Projects in different worlds of git, and agents that do with git what a test wants."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from agents import AgentSpec
from settings import CommandConfig
from tests.running.projects import Runner, make_project

WORLDS = ("top", "folder", "nested", "worktree")
DONE = "printf 'Looked at it.\\n\\nHIGHEST SEVERITY: ZERO ISSUES\\nIssues: 0 CRITICAL, 0 HIGH, 0 MEDIUM, 0 LOW\\n'"


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(folder: Path) -> None:
    for arguments in (("init", "-qb", "main"), ("config", "user.name", "T"), ("config", "user.email", "t@localhost")):
        git(folder, *arguments)


def project_in(world: str, base: Path, stories: Mapping[str, str]) -> Path:
    """Make a project with the stories in one of the worlds; its folder."""
    if world == "top":
        return make_project(base / "tiny", stories)
    if world == "nested":
        root = make_project(base / "tiny", stories)
        (root / "vendor/lib").mkdir(parents=True)
        repository(root / "vendor/lib")
        (root / "vendor/lib/code.c").write_text("int x;\n")
        git(root / "vendor/lib", "add", "-A")
        git(root / "vendor/lib", "commit", "-qm", "library")
        return root
    root = make_project(base / "all/apps/web", stories, git=False)
    top = base / "all"
    (top / "README").write_text("all\n")
    (root / ".gitignore").write_text(".sprint-runner/\n")
    repository(top)
    git(top, "add", "-A")
    git(top, "commit", "-qm", "start")
    if world == "folder":
        return root
    git(top, "worktree", "add", "-q", str(base / "linked"), "-b", "linked")
    return base / "linked/apps/web"


def by_shell(runner: Runner, script: str, name: str = "shell") -> None:
    """Add an agent of this name that runs a shell script in the project's folder."""
    agents = cast(dict[str, AgentSpec], runner.workspace.agents)
    agents[name] = AgentSpec(name=name, kind="text", command=("sh", "-c", f"cat >/dev/null; {script}"))


def reviewed_by(name: str = "shell") -> dict[str, Any]:
    return {"commands": {"code-review": CommandConfig(agent=name)}}


def hook(root: Path, name: str, script: str) -> None:
    """Write a hook of the repository that holds the project."""
    path = root / git(root, "rev-parse", "--git-path", f"hooks/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def committed(root: Path, commit: str = "HEAD") -> list[str]:
    """The files of a commit, relative to the repository's top."""
    return sorted(git(root, "show", "--name-only", "--format=", commit).splitlines())


def python(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


MakeIn = Callable[..., Any]
