"""BMAD's config files."""

from pathlib import Path

import pytest

from sprint.config import read_config


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_yaml_of_every_version(tmp_path: Path) -> None:
    put(tmp_path, "bmad/bmm/config.yaml", "output_folder: docs\nproject_name: Old\n")
    put(tmp_path, ".bmad/bmm/config.yaml", "sprint_artifacts: '{project-root}/docs/sprint-artifacts'\n")
    put(tmp_path, "_bmad/bmm/config.yaml", "project_name: Lantern\nimplementation_artifacts: '{output_folder}/impl'\n")
    config = read_config(tmp_path)
    assert config.values["project_name"] == "Lantern"
    assert config.path("sprint_artifacts") == tmp_path / "docs/sprint-artifacts"
    assert config.path("implementation_artifacts") == tmp_path / "docs/impl"
    assert config.path("planning_artifacts") is None


def test_toml_layers_lie_above(tmp_path: Path) -> None:
    put(tmp_path, "_bmad/bmm/config.yaml", "output_folder: a\nplanning_artifacts: plans\n")
    put(tmp_path, "_bmad/config.toml", "[core]\noutput_folder = 'b'\n[modules.bmm]\nplanning_artifacts = 'p'\nn = 1\n")
    put(tmp_path, "_bmad/custom/config.user.toml", "[core]\noutput_folder = '{project-root}/c'\n")
    config = read_config(tmp_path)
    assert config.path("output_folder") == tmp_path / "c"
    assert config.path("planning_artifacts") == tmp_path / "p"


@pytest.mark.parametrize("text", ["[", "[core]\nx = ", "core = 3\nmodules = 4\n", "a" * 600_000, "\0"])
def test_broken_config_counts_as_absent(tmp_path: Path, text: str) -> None:
    put(tmp_path, "_bmad/config.toml", text)
    put(tmp_path, "_bmad/bmm/config.yaml", text)
    assert read_config(tmp_path).path("output_folder") is None


@pytest.mark.parametrize("value", ["{other}/x", "''", "{project-root}", "{output_folder}"])
def test_paths_with_unknown_variables_are_no_paths(tmp_path: Path, value: str) -> None:
    put(tmp_path, "_bmad/bmm/config.yaml", f"output_folder: '{value}'\n".replace("'''", "''"))
    assert read_config(tmp_path).path("output_folder") is None
