"""Sprint Runner as an installed package. The build installs this file as `sprint_runner/__init__.py`."""

from __future__ import annotations

import runpy
from pathlib import Path


def main() -> None:
    """Run the application's folder, as `python FOLDER` does; ends with `SystemExit`."""
    runpy.run_path(str(Path(__file__).parent), run_name="__main__")
