"""Tests can say how each call of the agent goes; calls are counted across processes."""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents import OutcomeKind
from demo import script
from tests.demo.bench import ARTIFACTS, PROJECT, STORIES, DemoBench

FIRST, LIFE = STORIES[0], STORIES[4]
UNTOLD = (OutcomeKind.SUCCESS, OutcomeKind.STOPPED)  # what everybody knows, and what the operator did
TRACKER = f"{ARTIFACTS}/sprint-status.yaml"


@pytest.fixture
def scripted(bench: DemoBench, tmp_path: Path) -> DemoBench:
    bench.script = tmp_path / "script.json"
    bench.verify = "true"
    return bench


def write(bench: DemoBench, **commands: object) -> None:
    assert bench.script is not None
    bench.script.write_text(json.dumps({name.replace("_", "-"): entry for name, entry in commands.items()}))


def test_turns_are_taken_one_by_one_and_the_last_repeats(scripted: DemoBench) -> None:
    write(scripted, code_review={FIRST: ["CRITICAL", "HIGH", "ZERO ISSUES"]})
    found = [scripted.run(f"code-review-{attempt}", FIRST).severity for attempt in (1, 2, 3, 4)]
    assert found == ["CRITICAL", "HIGH", "ZERO ISSUES", "ZERO ISSUES"]
    assert scripted.run("code-review-1", LIFE).severity == "ZERO ISSUES", "other stories go as usual"


def test_a_call_is_counted_once_however_many_run_at_a_time(scripted: DemoBench) -> None:
    write(scripted, commit={FIRST: ["auth"] * 5 + ["ok"]})
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: scripted.run("commit", FIRST), range(6)))
    assert sorted(run.code for run in runs) == [0, 1, 1, 1, 1, 1]


def test_commands_are_found_by_whole_name_first_and_stories_by_star(scripted: DemoBench) -> None:
    write(scripted, **{"story-review-1": ["critical"], "story-review": {"*": ["clean"]}})
    marks = [scripted.run(f"story-review-{attempt}", FIRST).markers("CRITICAL-ISSUES-FOUND") for attempt in (1, 2)]
    assert marks == [["YES"], ["NO"]]


def test_a_finding_can_be_given_to_stay_the_same(scripted: DemoBench) -> None:
    write(scripted, code_review="MEDIUM:src/a.py: off by one")
    texts = [scripted.run(f"code-review-{attempt}", FIRST).text for attempt in (1, 2)]
    assert all("- [MEDIUM] src/a.py: off by one" in text for text in texts)


def test_a_failing_run_has_an_error_result(scripted: DemoBench) -> None:
    write(scripted, dev_story=["fail:the disk is full", "ok"])
    run = scripted.run("dev-story", FIRST)
    assert (run.code, run.result["is_error"], run.result["errors"]) == (1, True, ["the disk is full"])
    assert scripted.run("dev-story", FIRST).markers("DEV-STORY-COMPLETE") == ["YES"]


def test_a_crash_has_no_result(scripted: DemoBench) -> None:
    write(scripted, dev_story="crash")
    run = scripted.run("dev-story", FIRST)
    assert (run.code, run.lines[-1]["type"]) == (3, "assistant")


def test_a_marker_can_be_missing_from_a_good_run(scripted: DemoBench) -> None:
    for command in ("dev-story", "code-review-1", "create-story", "story-review-1", "commit"):
        write(scripted, **{command: "no-marker"})
        run = scripted.run(command, FIRST)
        assert run.code == 0, command
        assert "HIGHEST SEVERITY" not in run.text, command
        assert not [line for line in run.text.splitlines() if line.startswith("[")], command


def test_a_story_can_be_blocked_or_not(scripted: DemoBench) -> None:
    write(scripted, dev_story={FIRST: "blocked:a key is missing", STORIES[5]: "ok"})
    run = scripted.run("dev-story", FIRST)
    assert run.text.splitlines()[-1] == "[DEV-STORY-BLOCKED: YES] a key is missing"
    assert scripted.run("dev-story", STORIES[5]).markers("DEV-STORY-COMPLETE") == ["YES"]


def test_a_usage_limit_names_its_end(scripted: DemoBench) -> None:
    write(scripted, dev_story="usage-limit:3600")
    run = scripted.run("dev-story", FIRST)
    info = next(line["rate_limit_info"] for line in run.lines if line["type"] == "rate_limit_event")
    assert info["status"] == "rejected"
    assert 3000 < info["resetsAt"] - time.time() <= 3600
    assert run.result["api_error"] == "usage_limit_reached"


def test_overload_is_retried_before_it_ends_the_run(scripted: DemoBench) -> None:
    write(scripted, dev_story="overloaded")
    run = scripted.run("dev-story", FIRST)
    retries = [line for line in run.lines if line.get("subtype") == "api_retry"]
    assert [line["error_status"] for line in retries] == [529] * 3
    assert run.result["api_error_status"] == 529


def test_nothing_may_change(scripted: DemoBench) -> None:
    write(scripted, dev_story="no-change")
    assert scripted.run("dev-story", FIRST).markers("DEV-STORY-COMPLETE") == ["YES"]
    assert scripted.git("status", "--porcelain") == ""


def test_an_agent_can_move_the_status_itself(scripted: DemoBench) -> None:
    write(scripted, dev_story="sets-status:review")
    before = (scripted.root / TRACKER).read_text().splitlines()
    scripted.run("dev-story", FIRST)
    after = (scripted.root / TRACKER).read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    comment = "# story written by hand, in the first planning session"
    assert changed == [(f"  {FIRST}: ready-for-dev  {comment}", f"  {FIRST}: review  {comment}")]


def test_a_slow_call_takes_its_time_and_words_can_be_joined(scripted: DemoBench) -> None:
    write(scripted, code_review="slow:0.3+HIGH")
    began = time.monotonic()
    assert scripted.run("code-review-1", FIRST).severity == "HIGH"
    assert time.monotonic() - began > 0.3


def test_a_silent_agent_says_nothing_after_its_first_line(scripted: DemoBench) -> None:
    write(scripted, dev_story="silent")
    process = scripted.start(scripted.prompt("dev-story", FIRST))
    assert process.stdout is not None
    assert b'"subtype":"init"' in process.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    process.terminate()
    assert process.communicate()[0] == b""
    assert process.returncode == 143


def test_a_script_that_cannot_be_used_ends_the_call(scripted: DemoBench) -> None:
    for text, why in (("{", "script"), ('{"commit": "dance"}', "unknown behaviour 'dance'"), ("[]", "an object")):
        assert scripted.script is not None
        scripted.script.write_text(text)
        run = scripted.run("commit", FIRST)
        assert (run.code, run.stdout) == (1, "")
        assert why in run.stderr


def test_the_script_may_be_named_in_the_environment(scripted: DemoBench) -> None:
    write(scripted, commit="crash")
    scripted.env, scripted.script = {"DEMO_AGENT_SCRIPT": str(scripted.script)}, None
    assert scripted.run("commit", FIRST).code == 3


def test_every_behaviour_is_documented() -> None:
    page = (PROJECT.parents[1] / "docs" / "agents.md").read_text()
    assert [each for each in script.BEHAVIOURS if each not in (script.__doc__ or "")] == []
    assert [each for each in script.BEHAVIOURS if f"`{each}" not in page] == []
    assert [each for each in OutcomeKind if f"| {each} |" not in page and each not in UNTOLD] == []
