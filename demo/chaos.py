"""Random failures instead of a script: any call may have any failure, and a seed always gives the same ones.

`--chaos SEED[:PROBABILITY]`. What happens depends on the seed, the command, its stories, and how often this command was
called for them before; not on time, nor on what else runs. Mishaps that stay until they are ended take as long as the
silence limit of the settings, so set that to seconds. A refused key is not among them: it ends the batch.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from random import Random

from demo.prompt import Prompt
from demo.script import AS_USUAL, ScriptError, Turn, count_use, turn_of

PROBABILITY = 0.25
# Their share of all random failures.
MISHAPS = {
    "fail": 4,
    "crash": 4,
    "crash:SIGSEGV": 1,
    "no-final": 2,
    "cut-off": 2,
    "no-marker": 4,
    "limit": 1,
    "overloaded": 2,
    "usage-limit:5": 1,
    "rate-limited:3": 4,
    "denied": 3,
    "garbage": 4,
    "half-lines": 4,
    "long-line:20": 1,
    "long-line:65": 1,
    "flood:50": 1,
    "stderr": 1,
    "children": 2,
    "lingers": 1,
    "question": 1,
    "silent": 1,
    "hang": 1,
    "stuck": 1,
    "ignores-signals+silent": 1,
    "stubborn": 1,
    "slow:3": 3,
}


@dataclass(frozen=True, slots=True)
class Chaos:
    seed: str
    probability: float = PROBABILITY

    def turn(self, prompt: Prompt, counts: Path) -> Turn:
        """How this call goes; calls are counted in a file beside `counts`."""
        name = " ".join((prompt.command, *(story.key for story in prompt.stories)))
        chance = Random(f"{self.seed}/{name}/{count_use(counts, name)}")
        if chance.random() >= self.probability:
            return AS_USUAL
        return turn_of(chance.choices(list(MISHAPS), list(MISHAPS.values()))[0])

    def counts(self, folder: Path) -> Path:
        """The file that this seed's calls in this project are counted beside."""
        return folder / f"chaos-{zlib.crc32(f'{self.seed} {os.getcwd()}'.encode()):08x}"


def parse(text: str) -> Chaos:
    """`7` or `7:0.5`. Raises ScriptError."""
    seed, _, probability = text.partition(":")
    try:
        chaos = Chaos(seed, float(probability or PROBABILITY))
    except ValueError:
        chaos = Chaos("")
    if not seed or not 0 <= chaos.probability <= 1:
        raise ScriptError(f"chaos: {text!r} is no SEED[:PROBABILITY]")
    return chaos
