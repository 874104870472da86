"""The verb `receipt`: checks what is kept beside a commit, or in a file, on any clone and without the runner's records.

Exit codes: 0 verified, 3 verified with gaps, 4 not verified; 1 there is nothing to check, 2 usage.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from cli.errors import CannotStart
from git.process import GitError, ask_git
from receipts.envelope import LINE_MAX, Envelope, Malformed, read_text
from receipts.judgement import Answer
from running.receipts.check import CheckResult, NoReceipt, ReceiptResult, check_commit, check_receipt, clone_of
from security.controls import visible

NOTHING: Final = 1  # the exit code where there is no receipt
EXIT_CODES: Final[Mapping[str, int]] = {Answer.VERIFIED: 0, Answer.GAPS: 3, Answer.NOT: 4}


def show_receipt(options: argparse.Namespace) -> int:
    """Print the result and return the exit code. Raises `CannotStart`."""
    folder = (options.repository or Path.cwd()).resolve()
    if not folder.is_dir():
        raise CannotStart(f"{folder} is no folder")
    try:
        checked = asyncio.run(_check(folder, options))
    except NoReceipt as nothing:
        sys.stderr.write(f"{nothing}\n")
        return NOTHING
    except (GitError, OSError, TimeoutError) as error:
        raise CannotStart(f"git cannot answer in {folder}: {error}") from None
    if options.json:
        sys.stdout.write(msgspec.json.encode(checked).decode() + "\n")
    else:
        sys.stdout.write("\n".join(visible(line) for line in lines_of(checked)) + "\n")
    return EXIT_CODES[checked.answer]


async def _check(folder: Path, options: argparse.Namespace) -> CheckResult:
    if await ask_git(folder, "rev-parse", "--git-dir") is None:
        raise GitError("it is in no repository; name one with --repository")
    clone = await clone_of(folder, options.allowed_signers)
    found = await asyncio.to_thread(_read, Path(options.what))
    if found is None:
        return await check_commit(clone, options.what)
    if isinstance(found, Envelope):
        return await check_receipt(clone, found)
    said = f"{options.what} is no receipt: {found}"
    return CheckResult(
        Answer.NOT.value,
        [ReceiptResult(answer=Answer.NOT.value, commit="", stories=[], proved=[], gaps=[], differs=[said])],
    )


def _read(path: Path) -> Envelope | Malformed | None:
    """Return the receipt in a file; None where there is no such file."""
    if not path.is_file():
        return None
    if path.stat().st_size > LINE_MAX:
        return Malformed(f"it is larger than {LINE_MAX} bytes")
    try:
        return read_text(path.read_bytes().decode())
    except UnicodeDecodeError:
        return Malformed("it is no text in UTF-8")
    except Malformed as error:
        return error


def lines_of(checked: CheckResult) -> Iterator[str]:
    """Return the result as text: the answer, then of each receipt what is proved, what is not, what differs."""
    yield checked.answer
    for result in checked.results:
        if result.stories:
            yield f"{', '.join(result.stories)} ({result.commit[:10]}): {result.answer}"
        yield from (f"  ok       {text}" for text in result.proved)
        yield from (f"  gap      {text}" for text in result.gaps)
        yield from (f"  DIFFERS  {text}" for text in result.differs)
