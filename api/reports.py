"""The content of exported files: the documents of a story's dossier and of a batch. Pure; `html` escapes the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from agents import TranscriptEntry
from api.commands import CommandView, command_view
from api.dossier import Dossier
from api.reviews import Review, ReviewFinding, Round
from api.status_evidence import Sentence, StatusEvidence
from base.html import Child, Html, document, duration, el, moment, money, prose, section, table
from git.history import CommitInfo, FileChange, TreeChange
from store.batches import BatchSummary
from store.commands import Command
from store.log import StoredEvent
from store.stories import Story

MARKS: Final = {"good": "✓", "info": "•", "warn": "!", "bad": "✗"}
KINDS: Final = {
    "story-review": "Review of the story",
    "tech-spec-review": "Review of the tech spec",
    "code-review": "Code review",
}
COMMAND_HEADS: Final = ("Command", "Outcome", "Agent and model", "Started", "Took", "Tokens", "Cost")
NUMBERS: Final = frozenset({4, 5, 6})


def story_report(
    dossier: Dossier,
    transcripts: Mapping[int, Sequence[TranscriptEntry]],
    changes: Mapping[str, TreeChange | None],
    at: int,
) -> bytes:
    """Return the document of one story; `at` is the current time in ms since the epoch."""
    cost = sum(command.cost_usd or 0 for command in dossier.commands)
    facts = f"{dossier.key} · {dossier.status.replace('-', ' ')} · {len(dossier.commands)} commands · {money(cost)}"
    return document(
        f"{dossier.key}: {dossier.title}",
        at,
        el("h1", dossier.title or dossier.key),
        el("p", facts, cls="soft"),
        section("What the status rests on", _evidence(dossier.evidence), _checks(dossier)),
        section("Story", _paragraph(dossier.statement or dossier.description)),
        section("Acceptance criteria", _list("ol", dossier.criteria)),
        section("Tasks", _tasks(dossier)),
        section("Reviews", [_review(review) for review in dossier.reviews]),
        section("Commands", _commands(dossier.commands), [_transcript(one, transcripts) for one in dossier.commands]),
        section("Commits", [_commit(commit, changes.get(commit.hash)) for commit in dossier.commits]),
        section("Files", _list("ul", [*dossier.artifacts, *dossier.file_list], "code")),
        section("Change log", _list("ul", dossier.change_log)),
    )


def batch_report(
    project: str,
    batch: BatchSummary,
    stories: Sequence[Story],
    commands: Sequence[Command],
    evidence: Mapping[str, StatusEvidence],
    remarks: Sequence[StoredEvent],
    at: int,
) -> bytes:
    """Return the document of one batch; `at` is the current time in ms since the epoch."""
    status = f"{batch.status}{f': {batch.reason}' if batch.reason else ''}"
    facts = [
        ("Outcome", status),
        ("Stories", f"{batch.stories_done} of {batch.stories} done, {batch.stories_blocked} blocked"),
        ("Groups", f"{batch.cycles_completed}{f' of {batch.max_cycles}' if batch.max_cycles else ''}"),
        ("Started", moment(batch.started_at)),
        ("Ended", moment(batch.ended_at)),
        ("Took", duration(batch.duration_ms)),
        ("Cost", f"{money(batch.cost_usd)}{f' of {money(batch.budget_usd)}' if batch.budget_usd else ''}"),
        ("Tokens", f"{batch.input_tokens:,} in, {batch.output_tokens:,} out"),
        ("Agent", f"{batch.agent}, workflow {batch.workflow}"),
    ]
    shown = [command_view(command) for command in commands]
    return document(
        f"{project}: batch {batch.id}",
        at,
        el("h1", f"{project}: batch {batch.id}"),
        table(("What", "How much"), facts),
        section("Stories", _stories(stories, commands, evidence)),
        section("Warnings, errors and questions", _remarks(remarks)),
        section("Commands", _commands(shown, with_story=True)),
    )


# -- parts of a story -------------------------------------------------------------------------------------------


def _evidence(sentences: Sequence[Sentence]) -> Html | None:
    rows = [el("li", el("b", MARKS[one.tone]), " ", prose(one.text), cls=one.tone) for one in sentences]
    return el("ul", rows, cls="plain") if rows else None


def _checks(dossier: Dossier) -> list[Child]:
    return [
        el("details", el("summary", f"{check.command}: {'passed' if check.ok else 'failed'}"), el("pre", check.tail))
        for check in dossier.checks
    ]


def _paragraph(text: str) -> Html | None:
    return el("p", prose(text)) if text else None


def _list(tag: str, items: Sequence[str], inner: str = "") -> Html | None:
    return el(tag, [el("li", el(inner, item) if inner else prose(item)) for item in items]) if items else None


def _tasks(dossier: Dossier) -> Html | None:
    # No-break spaces, since a browser removes others at the beginning of a line.
    rows = [
        el("li", "\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}" * task.depth, "☑ " if task.done else "☐ ", prose(task.text))
        for task in dossier.tasks
    ]
    return el("ul", rows, cls="plain") if rows else None


def _review(review: Review) -> Html:
    return el("section", el("h3", KINDS[review.kind]), el("ol", [_round(one) for one in review.rounds]))


def _round(one: Round) -> Html:
    counts = msgspec.structs.asdict(one.counts) if one.counts else {}
    numbers = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    outcome = one.verdict if one.readable else f"{one.status}, no verdict: {one.reason}"
    head: list[Child] = [el("b", outcome), f" · {one.command}", f" · {numbers}" if numbers else ""]
    found = [el("li", _finding(finding), " (found again)" if finding.again else "") for finding in one.findings]
    gone = [el("li", el("s", _finding(finding)), " (no longer found)") for finding in one.gone]
    return el("li", head, el("ul", found, gone) if found or gone else None)


def _finding(finding: ReviewFinding) -> str:
    return f"{finding.severity.upper()}: {finding.text}" if finding.severity else finding.text


def _transcript(command: CommandView, transcripts: Mapping[int, Sequence[TranscriptEntry]]) -> Html | None:
    entries = transcripts.get(command.id)
    if not entries:
        return None
    rows = [el("li", el("b", entry.kind.value), f" {entry.text}", _result(entry)) for entry in entries]
    return el("details", el("summary", f"Transcript of {_name(command)}"), el("ul", rows, cls="plain"))


def _result(entry: TranscriptEntry) -> Html | None:
    if not entry.result:
        return None
    return el("details", el("summary", f"result, {entry.size:,} characters"), el("pre", entry.result))


def _commit(commit: CommitInfo, change: TreeChange | None) -> Html:
    size = f"{commit.files_changed} files, +{commit.lines_added} \N{MINUS SIGN}{commit.lines_removed}"
    head = [
        el("h3", el("code", commit.hash[:10]), f" {commit.subject}"),
        el("p", f"{moment(commit.at)} · {commit.author} · {size}", cls="soft"),
    ]
    if change is None:
        return el("section", head)
    left = el("p", f"{change.left_out} more files are not listed.") if change.left_out else None
    return el("section", head, [_file(file) for file in change.files], left)


def _file(file: FileChange) -> Html:
    size = "binary" if file.binary else f"+{file.added} \N{MINUS SIGN}{file.removed}"
    head = f"{file.path} · {file.status} · {size}"
    if not file.hunks:
        return el("p", f"{head}{'' if file.binary or file.hunks is not None else ' · too large for this file'}")
    return el("details", el("summary", head), lines_of(file))


def lines_of(file: FileChange) -> Html:
    """Return a file's change line by line, with the signs, so that it can be read without colours."""
    kinds = {"+": "added", "-": "removed"}
    rows: list[Html] = []
    for hunk in file.hunks or []:
        rows.append(el("span", f"@@ {hunk.old} → {hunk.new} @@ {hunk.title}", cls="hunk"))
        rows += [el("span", line, cls=kinds.get(line[:1], "")) for line in hunk.lines]
    return el("pre", rows, cls="lines")


