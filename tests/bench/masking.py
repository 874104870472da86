"""What masking costs per MB, beside a search for one word in the same text: recorded streams, prose, and text made to
be slow."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from security.masking import Masker
from tests.bench.load import table
from tests.realtime.server import ROOT

MIB: Final = 1 << 20
ROUNDS: Final = 5
BASELINE: Final = re.compile("zzqq")
STREAMS: Final = ROOT.parent / "shared" / "streams"
HOSTILE: Final = (
    *("sk-", "sk-a", "AIza", "AIzaa", "eyJ", "eyJa", "xox", "xapp- ", "rk_a", "whsec_", "hf_\n", "ghp_a", "glpat- "),
    *("://a:", "Bearer ", "x-api-key: ", "Authorization: Basic", "eyJaaaaaaaa.", "-----BEGIN PRIVATE KEY-----\n"),
    *("\\nsk-", "0asig=", "%0AAIza", "12345678:AA", "%3A%2F%2Fa%3A", "&#58;", "\x1b[31m", "a\x1b[0mb", "…"),
)
HEAD: Final = ("text of 1 MiB", "ms per MiB", "ms for one word", "ratio")


async def run() -> None:
    masker = Masker(["a-given-value"])
    rows = [_row(name, text, masker) for name, text in _texts().items()]
    worst = max(((_row(repr(piece), _repeated(piece), masker)) for piece in HOSTILE), key=lambda row: row[3])
    rows.append((f"the slowest of {len(HOSTILE)} made for it: {worst[0]}", *worst[1:]))
    table("Masking", HEAD, rows)


def _texts() -> dict[str, str]:
    files = sorted(path for path in STREAMS.rglob("*") if path.is_file() and path.stat().st_size < 5 * MIB)
    recorded = "".join(path.read_text("utf-8", "replace") for path in files)
    texts = {"prose": _repeated("the quick brown fox jumps over it\n")}
    texts["a build's log in colours"] = _repeated("\x1b[31mERROR\x1b[0m in \x1b[35msrc/app.ts\x1b[0m(12,5)\n")
    return {"recorded streams": recorded[:MIB], **texts} if recorded else texts


def _repeated(piece: str) -> str:
    return (piece * (MIB // len(piece) + 1))[:MIB]


def _row(name: str, text: str, masker: Masker) -> tuple[str, float, float, float]:
    """The best of some rounds, in turns, so that both meet the same machine."""
    found = [(_ms(lambda: masker.text(text)), _ms(lambda: BASELINE.search(text))) for _ in range(ROUNDS)]
    masked, searched = (min(times) for times in zip(*found, strict=True))
    return name, masked * MIB / len(text), searched * MIB / len(text), masked / searched


def _ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000
