"""The prompts: each renders with the placeholders of the runner and ends with a marker that its reader understands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from demo.prompt import parse
from running.prompt import render
from workflow.presets import KINDS, kind_of
from workflow.verdicts import (
    Severity,
    read_code_review,
    read_commit,
    read_dev_story,
    read_review,
    read_tech_spec_decisions,
)

PROMPTS = Path(__file__).parents[1] / "prompts"
STORIES = (
    "- 2-1-life-list — Life list — _bmad-output/2-1-life-list.md\n"
    "- 2-2-share — Share — with the club — _bmad-output/2-2-share.md"
)
VALUES = {
    "command": "dev-story",
    "round": "2",
    "project_name": "Perch & Co.",
    "tracker": "_bmad-output/sprint-status.yaml",
    "artifacts_dir": "_bmad-output/implementation-artifacts",
    "planning_dir": "_bmad-output/planning-artifacts",
    "context_file": "_bmad-output/project-context.md",
    "epic": "2",
    "story_keys": "2-1-life-list, 2-2-share",
    "story_key": "2-1-life-list",
    "stories": STORIES,
    "story_file": "_bmad-output/2-1-life-list.md",
    "verify": "python3 -m unittest",
    "previous_findings": "- [HIGH] src/a.py: {{verify}} is not run",
    "commit_message": "feat(2): implement stories 2-1-life-list, 2-2-share",
    "tasks": "setup, analyze, fix, validate",
    "call": "/bmad-build-auto",
    "subject": "2-1-life-list",
    "directives": "",
}
MARKERS = {
    "build-auto": [],  # what its spec file says is read, not its words
    "build-plan": [],
    "create-project-context": ["[PROJECT-CONTEXT-WRITTEN: YES]"],
    "refresh-project-context": ["[PROJECT-CONTEXT-WRITTEN: YES]"],
    "create-story": ["[TECH-SPEC-DECISION: REQUIRED]", "[TECH-SPEC-DECISION: SKIP]"],
    "story-discovery": ["[STORY-DISCOVERY-COMPLETE: YES]"],
    "story-review": ["[CRITICAL-ISSUES-FOUND: YES]", "[CRITICAL-ISSUES-FOUND: NO]"],
    "create-tech-spec": ["[TECH-SPEC-COMPLETE: YES]"],
    "tech-spec-review": ["[CRITICAL-ISSUES-FOUND: YES]", "[CRITICAL-ISSUES-FOUND: NO]"],
    "dev-story": ["[DEV-STORY-COMPLETE: YES]", "[DEV-STORY-COMPLETE: NO]"],
    "code-review": ["HIGHEST SEVERITY: HIGH", "Issues: 0 CRITICAL, 1 HIGH, 0 MEDIUM, 1 LOW"],
    "sprint-planning": ["[SPRINT-STATUS-WRITTEN: <path>]"],
    "commit": ["[COMMIT-SUCCESS: <hash>]", "[NO-CHANGES-TO-COMMIT]", "[COMMIT-FAILED: <reason>]"],
}
ON_STORIES = sorted(name for name in MARKERS if "context" not in name and name != "sprint-planning")


def rendered(name: str, **values: str) -> str:
    return render(PROMPTS, name, {**VALUES, "command": name, **values})


def test_there_is_a_prompt_for_every_command() -> None:
    assert {file.stem for file in PROMPTS.glob("*.md")} == set(KINDS) == set(MARKERS)


@pytest.mark.parametrize("name", sorted(MARKERS))
def test_only_known_placeholders_are_used(name: str) -> None:
    used = set(re.findall(r"\{\{(.*?)\}\}", (PROMPTS / f"{name}.md").read_text()))
    assert used <= set(VALUES)
    assert {"command", "project_name", "tracker", "tasks", "artifacts_dir"} <= used


@pytest.mark.parametrize("name", sorted(MARKERS))
def test_values_are_put_in_once_and_nothing_is_left(name: str) -> None:
    text = rendered(name, previous_findings="none")
    assert "{{" not in text
    assert "}}" not in text


@pytest.mark.parametrize("name", sorted(MARKERS))
def test_it_begins_with_the_block_that_scripted_agents_read(name: str) -> None:
    called = f"{name}-2" if "review" in name else name
    text = rendered(name, command=called)
    # A slash command is the beginning of a prompt.
    text = text.removeprefix("/bmad-build-auto 2-1-life-list\n\n").removeprefix("/bmad-build-auto\n\n")
    assert text.startswith(f"# {called}\n- command: {called}\n- project: Perch & Co.\n")
    prompt = parse(text)
    assert (prompt.command, prompt.base) == (called, kind_of(called))
    assert prompt["sprint status file"] == VALUES["tracker"]
    assert prompt["task ids"] == VALUES["tasks"]
    assert prompt.artifacts == VALUES["artifacts_dir"]


@pytest.mark.parametrize("name", ON_STORIES)
def test_it_names_all_its_stories(name: str) -> None:
    prompt = parse(rendered(name))
    assert [(each.key, each.title, each.file) for each in prompt.stories] == [
        ("2-1-life-list", "Life list", "_bmad-output/2-1-life-list.md"),
        ("2-2-share", "Share — with the club", "_bmad-output/2-2-share.md"),
    ]


@pytest.mark.parametrize("name", sorted(MARKERS))
def test_it_carries_the_markers_that_its_reader_needs(name: str) -> None:
    lines = rendered(name).splitlines()
    for marker in MARKERS[name]:
        assert marker in lines, marker


def test_its_markers_are_read_as_they_are_meant() -> None:
    assert read_tech_spec_decisions("\n".join(MARKERS["create-story"]), 2) == [True, False]
    assert [read_review(marker).critical for marker in MARKERS["story-review"]] == [True, False]
    assert [read_dev_story(marker).complete for marker in MARKERS["dev-story"]] == [True, False]
    assert read_commit("[COMMIT-SUCCESS: 1ef5bb3]").commit == "1ef5bb3"
    assert read_commit("[COMMIT-FAILED: a hook refused it]").failure == "a hook refused it"


def test_the_form_of_a_code_review_is_read_whole() -> None:
    text = rendered("code-review")
    form = text[text.rindex("## Findings") : text.rindex("The last line is one of")]
    verdict = read_code_review(form)
    assert verdict.severity is Severity.HIGH
    assert len(verdict.findings) == 2
    assert all(word in text for word in ("CRITICAL", "HIGH", "MEDIUM", "LOW", "ZERO ISSUES"))


def test_a_blocked_story_says_why_on_the_line_of_its_marker() -> None:
    line = next(line for line in rendered("dev-story").splitlines() if line.startswith("[DEV-STORY-BLOCKED: YES]"))
    verdict = read_dev_story(line.replace("<why, and what a person must decide>", "the key is missing"))
    assert (verdict.blocked, verdict.reason) == (True, "the key is missing")


@pytest.mark.parametrize("name", sorted(MARKERS))
def test_it_binds_an_unattended_agent(name: str) -> None:
    text = " ".join(rendered(name).split())
    assert "You work unattended. No one answers questions" in text
    assert "Never wait for input" in text
    assert "::task <id> start" in text
    assert "::task <id> end" in text
    if name == "sprint-planning":  # whose work the tracker is
        assert "The sprint status file alone is yours" in text
        return
    assert re.search(r"[Nn]ever (?:touch |edit )?`_bmad-output/sprint-status.yaml`", text)
    assert "belongs to the runner" in text or "the runner wrote the status" in text


@pytest.mark.parametrize("name", sorted(set(MARKERS) - {"commit", "build-auto"}))
def test_only_commit_commits(name: str) -> None:
    text = " ".join(rendered(name).split())
    assert "Do not commit." in text or "no commit, no branch, no stash, no reset" in text


def test_a_commit_is_made_of_named_files_and_never_pushed() -> None:
    text = rendered("commit")
    assert f"\n   {VALUES['commit_message']}\n" in text
    for forbidden in ("`git add -A`", "`git add .`", "No push, no amend, no rebase", "Never `--no-verify`"):
        assert forbidden in text


def test_reviews_know_the_findings_of_the_round_before() -> None:
    for name in ("story-review", "tech-spec-review", "code-review"):
        assert VALUES["previous_findings"] in rendered(name)


def test_prompts_need_nothing_of_bmad_installed() -> None:
    for file in set(PROMPTS.glob("*.md")) - {PROMPTS / "build-auto.md"}:
        assert not re.search(r"/bmad|_bmad/|\.claude|\.bmad", file.read_text()), file.name


@pytest.mark.parametrize("name", ["create-story", "dev-story", "code-review"])
def test_a_prompt_that_calls_the_projects_own_command_asks_for_the_same_verdict(name: str) -> None:
    text = render(PROMPTS / "own", name, {**VALUES, "command": name, "call": f"/bmad-{name}"})
    assert text.startswith(f"/bmad-{name} ")
    lines = text.splitlines()
    assert all(marker in lines for marker in MARKERS[name])
    prompt = parse("\n".join(lines[2:]))
    assert (prompt.command, prompt["sprint status file"]) == (name, VALUES["tracker"])
    words = " ".join(text.split())
    assert "No one answers questions. Where the workflow would stop to ask, the answer is here" in words
    assert "never touch `_bmad-output/sprint-status.yaml`" in words


def test_an_unattended_build_receives_what_its_skill_would_ask() -> None:
    text = " ".join(rendered("build-auto").split())
    assert text.startswith("/bmad-build-auto 2-1-life-list # build-auto")
    for answer in ("The plan is approved", "No push, no new branch", "python3 -m unittest", "`Blocking condition:`"):
        assert answer in text
    assert "`status: done`" in text
