"""Words of agents and of files that would be options, paths or records if they were taken at their word."""

from __future__ import annotations

import io
import logging
import subprocess
from pathlib import Path

import pytest

from agents import Usage
from cli import logs
from git.snapshots import Git
from running.journal import Journal
from security.masking import Masker
from tests.running.projects import make_project

SESSIONS = {
    "0198c7a2-3f54-7c1e-9d2b-5a7f": True,
    "ses_4fGh.2:1": True,
    "--dangerously-skip-permissions": False,
    "-c": False,
    "": False,
    "a b": False,
    "a\x00b": False,
    "a\n--x": False,
    "../../x": False,
    "x" * 300: False,
}


@pytest.mark.parametrize(("session", "kept"), SESSIONS.items())
def test_the_name_of_a_session_never_reads_as_an_option(session: str, kept: bool) -> None:
    """It is the agent that names it, and the next call gets it as an argument."""
    journal = Journal()
    journal.keep_session(("1-1-a", "dev-story", 1), session, "claude", Usage())
    assert bool(journal.sessions) is kept


def head_of(project: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("commit", ["--output=stolen", "-h", "HEAD", "main", "@", ":/start", "a" * 5000, "x\ny"])
async def test_what_an_agent_calls_a_commit_is_only_ever_a_commit(tmp_path: Path, commit: str) -> None:
    project = make_project(tmp_path / "tiny", {"1-1-a": "backlog"})
    git = await Git.find(project, tmp_path / "store")
    assert git is not None
    assert not await git.has_commit(commit)
    assert not (project / "stolen").exists()
    assert await git.has_commit(head_of(project))


def test_what_is_logged_holds_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.TextFormatter())
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    logs.mask(Masker(["hunter-number-2"]).text)
    try:
        raise ValueError("with hunter-number-2, too")
    except ValueError:
        logging.getLogger("sprint_runner.x").exception("refused %s", "hunter-number-2")
    assert "hunter" not in stream.getvalue()
    assert stream.getvalue().count("[masked: ") == 3  # the message, the line of code, the error
