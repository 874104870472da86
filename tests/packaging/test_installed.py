"""The installed program: the same as `python server.py`, in any folder, without a write beside its code."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import FLAGS, chromium
from tests.packaging.installed import InstalledProgram
from tests.servers import ROOT, Server

DATA_FOLDER = ".sprint-runner"  # holds one of the names
LONG_S = 120  # a loaded machine
# A message is one line; help is the same but for the name, which changes where lines are broken.
CALLS: tuple[list[str], ...] = (
    ["--help"],
    ["--version"],
    ["nowhere"],
)


def ways(installed: InstalledProgram) -> dict[str, list[str]]:
    """Every way to call the program, by the name that it then gives itself."""
    return {
        "server.py": [sys.executable, str(ROOT / "server.py")],
        f"python {ROOT}": [sys.executable, str(ROOT)],
        "sprint-runner": [str(installed.command)],
        "python -m sprint_runner": [str(installed.python), "-m", "sprint_runner"],
    }


def call(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "10000", "SPRINT_RUNNER_DEMO_SPEED": "max", "TMPDIR": str(folder)}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the interpreter's own cache is no file of the program
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONG_S, check=False
    )


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_every_way_to_call_it_is_the_same_program(
    installed: InstalledProgram, tmp_path: Path, arguments: list[str]
) -> None:
    answers = set()
    for name, command in ways(installed).items():
        done = call([*command, *arguments], tmp_path)
        text = (done.stdout + done.stderr).replace(DATA_FOLDER, "DATA")
        assert name in text or arguments == ["--version"]
        answers.add((done.returncode, " ".join(text.replace(name, "NAME").split())))
    assert len(answers) == 1, answers


def test_without_a_project_one_sentence_offers_the_demo(installed: InstalledProgram, tmp_path: Path) -> None:
    done = call([str(installed.command)], tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"sprint-runner: No sprint-status\.yaml .* --demo\.\n", done.stderr)


def test_a_batch_of_the_demo_leaves_the_installation_as_it_was(installed: InstalledProgram, tmp_path: Path) -> None:
    before = listing(installed.folder)
    done = call([str(installed.command), "run", "--demo", "--batch", "1"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cycles completed: 1" in done.stdout
    assert listing(installed.folder) == before
    (demo,) = tmp_path.glob("sprint-runner-demo-*/perch")
    own = [path for path in (demo, *demo.rglob("*")) if not {".git", DATA_FOLDER} & set(path.parts)]
    assert [path for path in own if not path.stat().st_mode & stat.S_IWUSR] == []


def test_without_the_extra_messages_say_what_to_install(installed: InstalledProgram, tmp_path: Path) -> None:
    server = Server(
        ["--demo", "--port", "0"], tmp_path, {"TMPDIR": str(tmp_path)}, program=[str(installed.command)]
    ).start()
    try:
        with urllib.request.urlopen(f"{server.url}/api/push", timeout=LONG_S) as response:
            assert "sprint-runner[push]" in json.load(response)["missing"]
        with urllib.request.urlopen(f"{server.url}/app/manifest.webmanifest", timeout=LONG_S) as response:
            assert response.headers["Content-Type"].startswith("application/manifest+json")
    finally:
        assert server.end() == 0


def test_the_installed_page_in_a_browser(installed: InstalledProgram, tmp_path: Path) -> None:
    server = Server(
        ["--demo", "--port", "0"], tmp_path, {"TMPDIR": str(tmp_path)}, program=[str(installed.command)]
    ).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            page = browser.new_page()
            problems: list[str] = []
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("requestfailed", lambda request: problems.append(request.url))
            page.goto(server.url)
            expect(page.locator("#link")).to_have_attribute("data-kind", "live")
            assert problems == []
            browser.close()
    finally:
        assert server.end() == 0


def listing(folder: Path) -> list[tuple[str, int]]:
    """Every file with the time of its last change."""
    return sorted((str(path), path.stat().st_mtime_ns) for path in (folder, *folder.rglob("*")))
