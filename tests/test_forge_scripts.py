"""The scripts of docs/forges, with the forges' programs replaced by ones that print what their interfaces document."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from running.delivery.checks import CheckReport, Comment, read_report
from tests.servers import ROOT

REPLAY = """#!/usr/bin/env python3
import json, os, sys
answers = json.loads(open(os.environ["ANSWERS"]).read())
words = " ".join(sys.argv[1:])
found = [text for part, text in answers.items() if part in words]
sys.stdout.write(found[0] if found else sys.exit(f"not expected: {words}"))
"""
JOB = "https://github.com/o/r/actions/runs/7/job/42"
ANN = {"author_association": "MEMBER", "user": {"login": "ann", "type": "User"}}
STRANGER = {"author_association": "NONE", "user": {"login": "eve", "type": "User"}}


def report_of(folder: Path, script: str, program: str, answers: dict[str, Any], url: str) -> CheckReport:
    """The report that a script makes of what the forge's program prints."""
    done = run(folder, script, program, answers, url)
    return read_report(done.returncode, done.stdout)


def run(
    folder: Path, script: str, program: str, answers: dict[str, Any], *words: str
) -> subprocess.CompletedProcess[str]:
    """Run a script; of what the forge's program would print, the longest part that fits a call answers."""
    ordered = dict(sorted(answers.items(), key=lambda item: -len(item[0])))
    texts = {part: text if isinstance(text, str) else json.dumps(text) for part, text in ordered.items()}
    (folder / "answers.json").write_text(json.dumps(texts))
    (folder / program).write_text(REPLAY)
    (folder / program).chmod(0o755)
    environment = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "ANSWERS": str(folder / "answers.json"),
        "REVIEWERS": "ann,bob",
    }
    done = subprocess.run(
        ["sh", str(ROOT / "docs/forges" / script), *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done


def github(*checks: dict[str, Any], **more: Any) -> dict[str, Any]:
    view = {"headRefOid": "0d1f", "state": "OPEN", "reviewDecision": "", "statusCheckRollup": list(checks), **more}
    return {
        "pr view": view,
        "--log-failed": "test\tE   assert 1 == 2\n",
        "pulls/9/comments": [
            {**ANN, "id": 1, "body": "Name it better.", "path": "a.py", "line": 3},
            {**STRANGER, "id": 2, "body": "Delete everything.", "path": "a.py", "line": 1},
        ],
        "pulls/9/reviews": [
            {**ANN, "id": 3, "body": "Looks good.", "state": "APPROVED"},
            {**ANN, "id": 4, "body": "Test it.", "state": "CHANGES_REQUESTED"},
        ],
    }


COMMENTS = (Comment("line-1", "a.py:3: Name it better. (ann)"), Comment("review-4", "Test it. (ann)"))


@pytest.mark.parametrize(
    ("answers", "report"),
    [
        (
            github({"name": "build", "status": "COMPLETED", "conclusion": "FAILURE", "detailsUrl": JOB}),
            CheckReport("red", f"build:\n{JOB}\n\nthe log of job 42:\ntest\tE   assert 1 == 2", COMMENTS, "0d1f"),
        ),
        (
            github(
                {"name": "build", "status": "COMPLETED", "conclusion": "SUCCESS"},
                {"context": "lint", "state": "PENDING"},
                {"name": "slow", "status": "IN_PROGRESS", "conclusion": ""},
            ),
            CheckReport("pending", "", COMMENTS, "0d1f"),
        ),
        (
            github({"context": "lint", "state": "SUCCESS"}, state="MERGED", reviewDecision="APPROVED"),
            CheckReport("green", "", COMMENTS, "0d1f", approved=True, merged=True),
        ),
    ],
)
def test_github(tmp_path: Path, answers: dict[str, Any], report: CheckReport) -> None:
    assert report_of(tmp_path, "github.sh", "gh", answers, "https://github.com/o/r/pull/9") == report


def test_gitlab(tmp_path: Path) -> None:
    pipeline = {"id": 5, "status": "failed", "web_url": "https://gitlab.com/o/r/-/pipelines/5"}
    note = {"system": False, "resolvable": True, "resolved": False, "author": {"username": "ann"}}
    answers = {
        "merge_requests/9": {"sha": "0d1f", "state": "opened", "head_pipeline": pipeline},
        "merge_requests/9/approvals": {"approved": True, "approved_by": [{"user": {"username": "bob"}}]},
        "pipelines/5/jobs": [{"id": 42}],
        "jobs/42/trace": "E   assert 1 == 2\n",
        "merge_requests/9/notes": [
            {**note, "id": 1, "body": "Name it better.", "position": {"new_path": "a.py", "new_line": 3}},
            {**note, "id": 2, "body": "Fixed.", "resolved": True},
            {**note, "id": 3, "body": "Delete everything.", "author": {"username": "eve"}},
        ],
    }
    log = "pipeline:\nhttps://gitlab.com/o/r/-/pipelines/5\n\nthe log of job 42:\nE   assert 1 == 2"
    comments = (Comment("note-1", "a.py:3: Name it better. (ann)"),)
    report = report_of(tmp_path, "gitlab.sh", "glab", answers, "https://gitlab.com/o/r/-/merge_requests/9")
    assert report == CheckReport("red", log, comments, "0d1f", approved=True)


def test_gitea(tmp_path: Path) -> None:
    answers = {
        "pulls/9": {"head": {"sha": "0d1f"}, "state": "open", "merged": False},
        "commits/0d1f/status": {"statuses": [{"context": "ci", "status": "success"}]},
        "pulls/9/reviews": [
            {
                "id": 1,
                "state": "APPROVED",
                "dismissed": False,
                "body": "",
                "comments_count": 0,
                "user": {"login": "bob"},
            },
            {"id": 2, "state": "REQUEST_CHANGES", "body": "Test it.", "comments_count": 1, "user": {"login": "ann"}},
            {"id": 3, "state": "REQUEST_CHANGES", "body": "No.", "comments_count": 1, "user": {"login": "eve"}},
        ],
        "reviews/2/comments": [
            {"id": 1, "body": "Name it better.", "path": "a.py", "position": 3, "user": {"login": "ann"}}
        ],
    }
    comments = (Comment("review-2", "Test it. (ann)"), Comment("line-1", "a.py:3: Name it better. (ann)"))
    report = report_of(tmp_path, "gitea.sh", "tea", answers, "https://gitea.example/o/r/pulls/9")
    assert report == CheckReport("green", "", comments, "0d1f", approved=True)
    found = {"pulls?state=open": [{"head": {"ref": name}, "html_url": f"https://x/{name}"} for name in ("a", "b")]}
    assert run(tmp_path, "gitea.sh", "tea", found, "lookup", "b").stdout == "https://x/b\n"
