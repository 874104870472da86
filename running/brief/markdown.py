"""The brief as Markdown, for a chat, a mail or a file. Everything foreign in it is text, wherever it is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from running.brief.text import (
    clock,
    cost_text,
    forecast_text,
    money,
    one_line,
    plural,
    sentence,
    story_cost,
    story_name,
    time_text,
)
from running.brief.views import Brief, Mend

# What CommonMark and its common extensions read as markup within a line. The last three alternatives make links of
# addresses, and formulas between dollars.
_MARKUP: Final = re.compile(r"[\\`*_\[\]>#|~&@]|(?<=[A-Za-z])\.(?=[A-Za-z])|:(?=//)|\$(?![0-9])")
_TICKS: Final = re.compile(r"`+")


def escaped(text: str) -> str:
    """Return a text on one line that Markdown shows as it is."""
    # Not by a backslash: a renderer that knows none would take it for an element.
    return _MARKUP.sub(lambda found: f"\\{found[0]}", one_line(text)).replace("<", "&lt;")


def code(text: str) -> str:
    """Return a text as code, between more marks than it holds."""
    ticks = "`" * (max((len(run) for run in _TICKS.findall(text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def as_markdown(brief: Brief) -> str:
    """Return the brief as a Markdown document."""
    return "\n".join(_lines(brief)) + "\n"


def _lines(brief: Brief) -> Iterator[str]:
    yield f"# {escaped(brief.project)}: batch {brief.batch_id}"
    yield ""
    yield from (f"{escaped(line)}  " for line in brief.lines)
    yield from _section("Needs you", _needs(brief))
    yield from _section("Blocked", _blocked(brief))
    yield from _section("Done", _done(brief))
    yield from _section("Begun, and left open", _open(brief))
    yield from _section("What it cost", _cost(brief))
    yield from _section("What happened", _incidents(brief))
    yield from _section("What happens next", (escaped(text) for text in brief.next))


def _section(title: str, items: Iterator[str]) -> Iterator[str]:
    rows = list(items)
    if rows:
        yield ""
        yield f"## {title}"
        yield ""
        yield from (f"- {row}" for row in rows)


def _mend(mend: Mend | None) -> str:
    return "" if mend is None else f" {mend.label}: {code(one_line(mend.verb))}"


def _needs(brief: Brief) -> Iterator[str]:
    for need in brief.needs:
        yield f"{sentence(escaped(need.message))}{_mend(need.mend)}"


def _blocked(brief: Brief) -> Iterator[str]:
    for story in brief.blocked:
        since = f", {escaped(story.since)} since" if story.since else ""
        reason = sentence(escaped(story.reason))
        yield f"**{_name(story.story_key, story.title)}**{since}: {reason}{_mend(story.mend)}"


def _done(brief: Brief) -> Iterator[str]:
    for story in brief.done:
        facts = [*map(escaped, story.evidence), *(["receipt kept"] if story.has_receipt else []), story_cost(story)]
        yield f"**{_name(story.story_key, story.title)}**: {' · '.join(facts)}"


def _open(brief: Brief) -> Iterator[str]:
    for story in brief.open:
        yield f"{_name(story.story_key, story.title)}: {escaped(story.status)} · {story_cost(story)}"


def _cost(brief: Brief) -> Iterator[str]:
    cost = brief.cost
    against = forecast_text(cost)
    yield f"{cost_text(cost)}{f', {against}' if against else ''}"
    if cost.budget_usd is not None:
        yield f"budget of the batch: {money(cost.budget_usd)}"
    failed = f", {cost.failed} of them failed" if cost.failed else ""
    yield f"{plural(cost.commands, 'command')}{failed}, {cost.tokens:,} tokens"
    if cost.project_usd:
        yield f"{money(cost.project_usd)} of it for no single story"
    yield time_text(brief.time)


def _incidents(brief: Brief) -> Iterator[str]:
    for incident in brief.incidents:
        yield f"{clock(incident.at, brief.made_at)} {escaped(incident.kind)}: {escaped(incident.message)}"
    if brief.left_out:
        yield f"{brief.left_out} more before that"


def _name(key: str, title: str) -> str:
    return escaped(story_name(key, title))
