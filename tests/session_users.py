"""A program before the scripted agent that writes down who uses its sessions, from their first line to the end.

`python session_users.py LOG AGENT…` runs the agent as a run does. In a terminal, where the agent is given no `-p`, it
reads one line and ends, as a person does who has worked in the session.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path


def note(log: Path, what: str, session: str) -> None:
    with log.open("a") as file:
        file.write(f"{what} {session} {os.getpid()}\n")


def in_terminal(log: Path, words: list[str]) -> int:
    session = words[words.index("--resume") + 1]
    note(log, "begin", session)
    sys.stdin.readline()
    note(log, "end", session)
    return 0


def in_run(log: Path, argv: list[str]) -> int:
    child = subprocess.Popen(argv, stdout=subprocess.PIPE)
    for number in (signal.SIGTERM, signal.SIGINT):  # the agent is ended, and what it says then is still passed on
        signal.signal(number, lambda got, _frame: child.send_signal(got))
    session = ""
    assert child.stdout is not None
    for line in child.stdout:
        if not session:
            session = json.loads(line).get("session_id", "")
            note(log, "begin", session)
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    code = child.wait()
    if session:  # else it was ended before its first line
        note(log, "end", session)
    return code


def overlaps(log: Path) -> list[str]:
    """The sessions that were used by two at once."""
    users: dict[str, set[str]] = {}
    found = []
    for line in log.read_text().splitlines():
        what, session, user = line.split()
        now = users.setdefault(session, set())
        if what == "end":
            now.discard(user)
            continue
        if now:
            found.append(session)
        now.add(user)
    return found


if __name__ == "__main__":
    path, rest = Path(sys.argv[1]), sys.argv[2:]
    if "-p" in rest:
        sys.exit(in_run(path, rest))
    sys.exit(in_terminal(path, rest) if "--resume" in rest else subprocess.call(rest))
