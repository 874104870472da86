"""The scripted agent as a program of its own: `python demo/agent.py --speed 1 -p --output-format stream-json …`.

It behaves as Claude Code 2.1.330 does and needs nothing but the standard library. See `demo/program.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Makes the package importable wherever the program was started, then runs it."""
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    try:
        from demo.program import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # before the agent has installed its signal handlers
        return 130


if __name__ == "__main__":
    sys.exit(main())
