"""Runs the tests of the page's modules, which are written for node's test runner."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def test_the_modules_of_the_page() -> None:
    run = subprocess.run(["node", "--test"], cwd=HERE, capture_output=True, text=True, timeout=60, check=False)
    failed = [line for line in run.stdout.splitlines() if "not ok" in line]
    assert run.returncode == 0, "\n".join(failed) or run.stdout + run.stderr
