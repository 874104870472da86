"""What a batch needs before it pays for work that is to be delivered."""

from __future__ import annotations

from typing import Any

import pytest

from running.delivery.start_check import check_delivery
from running.preflight import NotNow
from settings import SettingsError
from settings.check import check
from tests.running.delivery.conftest import MakeForge
from tests.running.delivery.forges import git, settings_with

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"pull_request_command": None}, "deliver: pull-request needs pull_request_command"),
    ({"merge_command": None}, "merge_when: green needs merge_command and checks_command"),
    ({"remote": "up"}, "there is no remote 'up': add it with `git remote add up URL`, or change remote"),
    ({"deliver_branch": "work"}, "deliver_branch 'work' gives all the same branch: let it hold {name}"),
    ({"deliver_branch": "a..{name}"}, "'a..1-1-a' is no branch's name that is understood everywhere"),
    ({"deliver_branch": "{key}", "deliver_base": "1-1-a"}, "deliver_branch and deliver_base are both 1-1-a"),
    ({"deliver_base": "-x"}, "deliver_base '-x' is no branch's name"),
    ({"checks_command": "no-such-program {url}"}, "checks_command: `no-such-program {url}` cannot be started"),
]


async def test_each_refusal_is_one_sentence(make_forge: MakeForge) -> None:
    runner, _ = await make_forge()
    usual = runner.settings
    assert await check_delivery(runner.workspace) == []
    for changed, words in REFUSED:
        runner.settings = settings_with(runner, **changed)
        with pytest.raises(NotNow) as refused:
            await check_delivery(runner.workspace)
        assert words in str(refused.value)
        assert str(refused.value).endswith(", or set deliver: commit")
        runner.settings = usual
    runner.settings = settings_with(runner, deliver="commit", remote="up")
    assert await check_delivery(runner.workspace) == []


async def test_commits_on_the_base_are_announced(make_forge: MakeForge) -> None:
    runner, _ = await make_forge(deliver_base=None)
    git(runner.root, "remote", "set-head", "origin", "main")
    assert await check_delivery(runner.workspace) == []
    git(runner.root, "branch", "-m", "work", "main", "--force")
    (warning,) = await check_delivery(runner.workspace)
    assert "are committed on main here as well, before their requests for main are merged" in warning


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("deliver", "forge", "deliver must be one of commit, branch, pull-request"),
        ("deliver_rounds", 21, "deliver_rounds must be a whole number from 0 to 20"),
        ("deliver_branch", "x/{story}", "deliver_branch has the unknown placeholder {story}; known are {name}, {key}"),
        ("checks_command", "sh -c 'x {url} {print}'", "checks_command has the unknown placeholder {print}"),
        ("pull_request_command", "sh -c 'x {title}'", "pull_request_command: {title} must be an argument of its own"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(name: str, value: object, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        check(name, value, "here")
    assert str(refused.value).startswith(f"here: {words}")
