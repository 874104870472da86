"""Runs the application's folder: `python .`, `python -m sprint_runner` and the command `sprint-runner`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    if __package__:  # `python -m sprint_runner`, which does not put this folder on the path of imports
        runpy.run_path(str(Path(__file__).parent), run_name="__main__")
    else:
        from server import main

        sys.exit(main())
