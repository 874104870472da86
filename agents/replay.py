"""A call that no server supervised to its end, judged by its recording.

When the server was killed, what the agent printed until then is on disk: tokens, cost, and often the whole result.
The adapter's own parser and tally read it, so that the sums are those of a call that was watched.
"""

from __future__ import annotations

import signal
from pathlib import Path

from agents.adapter import Ending
from agents.prices import PriceList
from agents.registry import adapter_for
from agents.spec import AgentSpec, Outcome, Usage
from agents.transcript import recorded
from agents.usage import Tally


def replay(
    spec: AgentSpec,
    path: Path,
    cwd: Path,
    *,
    model: str | None = None,
    booked: Usage | None = None,
    exit_code: int | None = None,
) -> Outcome:
    """Return the outcome that a recording shows. Blocks on the disk; raises `OSError` where there is none.

    `booked` is what earlier calls of a resumed session were booked with, None for a session of its own. `exit_code` is
    None where no server saw the end: the agent then counts as killed, and only its final record can prove success.
    """
    adapter = adapter_for(spec.kind)
    tally = Tally(model or spec.model, booked is not None, booked, PriceList(spec.prices))
    for record in recorded(path, spec.kind, cwd):
        tally.add(record)
    code = -signal.SIGKILL if exit_code is None else exit_code
    judgement = adapter.judge(tally, Ending(code))
    return tally.outcome(judgement.kind, judgement.reason, exit_code, 0)
