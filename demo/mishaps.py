"""The failures of the scripted agent, as recorded from the real program, for tests and demonstrations.

Everything that an agent can do to its supervisor, from a refused key to children that will not go. What it prints
badly is in `demo/spoiling.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

from demo import spoiling
from demo.script import Turn
from demo.stage import Ended, Stage
from demo.tools import SILENCE_S, Ask, Forbidden

CRASH_EXIT = 3
RETRIES = 3
AUTH_RETRIES = 10  # of a refused key: the real program continues for three minutes
LIMIT_DEFAULT_S = 3_600.0
CHILD_S = 600.0  # children that are never ended give up
POLITE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def before_start(stage: Stage, turn: Turn) -> None:
    """Not even its first line."""
    if "hang" in turn:
        stage.wait(SILENCE_S)


def before_work(stage: Stage, turn: Turn) -> None:
    """Failures before the work; raises Ended for those that end the run."""
    if "slow" in turn:
        stage.wait(turn.seconds("slow", 5.0))
    if "ignores-signals" in turn:
        _ignore_signals()
    if "stubborn" in turn:
        stubborn(stage)
    if "children" in turn:
        children(stage, turn.count("children", 3))
    spoiling.spoil(stage, turn)
    _interfere(stage, turn)
    if "silent" in turn:
        stage.wait(SILENCE_S)
    if "stuck" in turn:
        stage.stuck = turn.count("stuck", 1)
    _refuse(stage, turn)


def _interfere(stage: Stage, turn: Turn) -> None:
    """Failures after which the agent continues."""
    if "rate-limited" in turn:
        retries(stage, turn.count("rate-limited", RETRIES), "rate_limit", 429)
    if "denied" in turn:
        stage.reply("I clear what an earlier build has left.", Forbidden("rm -rf build", turn["denied"] or "Bash"))
    if "question" in turn:
        question(stage, turn)


def _refuse(stage: Stage, turn: Turn) -> None:
    if "usage-limit" in turn:
        raise Ended(usage_limit(stage, turn.seconds("usage-limit", LIMIT_DEFAULT_S)))
    if "auth-retry" in turn:
        retries(stage, AUTH_RETRIES, "authentication_failed", 401)
    if "auth" in turn or "auth-retry" in turn:
        raise Ended(authentication(stage))
    if "overloaded" in turn:
        raise Ended(overloaded(stage))
    if "limit" in turn:
        stage.stream.limit("error_max_turns", "max_turns", "Reached maximum number of turns (1)")
        raise Ended(1)


def after_work(stage: Stage, turn: Turn) -> None:
    """Failures after the work is done."""
    if "crash" in turn:
        raise Ended(crash(turn["crash"]))
    if "cut-off" in turn:
        spoiling.cut_off(stage)
    if "no-final" in turn or "cut-off" in turn:
        raise Ended(0)
    if "fail" in turn:
        reason = turn["fail"] or "[ede_diagnostic] result_type=assistant last_content_type=text stop_reason=null"
        stage.stream.broken_off("tool_error", [reason], stop_reason=None)
        raise Ended(1)


def after_result(stage: Stage, turn: Turn) -> None:
    """Print everything, and do not exit."""
    if "lingers" in turn:
        stage.wait(turn.seconds("lingers", SILENCE_S))


def crash(how: str) -> int:
    """By a signal where one is named, else with an exit code; either way without a result."""
    if how.startswith("SIG"):
        signal.signal(getattr(signal, how), signal.SIG_DFL)
        os.kill(os.getpid(), getattr(signal, how))
    sys.stderr.write("Segmentation fault (core dumped)\n")
    return int(how or CRASH_EXIT)


def _ignore_signals() -> None:
    for number in POLITE:
        signal.signal(number, signal.SIG_IGN)


def _child(seconds: float, *, stubborn: bool, pipe: int | None) -> int:
    """A process that left the agent's group; returns its pid."""
    ignore = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; " if stubborn else ""
    command = [sys.executable, "-S", "-c", f"{ignore}import time; time.sleep({seconds})"]
    null = subprocess.DEVNULL
    child = subprocess.Popen(command, start_new_session=True, stdin=null, stdout=pipe, stderr=pipe)
    child.returncode = 0  # never waited for: it is meant to outlive us
    return child.pid


def stubborn(stage: Stage) -> None:
    """Ignores polite signals, with a child that left the process group; only SIGKILL and a sweep help."""
    _ignore_signals()
    pid = _child(SILENCE_S, stubborn=False, pipe=subprocess.DEVNULL)
    stage.say(f"I will not stop; neither will {pid}.")
    while True:
        time.sleep(SILENCE_S)


def children(stage: Stage, count: int) -> None:
    """Daemons in sessions of their own that ignore SIGTERM and hold the agent's output open."""
    pids = [_child(CHILD_S, stubborn=True, pipe=None) for _ in range(count)]
    stage.say(f"I have started servers that will not be ended: {', '.join(map(str, pids))}.")


def question(stage: Stage, turn: Turn) -> None:
    """Asks; without an end or an answer, asks again in its last words, without a verdict."""
    asked = turn["question"] or "Both readings of the story are possible. Shall I take the simpler one?"
    stage.reply("Before I change anything I need a decision.", Ask(asked, waits="silent" in turn))
    stage.say(f"I stop here, because I cannot decide this alone: {asked}")
    stage.stream.success(stage.stream.last_text)
    raise Ended(0)


def retries(stage: Stage, count: int, error: str, status: int) -> None:
    """Announced as the real program does; waits half a second, then twice as long each time, four seconds at most."""
    for attempt in range(1, count + 1):
        delay = min(4000, 500 * 2 ** (attempt - 1))
        stage.stream.line(
            {
                "type": "system",
                "subtype": "api_retry",
                "attempt": attempt,
                "max_retries": count,
                "retry_delay_ms": delay,
                "error_status": status,
                "error": error,
            }
        )
        stage.pause(delay / 1000)


def usage_limit(stage: Stage, seconds: float) -> int:
    resets_at = int(time.time() + seconds)
    info = {
        "status": "rejected",
        "resetsAt": resets_at,
        "rateLimitType": "five_hour",
        "overageStatus": "rejected",
        "overageDisabledReason": "org_level_disabled",
        "isUsingOverage": False,
    }
    stage.stream.line({"type": "rate_limit_event", "rate_limit_info": info})
    at = datetime.fromtimestamp(resets_at, UTC).strftime("%b %d, %Y, %I:%M%p (UTC)")
    error = {"api_error": "usage_limit_reached", "api_error_type": "rate_limit_error"}
    stage.stream.synthetic(
        f"You've hit your 5-hour limit · resets {at}",
        "rate_limit",
        429,
        api_error_params={"rate_limit_info": info},
        **error,
    )
    stage.stream.api_error(429, **error)
    return 1


def authentication(stage: Stage) -> int:
    kind = {"api_error_type": "authentication_error"}
    text = "Failed to authenticate. API Error: 401 OAuth token has expired"
    stage.stream.synthetic(text, "authentication_failed", 401, **kind)
    stage.stream.api_error(401, **kind)
    return 1


def overloaded(stage: Stage) -> int:
    """Retries first, as the real program does."""
    retries(stage, min(int(os.environ.get("CLAUDE_CODE_MAX_RETRIES") or RETRIES), RETRIES), "overloaded", 529)
    kind = {"api_error_type": "overloaded_error"}
    text = "API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment."
    stage.stream.synthetic(text, "server_error", 529, **kind)
    stage.stream.api_error(529, **kind)
    return 1
