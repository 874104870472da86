"""Epics as planned."""

import time

import pytest

from sprint import read_epics
from sprint.epics import EpicDoc, epics_of, merged
from sprint.markdown import split
from tests.sprint.conftest import MakeProject


def parse_epics(data: bytes) -> dict[str, EpicDoc]:
    return epics_of(split(data))


PLAN = b"""---
stepsCompleted: [1, 2]
---
# Lantern - Epic Breakdown

## Epic List

### Epic 1: The lamp
Keepers have light.

### Epic 2: The stairs

```
## Epic 9: in code
```

## Epic 1: The lamp

**Goal:** Light, **every** night.

### Story 1.1: Light the lamp

As a keeper,
I want to light the lamp,
So that ships see it.

**Acceptance Criteria:**

**Given** oil
**When** I strike a match
**Then** it burns

**Given** no oil
**Then** nothing happens

**Technical Notes:**

- not a criterion

### Story 1.2: Carry the oil (3 pts)

## Epic 2: The stairs

#### Story 2.1a: A rail
"""


def test_a_plan() -> None:
    epics = parse_epics(PLAN)
    assert {ident: epic.title for ident, epic in epics.items()} == {"1": "The lamp", "2": "The stairs"}
    assert epics["1"].goal == "Keepers have light."
    first = epics["1"].stories["1"]
    assert first.title == "Light the lamp"
    assert first.statement == "As a keeper,\nI want to light the lamp,\nSo that ships see it."
    assert len(first.criteria) == 2
    assert first.criteria[0].endswith("it burns")
    assert epics["1"].stories["2"].title == "Carry the oil"
    assert epics["2"].stories["1a"].title == "A rail"


@pytest.mark.parametrize(
    ("heading", "ident", "title"),
    [
        ("# Epic 1: One", "1", "One"),
        ("## Epic 3A: One", "3a", "One"),
        ("## Epic 4.5 - One", "4-5", "One"),
        ("## Epic 1-5 — One", "1-5", "One"),
        ("## Epic F1: One", "f1", "One"),
        ("### 🔥 Epic 7: One (5 pts) ✅", "7", "One"),
        ("## **Epic 2: One**", "2", "One"),
        ("## EPIC 12", "12", ""),
    ],
)
def test_epic_headings(heading: str, ident: str, title: str) -> None:
    assert parse_epics(heading.encode()) == {ident: EpicDoc(title)}


@pytest.mark.parametrize(
    ("heading", "epic", "number", "title"),
    [
        ("### Story 1.2: Two", "1", "2", "Two"),
        ("## Story 1.2: Two", "1", "2", "Two"),
        ("#### Story 3a.2b: Two", "3a", "2b", "Two"),
        ("### Story 1.5.2: Two", "1-5", "2", "Two"),
        ("### Story 1-2: Two", "1", "2", "Two"),
        ("### Story 5.SR-1: Two", "5", "sr-1", "Two"),
        ("### 1.2 - Two", "1", "2", "Two"),
        ("### 1.2 — Two", "1", "2", "Two"),
        ("### ✅ Story 1.2 – Two [3 points]", "1", "2", "Two"),  # noqa: RUF001
    ],
)
def test_story_headings(heading: str, epic: str, number: str, title: str) -> None:
    epics = parse_epics(heading.encode())
    assert list(epics) == [epic]
    assert {key: plan.title for key, plan in epics[epic].stories.items()} == {number: title}


@pytest.mark.parametrize(
    "heading", ["## Epic goals", "## Epics 1: x", "# Story 1.1: x", "## 1.2 x", "## Storyboard 1.1"]
)
def test_other_headings(heading: str) -> None:
    assert parse_epics(heading.encode()) == {}


def test_the_first_file_counts_and_later_ones_fill_gaps() -> None:
    parts = [parse_epics(b"## Epic 1: A\n### Story 1.1: a\n"), parse_epics(b"## Epic 1: B\ngoal\n### Story 1.2: b\n")]
    epics = merged(iter(parts))
    assert (epics["1"].title, epics["1"].goal, list(epics["1"].stories)) == ("A", "goal", ["1", "2"])


def test_where_plans_lie(make_project: MakeProject) -> None:
    project = make_project(
        **{
            "_bmad-output/planning-artifacts/epics.md": "## Epic 1: One\n",
            "_bmad-output/planning-artifacts/epics/epic-2-more.md": "# Epic 2: Two\n",
            "_bmad-output/implementation-artifacts/epic-1-retro-2026-01-02.md": "## Epic 8: Wrong\n",
            "_bmad-output/planning-artifacts/prd.md": "## Epic 9: Wrong\n",
            "docs/epic-3.md": "# Epic 3: Three\n",
        }
    )
    assert {ident: epic.title for ident, epic in read_epics(project).items()} == {"1": "One", "2": "Two", "3": "Three"}


def test_a_long_plan_costs_no_more_than_its_length() -> None:
    """60,000 lines took longer than a minute and a half when each story was sought from the beginning."""
    story = "### Story {0}.{1}: Do it\n\nAs a user, I want it.\n\n"
    text = "".join(
        f"## Epic {number}: Part\n\n" + "".join(story.format(number, place) for place in range(1, 10))
        for number in range(1, 1600)
    )
    started = time.process_time()
    epics = parse_epics(text.encode())
    assert time.process_time() - started < 20.0
    assert (len(epics), text.count("\n")) == (1599, 60_762)
