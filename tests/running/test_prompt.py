"""Filling in a template."""

from __future__ import annotations

from pathlib import Path

import pytest

from running.prompt import PromptError, render


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code-review.md").write_text(
        "# {{command}}\n{{ story }} and {{story}} {{story }}\n{ {x} } {{}} {{a b}}\n"
    )
    return tmp_path


def test_placeholders_are_filled_in_wherever_they_stand(folder: Path) -> None:
    text = render(folder, "code-review-2", {"command": "code-review-2", "story": "tea", "more": "not needed"})
    assert text == "# code-review-2\ntea and tea tea\n{ {x} } {{}} {{a b}}\n"


@pytest.mark.parametrize("value", ["{{command}}", "\\1 \\g<0> \\n", "$story", "", "two\nlines", "é✓", "{{nobody}}"])
def test_values_are_put_in_as_they_are_once(folder: Path, value: str) -> None:
    text = render(folder, "code-review", {"command": "c", "story": value})
    assert text.startswith(f"# c\n{value} and {value} {value}\n")


def test_an_unknown_placeholder_is_named_with_its_file(folder: Path) -> None:
    with pytest.raises(PromptError, match=r"code-review\.md: there is no placeholder 'story'"):
        render(folder, "code-review-1", {"command": "c"})


def test_a_template_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(PromptError, match=r"deploy\.md: cannot be read: No such file"):
        render(folder, "deploy-3", {})
