"""Text out of sections: statements, criteria, tasks, lists, and one sentence for a card."""

import re
from dataclasses import dataclass

from sprint.markdown import Heading, Line, Markdown, joined, plain_text

# What fits on a card without being cut there.
SENTENCE_CHARS = 240
# A statement is three lines; more is a document in the wrong place.
STATEMENT_CHARS = 4_000

_BOX = re.compile(r"([ \t]*)(?:[-*+]|\d+[.)])[ \t]+\[([^\]]{0,2})\][ \t]*(.*)")
_ITEM = re.compile(r"([ \t]*)([-*+]|\d+[.)])[ \t]+(?:\[[^\]]{0,2}\][ \t]*)?(.*)")
_TICKED = ("x", "X", "✅", "✔", "☑", "✓")
_WANT = re.compile(r"\bI\s+(?:want|need|would like|can)\s+(?:to\s+be\s+able\s+to\s+|to\s+)?", re.IGNORECASE)
_SO_THAT = re.compile(r"[,;.\s]*\bso\s+(?:that\s+)?(?=\S)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_GIVEN = re.compile(r"\bgiven\b", re.IGNORECASE)
_STEP = re.compile(r"\W*(?:when|then|and|but)\b", re.IGNORECASE)
_POINTS = re.compile(r"\s*[(\[]\s*\d+(?:\.\d+)?\s*(?:pts?|points?|sp)\s*[)\]]\s*", re.IGNORECASE)
_EDGES = re.compile(r"^[^\w(\"'`<\[{#@/$&.]+|[^\w)\"'`>\]}%!?.*+]+$")
_TAB = 4


@dataclass(frozen=True, slots=True)
class Task:
    """A line with a box. `depth` is 0 for a task, 1 for its sub-tasks, and so on."""

    text: str
    done: bool
    depth: int


def tasks(lines: list[Line]) -> tuple[Task, ...]:
    """All boxes outside code, in order; a ticked one is done, `[-]` and `[~]` are not."""
    found: list[Task] = []
    indents: list[int] = []
    for line in lines:
        box = None if line.code else _BOX.match(line.text)
        if box is None:
            continue
        indent = len(box[1].expandtabs(_TAB))
        # Compared, not divided: files indent by two, three or four blanks or by tabs.
        while indents and indents[-1] >= indent:
            indents.pop()
        found.append(Task(box[3].strip(), box[2].startswith(_TICKED), len(indents)))
        indents.append(indent)
    return tuple(found)


def statement(lines: list[Line]) -> str:
    """The As-a-I-want text: plain, a line each; the first paragraph where it is not in that form."""
    kept: list[str] = []
    for line in lines:
        text = plain_text(_unlisted(line.text))
        if line.code or text.startswith(("#", "---", "<", "|")):
            if kept:
                break
            continue
        kept.append(text)
    text = "\n".join(kept).strip()[:STATEMENT_CHARS]
    wanted = _WANT.search(text)
    return text if wanted and wanted.start() < SENTENCE_CHARS else text.split("\n\n")[0]


def criteria(page: Markdown, heading: Heading | None) -> tuple[str, ...]:
    """The acceptance criteria, by sub-heading, number, bullet or paragraph, whichever the section uses."""
    if heading is None:
        return ()
    body = page.body(heading)
    inner = [item for item in page.headings if heading.at < item.at <= heading.at + len(body)]
    if inner:
        own = _listed(page.body(heading, whole=False))
        return own + tuple(joined([Line(0, item.title), *page.body(item, whole=False)]) for item in inner)
    return criteria_of(body)


def criteria_of(lines: list[Line]) -> tuple[str, ...]:
    """Criteria in lines without headings."""
    return _listed(lines) or _paragraphs(lines)


def entries(lines: list[Line]) -> tuple[str, ...]:
    """List items, else table rows, else lines; plain text."""
    items = [plain_text(_unlisted(line.text)) for line in lines if not line.code and _ITEM.match(line.text)]
    if not items:
        rows = [line.text.strip() for line in lines if line.text.strip() and not line.text.startswith("#")]
        items = [plain_text(row.strip("|").replace("|", " · ")) for row in rows if not set(row) <= set("|-: ")]
    return tuple(item for item in items if item)


def paths(lines: list[Line]) -> tuple[str, ...]:
    """The items of a file list; a path in code marks counts as its line."""
    found = []
    for line in lines:
        item = _ITEM.match(line.text)
        if item and not line.code:
            code = re.search(r"`([^`]+)`", item[3])
            found.append(code[1] if code else plain_text(item[3]))
    return tuple(path for path in found if path)


def sentence(text: str) -> str:
    """`As a user, I want to log in, so that …` as `Log in, so that …`; "" for an empty statement."""
    flat = plain_text(text)
    wanted = _WANT.search(flat)
    if wanted is None:
        return shortened(flat)
    want, *reason = _SO_THAT.split(flat[wanted.end() :], maxsplit=1)
    want = want.rstrip(" ,;.")
    why = f", so that {reason[0].rstrip(' .')}" if reason else ""
    full = f"{want}{why}." if len(want) + len(why) < SENTENCE_CHARS else f"{want}."
    return shortened(full[:1].upper() + full[1:]) if want else ""


def first_paragraph(lines: list[Line]) -> str:
    """The first plain paragraph of a section, shortened."""
    kept: list[str] = []
    for line in lines:
        text = line.text.strip()
        if kept and not text:
            break
        if text and not line.code and not text.startswith(("#", "|", "<", "---")):
            kept.append(_unlisted(text))
    return shortened(plain_text(" ".join(kept)))


def shortened(text: str, limit: int = SENTENCE_CHARS) -> str:
    """At most `limit` characters, cut after a sentence if one ends in time, else after a word."""
    if len(text) <= limit:
        return text
    ends = [found.start() for found in _SENTENCE_END.finditer(text, 0, limit)]
    if ends:
        return text[: ends[-1]]
    return text[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;") + "…"


def trimmed(title: str) -> str:
    """A title without points and without marks or emoji at its ends."""
    return _EDGES.sub("", _EDGES.sub("", _POINTS.sub(" ", title).strip())).strip()


def _unlisted(text: str) -> str:
    item = _ITEM.match(text)
    return item[3] if item else text.strip()


def _listed(lines: list[Line]) -> tuple[str, ...]:
    """The outer list of a section: numbers if it has any, else bullets (a new one at each Given)."""
    marks = [(line, _ITEM.match(line.text)) for line in lines if not line.code]
    items = [(line, mark) for line, mark in marks if mark]
    numbered = [pair for pair in items if pair[1][2][0].isdigit()]
    # Where a section has numbers, its bullets are details of a numbered criterion.
    chosen = numbered or items
    if not chosen:
        return ()
    outer = min(len(mark[1]) for _, mark in chosen)
    # Some files write Given, When and Then as bullets of one level: only the Given begins a criterion.
    starts = {line.number: mark for line, mark in chosen if len(mark[1]) == outer and not _continues(mark[3])}
    return _grouped(lines, starts)


def _continues(text: str) -> bool:
    return _STEP.match(text) is not None


def _grouped(lines: list[Line], starts: dict[int, re.Match[str]]) -> tuple[str, ...]:
    groups: list[list[Line]] = []
    for line in lines:
        mark = starts.get(line.number)
        if mark:
            groups.append([Line(line.number, mark[3])])
        elif groups:
            groups[-1].append(line)
    return tuple(text for group in groups if (text := joined(group)))


def _paragraphs(lines: list[Line]) -> tuple[str, ...]:
    """Paragraphs; those that continue with When, Then or And belong to the Given above them."""
    found: list[str] = []
    for block in joined(lines).split("\n\n"):
        text = block.strip()
        if found and _STEP.match(text) and _GIVEN.search(found[-1]):
            found[-1] += "\n" + text
        elif text and text != "---":
            found.append(text)
    return tuple(found)
