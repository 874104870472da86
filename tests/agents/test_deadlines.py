from __future__ import annotations

import math

from agents.adapter import Cause
from agents.deadlines import Deadline, Deadlines


def limits() -> Deadlines:
    return Deadlines(began=100.0, timeout_s=3600.0, silence_s=900.0, linger_s=10.0)


def test_silence_counts_from_the_last_progress() -> None:
    made = limits()
    assert made.next() == Deadline(1000.0, Cause.SILENCE, "No output for 15 min.")
    made.progress(500.0)
    assert made.next().at == 1400.0


def test_the_wall_clock_does_not_move() -> None:
    made = limits()
    made.progress(3000.0)
    assert made.next() == Deadline(3700.0, Cause.TIMEOUT, "No end after 60 min.")


def test_after_the_final_word_only_the_grace_counts() -> None:
    made = limits()
    made.finish(200.0)
    assert made.next() == Deadline(210.0, Cause.LINGER)
    made.resume()
    assert made.next().cause is Cause.SILENCE


def test_no_limit_runs_while_a_person_is_asked() -> None:
    made = limits()
    made.progress(200.0)
    made.hold(300.0)
    assert made.next().at == math.inf
    made.release(100_300.0)
    assert made.next() == Deadline(101_200.0, Cause.SILENCE, "No output for 15 min.")
    made.progress(103_500.0)
    assert made.next() == Deadline(103_700.0, Cause.TIMEOUT, "No end after 60 min.")


def test_an_agent_that_has_finished_waits_for_no_answer() -> None:
    made = limits()
    made.hold(150.0)
    made.finish(200.0)
    assert made.next() == Deadline(210.0, Cause.LINGER)


def test_restart() -> None:
    made = limits()
    made.restart(300.0)
    assert (made.began, made.last_progress) == (300.0, 300.0)
