"""Tests of the documentation: every command in it works as printed; every link has a target."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from settings import SETTINGS, Settings, load
from tests.running.projects import make_project
from tests.servers import ROOT, Server

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LONG_S = 120  # a loaded machine
INSTALLED = ("uv tool install ", "uvx ", "sprint-runner")
TYPED = ("make ", "python server.py", "curl ", *INSTALLED)  # what a block of shell lines may hold
AGENT = [sys.executable, str(ROOT / "demo/agent.py"), "--speed", "max"]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Shell lines without their comments."""
        return [line.partition(" #")[0].strip() for line in self.text.splitlines() if line.strip()]


BLOCKS = [
    Block(page.name, language, text)
    for page in PAGES
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
]
FLEET = "fleet.md"  # whose lines tests/fleet types, with a broker
LINES = [
    (block.page, line) for block in BLOCKS if block.language == "sh" and block.page != FLEET for line in block.lines
]


def lines(beginning: str) -> list[str]:
    return sorted({line for _, line in LINES if line.startswith(beginning)})


def test_every_shell_line_is_one_that_is_tried_here() -> None:
    assert [(page, line) for page, line in LINES if not line.startswith(TYPED)] == []
    assert len(LINES) >= 20


@pytest.mark.parametrize("line", lines("make "))
def test_make_targets(line: str) -> None:
    done = subprocess.run([*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has been run, with a backup of it beside it."""
    folder = tmp_path_factory.mktemp("docs")
    project = make_project(folder / "tiny", {"1-1-a": "backlog"})
    agents = {"claude": {"kind": "claude", "command": AGENT}, "local": {"kind": "text", "command": ["cat"]}}
    (project / "sprint-runner.yaml").write_text(json.dumps({"agents": agents, "retries": 0}))
    assert typed("python server.py run PATH --port 0", project).returncode in (0, 4)
    assert typed("python server.py backup FILE PATH", project).returncode == 0
    return project


def typed(line: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Type a line; PATH is the project, FILE its backup."""
    names = {"PATH": str(project), "FILE": str(project.parent / "backup.tar.gz")}
    words = [names.get(word, word) for word in shlex.split(line)[1:]]
    environment = {**os.environ, "SPRINT_RUNNER_PORT": "0"}
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LONG_S, check=False
    )


def ends_by_itself(line: str) -> bool:
    words = shlex.split(line)
    return words[2] in ("run", "check", "trust", "backup", "restore") or "--help" in words


@pytest.mark.parametrize("line", [line for line in lines("python server.py") if ends_by_itself(line)])
def test_lines_that_end(line: str, project: Path) -> None:
    if " backup " in line:
        (project.parent / "backup.tar.gz").unlink(missing_ok=True)
    done = typed(line, project)
    assert done.returncode in ((0, 4) if " run " in line else (0,)), done.stderr


@pytest.mark.parametrize("line", [line for line in lines("python server.py") if not ends_by_itself(line)])
def test_lines_that_serve(tmp_path: Path, line: str, project: Path) -> None:
    arguments = [str(project) if word == "PATH" else word for word in shlex.split(line)[2:]]
    environment = {"SPRINT_RUNNER_PORT": "0", "TMPDIR": str(tmp_path)}
    server = Server(arguments, tmp_path, environment).start()
    assert server.end() == 0


def test_lines_that_install(tmp_path: Path, project: Path) -> None:
    """As a user types them: the first ones in the checkout, the command in a project."""
    assert [line for _, line in LINES if line.startswith(INSTALLED)] == [
        "uvx --from . sprint-runner --demo",
        "uv tool install .",
        "sprint-runner",
    ]
    programs = Path(sys.executable).parent
    environment = {
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_PYTHON": sys.executable,
        "SPRINT_RUNNER_PORT": "0",
        "TMPDIR": str(tmp_path),
    }
    uvx = [str(programs / "uvx"), "--quiet", "--from", str(ROOT), "sprint-runner"]
    assert Server(["--demo"], tmp_path, environment, uvx).start().end() == 0
    install = [str(programs / "uv"), *shlex.split("tool install --quiet"), str(ROOT)]
    subprocess.run(install, env={**os.environ, **environment}, check=True, capture_output=True)
    server = Server([], project, environment, [str(tmp_path / "bin/sprint-runner")]).start()
    assert "project Tiny" in server.line
    assert server.end() == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("clients")
    server = Server([str(folder / "demo"), "--demo", "--port", "0"], folder).start()
    yield server
    server.end()


@pytest.mark.parametrize("line", lines("curl "))
def test_requests(line: str, server: Server) -> None:
    words = [word.replace("URL", server.url) for word in shlex.split(line)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LONG_S, check=False)
    assert done.returncode == 0
    for answer in done.stdout.splitlines():
        emitted = json.loads(answer)
        # An action may come at a moment that it does not fit; that it was understood is what counts here.
        assert "error" not in emitted or emitted["error"]["code"] in ("running", "idle", "paused", "stopping"), answer


@pytest.mark.parametrize(
    ("language", "program"),
    [("python", [sys.executable]), ("js", ["node", "--experimental-websocket", "--no-warnings"])],
)
def test_clients_follow_a_server(language: str, program: list[str], server: Server, tmp_path: Path) -> None:
    (block,) = [block for block in BLOCKS if block.page == "clients.md" and block.language == language]
    assert len(block.lines) <= 20
    file = tmp_path / f"client.{'mjs' if language == 'js' else 'py'}"
    file.write_text(block.text)
    process = subprocess.Popen([*program, str(file), server.url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("state: ")
        subprocess.run(
            [
                *shlex.split("curl -s -X POST -H 'Content-Type: application/json' -d"),
                "{}",
                f"{server.url}/api/run/start",
            ],
            check=True,
            capture_output=True,
        )
        seqs = [int(process.stdout.readline().split()[0]) for _ in range(5)]
        assert seqs == list(range(seqs[0], seqs[0] + 5))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language == "yaml"],
    ids=lambda block: f"{block.page}:{block.text[:20]}",
)
def test_settings_that_are_shown_are_settings(block: Block, tmp_path: Path) -> None:
    (tmp_path / "sprint-runner.yaml").write_text(block.text)
    load(tmp_path / "sprint-runner.yaml", {})


def settings_table() -> list[str]:
    """The rows of docs/settings.md, from the program itself."""
    usual = Settings()
    rows = []
    for setting in SETTINGS:
        value = getattr(usual, setting.name)
        default = "none" if value in (None, [], {}) else json.dumps(value).strip('"')
        trusted = {"never": "", "always": " (trusted)", "outside": " (trusted, outside)"}[setting.trust]
        kept = "environment" if setting.environment_only else "page, file" if setting.editable else "file"
        where = kept + trusted
        rows.append(f"| `{setting.name}` | {default} | {setting.allowed} | {where} | {setting.effect} |")
    return rows


def test_the_table_of_settings_is_the_program_s() -> None:
    """When this fails, the lines that it shows belong into docs/settings.md."""
    page = (ROOT / "docs/settings.md").read_text("utf-8")
    assert [line for line in page.splitlines() if line.startswith("| `")] == settings_table()


LINKS = [
    (page.name, page.parent, target)
    for page in PAGES
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
]


@pytest.mark.parametrize(("page", "folder", "target"), LINKS, ids=lambda value: str(value))
def test_links_lead_somewhere(page: str, folder: Path, target: str) -> None:
    assert (folder / target).exists(), page
