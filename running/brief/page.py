"""The brief as one HTML file: one column, printable, without a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from base.html import Child, Html, document, el, section
from running.brief.text import clock, cost_text, forecast_text, money, plural, story_cost, story_name, time_text
from running.brief.views import BlockedStory, Brief, DoneStory, Mend, Need

MARKS: Final = {"good": "✓", "warn": "!", "bad": "✗"}


def as_html(brief: Brief) -> bytes:
    """Return the file."""
    title = f"{brief.project}: batch {brief.batch_id}"
    head, *rest = brief.lines
    return document(
        title,
        brief.made_at,
        el("h1", title),
        el("p", f"{brief.label}, begun {clock(brief.time.started_at, brief.made_at)}", cls="soft"),
        el("p", el("b", f"{MARKS[brief.tone]} {head}"), cls=brief.tone),
        [el("p", line) for line in rest],
        section("Needs you", _list([_need(need) for need in brief.needs])),
        section("Blocked", _list([_blocked(story) for story in brief.blocked])),
        section("Done", _list([_done(story) for story in brief.done])),
        section("Begun, and left open", _open(brief)),
        section("What it cost", _cost(brief)),
        section("What happened", _incidents(brief)),
        section("What happens next", _list([el("li", text) for text in brief.next])),
    )


def _list(items: Sequence[Html]) -> Html | None:
    return el("ul", items) if items else None


def _mend(mend: Mend | None) -> list[Child]:
    return [] if mend is None else [f"{mend.label}: ", el("code", mend.verb)]


def _need(need: Need) -> Html:
    mend = _mend(need.mend)
    return el("li", need.message, el("br") if mend else None, mend)


def _blocked(story: BlockedStory) -> Html:
    since = f" ({story.since} since)" if story.since else ""
    mend = _mend(story.mend)
    name = story_name(story.story_key, story.title)
    return el("li", el("b", name), f"{since}: {story.reason}", el("br") if mend else None, mend)


def _done(story: DoneStory) -> Html:
    facts = [*story.evidence, *(["receipt kept"] if story.has_receipt else []), story_cost(story)]
    return el("li", el("b", story_name(story.story_key, story.title)), f": {' · '.join(facts)}")


def _open(brief: Brief) -> Html | None:
    return _list(
        [
            el("li", f"{story_name(story.story_key, story.title)}: {story.status} · {story_cost(story)}")
            for story in brief.open
        ]
    )


def _cost(brief: Brief) -> Html | None:
    cost = brief.cost
    against = forecast_text(cost)
    failed = f", {cost.failed} of them failed" if cost.failed else ""
    rows = [f"{cost_text(cost)}{f', {against}' if against else ''}"]
    rows += [f"budget of the batch: {money(cost.budget_usd)}"] if cost.budget_usd is not None else []
    rows.append(f"{plural(cost.commands, 'command')}{failed}, {cost.tokens:,} tokens")
    rows += [f"{money(cost.project_usd)} of it for no single story"] if cost.project_usd else []
    return _list([el("li", row) for row in [*rows, time_text(brief.time)]])


def _incidents(brief: Brief) -> Html | None:
    rows = [f"{clock(each.at, brief.made_at)} {each.kind}: {each.message}" for each in brief.incidents]
    rows += [f"{brief.left_out} more before that"] if brief.left_out else []
    return _list([el("li", row) for row in rows])
