"""Invariants of a project and its database after any failure of the runner."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import sprint
from cli.check import check_database
from workflow.picking import RUNNABLE

ENDED = ("completed", "stopped", "error")
FINISHED = ("done", "blocked")
AFTER_GATE = ("commit", "merge")  # what comes again for a story that is sent back after it
AFTER_REVIEW = ("commit", "merge", "dev-story-2")  # of stories whose work has passed


def read(database: Path) -> closing[sqlite3.Connection]:
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    return closing(connection)


def broken(database: Path, tracker: Path | None, before: bytes) -> list[str]:
    """Every law that does not hold, in words; the tracker is compared with what it once was.

    Without one, where stories keep their own status, they are done by a build that succeeded instead of a review.
    """
    with read(database) as connection:
        batches = {row["id"]: dict(row) for row in connection.execute("SELECT * FROM batches")}
        stories = {row["id"]: dict(row) for row in connection.execute("SELECT * FROM stories")}
        commands = [dict(row) for row in connection.execute("SELECT * FROM commands ORDER BY id")]
        marks = connection.execute("SELECT key, value FROM meta WHERE key LIKE 'afresh:%'")
        afresh = {int(row["key"].partition(":")[2]): int(row["value"]) for row in marks}
        sent_back = [
            (row["subject"], row["decided_at"])
            for row in connection.execute("SELECT * FROM gates WHERE kind = 'done' AND decision = 'back'")
        ]
        events = [
            (row["type"], row["batch_id"], json.loads(row["payload"]))
            for row in connection.execute("SELECT * FROM events ORDER BY seq")
        ]
    return [
        *(f"{finding.subject}: {finding.message}" for finding in check_database(database) if not finding.ok),
        *_ends(batches, events),
        *_twice(stories, commands, afresh, sent_back),
        *_open_rows(batches, commands),
        *_pairs(commands, events),
        *_skips(events),
        *_taken_over(events),
        *_complete(batches, stories, events),
        *_explained(stories, commands, "code-review" if tracker is not None else "build-auto"),
        *([] if tracker is None else _tracker(tracker, before)),
    ]


def _ends(batches: dict[int, dict[str, Any]], events: list[tuple[str, int | None, dict[str, Any]]]) -> list[str]:
    """One start and one end for each batch, the end last, with the true count of cycles."""
    found = []
    for id_, batch in batches.items():
        own = [(type_, payload) for type_, batch_id, payload in events if batch_id == id_]
        starts = [type_ for type_, _ in own].count("batch:start")
        ends = [payload for type_, payload in own if type_ == "batch:end"]
        expected = int(batch["status"] in ENDED)
        if starts != 1:
            found.append(f"batch {id_} has {starts} starts")
        if len(ends) != expected:
            found.append(f"batch {id_} is {batch['status']} and has {len(ends)} ends")
        if ends and ends[0]["cycles_completed"] != sum(type_ == "cycle:end" for type_, _ in own):
            found.append(f"batch {id_} says {ends[0]['cycles_completed']} cycles")
        late = own[[type_ for type_, _ in own].index("batch:end") + 1 :] if ends else []
        if moves := [event for event in late if _moves(*event)]:
            found.append(f"batch {id_} continues after its end: {moves[0]}")
    return found


def _moves(type_: str, payload: dict[str, Any]) -> bool:
    """Whether an event says that the run continues; a question may be answered when its batch is long over."""
    answered = type_ == "batch:warning" and payload["warning_type"] == "answered"
    return type_.startswith(("command:start", "cycle:", "batch:")) and not answered


def _twice(
    stories: dict[int, dict[str, Any]],
    commands: list[dict[str, Any]],
    afresh: dict[int, int],
    sent_back: list[tuple[str, int]],
) -> list[str]:
    """What succeeded for a story is not run again, in whatever batch it continues, unless it was set back.

    A story that is sent back after its commit (its key and the time in ms) is committed again.
    """
    seen: dict[tuple[int, str], int] = {}
    ended: dict[tuple[int, str], int] = {}
    found = []
    for command in commands:
        if command["status"] != "success" or command["story_id"] is None:
            continue
        line = _lineage(stories, command["story_id"])
        place = (line[-1], command["command"])
        again = command["command"] in AFTER_GATE and any(
            key == stories[line[0]]["story_key"] and ended.get(place, 0) <= at <= command["started_at"]
            for key, at in sent_back
        )
        if not again and seen.get(place, 0) > max(afresh.get(id_, 0) for id_ in line):
            found.append(f"{command['command']} of story row {place[0]} succeeded in {seen[place]} and {command['id']}")
        seen[place] = command["id"]
        ended[place] = command["ended_at"]
    return found


def _lineage(stories: dict[int, dict[str, Any]], story_id: int) -> list[int]:
    """The row and those that it continues, the first one last."""
    line = [story_id]
    while (earlier := stories[line[-1]]["continues"]) is not None:
        line.append(earlier)
    return line


def _pairs(commands: list[dict[str, Any]], events: list[tuple[str, int | None, dict[str, Any]]]) -> list[str]:
    """A row and its event are one commit: each command has one start, and an end."""
    count = {}
    for kind in ("start", "end"):
        count[kind] = Counter(payload.get("command_id") for type_, _, payload in events if type_ == f"command:{kind}")
    found = []
    for command in commands:
        if command["story_id"] is None:
            continue
        if count["start"][command["id"]] != 1:
            found.append(f"command {command['id']} has {count['start'][command['id']]} starts")
        if count["end"][command["id"]] != int(command["ended_at"] is not None):
            found.append(f"command {command['id']} has {count['end'][command['id']]} ends")
    return found + _context_pairs(commands, [type_ for type_, _, _ in events])


def _skips(events: list[tuple[str, int | None, dict[str, Any]]]) -> list[str]:
    """No command starts for stories that are all skipped."""
    skipped: set[str] = set()
    broken = []
    for type_, _, payload in events:
        if type_ == "story:skip":
            (skipped.add if payload["skipped"] else skipped.discard)(payload["story_key"])
        elif type_ == "story:status" and payload["new_status"] == "done":
            skipped.discard(payload["story_key"])
        elif type_ == "command:start" and payload["command"] not in AFTER_REVIEW:
            keys = payload.get("story_keys", [payload["story_key"]])
            if keys and set(keys) <= skipped:
                broken.append(f"{payload['command']} started for {', '.join(keys)}, which is skipped")
    return broken


def _taken_over(events: list[tuple[str, int | None, dict[str, Any]]]) -> list[str]:
    """No command starts for a story while it is the operator's."""
    taken: set[str] = set()
    broken = []
    for type_, _, payload in events:
        if type_ == "story:takeover":
            (taken.discard if payload["state"] == "returned" else taken.add)(payload["story_key"])
        elif type_ == "command:start" and (mine := taken.intersection(payload.get("story_keys", ()))):
            broken.append(f"{payload['command']} started for {', '.join(mine)}, which is taken over")
    return broken


