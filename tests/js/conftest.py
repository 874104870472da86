"""The page's modules are tested by node's own test runner, where node is at hand; the browser tests need none."""

import shutil

collect_ignore = [] if shutil.which("node") else ["test_modules.py", "test_fold.py"]
