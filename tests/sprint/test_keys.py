"""The grammar of tracker keys."""

import pytest

from sprint.keys import Grammar, Key, epic_id, lead, natural
from sprint.status import Kind

EPICS = ["epic-1", "epic-1-5", "epic-2.5", "epic-4", "epic-5-sr", "epic-1a-plus", "epic-3A", "orch-epic-1", "Epic_9"]

KEYS = [
    ("1-1-light-the-lamp", Key(Kind.STORY, "1", "1")),
    ("1-5-open-the-gate", Key(Kind.STORY, "1", "5")),
    ("1-5-1-extract-the-oil", Key(Kind.STORY, "1-5", "1")),
    ("2.5-1-warm-up", Key(Kind.STORY, "2.5", "1")),
    ("2-5-1-warm-up", Key(Kind.STORY, "2.5", "1")),
    ("4-4-7-day-table", Key(Kind.STORY, "4", "4")),
    ("4-2b-second-half", Key(Kind.STORY, "4", "2b")),
    ("1-td-1-pay-back", Key(Kind.STORY, "1", "td-1")),
    ("1-TD2-pay-back", Key(Kind.STORY, "1", "td2")),
    ("5-sr-1-small", Key(Kind.STORY, "5-sr", "1")),
    ("1a-plus-1-heartbeat", Key(Kind.STORY, "1a-plus", "1")),
    ("3a-1-shared", Key(Kind.STORY, "3A", "1")),
    ("orch-1-1-begin", Key(Kind.STORY, "orch-1", "1")),
    ("7-1-no-epic-key", Key(Kind.STORY, "7", "1")),
    ("7a-12c", Key(Kind.STORY, "7a", "12c")),
    ("epic-1", Key(Kind.EPIC, "1")),
    ("epic-2.5", Key(Kind.EPIC, "2.5")),
    ("orch-epic-1", Key(Kind.EPIC, "orch-1")),
    ("epic-1-retrospective", Key(Kind.RETRO, "1")),
    ("epic-1-5-retro", Key(Kind.RETRO, "1-5")),
    ("mvp-retrospective", Key(Kind.RETRO, "mvp")),
    ("epic-4-retro-item-2-tidy", Key(Kind.OTHER)),
    ("STORY-381", Key(Kind.OTHER)),
    ("batch-01A-users", Key(Kind.OTHER)),
    ("notes", Key(Kind.OTHER)),
    ("", Key(Kind.OTHER)),
    ("-", Key(Kind.OTHER)),
]


@pytest.mark.parametrize(("key", "parts"), KEYS)
def test_keys_are_read_with_the_epics_of_the_file(key: str, parts: Key) -> None:
    assert Grammar([*EPICS, key]).classify(key) == parts


def test_without_the_epic_the_same_key_is_another_story() -> None:
    assert Grammar(["epic-1"]).classify("1-5-1-extract") == Key(Kind.STORY, "1", "5")


TEAMS = [
    ("18-1-scan", Key(Kind.STORY, "18", "1")),
    ("TD-18-1-cleanup", Key(Kind.STORY, "18", "td-1")),
    ("HF-18-hotfix", Key(Kind.STORY, "18", "hf-hotfix")),
    ("14e-25a1-tidy", Key(Kind.STORY, "14e", "25a1")),
    ("dm-01", Key(Kind.EPIC, "dm-01")),
    ("dm-01-1-install", Key(Kind.STORY, "dm-01", "1")),
    ("dm-01-retrospective", Key(Kind.RETRO, "dm-01")),
    ("epic-3-1-debt", Key(Kind.STORY, "3", "1-debt")),
    ("epic-3-2-more-1", Key(Kind.STORY, "3", "2-more-1")),
    ("XX-99-1-nothing", Key(Kind.OTHER)),
    ("STORY-381", Key(Kind.OTHER)),
]


@pytest.mark.parametrize(("key", "parts"), TEAMS)
def test_keys_of_teams_belong_to_the_epics_beside_them(key: str, parts: Key) -> None:
    keys = ["epic-18", "epic-14e", "epic-3", *(key for key, _ in TEAMS)]
    assert Grammar(keys).classify(key) == parts


def test_epic_ids() -> None:
    assert epic_id("epic-12") == "12"
    assert epic_id("1-2-epic-search") is None


def test_natural_order() -> None:
    ordered = ["1", "1-5", "2", "2a", "2b", "3", "10", "10-1", "10-sr", "a", "b1"]
    assert sorted(ordered, key=natural) == ordered


def test_a_huge_number_is_text() -> None:
    assert natural("9" * 5000)[0][0] == 1


def test_every_number_at_the_start_of_a_name() -> None:
    assert lead("2-1-2-fields") == ("2", "1", "2")
    assert lead("06.6.slug") == ("6", "6")
    assert lead("summary-2") == ()
