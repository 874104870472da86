"""What a project has customised of its unattended build: three layers, and values that cannot be followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sprint import BuildCommit, BuildCustomization, Refused, read_customization

NAMES = (
    ".claude/skills/bmad-build-auto/customize.toml",
    "_bmad/custom/bmad-build-auto.toml",
    "_bmad/custom/bmad-build-auto.user.toml",
)
RECIPE = 'commit_handoff = """\nRun `make commit`.\n"""\n'


def read(root: Path, *layers: str) -> BuildCustomization:
    """The customisation of a project with these layers, the skill's own first; "" for none."""
    for name, text in zip(NAMES, layers, strict=False):
        if text:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(f"[workflow]\n{text}")
    return read_customization(root, root / ".claude/skills/bmad-build-auto")


@pytest.mark.parametrize(
    ("layers", "commit", "recipe"),
    [
        ((), "auto", ""),
        (('on_complete = ""\n',), "auto", ""),
        (('commit = "auto"\n', 'commit = "stage"\n'), "stage", ""),
        (('commit = "auto"\n', 'commit = "stage"\n', 'commit = "auto"\n'), "auto", ""),
        ((f'commit = "auto"\n{RECIPE}', "", 'commit = "handoff"\n'), "handoff", "Run `make commit`."),
        (("", RECIPE), "auto", ""),
    ],
)
def test_the_last_layer_that_has_a_key_counts(
    tmp_path: Path, layers: tuple[str, ...], commit: str, recipe: str
) -> None:
    assert read(tmp_path, *layers) == BuildCustomization(BuildCommit(commit), recipe)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('commit = "squash"\n', "workflow.commit of bmad-build-auto is 'squash': known are auto, stage, handoff"),
        ("commit = 1\n", "is 1: known are"),
        ('commit = "handoff"\n', "workflow.commit_handoff says nothing"),
        ('commit = "handoff"\ncommit_handoff = "  "\n', "workflow.commit_handoff says nothing"),
        ("commit = [\n", r"failed to parse .*_bmad/custom/bmad-build-auto\.toml"),
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        read(tmp_path, "", text)
