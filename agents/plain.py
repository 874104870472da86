"""Any program: prompt on stdin, plain text on stdout, success by exit code.

For scripts and for agents without a machine-readable stream. What it uses is unknown, unless the settings say where it
is printed (`patterns`) or written (`report`, a JSON file).
"""

from __future__ import annotations

import signal
from collections.abc import Sequence

from agents.adapter import Adapter, QuietParser, Step
from agents.records import Record, Text
from agents.spec import AgentSpec, Call
from agents.used_report import Report


class TextParser(QuietParser):
    """The parser of plain text: every line is a reply of the agent, and some lines contain its usage as well."""

    def __init__(self, report: Report | None = None) -> None:
        self._report = report

    def feed(self, line: bytes) -> Sequence[Record]:
        message = line.decode("utf-8", "replace").rstrip("\r")
        return (Text(message), *(self._report.read_line(message) if self._report else ()))

    def feed_stderr(self, line: bytes) -> Sequence[Record]:
        return self._report.read_line(line.decode("utf-8", "replace")) if self._report else ()

    def close(self) -> Sequence[Record]:
        return self._report.read_file() if self._report else ()


class PlainText(Adapter):
    """See the module."""

    kind = "text"
    needs_final = False
    complains = True
    silent_stderr = False  # many programs print progress there
    ending = (Step(signal.SIGINT, to_group=True), Step(signal.SIGTERM, to_group=True))

    def argv(self, spec: AgentSpec, call: Call) -> list[str]:
        return list(spec.command)

    def parser(self, cwd: str | None = None) -> TextParser:
        return TextParser()

    def parser_for(self, spec: AgentSpec, cwd: str) -> TextParser:
        return TextParser(Report(spec.patterns, spec.report, cwd) if spec.patterns or spec.report else None)

    def version_argv(self, spec: AgentSpec) -> list[str] | None:
        """None unless the settings name the flag: an unknown program might take one for work to do."""
        return [*spec.command, spec.version_flag] if spec.version_flag else None
