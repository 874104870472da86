"""Mutated trackers for a bounded time: never an exception, never harm.

    python -m tests.fuzz.fuzz_tracker --seconds 30 [--inputs 1000] [--seed 7] [FILE …]

Starts from the given files, else from the real trackers where they are at hand, else from made
ones. On a failure the bytes are written to a file, and its name and the seed are in the error.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sprint.markdown import split
from sprint.story import story_of
from tests.sprint import laws
from tests.sprint.conftest import TRACKER, corpus_trackers

# Processor time for reading and editing one input; the largest seeds are cut to SEED_BYTES for more rounds.
SLOW_S = 1.0
SEED_BYTES = 8_000
# Entries edited in each input.
EDITS = 3

_PIECES = [
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\t",
        b"  ",
        b": ",
        b" #",
        b"- ",
        b"? ",
        b"'",
        b'"',
        b"|",
        b">-",
        b"&a ",
        b"*a",
        b"!!str ",
    ),
    *(b"[", b"]", b"{", b"}", b"%YAML 1.1\n", b"---\n", b"...\n", b"\xef\xbb\xbf", b"\xff", b"\x00", b"\xc2\x85"),
    *(
        "\u2028".encode(),
        b"<<<<<<< a\n",
        b"=======\n",
        b">>>>>>> b\n",
        b"<<: ",
        b"development_status:\n",
        b"  epic-1: done\n",
    ),
    *(b"last_updated: 2025-01-02\n", b"status: ", b"stories:\n", b"epics:\n", b"\xf0\x9f\x94\xa5", b"[" * 100),
]

Mutation = Callable[[random.Random, bytes], bytes]


def _spot(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((0, 1, 1, 2, 8, 80)))


def _insert(rng: random.Random, data: bytes) -> bytes:
    start, end = _spot(rng, data)
    return data[:start] + rng.choice(_PIECES) + data[end:]


def _delete(rng: random.Random, data: bytes) -> bytes:
    start, end = _spot(rng, data)
    return data[:start] + data[end:]


def _flip(rng: random.Random, data: bytes) -> bytes:
    start, _ = _spot(rng, data)
    return data[:start] + bytes([rng.randrange(256)]) + data[start + 1 :]


def _move_line(rng: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    return b"".join(lines)


def _indent(rng: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    place = rng.randrange(len(lines))
    lines[place] = lines[place][1:] if rng.random() < 0.5 else b" " + lines[place]
    return b"".join(lines)


MUTATIONS: tuple[Mutation, ...] = (_insert, _delete, _flip, _move_line, _indent)


def check(data: bytes) -> int:
    """Reads the bytes as a tracker and as a story and edits some entries; answers how many edits were made."""
    begun = time.process_time()
    story_of(split(data))
    entries = list(laws.model(data).entries())
    step = max(1, len(entries) // EDITS)
    edited = sum(laws.edit(data, entry) is not None for entry in entries[::step])
    assert time.process_time() - begun < SLOW_S, "took too long"
    return edited


def fuzz(seconds: float, most: float, seed: int, files: list[Path]) -> tuple[int, int]:
    """Mutates for so long, or so many inputs; answers inputs and edits. A failure names the failing input's file."""
    rng = random.Random(seed)
    seeds = [path.read_bytes()[:SEED_BYTES] for path in files or corpus_trackers()] or [TRACKER.encode()]
    inputs = edits = 0
    end = time.monotonic() + seconds
    while inputs < most and time.monotonic() < end:
        data = rng.choice(seeds)
        for _ in range(rng.randint(1, 4)):
            data = rng.choice(MUTATIONS)(rng, data)
        try:
            edits += check(data)
        except Exception as error:
            kept = Path(tempfile.mkdtemp(prefix="fuzz-")) / "tracker.yaml"
            kept.write_bytes(data)
            raise AssertionError(f"seed {seed}, input {inputs}: {kept}") from error
        inputs += 1
    return inputs, edits


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutated trackers: never an exception, never harm.")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--inputs", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    inputs, edits = fuzz(options.seconds, options.inputs, options.seed, options.files)
    sys.stdout.write(f"{inputs} inputs, {edits} edits, no failure (seed {options.seed})\n")


if __name__ == "__main__":
    main()