def _context_pairs(commands: list[dict[str, Any]], types: list[str]) -> list[str]:
    """Work on the project's context names no command: as many events as rows."""
    rows = [command for command in commands if command["story_id"] is None]
    expected = Counter("context:create" if row["command"].startswith("create") else "context:refresh" for row in rows)
    expected["context:complete"] = sum(row["ended_at"] is not None for row in rows)
    found = {type_: types.count(type_) for type_ in ("context:create", "context:refresh", "context:complete")}
    return [f"{found[name]} {name}, and {expected[name]} rows" for name in found if found[name] != expected[name]]


def _complete(
    batches: dict[int, dict[str, Any]],
    stories: dict[int, dict[str, Any]],
    events: list[tuple[str, int | None, dict[str, Any]]],
) -> list[str]:
    """A batch that is complete has no story that it took and that may still run, but for those that were skipped, and
    those that the operator handed back when it had ended."""
    skipped = {payload["story_key"] for type_, _, payload in events if type_ == "story:skip"}
    ends = {batch_id: place for place, (type_, batch_id, _) in enumerate(events) if type_ == "batch:end"}
    returned = {
        payload["story_key"]: place
        for place, (type_, _, payload) in enumerate(events)
        if type_ == "story:takeover" and payload["state"] == "returned"
    }
    return [
        f"batch {story['batch_id']} is completed, and {story['story_key']} is {story['status']}"
        for story in stories.values()
        if batches[story["batch_id"]]["status"] == "completed" and story["status"] in RUNNABLE
        if story["story_key"] not in skipped
        and returned.get(story["story_key"], -1) < ends.get(story["batch_id"], len(events))
    ]


def _open_rows(batches: dict[int, dict[str, Any]], commands: list[dict[str, Any]]) -> list[str]:
    """A batch that has ended has no open command, but for those beside the run."""
    return [
        f"command {command['id']} is open in batch {command['batch_id']}, which has ended"
        for command in commands
        if command["ended_at"] is None and not command["background"] and batches[command["batch_id"]]["status"] in ENDED
    ]


def _explained(stories: dict[int, dict[str, Any]], commands: list[dict[str, Any]], proof: str) -> list[str]:
    """A story is done by a command that proves it, or was done before; it is blocked for a written reason."""
    of: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for command in commands:
        for key in {command["story_key"], *json.loads(command["story_keys"])}:
            of[(command["batch_id"], key)].append(command)
    found = []
    for id_, story in stories.items():
        if story["status"] == "blocked" and not story["reason"]:
            found.append(f"story row {id_} is blocked without a reason")
        if story["status"] == "done" != story["entry_status"] and not _proved(stories, story, of, proof):
            found.append(f"story row {id_} ({story['story_key']}) is done without a {proof}")
    return found


def _proved(
    stories: dict[int, Any], story: dict[str, Any], of: dict[tuple[int, str], list[dict[str, Any]]], proof: str
) -> bool:
    while True:
        mine = of[(story["batch_id"], story["story_key"])]
        if any(c["command"].startswith(proof) and c["status"] == "success" for c in mine):
            return True
        if story["continues"] is None:
            return False
        story = stories[story["continues"]]


def _tracker(tracker: Path, before: bytes) -> list[str]:
    """Every byte but the statuses is what it was."""
    now = tracker.read_bytes()
    found = [] if _shape(now) == _shape(before) else [f"the tracker is another one: {now.decode(errors='replace')}"]
    read = sprint.read(sprint.locate(tracker.parent))
    return found + [f"the tracker: {problem.message}" for problem in read.problems]


def _shape(content: bytes) -> bytes:
    return re.sub(rb"(?m)^(  [\w-]+: )[\w-]+", rb"\1*", content)
