"""Building the wheel and installing it, as a user's installer does."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.servers import ROOT

UV = Path(sys.executable).parent / "uv"


@dataclass(frozen=True)
class InstalledProgram:
    """An environment that holds the program."""

    venv: Path

    @property
    def command(self) -> Path:
        return self.venv / "bin/sprint-runner"

    @property
    def python(self) -> Path:
        return self.venv / "bin/python"

    @property
    def site_packages(self) -> Path:
        (folder,) = self.venv.glob("lib/python*/site-packages")
        return folder

    @property
    def folder(self) -> Path:
        """The application's folder."""
        return self.site_packages / "sprint_runner"


def build_wheel(folder: Path) -> Path:
    """Build this checkout's wheel into `folder`."""
    _call(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, venv: Path) -> InstalledProgram:
    """Install the wheel and what it depends on, at the locked versions, into a new environment."""
    installed = InstalledProgram(venv)
    _call(str(UV), "venv", "--quiet", "--python", sys.executable, str(venv))
    target = ("--quiet", "--python", str(installed.python))
    _call(str(UV), "pip", "install", *target, "--require-hashes", "--requirements", str(ROOT / "requirements.lock"))
    _call(str(UV), "pip", "install", *target, "--no-deps", "--offline", str(wheel))
    _call(str(UV), "pip", "check", *target)
    return installed


def _call(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
