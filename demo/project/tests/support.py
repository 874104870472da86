"""A notebook in a folder of its own, and perch run on it as a user would."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from perch.cli import main
from perch.notebook import Notebook


class NotebookCase(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.notebook = Notebook(self.folder / "notebook.jsonl")
        patch = mock.patch.dict(os.environ, {"PERCH_NOTEBOOK": str(self.notebook.path)})
        patch.start()
        self.addCleanup(patch.stop)
        self.errors = ""

    def perch(self, *argv: str, expect: int = 0) -> str:
        """What perch prints; its complaints are in `self.errors` afterwards."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(err):
            code = main(argv, out)
        self.errors = err.getvalue()
        self.assertEqual(code, expect, self.errors)
        return out.getvalue()
