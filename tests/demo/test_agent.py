"""Tests of the scripted agent as a process: every command does real work and reports it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from demo.options import parse as parse_options
from demo.program import ROLES
from demo.stage import Stage
from demo.stream import Stream
from tests.demo.bench import AGENT, ARTIFACTS, PROJECT, STORIES, AgentRun, DemoBench
from tests.demo.conftest import CYCLES, DemoSprint

FIX, FIND, IMPORT, LIFE = STORIES[1], STORIES[2], STORIES[3], STORIES[4]
TASK = re.compile(r"^::task (\S+) (start|end) \S", re.MULTILINE)


def test_it_says_its_version() -> None:
    done = subprocess.run([sys.executable, AGENT, "--version"], capture_output=True, check=True)
    assert done.stdout == b"2.1.330 (Demo Agent)\n"


def test_every_command_ends_well(sprint: DemoSprint) -> None:
    for name, run in sprint.runs.items():
        assert (run.code, run.stderr) == (0, ""), name
        assert run.result["subtype"] == "success", name
        assert run.result["is_error"] is False, name
        assert run.result["result"].strip().splitlines()[-1] in run.text, name
    commands = {re.sub(r"-\d+$", "", name.split()[0]) for name in sprint.runs}
    assert commands == set(ROLES) - {"build-auto", "build-plan", "sprint-planning"}  # of other presets


def test_tasks_are_announced_by_the_ids_of_the_prompt(sprint: DemoSprint) -> None:
    for name, run in sprint.runs.items():
        known = re.search(r"^- task ids: (.*)$", sprint.bench.prompt(*name.split()), re.MULTILINE)
        assert known is not None
        ids = {task for task, _ in TASK.findall(run.text)}
        assert ids, name
        assert ids <= set(known[1].split(", ")), name


def test_the_tracker_is_never_touched(sprint: DemoSprint) -> None:
    name = f"{ARTIFACTS}/sprint-status.yaml"
    assert (sprint.bench.root / name).read_bytes() == (PROJECT / name).read_bytes()


def test_a_context_is_written_and_written_anew(sprint: DemoSprint) -> None:
    text = (sprint.bench.root / "_bmad-output/project-context.md").read_text()
    assert "project_name: Perch" in text
    assert "Now: add, find, fix, importing, life, list, year." in text


def test_all_stories_of_a_cycle_are_made_in_one_call(sprint: DemoSprint) -> None:
    for keys in CYCLES:
        run = sprint.runs[" ".join(("create-story", *keys))]
        assert len(run.markers("TECH-SPEC-DECISION")) == len(keys)
        assert all((sprint.bench.root / ARTIFACTS / f"discovery-{key}.md").is_file() for key in keys)
    decisions = sprint.runs[f"create-story {FIND} {IMPORT}"].markers("TECH-SPEC-DECISION")
    assert decisions == ["SKIP", "REQUIRED"]
    assert (sprint.bench.root / ARTIFACTS / f"tech-spec-{IMPORT}.md").is_file()
    assert not (sprint.bench.root / ARTIFACTS / f"tech-spec-{FIND}.md").exists()


def test_a_story_file_follows_the_template(sprint: DemoSprint) -> None:
    text = sprint.bench.story(FIX)
    head = re.match(
        r"---\nbaseline_commit: [0-9a-f]{40}\n---\n# Story 1\.2: Correct a sighting\n\nStatus: done\n", text
    )
    assert head is not None, text[:200]
    headings = re.findall(r"^##+ (.*)$", text, re.MULTILINE)
    assert headings[:5] == ["Story", "Acceptance Criteria", "Tasks / Subtasks", "Review Findings", "Dev Notes"]
    assert headings[-3:] == ["File List", "Change Log", "Senior Developer Review (AI)"]
    assert "[ ]" not in text
    assert "- check 1: 23 tests, OK" in text
    for path in ("perch/commands/fix.py", "perch/notebook.py", "tests/test_fix.py", "README.md"):
        assert f"\n- {path}\n" in text


def test_a_critical_story_review_is_fixed_and_the_next_one_is_clean(sprint: DemoSprint) -> None:
    first = sprint.runs[f"story-review-1 {FIND} {IMPORT}"]
    second = sprint.runs[f"story-review-2 {FIND} {IMPORT}"]
    assert first.markers("CRITICAL-ISSUES-FOUND") == ["YES"]
    assert second.markers("CRITICAL-ISSUES-FOUND") == ["NO"]
    assert not [block for block in second.blocks if block.get("name") in ("Write", "Edit")]
    assert "case, accents and extra blanks do not matter" in sprint.bench.story(FIND)


@pytest.mark.parametrize(("key", "severity"), [(FIX, "HIGH"), (LIFE, "MEDIUM")])
def test_a_defect_is_found_fixed_and_gone(sprint: DemoSprint, key: str, severity: str) -> None:
    first, second = (sprint.runs[f"code-review-{attempt} {key}"] for attempt in (1, 2))
    assert first.severity == severity
    assert (
        f"Issues: 0 CRITICAL, {int(severity == 'HIGH')} HIGH, {int(severity == 'MEDIUM')} MEDIUM, 0 LOW" in first.text
    )
    assert re.search(rf"^FINDINGS:\n- \[{severity}\] perch/", first.text, re.MULTILINE)
    assert second.severity == "ZERO ISSUES"
    assert [block for block in first.blocks if block.get("name") == "Edit"]


def test_tests_are_really_run(sprint: DemoSprint) -> None:
    run = sprint.runs[f"dev-story {FIX}"]
    results = [block["content"] for block in run.blocks if block["type"] == "tool_result"]
    assert any(re.search(r"Ran 23 tests in .*\n\nOK", content) for content in results)


def test_each_cycle_is_one_commit_of_its_own_files(sprint: DemoSprint) -> None:
    subjects = sprint.bench.git("log", "--format=%s", "--reverse").splitlines()
    assert subjects[1] == f"feat(1): implement stories {STORIES[0]}, {FIX}"
    assert len(subjects) == 1 + len(CYCLES)
    marked = [run.markers("COMMIT-SUCCESS")[-1] for name, run in sprint.runs.items() if name.startswith("commit")]
    assert marked == sprint.bench.git("log", "--format=%h", "--reverse").split()[1:]
    left = sprint.bench.git("status", "--porcelain").splitlines()
    assert all(STORIES[5] in line or "project-context.md" in line for line in left), left


def test_a_second_commit_finds_the_first_and_an_unknown_one_nothing(sprint: DemoSprint) -> None:
    again = sprint.bench.run("commit", *STORIES[6:])
    assert again.markers("COMMIT-SUCCESS") == [sprint.bench.git("log", "-1", "--format=%h").strip()]
    other = sprint.bench.run("commit", *STORIES[6:], commit_message="feat: something else")
    assert "[NO-CHANGES-TO-COMMIT]" in other.text


def test_files_of_other_people_are_not_committed(bench: DemoBench) -> None:
    bench.verify = "true"
    (bench.root / "diary.txt").write_text("mine\n")
    (bench.root / "staged.txt").write_text("mine, too\n")
    bench.git("add", "staged.txt")
    bench.develop(STORIES[0])
    bench.run("commit", STORIES[0])
    assert bench.git("status", "--porcelain").splitlines() == ["A  staged.txt", "?? diary.txt"]


def test_a_lock_that_a_killed_git_left_is_removed(bench: DemoBench) -> None:
    bench.verify = "true"
    bench.develop(STORIES[0])
    (bench.root / ".git/index.lock").touch()
    assert bench.run("commit", STORIES[0]).markers("COMMIT-SUCCESS")


def test_a_project_below_the_top_of_its_repository_is_committed(bench: DemoBench) -> None:
    bench.verify = "true"
    (bench.root / ".git").rename(bench.root.parent / ".git")
    bench.git("add", "--all", "..")
    bench.git("commit", "--quiet", "--message", "Move the project into a folder")
    bench.develop(STORIES[0])
    assert bench.run("commit", STORIES[0]).markers("COMMIT-SUCCESS")
    assert bench.git("status", "--porcelain", "--", "perch", "tests") == ""


def test_a_folder_without_git_cannot_be_committed(bench: DemoBench) -> None:
    bench.verify = "true"
    (bench.root / ".git").rename(bench.root / ".git-away")
    bench.env = {"GIT_CEILING_DIRECTORIES": str(bench.root.parent)}
    assert bench.run("commit", STORIES[0]).markers("COMMIT-FAILED") == ["this is not a git repository"]
    assert bench.develop(STORIES[0])[-1].severity == "ZERO ISSUES"


def test_the_same_prompt_on_the_same_tree_gives_the_same_result(bench: DemoBench) -> None:
    def once() -> tuple[str, float]:
        run = bench.run("story-discovery", STORIES[2])
        return run.text, run.result["total_cost_usd"]

    bench.run("story-discovery", STORIES[2])
    assert once() == once()


def test_it_works_on_a_project_that_it_does_not_know(bench: DemoBench) -> None:
    for path in bench.root.glob("perch/*.py"):
        path.unlink()
    bench.verify = "the project's own checks"
    (bench.root / "tests").rename(bench.root / "checks")
    key = "3-1-make-tea"
    runs: list[AgentRun] = [
        bench.run("create-story", key),
        bench.run("story-discovery", key),
        bench.run("story-review-1", key),
        bench.run("create-tech-spec", key),
        *bench.develop(key),
        bench.run("commit", key),
    ]
    assert [run.code for run in runs] == [0] * len(runs)
    assert runs[2].markers("CRITICAL-ISSUES-FOUND") == ["NO"]
    assert runs[5].severity == "ZERO ISSUES"
    assert "# Story 3.1: Make tea" in bench.story(key)
    assert f"work/{key}.md" in bench.git("show", "--stat", "--format=", runs[-1].markers("COMMIT-SUCCESS")[0])


def test_a_prompt_that_names_no_command_is_answered(bench: DemoBench) -> None:
    run = bench.call("What is the capital of France?")
    assert run.code == 0
    assert "Nothing was changed" in run.result["result"]


@pytest.mark.parametrize(("speed", "waited"), [("1", 5.0), ("4", 1.25), ("max", 0.0), ("20", 0.0)])
def test_the_speed_says_how_long_it_waits(monkeypatch: pytest.MonkeyPatch, speed: str, waited: float) -> None:
    waits: list[float] = []
    monkeypatch.setattr("demo.stage.time.sleep", waits.append)
    stream = Stream("s", "claude-sonnet-4-5", ".")
    Stage(stream, PROJECT, parse_options(["--speed", speed]).speed, lambda _used: None).pause(5)
    assert waits == [waited]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--no-such-flag"], "error: unknown option '--no-such-flag'"),
        (["--permission-mode", "nope"], "argument 'nope' is invalid"),
        (["--session-id", "not-a-uuid"], "Error: Invalid session ID. Must be a valid UUID."),
        (["--speed", "slow"], "option '--speed <n>' argument 'slow' is invalid"),
    ],
)
def test_wrong_calls_say_why_on_stderr_only(bench: DemoBench, flags: list[str], message: str) -> None:
    run = bench.call("hi", *flags)
    assert (run.code, run.stdout) == (1, "")
    assert message in run.stderr


def test_an_empty_prompt_is_refused(bench: DemoBench) -> None:
    run = bench.call("")
    assert (run.code, run.stdout) == (1, "")
    assert "Input must be provided" in run.stderr


def test_a_session_can_be_resumed_and_its_costs_add_up(bench: DemoBench) -> None:
    first = bench.run("story-discovery", STORIES[2])
    session = first.result["session_id"]
    second = bench.call("Continue.", "--resume", session)
    assert (second.code, second.result["session_id"]) == (0, session)
    assert "I continue where I was interrupted." in second.text
    assert "[STORY-DISCOVERY-COMPLETE: YES]" in second.text
    own = second.result["model_usage_since_last_result"]["claude-sonnet-4-5"]["costUSD"]
    assert second.result["total_cost_usd"] == pytest.approx(first.result["total_cost_usd"] + own)


def test_an_unknown_session_is_an_error_without_init(bench: DemoBench) -> None:
    session = "99999999-2222-4333-8444-555555555555"
    run = bench.call("hi", "--resume", session)
    assert run.code == 1
    assert [line["type"] for line in run.lines] == ["result"]
    assert run.result["errors"] == [f"No conversation found with session ID: {session}"]
    assert run.stderr == f"No conversation found with session ID: {session}\n"


def test_turns_can_be_limited(bench: DemoBench) -> None:
    run = bench.call(bench.prompt("dev-story", STORIES[0]), "--max-turns", "2")
    assert (run.code, run.result["subtype"]) == (1, "error_max_turns")
    assert run.result["errors"] == ["Reached maximum number of turns (2)"]
