"""Tests of the log format: one record is one line, whatever it contains."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from cli.logs import JsonFormatter, TextFormatter

NASTY = "done\n2026-01-01 ERROR forged \x1b[2J \x07 \u2028 \x85 tab\there"


def record(message: str, *, failed: bool = False) -> logging.LogRecord:
    trouble = None
    if failed:
        try:
            raise ValueError(NASTY)
        except ValueError:
            trouble = sys.exc_info()
    return logging.LogRecord("sprint_runner.x", logging.WARNING, "f.py", 1, "%s", (message,), trouble)


def test_a_line_end_in_a_message_makes_no_second_record() -> None:
    line = TextFormatter().format(record(NASTY))
    assert line.splitlines() == [line]
    assert "\x1b" not in line
    assert "WARNING sprint_runner.x: done\\n2026-01-01 ERROR forged \\x1b[2J" in line
    assert "tab\there" in line


def test_a_traceback_is_indented_below_its_record() -> None:
    first, *rest = TextFormatter().format(record("it failed", failed=True)).split("\n")
    assert first.endswith("it failed")
    assert rest
    assert all(line.startswith("    ") for line in rest)
    assert not any("\x1b" in line for line in rest)


def test_json_is_one_object_a_line() -> None:
    line = JsonFormatter().format(record(NASTY, failed=True))
    assert line.isascii()
    assert "\n" not in line
    printed = json.loads(line)
    assert printed["message"] == NASTY
    assert printed["level"] == "warning"
    assert printed["logger"] == "sprint_runner.x"
    assert "ValueError" in printed["exception"]


@pytest.mark.parametrize(
    ("created", "expected"), [(0.0, "1970-01-01T00:00:00.000Z"), (1.5, "1970-01-01T00:00:01.500Z")]
)
def test_times_are_utc_with_milliseconds(created: float, expected: str) -> None:
    made = record("x")
    made.created, made.msecs = created, (created % 1) * 1000
    assert json.loads(JsonFormatter().format(made))["time"] == expected
