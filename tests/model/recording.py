"""What an agent of the model prints, in the format of Claude Code, and its own account of what each call has cost.

The account is kept outside of the project, so that it outlives the data folder; `laws.py` compares the ledger with it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import agents
from agents import AgentSpec, Call, Outcome

ACCOUNT = "account.ndjson"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a call. `cost` is what the agent claims; `error` is the program's word for a failure."""

    text: str
    cost: float
    tokens: int
    session: str
    error: str | None = None
    failed: bool = False
    resets_at: float | None = None
    limited: bool = False

    @property
    def lines(self) -> Iterator[dict[str, Any]]:
        yield {"type": "system", "subtype": "init", "session_id": self.session, "model": "sonnet"}
        usage = {"input_tokens": self.tokens, "output_tokens": self.tokens}
        if self.limited:
            yield {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": self.resets_at}}
        elif not self.failed:
            message = {"id": "m", "model": "sonnet", "content": [{"type": "text", "text": self.text}], "usage": usage}
            yield {"type": "assistant", "message": message}
        yield {
            "type": "result",
            "subtype": "error_during_execution" if self.failed else "success",
            "is_error": self.failed,
            "session_id": self.session,
            "num_turns": 1,
            "total_cost_usd": self.cost,
            "usage": usage,
            "result": self.text,
            "error": self.error,
        }


def record(call: Call, ending: Ending, account: Path) -> None:
    """Write the recording, then the account: each in one piece, so that a kill leaves no half of a line."""
    call.stream_path.parent.mkdir(parents=True, exist_ok=True)
    append(call.stream_path, "".join(json.dumps(line) + "\n" for line in ending.lines))
    append(account, json.dumps({"mark": call.mark, "usd": ending.cost, "at": time.time()}) + "\n")


def read(spec: AgentSpec, call: Call) -> Outcome:
    """Return the outcome that the adapter reads from the recording."""
    return agents.replay(spec, call.stream_path, call.cwd, model=call.model, booked=call.booked, exit_code=0)


def append(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)
