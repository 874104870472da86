"""Which stories run, in which order, how many, and where they enter."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import Candidate, advances, entry_position, pick, runnable, story_order
from workflow.picking import STATUS_ORDER, STORIES_PER_CYCLE

STATUSES = ["backlog", "ready-for-dev", "in-progress", "review", "done", "blocked", "parked", "unknown"]


def stories(*keys: str, status: str = "backlog") -> list[Candidate]:
    """Candidates whose epic is the first segment of their key."""
    return [Candidate(key, key.partition("-")[0], status) for key in keys]


def keys(candidates: list[Candidate]) -> list[str]:
    return [candidate.key for candidate in candidates]


@pytest.mark.parametrize(("status", "runs"), [(status, status in STATUS_ORDER[:4]) for status in STATUSES])
def test_every_status_but_done_blocked_parked_and_unknown_runs(status: str, runs: bool) -> None:
    assert bool(runnable(stories("1-1-a", status=status))) is runs
    assert bool(pick(stories("1-1-a", status=status))) is runs


ORDER = ["1-1", "1-2", "1-10", "2-1", "2a-1", "2a-2", "10-1"]


@pytest.mark.parametrize("seed", range(5))
def test_order_is_numeric_by_epic_and_story(seed: int) -> None:
    shuffled = random.Random(seed).sample(ORDER, len(ORDER))
    assert keys(runnable(stories(*shuffled))) == ORDER


ORDERED = [
    (("1-2-z", "1"), ("1-10-a", "1")),
    (("1-10-a", "1"), ("2-1-a", "2")),
    (("2-9-a", "2"), ("2a-1-a", "2a")),
    (("2a-2-a", "2a"), ("2b-1-a", "2b")),
    (("2b-1-a", "2b"), ("10-1-a", "10")),
    (("1-2-a", "1"), ("1-2b-a", "1")),
    (("1-4-x", "1"), ("1-5-1-x", "1-5")),
    (("1-5-1-x", "1-5"), ("1-6-x", "1")),
    (("2.5-1-x", "2.5"), ("2.5-2-x", "2.5")),
    (("2.5-2-x", "2.5"), ("3-1-x", "3")),
    (("2-4-x", "2"), ("2.5-1-x", "2.5")),
    (("007-1-x", "007"), ("8-1-x", "8")),
]


@pytest.mark.parametrize(("earlier", "later"), ORDERED)
def test_one_story_comes_before_another(earlier: tuple[str, str], later: tuple[str, str]) -> None:
    first, second = story_order(*earlier), story_order(*later)
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize(
    ("key", "epic"),
    [
        ("login", ""),
        ("STORY-1", "STORY"),
        ("orch-1-1-begin", "orch-1"),
        ("1-td-1-pay", "1"),
        ("", ""),
        ("-", ""),
        ("-1", ""),
    ],
)
def test_a_key_without_numbers_has_no_place_in_the_order(key: str, epic: str) -> None:
    order = story_order(key, epic)
    assert order is None or key == "-1"


def test_keys_that_do_not_parse_come_last_and_keep_their_order() -> None:
    mixed = ["zeta-x", "10-1-a", "alpha-y", "1-1-a", "zeta-a"]
    assert keys(runnable(stories(*mixed))) == ["1-1-a", "10-1-a", "zeta-x", "alpha-y", "zeta-a"]


def test_equal_numbers_keep_their_order() -> None:
    assert keys(runnable(stories("1-1-z", "1-1-a", "1-1-m"))) == ["1-1-z", "1-1-a", "1-1-m"]


def test_a_huge_number_is_no_fault() -> None:
    assert keys(runnable(stories("1-" + "9" * 5000, "1-2-a"))) == ["1-2-a", "1-" + "9" * 5000]


PICKS = [
    ([], []),
    (["1-1-a"], ["1-1-a"]),
    (["1-1-a", "1-2-b"], ["1-1-a", "1-2-b"]),
    (["1-1-a", "1-2-b", "1-3-c"], ["1-1-a", "1-2-b"]),
    (["1-1-a", "2-1-b"], ["1-1-a"]),
    (["2-1-b", "1-1-a", "2-2-c"], ["1-1-a"]),
    (["2-1-a", "2a-1-b"], ["2-1-a"]),
    (["2a-1-b", "2a-10-c", "2a-2-d"], ["2a-1-b", "2a-2-d"]),
    (["12a-1-x", "2a-1-y"], ["2a-1-y"]),
]


@pytest.mark.parametrize(("open_ones", "picked"), PICKS)
def test_a_cycle_takes_one_or_two_stories_of_one_epic(open_ones: list[str], picked: list[str]) -> None:
    assert keys(pick(stories(*open_ones))) == picked


@pytest.mark.parametrize("status", ["done", "blocked", "parked", "unknown"])
def test_what_cannot_run_is_stepped_over(status: str) -> None:
    closed = Candidate("1-2-b", "1", status)
    assert keys(pick([*stories("1-1-a"), closed, *stories("1-3-c")])) == ["1-1-a", "1-3-c"]


def test_a_pair_may_be_at_different_phases() -> None:
    pair = [Candidate("1-1-a", "1", "review"), Candidate("1-2-b", "1", "backlog")]
    assert pick(pair) == pair


def test_what_the_batch_is_done_with_is_not_taken_again() -> None:
    assert keys(pick(stories("1-1-a", "1-2-b", "1-3-c"), exclude={"1-1-a"})) == ["1-2-b", "1-3-c"]
    assert pick(stories("1-1-a"), exclude=["1-1-a"]) == []


ONLY = [
    (None, ["1-1-a", "1-2-b"]),
    (["1-2-b"], ["1-2-b"]),
    (["2-1-c", "1-2-b"], ["2-1-c"]),
    ([], []),
    (["1-1"], []),
    (["1-1-aa", "11-1-a"], []),
]


@pytest.mark.parametrize(("only", "picked"), ONLY)
def test_only_what_the_operator_asked_for_by_its_exact_key(only: list[str] | None, picked: list[str]) -> None:
    """Pitfall: `2a-1` also matches `2a-10` and `12a-1`."""
    assert keys(pick(stories("1-1-a", "1-2-b", "2-1-c"), only=only)) == picked


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.from_regex(r"[0-9]{1,3}[a-z]?-[0-9]{1,3}(-[a-z]{1,3})?", fullmatch=True) | st.text(max_size=6),
        st.sampled_from(["1", "2", "2a", "10", ""]),
        st.sampled_from(STATUSES),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(CANDIDATES)
def test_a_pick_obeys_its_rules_whatever_the_tracker_holds(candidates: list[Candidate]) -> None:
    picked, able = pick(candidates), runnable(candidates)
    assert len(picked) <= STORIES_PER_CYCLE
    assert len({candidate.epic for candidate in picked}) <= 1
    assert sorted(map(id, able)) == sorted(id(each) for each in candidates if each.status in STATUS_ORDER[:4])
    assert picked[:1] == able[:1]
    assert [able.index(candidate) for candidate in picked] == sorted(able.index(candidate) for candidate in picked)


@pytest.mark.parametrize(("status", "position"), [(status, place) for place, status in enumerate(STATUS_ORDER)])
def test_each_status_has_its_place_on_the_ladder(status: str, position: int) -> None:
    assert entry_position(status) == position


@pytest.mark.parametrize("status", ["blocked", "parked", "unknown", ""])
def test_other_statuses_enter_nowhere(status: str) -> None:
    with pytest.raises(ValueError, match=r"not in tuple|index"):
        entry_position(status)


FORWARD = {(old, new) for place, old in enumerate(STATUS_ORDER) for new in STATUS_ORDER[place + 1 :]}
GIVEN_UP = {(old, "blocked") for old in (*STATUS_ORDER[:4], "parked", "unknown")}


@pytest.mark.parametrize("old", STATUSES)
@pytest.mark.parametrize("new", STATUSES)
def test_a_status_goes_forward_or_is_given_up_never_back(old: str, new: str) -> None:
    assert advances(old, new) is ((old, new) in FORWARD | GIVEN_UP)


def placed(*lines: tuple[str, str], leftover: bool = False, held: bool = False) -> list[Candidate]:
    """Candidates of epic 1 in the order of a file: key and status."""
    return [Candidate(key, "1", status, place, leftover, held) for place, (key, status) in enumerate(lines)]


FILE = placed(("1-5-a", "backlog"), ("1-2-b", "backlog"), ("1-10a-c", "backlog"), ("1-6-d", "backlog"))


def test_the_order_of_the_file_counts_where_it_is_set() -> None:
    assert keys(runnable(FILE, order="file")) == ["1-5-a", "1-2-b", "1-10a-c", "1-6-d"]
    assert keys(runnable(FILE, order="numeric")) == ["1-2-b", "1-5-a", "1-6-d", "1-10a-c"]
    assert keys(pick(FILE, order="file")) == ["1-5-a", "1-2-b"]


@pytest.mark.parametrize("order", ["file", "numeric"])
def test_what_was_begun_comes_before_what_is_new(order: str) -> None:
    mixed = placed(("1-1-a", "backlog"), ("1-2-b", "review"), ("1-3-c", "ready-for-dev"), ("1-4-d", "in-progress"))
    assert keys(runnable(mixed, order=order)) == ["1-2-b", "1-4-d", "1-1-a", "1-3-c"]


def test_a_leftover_of_a_done_epic_runs_only_when_named() -> None:
    left = placed(("1-2-nice", "backlog"), leftover=True)
    assert pick(left) == []
    assert keys(pick(left, only=["1-2-nice"])) == ["1-2-nice"]


def test_what_waits_does_not_run_even_when_named() -> None:
    waiting = placed(("1-2-wait", "backlog"), held=True)
    assert pick(waiting) == []
    assert pick(waiting, only=["1-2-wait"]) == []


def test_named_stories_run_in_the_order_they_are_named() -> None:
    assert keys(pick(FILE, only=["1-6-d", "1-5-a"], order="file")) == ["1-6-d", "1-5-a"]
    assert keys(pick(FILE, only={"1-6-d", "1-5-a"}, order="file")) == ["1-5-a", "1-6-d"]
