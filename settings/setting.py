"""The description of a setting: its effect and range, for the Settings tab and for the validation."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Trust = Literal["never", "always", "outside"]  # outside: only where it names a place outside of the project


class Setting(msgspec.Struct, frozen=True):
    """The description of one setting. `low` and `high` are inclusive."""

    name: str
    effect: str
    kind: str = "text"  # a name of ARTICLES
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()  # the placeholders that the text may hold, as `{name}`
    optional: bool = False
    editable: bool = True
    secret: bool = False  # never shown, not even to the operator
    environment_only: bool = False  # a credential that no file of a project may hold
    trust: Trust = "never"  # whether the file's value counts only when the operator has trusted it
    applies: str = "at once"  # when a change in the page takes effect; one made elsewhere waits for a restart

    @property
    def allowed(self) -> str:
        """The range as text, for messages and the page."""
        if self.choices and self.kind == "list":
            return "a list of " + ", ".join(self.choices)
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.low is not None:
            low, high = _plain(self.low), None if self.high is None else _plain(self.high)
            bound = f"at least {low}" if high is None else f"from {low} to {high}"
            return f"{ARTICLES[self.kind]} {bound}"
        return ARTICLES[self.kind]


MILLION: Final = 1_000_000


def _plain(number: float) -> str:
    """Return a number without an exponent, from a million on with its digits in groups: 0.01, 65535, 1,000,000."""
    if number >= MILLION:
        return f"{number:,.0f}"
    return f"{number:.0f}" if number == int(number) else f"{number:g}"


ARTICLES: Final = {
    "text": "text",
    "command": "a command line",
    "hours": 'times such as "22:00-07:00", several joined by commas',
    "agents": "the name of an agent, or a list of different ones",
    "shares": 'a percentage from 1 to 99, or one for each window, such as "5 h: 30, week: 10"',
    "url": "a URL that begins with http:// or https://",
    "broker": "an address such as nats://host:4222 or tls://host:4222, without a user in it",
    "name": "1 to 60 letters, digits and hyphens",
    "user": '1 to 100 characters without blanks, "*" and ">", joined by single dots',
    "label": "1 to 100 characters of one line",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list of texts",
    "mapping": "a mapping",
}

NEXT_BATCH: Final = "with the next batch"
NEXT_COMMAND: Final = "with the next command"
NEXT_START: Final = "at the next start of the server"
