"""Runs the tests of the page's modules, which are written for node's test runner."""

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ENV = {**os.environ, "LC_ALL": "en_GB.UTF-8"}  # a language that counts hours to 24, whatever that of the machine is


def test_the_modules_of_the_page() -> None:
    run = subprocess.run(["node", "--test"], cwd=HERE, env=ENV, capture_output=True, text=True, timeout=60, check=False)
    failed = [line for line in run.stdout.splitlines() if "not ok" in line]
    assert run.returncode == 0, "\n".join(failed) or run.stdout + run.stderr
