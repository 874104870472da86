"""Samples: which time and cost belong to a story."""

from __future__ import annotations

from typing import Any

import pytest

from forecast.samples import GAP_MS, PastCommand, PastStory, samples_of

S = 1000


def command(kind: str, begin: int, end: int, usd: float | None = 1.0, **fields: Any) -> PastCommand:
    """A command of story 1-1 in the first cycle, from and to a second."""
    keys = fields.pop("keys", ("1-1",))
    background, agent = fields.pop("background", False), fields.pop("agent", "claude")
    cycle, batch = fields.pop("cycle", 1), fields.pop("batch", 1)
    return PastCommand(batch, cycle, keys, kind, agent, "opus", background, begin * S, end * S, usd, 100)


def story(key: str = "1-1", status: str = "done", batch: int = 1, cycle: int = 1) -> PastStory:
    return PastStory(batch, cycle, key, "backlog", status, 0)


@pytest.mark.parametrize(
    ("commands", "seconds"),
    [
        ([command("dev-story", 0, 60)], 60),
        ([command("create-story", 0, 60), command("story-discovery", 10, 50)], 60),
        ([command("create-story", 0, 60), command("story-discovery", 10, 90)], 90),
        ([command("dev-story", 0, 60), command("code-review", 100, 160)], 160),
        ([command("dev-story", 0, 60), command("code-review", 60 + GAP_MS // S + 1, 761)], 160),
        ([command("dev-story", 0, 60), command("story-review", 0, 500, background=True)], 60),
        ([command("dev-story", 0, 60, keys=("1-1", "1-2"))], 30),
    ],
    ids=["one", "inside", "overlap", "short gap", "pause", "background", "shared"],
)
def test_the_time_of_a_story_is_that_of_the_foreground(commands: list[PastCommand], seconds: float) -> None:
    [sample] = samples_of(commands, [story()])
    assert sum(part.seconds for part in sample.parts.values()) == pytest.approx(seconds)


def test_a_story_that_was_carried_over_counts_once_with_all_it_took() -> None:
    commands = [command("dev-story", 0, 60), command("code-review", 0, 30, batch=2, cycle=1)]
    stories = [story(status="in-progress"), story(batch=2)]
    [sample] = samples_of(commands, stories)
    assert {kind: part.usd for kind, part in sample.parts.items()} == {"dev-story": 1.0, "code-review": 1.0}


def test_a_cost_that_no_agent_reported_is_unknown_and_one_of_the_runner_is_none() -> None:
    commands = [command("dev-story", 0, 60, None), command("commit", 60, 61, None, agent="runner")]
    [sample] = samples_of(commands, [story()])
    assert (sample.parts["dev-story"].usd, sample.parts["commit"].usd) == (None, 0.0)


def test_a_story_that_has_not_ended_is_no_sample() -> None:
    assert samples_of([command("dev-story", 0, 60)], [story(status="review")]) == []
