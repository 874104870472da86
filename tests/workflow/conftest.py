from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).parents[2] / "../shared/corpus/projects"
collect_ignore = [] if CORPUS.is_dir() else ["test_real_projects.py"]  # other people's projects do not come along
