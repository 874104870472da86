"""Story files: made from the create-story template, and changed one place at a time.

Every function maps text to text and may be applied twice: the second time changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EPIC_STORY = r"^#{2,4}\s*Story\s+%s\s*:?\s*(.*)$"
CRITERION_PART = re.compile(r"^(?:[-*]\s+)?\*\*(Given|When|Then|And|But)\*\*\s*(.*)$")
NUMBERED = re.compile(r"^\s*(?:\d+\.|[-*])\s+(.*)$")
OPEN_BOX = re.compile(r"^(\s*[-*] )\[ \]", re.MULTILINE)
STATUS = re.compile(r"^(Status:[ \t]*)(\S.*?)?[ \t]*$", re.MULTILINE)

TEMPLATE = """# Story {number}: {title}

Status: ready-for-dev

<!-- Note: Validation is optional. Run validate-create-story for quality check before dev-story. -->

## Story

{statement}

## Acceptance Criteria

{criteria}

## Tasks / Subtasks

{tasks}

## Dev Notes

{notes}

### Project Structure Notes

{structure}

### References

{references}

## Dev Agent Record

### Agent Model Used

### Debug Log References

### Completion Notes List

### File List
"""


@dataclass(frozen=True, slots=True)
class DemoStoryPlan:
    """The plan of a story in epics.md; empty without one."""

    title: str = ""
    statement: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()


def find_plan(epics: str, number: str) -> DemoStoryPlan:
    """The story with this number, such as `1.2`, in the text of an epics file."""
    found = re.search(EPIC_STORY % re.escape(number), epics, re.MULTILINE)
    if found is None:
        return DemoStoryPlan()
    body = re.split(r"^#{1,4}\s", epics[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    before, _, after = body.partition("**Acceptance Criteria:**")
    statement = tuple(line.strip() for line in before.splitlines() if line.strip())
    return DemoStoryPlan(found[1].strip(), statement, tuple(_criteria(after)))


def _criteria(text: str) -> Iterable[str]:
    """One line for each block of Given, When, Then, or for each item of a list."""
    for block in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        if lines and all(CRITERION_PART.match(line) for line in lines):
            yield " ".join(lines)
        else:
            yield from (found[1] for found in map(NUMBERED.match, lines) if found)


def bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def render(
    number: str,
    plan: DemoStoryPlan,
    *,
    tasks: str,
    notes: Sequence[str],
    structure: Sequence[str],
    references: Sequence[str],
) -> str:
    criteria = (f"{at}. {text}" for at, text in enumerate(plan.criteria, start=1))
    return TEMPLATE.format(
        number=number,
        title=plan.title,
        statement="\n".join(plan.statement),
        criteria="\n".join(criteria),
        tasks=tasks.strip(),
        notes=bullets(notes),
        structure=bullets(structure),
        references=bullets(references),
    )


def with_status(text: str, status: str) -> str:
    return STATUS.sub(lambda found: found[1].rstrip(" \t") + " " + status, text, count=1)


def ticked(text: str) -> str:
    """All boxes of the tasks ticked; boxes elsewhere stay as they are."""
    head, heading, rest = text.partition("\n## Tasks / Subtasks\n")
    tasks, following, tail = rest.partition("\n## ")
    return head + heading + OPEN_BOX.sub(r"\1[x]", tasks) + following + tail


def with_baseline(text: str, commit: str) -> str:
    """`baseline_commit` in the frontmatter; one that is there is kept."""
    if text.startswith("---\n"):
        return text
    return f"---\nbaseline_commit: {commit}\n---\n{text}"


def with_lines(text: str, heading: str, lines: Iterable[str], *, before: str | None = None) -> str:
    """Lines added to the end of a section. A missing section is made, before another one or at the end."""
    text = text if text.endswith("\n") else text + "\n"
    fresh = [line for line in lines if line not in text.split("\n")]
    if not fresh:
        return text
    start = _line_start(text, heading)
    if start is None:
        return _with_section(text, heading, fresh, before)
    following = re.search(r"^#{1,6} ", text[start + len(heading) :], re.MULTILINE)
    end = start + len(heading) + following.start() if following else len(text)
    section = text[start:end].rstrip("\n")
    gap = "\n\n" if section == heading else "\n"
    return text[:start] + section + gap + "\n".join(fresh) + "\n" + ("\n" if following else "") + text[end:]


def _with_section(text: str, heading: str, lines: Sequence[str], before: str | None) -> str:
    section = heading + "\n\n" + "\n".join(lines) + "\n"
    at = _line_start(text, before) if before else None
    if at is None:
        return text.rstrip("\n") + "\n\n" + section
    return text[:at] + section + "\n" + text[at:]


def _line_start(text: str, line: str) -> int | None:
    found = re.search(rf"^{re.escape(line)}[ \t]*$", text, re.MULTILINE)
    return found.start() if found else None


def file_list(text: str) -> list[str]:
    """The paths under `### File List`."""
    _, _, rest = text.partition("\n### File List\n")
    section = re.split(r"^#{1,6} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    paths = re.findall(r"^\s*[-*]\s+`?([^\s`]+)`?", section, re.MULTILINE)
    return list(dict.fromkeys(paths))
