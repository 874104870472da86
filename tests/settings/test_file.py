"""Changing `sprint-runner.yaml`: the value asked for, every other byte as it was, or a refusal."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from settings import SettingsError, edited


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("", {"retries": 3}, "retries: 3\n"),
        ("retries: 1", {"retries": 3}, "retries: 3"),
        ("agent: claude", {"retries": 3}, "agent: claude\nretries: 3\n"),
        ("retries: 1  # why\nagent: x\n", {"retries": 3}, "retries: 3  # why\nagent: x\n"),
        ("verify: 'a # b' # c\n", {"verify": "d"}, 'verify: "d" # c\n'),
        ('verify: "a \\" # b"\r\nretries: 2\r\n', {"verify": "d"}, 'verify: "d"\r\nretries: 2\r\n'),
        ("budget_day_usd: 5\n", {"budget_day_usd": None}, ""),
        ("a: 1\nretries: 5  # why\nb: 2\n", {"retries": None}, "a: 1\n# why\nb: 2\n"),
        ("a: 1\r\nretries: 5\r\nb: 2\r\n", {"retries": None}, "a: 1\r\nb: 2\r\n"),
        ("a: 1\nretries: 5", {"retries": None}, "a: 1\n"),
        ("verify: null\nretries: 5\n", {"retries": None, "auto_resume": None}, "verify: null\n"),
        ("commands:\n  retries: 9\n", {"retries": 3}, "commands:\n  retries: 9\nretries: 3\n"),
        ("verify:\n", {"verify": "make"}, 'verify: "make"\n'),
    ],
)
def test_one_value_changes(text: str, changes: dict[str, Any], expected: str) -> None:
    assert edited(text, changes) == expected


BLOCK = """retries: 1
commands:
  # the careful one
  code-review:  # why
    agent: codex
    model: "5.5"

  "dev-story":
    agent: claude
# below
verify: make
"""


@pytest.mark.parametrize(
    ("text", "commands", "expected"),
    [
        (
            "retries: 1",
            {"dev-story": {"agent": "codex"}},
            "retries: 1\ncommands:\n  dev-story:\n    agent: codex\n",
        ),
        (
            BLOCK,
            {"code-review": {"agent": "codex", "model": "5.5"}},
            BLOCK.replace('  "dev-story":\n    agent: claude\n', ""),
        ),
        (
            BLOCK,
            {
                "code-review": {"agent": "codex", "model": "on"},
                "dev-story": {"agent": "claude"},
                "verify": {"model": "opus-4"},
            },
            BLOCK.replace("code-review:  # why", "code-review:")
            .replace('model: "5.5"\n\n', 'model: "on"\n')
            .replace("agent: claude\n", "agent: claude\n  verify:\n    model: opus-4\n"),
        ),
        (BLOCK, None, "retries: 1\n# below\nverify: make\n"),
        (
            "commands: {a: {agent: x}}  # one line\n",
            {"a": {"agent": "y"}},
            'commands: {"a": {"agent": "y"}}  # one line\n',
        ),
    ],
)
def test_only_the_entries_that_change_are_written(text: str, commands: dict[str, Any] | None, expected: str) -> None:
    assert edited(text, {"commands": commands}) == expected


def test_what_was_asked_is_what_the_file_says() -> None:
    text = edited('# hi\nverify: "a"\n', {"verify": "b: 'c' # \"d\"", "retries": 0, "auto_resume": True})
    assert yaml.safe_load(text) == {"verify": "b: 'c' # \"d\"", "retries": 0, "auto_resume": True}
    assert text.startswith("# hi\n")


@pytest.mark.parametrize(
    ("text", "changes", "named"),
    [
        ("", {"nonsense": 1}, "nonsense"),
        ("", {"retries": 21}, "retries"),
        ("", {"port": 1}, "port"),
        ("port: 1\n", {"port": None}, "port"),
        ("", {"nonsense": None}, "nonsense"),
        ("verify: >\n  a\n", {"verify": None}, "edit it by hand"),
        ("a: [", {"retries": 1}, "YAML"),
        ("[1]", {"retries": 1}, "mapping"),
        ("verify: |\n  a\n  b\n", {"verify": "c"}, "edit it by hand"),
        ("{retries: 1}", {"retries": 2}, "edit it by hand"),
        ("commands:\n  a: &x {agent: b}\n  c: *x\n", {"commands": {"c": {"agent": "b"}}}, "edit it by hand"),
        ("commands: {a: {agent: x},\n  b: {agent: y}}\n", {"commands": {"a": {"agent": "y"}}}, "edit it by hand"),
    ],
)
def test_refusals(text: str, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        edited(text, changes)