# -- parts of a batch -------------------------------------------------------------------------------------------


def _stories(
    stories: Sequence[Story], commands: Sequence[Command], evidence: Mapping[str, StatusEvidence]
) -> Html | None:
    heads = ("Story", "Ended as", "Why", "Evidence today", "Commands", "Cost")
    rows: list[list[Child]] = []
    for story in stories:
        # A command for several stories counts for the first one only, so that the costs add up.
        own = [command for command in commands if command.story_key == story.story_key]
        status = evidence.get(story.story_key)
        rests = status.words if status else ""
        cost = money(sum(command.cost_usd or 0 for command in own))
        rows.append([story.story_key, story.status, story.reason or "", rests, str(len(own)), cost])
    return table(heads, rows, frozenset({4, 5}))


def _remarks(remarks: Sequence[StoredEvent]) -> Html | None:
    rows: list[list[Child]] = []
    for event in remarks:
        payload = msgspec.json.decode(event.payload)
        # In the protocol each of these events has its kind under another key.
        kind = payload.get("warning_type") or payload.get("kind") or payload.get("type") or event.type
        rows.append(
            [
                moment(event.timestamp),
                str(kind),
                event.story_key or "",
                str(payload.get("message") or payload.get("reason") or ""),
            ]
        )
    return table(("When", "What", "Story", "Message"), rows)


# -- commands ---------------------------------------------------------------------------------------------------


def _commands(commands: Sequence[CommandView], *, with_story: bool = False) -> Html | None:
    rows: list[list[Child]] = []
    for command in commands:
        tokens = sum(tokens or 0 for tokens in _tokens(command))
        rows.append(
            [
                f"{command.story_key} {_name(command)}" if with_story else _name(command),
                _outcome(command),
                " ".join(filter(None, (command.agent, command.model))),
                moment(command.started_at),
                duration(command.duration_ms),
                f"{tokens:,}",
                money(command.cost_usd),
            ]
        )
    return table(COMMAND_HEADS, rows, NUMBERS)


def _tokens(command: CommandView) -> tuple[int | None, ...]:
    return command.input_tokens, command.output_tokens, command.cache_read_tokens, command.cache_write_tokens


def _name(command: CommandView) -> str:
    again = f" (attempt {command.attempt})" if command.attempt > 1 else ""
    return f"{command.command}{again}"


def _outcome(command: CommandView) -> str:
    parts = [command.status, command.verdict or "", "" if command.status == "success" else command.reason or ""]
    return " · ".join(part for part in parts if part)
