"""The brief of a batch, made of its records and of what the plan says is next. Pure.

Promises: its sums are those of the ledger; what is not known is said to be unknown; what is recorded as failed, cut
off or left open is called so, whatever the batch's own status.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from running.brief.course import Course, course_of
from running.brief.stories import PlanFacts, Stories
from running.brief.text import (
    CALL_MAX,
    WAITS,
    clock,
    cost_text,
    forecast_text,
    listed,
    one_line,
    plural,
    sentence,
    story_name,
    time_text,
)
from running.brief.views import (
    BlockedStory,
    Brief,
    BriefCost,
    BriefTime,
    Mend,
    Need,
)
from store.batches import OPEN
from store.brief import BatchRecords
from store.stories import Story

PROJECT: Final = "(project)"  # the ledger's name for what belongs to no story
RESUME: Final = Mend("resume", "Resume", "sprint-runner resume")
START: Final = Mend("start", "Start a batch", "sprint-runner start")


def make_brief(records: BatchRecords, plan: PlanFacts, *, project: str, label: str, alive: bool, at: int) -> Brief:
    """Return the brief at a time in ms. `alive`: a server runs, so that a batch that is called running does run."""
    batch = records.batch
    cut_off = batch.status == "running" and not alive
    end = batch.ended_at or (at if batch.status in ("running", "paused") and alive else records.last_at) or at
    course = course_of(records, end, at)
    stories = Stories(records, plan)
    done, blocked = stories.done(), stories.blocked()
    cost = _cost(records, course)
    time = _time(records, course, end)
    needs = [*_asked(records), *_uncommitted(stories.rows.values()), *_stands(records, course, cut_off=cut_off)]
    counts = _counts(len(done), len(stories.rows), len(blocked))
    outcome = f"{_outcome(records, course, cut_off=cut_off, at=at)}{counts}."
    following = _next(records, plan, course, at)
    return Brief(
        project=project,
        batch_id=batch.id,
        label=label,
        made_at=at,
        status=batch.status,
        reason=one_line(batch.reason or ""),
        outcome=outcome,
        tone=_tone(records, blocked, cut_off=cut_off),
        lines=_lines(outcome, cost, time, needs, blocked, following),
        done=done,
        blocked=blocked,
        open=stories.open(),
        cost=cost,
        time=time,
        needs=needs,
        next=following,
        incidents=course.incidents,
        left_out=course.left_out,
    )


# -- what it cost -----------------------------------------------------------------------------------------------


def _cost(records: BatchRecords, course: Course) -> BriefCost:
    total, batch = records.total, records.batch
    usd = 0.0 if total is None else total.cost_usd
    used = 0 if total is None else total.input_tokens + total.output_tokens
    cached = 0 if total is None else total.cache_read_tokens + total.cache_write_tokens
    return BriefCost(
        usd=usd,
        estimated_usd=0.0 if total is None else total.estimated_usd,
        project_usd=next((line.cost_usd for line in records.by_story if line.name == PROJECT), 0.0),
        unknown=batch.commands_without_cost,
        commands=0 if total is None else total.commands,
        failed=0 if total is None else total.failed,
        tokens=used + cached,
        budget_usd=batch.budget_usd,
        forecast_usd=course.forecast.cost_usd,
        against=_against(records, usd, course.forecast.cost_usd),
    )


def _time(records: BatchRecords, course: Course, end: int) -> BriefTime:
    seconds = max(0, end - records.batch.started_at) / 1000
    return BriefTime(
        started_at=records.batch.started_at,
        ended_at=records.batch.ended_at,
        seconds=seconds,
        waited_s=course.waited_ms / 1000,
        forecast_s=course.forecast.seconds,
        against=_against(records, seconds, course.forecast.seconds),
    )


def _against(records: BatchRecords, value: float, forecast: tuple[float, float] | None) -> str:
    if forecast is None or records.batch.status != "completed":
        return ""
    return "below" if value < forecast[0] else "above" if value > forecast[1] else "within"


# -- what is needed ---------------------------------------------------------------------------------------------


def _asked(records: BatchRecords) -> list[Need]:
    """Return the decisions and answers that an open batch waits for."""
    if records.batch.status not in OPEN:
        return []
    gates = [
        Need(
            kind="gate",
            story_key=gate.subject,
            message=one_line(gate.message),
            mend=Mend("gate", "Decide", f"sprint-runner answer gate-{gate.id} go", str(gate.id)),
        )
        for gate in records.gates
    ]
    questions = [
        Need(
            kind="question",
            story_key="",
            message=one_line(question.question),
            mend=Mend("answer", "Answer", f"sprint-runner answer {question.command_id} TEXT", str(question.command_id)),
        )
        for question in records.questions
    ]
    return gates + questions


def _uncommitted(rows: Iterable[Story]) -> list[Need]:
    return [
        Need(
            kind="commit",
            story_key=row.story_key,
            message=f"{row.story_key} is not committed: {one_line(row.commit_failure)}",
            mend=Mend("story", "Open the story", "git status", row.story_key),
        )
        for row in rows
        if row.commit_failure is not None
    ]


def _stands(records: BatchRecords, course: Course, *, cut_off: bool) -> list[Need]:
    """Return why the batch does not go on by itself."""
    status = records.batch.status
    if cut_off or status == "interrupted":
        message = "The batch can continue where it was interrupted"
        return [Need(kind="interrupted", story_key="", message=message, mend=RESUME)]
    if status == "paused" and course.paused not in ("gate", "question") and course.paused_until is None:
        why = course.calls[-1].message if course.calls else WAITS.get(course.paused, course.paused)
        return [Need(kind=course.paused or "paused", story_key="", message=why, mend=RESUME)]
    if status == "error":
        why = course.calls[-1].message if course.calls else one_line(records.batch.reason or "the batch failed")
        return [Need(kind="error", story_key="", message=why, mend=START)]
    return [
        Need(kind=call.kind, story_key="", message=call.message, mend=None)
        for call in course.calls
        if call.kind == "worktree"
    ]


# -- sentences --------------------------------------------------------------------------------------------------


def _outcome(records: BatchRecords, course: Course, *, cut_off: bool, at: int) -> str:
    batch, last = records.batch, clock(records.last_at or records.batch.started_at, at)
    name = f"Batch {batch.id}"
    if cut_off:
        return f"{name} was cut off: no server runs, and the last that is recorded was at {last}"
    reason = f": {one_line(batch.reason)}" if batch.reason else ""
    match batch.status:
        case "completed":
            return f"{name} is complete"
        case "stopped":
            return f"{name} was stopped{reason}"
        case "error":
            return f"{name} failed{reason}"
        case "interrupted":
            return f"{name} was interrupted and does not run"
        case "paused":
            until = f" until {clock(course.paused_until, at)}" if course.paused_until else ""
            return f"{name} stands still{until}: {WAITS.get(course.paused, course.paused or 'it is paused')}"
        case _:
            return f"{name} runs"


def _counts(done: int, begun: int, blocked: int) -> str:
    if not begun:
        return ". No story was begun"
    rest = f", {blocked} blocked" if blocked else ""
    return f". {done} of {plural(begun, 'story', 'stories')} done{rest}"


def _tone(records: BatchRecords, blocked: Sequence[BlockedStory], *, cut_off: bool) -> str:
    if cut_off or records.batch.status in ("error", "interrupted"):
        return "bad"
    return "warn" if blocked or records.batch.status in ("stopped", "paused") else "good"


def _lines(
    outcome: str,
    cost: BriefCost,
    time: BriefTime,
    needs: Sequence[Need],
    blocked: Sequence[BlockedStory],
    following: Sequence[str],
) -> list[str]:
    against = forecast_text(cost)
    money = f"It cost {cost_text(cost)}" if cost.usd or not cost.unknown else cost_text(cost).capitalize()
    spent = f"{money}{f', {against}' if against else ''}, in {time_text(time)}."
    waiting = [story for story in blocked if story.mend is not None]
    calls = [need.message for need in needs] + [f"{story.story_key} is blocked: {story.reason}" for story in waiting]
    more = f" And {len(calls) - 1} more." if len(calls) > 1 else ""
    asked = f"Needs you: {sentence(one_line(calls[0], CALL_MAX))}{more}" if calls else "Nothing needs you."
    return [outcome, spent, asked, *following[:1]]


def _next(records: BatchRecords, plan: PlanFacts, course: Course, at: int) -> list[str]:
    """Return what happens next, in sentences; the most certain one first."""
    found = []
    if records.batch.status == "paused" and course.paused_until:
        found.append(f"Next: the batch goes on by itself at {clock(course.paused_until, at)}.")
    if plan.problem:
        return [*found, f"What comes next is not known: {sentence(one_line(plan.problem))}"]
    if plan.upcoming:
        named = listed([story_name(key, plan.titles.get(key, "")) for key in plan.upcoming])
        found.append(f"Next in line: {named}.")
    else:
        found.append("Nothing is left that can run.")
    found += [f"{key} does not run: {one_line(why)}" for key, why in list((plan.waits or {}).items())[:3]]
    return found
