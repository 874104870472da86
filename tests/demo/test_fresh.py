"""Laying out the demo: the tour, and the one in which everything goes wrong."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cli.arguments import parse
from cli.config import resolve
from demo.fresh import CHAOS, MISHAPS, SCRIPT, TOUR, demo_folder, script_of
from demo.program import ROLES
from demo.script import turn_of
from tests.demo.bench import STORIES


def status(folder: Path) -> str:
    done = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("argv", "demo", "project"),
    [
        ([], None, None),
        (["--demo"], TOUR, None),
        (["--demo", "there"], TOUR, "there"),
        (["there", "--demo"], TOUR, "there"),
        (["--demo=chaos"], CHAOS, None),
        (["--demo=chaos", "there"], CHAOS, "there"),
        (["there", "--demo=chaos"], CHAOS, "there"),
        (["--demo", "chaos"], TOUR, "chaos"),
        (["run", "--demo=chaos", "there"], CHAOS, "there"),
    ],
)
def test_the_kind_of_demo_never_takes_the_folder(argv: list[str], demo: str | None, project: str | None) -> None:
    options = parse(argv)
    assert (options.demo, options.project) == (demo, None if project is None else Path(project))


def test_there_is_no_other_kind(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--demo=circus"])
    assert ended.value.code == 2
    assert "circus" in capsys.readouterr().err


def test_chaos_is_the_same_project_with_a_script(tmp_path: Path) -> None:
    folder = demo_folder(tmp_path / "perch", CHAOS)
    script = script_of(folder)
    assert script is not None
    assert json.loads(script.read_text()) == json.loads(MISHAPS.read_text())
    assert script_of(demo_folder(tmp_path / "tour")) is None
    (folder / f"{SCRIPT}.state").write_text("{}")
    assert status(folder) == ""
    found = resolve(parse([str(folder), "--demo=chaos"]), {})
    assert found.loaded.settings.agents["demo"].command[-2:] == ["--script", str(script)]
    assert found.loaded.settings.silence_timeout_min < 1
    assert found.loaded.settings.question_timeout_min == 0  # a question waits for who watches


def test_a_demo_goes_on_as_the_kind_that_it_is(tmp_path: Path) -> None:
    folder = demo_folder(tmp_path / "perch", CHAOS)
    (folder / "mine").touch()
    assert demo_folder(folder, CHAOS) == folder
    assert (folder / "mine").exists()
    assert demo_folder(folder, TOUR) == folder
    assert not (folder / "mine").exists()
    (aside,) = tmp_path.glob("perch-*")
    assert (aside / "mine").exists()


def test_the_script_names_commands_stories_and_mishaps_that_exist() -> None:
    script = json.loads(MISHAPS.read_text())
    assert set(script) <= set(ROLES)
    for stories in script.values():
        assert set(stories) <= set(STORIES)
        for turns in stories.values():
            assert all(turn_of(words).words for words in turns)
    met = {key for stories in script.values() for key in stories}
    assert met == set(STORIES) - {"2-2-share-with-the-club"}  # whose criteria contradict each other anyway
