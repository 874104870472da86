"""A copy of the demo project under git, the real prompts, and the real scripted agent as a process."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from demo.stream import Block

REPOSITORY = Path(__file__).parents[2]
AGENT = REPOSITORY / "demo" / "agent.py"
PROJECT = REPOSITORY / "demo" / "project"
PROMPTS = REPOSITORY / "prompts"
FLAGS = ("-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "bypassPermissions")
ARTIFACTS = "_bmad-output/implementation-artifacts"
TASKS = {
    "create-story": "setup, analyze, generate, write, validate",
    "story-discovery": "setup, explore, write",
    "create-tech-spec": "setup, discover, generate, write, validate",
    "dev-story": "setup, implement, tests, lint, validate",
    "code-review": "setup, analyze, fix, test",
    "commit": "setup, stage, commit, validate",
}
STORIES = (
    "1-1-friendly-dates",
    "1-2-correct-a-sighting",
    "1-3-find-a-sighting",
    "1-4-import-a-spreadsheet",
    "2-1-life-list",
    "2-2-share-with-the-club",
    "2-3-a-year-in-birds",
)
TIMEOUT_S = 120


@dataclass(frozen=True)
class AgentRun:
    """What one call of the agent printed, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def blocks(self) -> list[Block]:
        return [each["message"]["content"][0] for each in self.lines if each["type"] in ("assistant", "user")]

    @property
    def text(self) -> str:
        return "\n".join(each["text"] for each in self.blocks if each["type"] == "text")

    @property
    def result(self) -> dict[str, Any]:
        last = self.lines[-1]
        assert last["type"] == "result", last
        return last

    def markers(self, name: str) -> list[str]:
        found: list[str] = re.findall(rf"^\[{name}: ?(.*)\]$", self.text, re.MULTILINE)
        return found

    @property
    def severity(self) -> str:
        return str(re.findall(r"^HIGHEST SEVERITY: (.+)$", self.text, re.MULTILINE)[-1])


@dataclass
class DemoBench:
    """A BMAD project in `root`, and calls of the agent on it."""

    root: Path
    home: Path
    verify: str = "python3 -m unittest"
    env: Mapping[str, str] = field(default_factory=dict)
    script: Path | None = None

    def prompt(self, command: str, *keys: str, **values: str) -> str:
        base = re.sub(r"-\d+$", "", command)
        stories = [f"- {key} — {key[4:].replace('-', ' ').capitalize()} — {ARTIFACTS}/{key}.md" for key in keys]
        found = re.search(r"-(\d+)$", command)
        given = {
            "command": command,
            "round": found[1] if found else "1",
            "project_name": "Perch",
            "tracker": f"{ARTIFACTS}/sprint-status.yaml",
            "artifacts_dir": ARTIFACTS,
            "planning_dir": "_bmad-output/planning-artifacts",
            "context_file": "_bmad-output/project-context.md",
            "epic": keys[0][0] if keys else "",
            "story_keys": ", ".join(keys),
            "story_key": keys[0] if keys else "",
            "stories": "\n".join(stories),
            "story_file": f"{ARTIFACTS}/{keys[0]}.md" if keys else "",
            "verify": self.verify,
            "previous_findings": "none",
            "commit_message": f"feat({keys[0][0] if keys else ''}): implement stories {', '.join(keys)}",
            "directives": "",
            "tasks": TASKS.get(base, "setup, analyze, fix, validate"),
            **values,
        }
        text = (PROMPTS / f"{base}.md").read_text(encoding="utf-8")
        return re.sub(r"\{\{(\w+)\}\}", lambda match: str(given[match[1]]), text)

    def argv(self, *flags: str, speed: str = "max") -> list[str]:
        script = ("--script", str(self.script)) if self.script else ()
        return [sys.executable, str(AGENT), "--speed", speed, *script, *FLAGS, *flags]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DEMO_AGENT_HOME": str(self.home), **self.env}

    def start(self, prompt: str, *flags: str, speed: str = "max") -> subprocess.Popen[bytes]:
        """The agent as a process, its prompt written and its standard input closed."""
        process = subprocess.Popen(
            self.argv(*flags, speed=speed),
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(prompt.encode())
        process.stdin.close()
        process.stdin = None
        return process

    def call(self, prompt: str, *flags: str, speed: str = "max") -> AgentRun:
        return finish(self.start(prompt, *flags, speed=speed))

    def run(self, command: str, *keys: str, **values: str) -> AgentRun:
        return self.call(self.prompt(command, *keys, **values))

    def develop(self, key: str) -> list[AgentRun]:
        """dev-story, then code reviews until one finds nothing."""
        runs = [self.run("dev-story", key)]
        if runs[0].markers("DEV-STORY-COMPLETE") != ["YES"]:
            return runs
        for attempt in range(1, 4):
            runs.append(self.run(f"code-review-{attempt}", key))
            if runs[-1].severity == "ZERO ISSUES":
                break
        return runs

    def git(self, *argv: str) -> str:
        done = subprocess.run(["git", *argv], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout

    def story(self, key: str) -> str:
        return (self.root / ARTIFACTS / f"{key}.md").read_text(encoding="utf-8")

    def unittest(self) -> subprocess.CompletedProcess[str]:
        argv: Sequence[str] = (sys.executable, "-m", "unittest")
        return subprocess.run(argv, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)


def finish(process: subprocess.Popen[bytes]) -> AgentRun:
    out, err = process.communicate(timeout=TIMEOUT_S)
    return AgentRun(process.returncode, out.decode(), err.decode())


def make(folder: Path) -> DemoBench:
    """A fresh copy of the demo project, committed."""
    root = folder / "perch"
    shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns("__pycache__"))
    return under_git(DemoBench(root, folder / "sessions"))


def under_git(bench: DemoBench) -> DemoBench:
    bench.git("init", "-q", "-b", "main")
    bench.git("config", "user.name", "Iris")
    bench.git("config", "user.email", "iris@example.test")
    bench.git("add", "-A")
    bench.git("commit", "-q", "-m", "Start")
    return bench
