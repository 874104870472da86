"""What a program without a stream of its own has used: by patterns in what it prints, or by a JSON file that it writes.

The keys are those of `FIELDS`. A pattern's first group is the value, and the last one printed counts; a number may have
thousands separators or end with k or M ("12.4k tokens"). The file is read when the program has ended, and only if it
was written meanwhile. What is not said stays unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final as Constant

from agents import json_values
from agents.json_values import Json
from agents.records import Note, Record, Started, UsageSeen
from agents.spec import Usage

TOKENS: Constant = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
FIELDS: Constant = (*TOKENS, "cost_usd", "session", "version", "model")
LINE_CHARS: Constant = 4000  # of a line that patterns are looked for in
FILE_BYTES: Constant = 1024 * 1024  # of a report; more is no report

_FACTORS: Constant = {"k": 1_000, "m": 1_000_000}
_NUMBER: Constant = re.compile(r"\$?\s*(\d[\d,_ ]*(?:\.\d+)?)\s*([kKmM]?)")


class Report:
    """The values of one call, as far as they are known. `file` is relative to `cwd`."""

    def __init__(self, patterns: Mapping[str, str], file: str | None, cwd: str) -> None:
        self._patterns = {name: re.compile(pattern) for name, pattern in patterns.items()}
        self._file = None if file is None else Path(cwd) / file
        self._before = self._stamp()
        self._values: dict[str, str] = {}

    def read_line(self, line: str) -> Sequence[Record]:
        """The records of a line that holds a value."""
        found = {}
        for name, pattern in self._patterns.items():
            match = pattern.search(line[:LINE_CHARS])
            if match is not None:
                found[name] = match[1] if pattern.groups else match[0]
        return self._take(found)

    def read_file(self) -> Sequence[Record]:
        """The records of the file, if the call has written it."""
        if self._file is None:
            return ()
        stamp = self._stamp()
        if stamp is None or stamp == self._before:
            return (Note(f"The agent has not written {self._file.name}: what it has used is unknown."),)
        try:
            with open(self._file, "rb") as file:
                value = json.loads(file.read(FILE_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            return (Note(f"{self._file.name} cannot be read ({error}): what the agent has used is unknown."),)
        return self._take(_fields(json_values.as_object(value)))

    def _stamp(self) -> tuple[int, int, int] | None:
        if self._file is None:
            return None
        try:
            stat = self._file.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def _take(self, found: Mapping[str, str]) -> Sequence[Record]:
        if not found:
            return ()
        self._values.update(found)
        records: list[Record] = []
        if {"session", "version", "model"} & found.keys():
            records.append(Started(self._values.get("session"), self._values.get("model"), self._values.get("version")))
        usage = Usage(*(int(number(self._values.get(name, "")) or 0) for name in TOKENS))
        cost = number(self._values.get("cost_usd", ""))
        if {*TOKENS, "cost_usd"} & found.keys():
            records.append(UsageSeen("report", usage, None, cost))
        return records


def number(text: str) -> float | None:
    """The number in "$0.0123", "1,234" or "12.4k"; None where there is none."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    digits = re.sub(r"[,_ ]", "", found[1])
    return float(digits) * _FACTORS.get(found[2].lower(), 1)


def _fields(value: Json) -> dict[str, str]:
    return {name: str(value[name]) for name in FIELDS if isinstance(value.get(name), str | int | float)}
