"""What goes wrong on demand: the ends of a run that tests and demonstrations ask for, as recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

from demo.script import Turn
from demo.stage import Ended, Stage

SILENCE_S = 86_400.0  # a silent agent says nothing for a day, or until it is ended
CRASH_EXIT = 3
RETRIES = 3
LIMIT_DEFAULT_S = 3_600.0


def before_work(stage: Stage, turn: Turn) -> None:
    """Mishaps that keep the agent from its work; raises Ended for those that are an end."""
    if "slow" in turn:
        stage.wait(turn.seconds("slow", 5.0))
    if "stubborn" in turn:
        stubborn(stage)
    if "silent" in turn:
        stage.wait(SILENCE_S)
    if "usage-limit" in turn:
        raise Ended(usage_limit(stage, turn.seconds("usage-limit", LIMIT_DEFAULT_S)))
    if "auth" in turn:
        raise Ended(authentication(stage))
    if "overloaded" in turn:
        raise Ended(overloaded(stage))


def after_work(stage: Stage, turn: Turn) -> None:
    """Mishaps at the end: the work is done, and yet."""
    if "crash" in turn:
        sys.stderr.write("Segmentation fault (core dumped)\n")
        raise Ended(CRASH_EXIT)
    if "fail" in turn:
        reason = turn["fail"] or "[ede_diagnostic] result_type=assistant last_content_type=text stop_reason=null"
        stage.stream.broken_off("tool_error", [reason], stop_reason=None)
        raise Ended(1)


def stubborn(stage: Stage) -> None:
    """Ignores polite signals, with a child that left the process group; only SIGKILL and a sweep help."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    command = [sys.executable, "-S", "-c", f"import time; time.sleep({SILENCE_S})"]
    null = subprocess.DEVNULL
    child = subprocess.Popen(command, start_new_session=True, stdin=null, stdout=null, stderr=null)
    stage.say(f"I will not stop; neither will {child.pid}.")
    while True:
        time.sleep(SILENCE_S)


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
    retries = int(os.environ.get("CLAUDE_CODE_MAX_RETRIES") or RETRIES)
    for attempt in range(1, min(retries, RETRIES) + 1):
        delay = 500 * 2 ** (attempt - 1)
        stage.stream.line(
            {
                "type": "system",
                "subtype": "api_retry",
                "attempt": attempt,
                "max_retries": retries,
                "retry_delay_ms": delay,
                "error_status": 529,
                "error": "overloaded",
            }
        )
        stage.pause(delay / 1000)
    kind = {"api_error_type": "overloaded_error"}
    text = "API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment."
    stage.stream.synthetic(text, "server_error", 529, **kind)
    stage.stream.api_error(529, **kind)
    return 1
