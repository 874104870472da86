"""Any program: prompt on stdin, plain text on stdout, success by exit code.

For scripts and for agents without a machine-readable stream. It reports no tokens and no cost.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence

from agents.adapter import Adapter, QuietParser, Step
from agents.records import Record, Text
from agents.spec import AgentSpec, Call


class TextParser(QuietParser):
    """The parser of plain text: every line is a reply of the agent."""

    def feed(self, line: bytes) -> Sequence[Record]:
        return (Text(line.decode("utf-8", "replace").rstrip("\r")),)


class PlainText(Adapter):
    """See the module."""

    kind = "text"
    needs_final = False
    silent_stderr = False  # many programs print progress there
    ending = (Step(signal.SIGINT, to_group=True), Step(signal.SIGTERM, to_group=True))

    def argv(self, spec: AgentSpec, call: Call) -> list[str]:
        return list(spec.command)

    def parser(self, cwd: str | None = None) -> TextParser:
        return TextParser()

    def version_argv(self, spec: AgentSpec) -> list[str] | None:
        return None  # an unknown program might take the flag for work to do
