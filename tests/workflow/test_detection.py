"""Tests of detection: the preset by BMAD version, by agent, and on real projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from running.preset_choice import installed
from workflow import BUILD_AUTO, CLASSIC, Installed, build_auto, detect, is_shim

ALL = ("create-story", "dev-story", "code-review")


def skills(*names: str, folder: str = ".claude/skills") -> set[str]:
    return {f"{folder}/bmad-{name}/SKILL.md" for name in names}


def flat(pattern: str, *names: str) -> set[str]:
    return {f".claude/commands/{pattern.format(name)}.md" for name in names}


# what lies on disk, the kind of agent, the preset, how its commands are called
TREES = [
    (set(), "claude", "classic", {}),
    (flat("bmad/bmm/workflows/{}", *ALL), "claude", "classic", {name: f"/bmad:bmm:workflows:{name}" for name in ALL}),
    (flat("bmad_bmm_{}", *ALL), "claude", "classic", {name: f"/bmad_bmm_{name}" for name in ALL}),
    (flat("bmad-bmm-{}", *ALL), "claude", "classic", {name: f"/bmad-bmm-{name}" for name in ALL}),
    (skills(*ALL), "claude", "classic", {name: f"/bmad-{name}" for name in ALL}),
    (
        skills("dev-story") | flat("bmad-bmm-{}", *ALL),
        "claude",
        "classic",
        {
            "create-story": "/bmad-bmm-create-story",
            "dev-story": "/bmad-dev-story",
            "code-review": "/bmad-bmm-code-review",
        },
    ),
    (skills("build-auto", *ALL), "claude", "build-auto", {"build-auto": "/bmad-build-auto"}),
    (skills("dev-auto", *ALL), "claude", "build-auto", {"build-auto": "/bmad-dev-auto"}),
    (skills("build-auto", "dev-auto"), "claude", "build-auto", {"build-auto": "/bmad-build-auto"}),
    (flat("bmad-bmm-{}", "generate-project-context"), "claude", "classic", {}),
    (flat("bmad-agent-bmm-{}", "sm"), "claude", "classic", {}),
    (skills("create-story-2"), "claude", "classic", {}),
    (skills("build-auto", *ALL), "codex", "classic", {}),
    (skills("build-auto", *ALL), "text", "classic", {}),
    (skills("build-auto", folder=".agents/skills"), "claude", "classic", {}),
    (skills("build-auto", folder=".agents/skills"), "text", "classic", {}),
]


@pytest.mark.parametrize(("files", "caller", "name", "calls"), TREES)
def test_what_is_installed_decides(files: set[str], caller: str, name: str, calls: dict[str, str]) -> None:
    preset = detect(Installed(frozenset(files)), caller)
    assert (preset.name, preset.calls) == (name, calls)
    assert preset.phases == (BUILD_AUTO if name == "build-auto" else CLASSIC).phases
    assert preset.title == ("classic (own slash commands)" if calls and name == "classic" else name)
    assert preset.why
    assert "\n" not in preset.why


@pytest.mark.parametrize("caller", ["acp", "codex", "gemini", "opencode", "qwen"])
def test_agents_without_slash_commands_are_asked_to_read_the_skill(caller: str) -> None:
    found = Installed(frozenset(skills("build-auto", folder=".agents/skills")))
    preset = detect(found, caller)
    assert preset.name == "build-auto"
    call = preset.call("build-auto", caller)
    assert call is not None
    assert ".agents/skills/bmad-build-auto/SKILL.md" in call
    assert preset.call("build-auto", "claude") is None


def test_a_call_holds_for_the_kind_of_agent_it_was_found_for() -> None:
    preset = detect(Installed(frozenset(skills(*ALL))), "claude")
    assert preset.call("code-review-3", "claude") == "/bmad-code-review"
    assert preset.call("code-review-3", "codex") is None
    assert preset.call("story-review-1", "claude") is None


def test_a_shim_of_the_unattended_build_does_not_count() -> None:
    """It stops where an old configuration lies; those of create-story and dev-story work in full."""
    path = ".claude/skills/bmad-dev-auto/SKILL.md"
    found = Installed(frozenset({path, *skills(*ALL)}), frozenset({path, *skills(*ALL)}))
    assert build_auto(found, "claude") is None
    assert set(detect(found, "claude").calls) == set(ALL)


@pytest.mark.parametrize(
    ("text", "shim"),
    [
        ("---\nname: bmad-dev-auto\nmetadata:\n  lifecycle: shim\n---\n# Skill\n", True),
        ('---\nmetadata:\n  lifecycle: "shim"\n---\n', True),
        ("---\nname: bmad-build-auto\n---\nlifecycle: shim\n", False),
        ("---\nmetadata:\n  lifecycle: stable\n---\n", False),
        ("lifecycle: shim\n", False),
        ("---\nlifecycle: shim", True),
        ("", False),
    ],
)
def test_a_shim_says_so_in_its_frontmatter(text: str, shim: bool) -> None:
    assert is_shim(text) is shim


def test_a_tree_on_disk_is_listed(tmp_path: Path) -> None:
    for name, text in (
        (".claude/skills/bmad-build-auto/SKILL.md", "---\nname: x\n---\n"),
        (".claude/skills/bmad-dev-auto/SKILL.md", "---\nmetadata:\n  lifecycle: shim\n---\n"),
        (".claude/skills/other/SKILL.md", "not BMAD's\n"),
        (".claude/skills/bmad-empty/README.md", "no skill\n"),
        (".claude/commands/bmad-bmm-dev-story.md", "x\n"),
        (".claude/commands/bmad/bmm/workflows/create-story.md", "x\n"),
        (".agents/skills/bmad-dev-story/SKILL.md", "x\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = installed(tmp_path)
    assert found.files == {
        ".claude/skills/bmad-build-auto/SKILL.md",
        ".claude/skills/bmad-dev-auto/SKILL.md",
        ".claude/commands/bmad-bmm-dev-story.md",
        ".claude/commands/bmad/bmm/workflows/create-story.md",
        ".agents/skills/bmad-dev-story/SKILL.md",
    }
    assert found.shims == {".claude/skills/bmad-dev-auto/SKILL.md"}
    assert installed(tmp_path / "nowhere") == Installed()
