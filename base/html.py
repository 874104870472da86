"""Standalone HTML documents: escaped text, one inline style, no script.

A title, a path or an agent's output always becomes text: `el` makes all elements and escapes every child that is not
an element. The document's content security policy forbids scripts and requests, wherever it is opened.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: light-dark(#1b1d20, #e8e9eb); --soft: light-dark(#515459, #aab0b7);
  --page: light-dark(#fffefb, #1a1d21); --sunk: light-dark(#f1efe9, #0e1013); --line: light-dark(#dedbd2, #33383f);
  --good: light-dark(#2c6a1d, #90cc76); --warn: light-dark(#7a4f00, #eabb5c); --bad: light-dark(#a62a1a, #ff9b87); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem; background: var(--page);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p { margin: .3rem 0; max-width: 80ch; white-space: pre-line; }
ul, ol { margin: .3rem 0; padding-left: 1.5rem; }
li { margin: .2rem 0; max-width: 85ch; white-space: pre-line; }
.plain { list-style: none; padding-left: 0; }
.soft { color: var(--soft); }
.good > b:first-child { color: var(--good); } .warn > b:first-child { color: var(--warn); }
.bad > b:first-child { color: var(--bad); } .info > b:first-child { color: var(--soft); }
code, pre { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .88em; }
code { background: var(--sunk); padding: .05em .3em; border-radius: 4px; }
pre { white-space: pre-wrap; margin: .3rem 0; padding: .5rem .8rem; background: var(--sunk); border-radius: 6px;
  tab-size: 4; line-height: 1.45; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; margin: .4rem 0; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td { overflow-wrap: break-word; }
.number { text-align: right; white-space: nowrap; }
.wide { overflow-x: auto; }
details { margin: .3rem 0; }
summary { cursor: pointer; color: var(--soft); }
.lines { padding: 0; overflow: hidden; }
.lines span { display: block; padding: 0 .8rem; }
.lines .added { background: color-mix(in srgb, var(--good) 15%, transparent); }
.lines .removed { background: color-mix(in srgb, var(--bad) 14%, transparent); }
.lines .hunk { color: var(--soft); }
s { color: var(--soft); }
footer { margin-top: 3rem; color: var(--soft); font-size: .88rem; }
@media print { body { max-width: none; padding: 0; font-size: .82rem; } h2, h3 { break-after: avoid; }
  .wide { overflow: visible; } tr, li { break-inside: avoid; } details:not([open]) { display: none; } }
"""
# A policy names an inline style by the hash of its exact text, so it is computed and not written down.
_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_MARKED: Final = re.compile(r"\*\*(.+?)\*\*|`([^`]+)`")
_VOID: Final = frozenset({"meta", "br"})
# The last two ranges turn the direction of a line round and can hide what it contains (CVE-2021-42574).
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that this module made; any other text is escaped."""

    text: str


Child = str | Html | None


def el(tag: str, *children: Child | Iterable[Child], cls: str = "", **attributes: str) -> Html:
    """Return an element; a child that is a string becomes text, None is omitted."""
    # `class` is a keyword of Python, and a dash cannot be in the name of an argument.
    given = {"class": cls, **attributes} if cls else attributes
    head = "".join(f' {name.replace("_", "-")}="{_escaped(value)}"' for name, value in given.items())
    if tag in _VOID:
        return Html(f"<{tag}{head}>")
    return Html(f"<{tag}{head}>{''.join(_flat(children))}</{tag}>")


def document(title: str, at: int, *body: Child | Iterable[Child]) -> bytes:
    """Return the complete file; `at` is the time of its content in ms since the epoch."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        Html(f"<style>{STYLE}</style>"),
    )
    root = el("html", head, el("body", el("main", *body), el("footer", f"As of {moment(at)}.")), lang="en")
    # "replace", since a file's name may contain a lone surrogate, which UTF-8 cannot encode.
    return f"<!doctype html>\n{root.text}\n".encode("utf-8", "replace")


def section(title: str, *content: Child | Iterable[Child]) -> Html | None:
    """Return a section with its heading; None without content."""
    parts = _flat(content)
    return el("section", el("h2", title), Html("".join(parts))) if any(parts) else None


def prose(text: str) -> list[Child]:
    """Return the children for a text of a story file: `**strong**` and `` `code` `` as elements, the rest as text."""
    nodes: list[Child] = []
    at = 0
    for match in _MARKED.finditer(text):
        nodes += [text[at : match.start()], el("code", match[2]) if match[1] is None else el("strong", match[1])]
        at = match.end()
    return [*nodes, text[at:]]


def table(heads: Sequence[str], rows: Iterable[Sequence[Child]], numbers: frozenset[int] = frozenset()) -> Html | None:
    """Return a table; `numbers` are the numeric columns. None without rows."""

    def cells(tag: str, row: Sequence[Child]) -> list[Html]:
        return [el(tag, cell, cls="number" if index in numbers else "") for index, cell in enumerate(row)]

    body = [el("tr", cells("td", row)) for row in rows]
    content = el("table", el("thead", el("tr", cells("th", heads))), el("tbody", body))
    # An area that scrolls must be reachable by keyboard (WCAG 2.1.1), and then needs a name.
    return el("div", content, cls="wide", tabindex="0", role="region", aria_label=heads[0]) if body else None


def moment(ms: int | None) -> str:
    """Return a point in time in UTC, since the file may be read in another time zone."""
    return "" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(ms: int | None) -> str:
    if ms is None:
        return ""
    seconds = round(ms / 1000)
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"


def money(usd: float | None) -> str:
    return "" if usd is None else f"${usd:,.2f}"


def _flat(children: Iterable[Child | Iterable[Child]]) -> list[str]:
    parts: list[str] = []
    for child in children:
        if isinstance(child, Html):
            parts.append(child.text)
        elif isinstance(child, str):
            parts.append(_escaped(child))
        elif child is not None:
            parts += _flat(child)
    return parts


def _escaped(text: str) -> str:
    """Escape a text; invisible characters and those that change the text direction become a replacement character."""
    return html.escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), quote=True)
