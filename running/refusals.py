"""Whether a refused permission makes a command pointless: it may not write the file that it exists for.

Other refusals are the agent's to get over, and are named only where the command fails in the end.
"""

from __future__ import annotations

import re
from typing import Final

import agents
from agents import AgentSpec

ANY_FILE: Final = ("",)  # the products of a development: whatever has to be changed
EDITING_MODES: Final = frozenset({"acceptEdits", "auto", "bypassPermissions", "workspace-write", "danger-full-access"})
_OWN_RULES: Final = re.compile(r"-.*(?:permission|approval|allow|yolo|dangerous|sandbox|full-auto)")  # in the command
READ_ONLY: Final = "read-only sandbox"  # which names no file: it refuses every one


class RefusalWatch:
    """The edits of one call. `products` are parts of the names of the files that the command exists for."""

    def __init__(self, spec: AgentSpec, products: tuple[str, ...]) -> None:
        self._spec = spec
        self._products = products
        self._edits: dict[str, str] = {}  # open calls that edit a product, by their id
        self._written = False

    def take(self, record: agents.Record) -> str | None:
        """The sentence about a refusal after which the command has no purpose; None as long as there is none."""
        match record:
            case agents.ToolCall(id=id_, action=agents.Action.EDIT, summary=summary) if self._is_product(summary):
                self._edits[id_] = summary
            case agents.ToolResult(id=id_, ok=ok) if id_ in self._edits:
                self._written = self._written or ok
                del self._edits[id_]
            case agents.Denied(message=message) if message and not self._written:
                return self._judge(record)
        return None

    def _is_product(self, text: str) -> bool:
        return any(product in text for product in self._products)

    def _judge(self, refusal: agents.Denied) -> str | None:
        what = self._edits.get(refusal.tool_id or "")
        if READ_ONLY in refusal.message and self._products:
            what = "change files"
        elif what is None and agents.edits_files(refusal.tool) and self._is_product(refusal.message):
            what = refusal.tool
        if what is None:
            return None
        if self._products == ANY_FILE and self._may_edit():
            return None  # a rule of the operator about one file; others may be changed
        cause = refusal.message.rstrip(".")
        advice = "set its `permission_mode` to acceptEdits or bypassPermissions, or allow it in its own settings"
        refused = f"it was not permitted to {what[:1].lower()}{what[1:]} ({cause})"
        return f"{refused}, which is what the command is for: {advice}"

    def _may_edit(self) -> bool:
        """Whether the settings let the agent change files, as far as is known."""
        return self._spec.permission_mode in EDITING_MODES or any(map(_OWN_RULES.match, self._spec.command[1:]))
