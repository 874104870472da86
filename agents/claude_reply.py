"""The tokens of the reply that Claude Code is printing.

Every line of a reply reports the output tokens of its first byte. With partial messages the true number comes with the
reply's end; until then, and without them, the length of what was written is the better guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from agents.records import UsageSeen
from agents.spec import Usage

REPORT_CHARS = 2000  # of a growing block that are worth a new guess: about 500 tokens


@dataclass(slots=True)
class Reply:
    """Successive replies, distinguished by their message ids. `chars_per_token` None: what is reported is true."""

    chars_per_token: int | None
    id: str | None = None
    _model: str | None = None
    _usage: Usage = field(default_factory=Usage)
    _written: int = 0  # characters of finished blocks
    _growing: int = 0  # of the block that is being streamed
    _reported: int = 0

    def block(self, id_: str, model: str | None, usage: Usage, characters: int) -> UsageSeen:
        """The reply has begun (0 characters), or a block of it is finished."""
        if id_ != self.id:
            self.id, self._written, self._reported = id_, 0, 0
        self._model, self._usage = model, usage
        self._written += characters
        self._growing = 0
        return self._guess()

    def grow(self, characters: int) -> UsageSeen | None:
        """A block has become longer; a new guess when it is worth one."""
        self._growing += characters
        if self.id is None or self._written + self._growing - self._reported < REPORT_CHARS:
            return None
        return self._guess()

    def end(self, id_: str | None, usage: Usage) -> UsageSeen | None:
        """The true tokens of a reply; of the last one where the event does not name it."""
        id_ = id_ or self.id
        return UsageSeen(id_, usage, self._model if id_ == self.id else None) if id_ is not None and usage else None

    def _guess(self) -> UsageSeen:
        assert self.id is not None  # noqa: S101 - both callers have one
        self._reported = self._written + self._growing
        usage = self._usage
        if self.chars_per_token is not None:
            usage = replace(usage, output_tokens=max(usage.output_tokens, self._reported // self.chars_per_token))
        return UsageSeen(self.id, usage, self._model)
