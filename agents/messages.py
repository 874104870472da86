"""Messages of the operator to an agent that runs: their text for the model, and the ids by which they are recognised.

The id of a message is that of its row. It is part of what the program is sent and repeats when it takes the message, so
that a recording alone shows which messages were taken.
"""

from __future__ import annotations

import re
from typing import Final

# Of version 4 in form, as programs demand. The last twelve digits are the id of the message.
_UUID: Final = "5f72696e-7472-4e65-8072-{:012x}"
_UUID_FORM: Final = re.compile(r"5f72696e-7472-4e65-8072-([0-9a-f]{12})")
_BLOCK: Final = re.compile(r"<operator-message>\n(.*)\n</operator-message>", re.DOTALL)


def uuid_of(message_id: int) -> str:
    return _UUID.format(message_id)


def id_of(uuid: object) -> int | None:
    """Return the id of a message from its UUID; None for any other one."""
    found = _UUID_FORM.fullmatch(uuid) if isinstance(uuid, str) else None
    return None if found is None else int(found[1], 16)


def for_model(text: str) -> str:
    """Return a message as the model reads it: whose words it has, and that the work and its verdict go on."""
    return (
        "The operator of this run sends you a message while you work. It takes precedence over the plan where the two "
        f"differ.\n\n<operator-message>\n{text}\n</operator-message>\n\nTake it into account and continue your work. "
        "Your last reply still ends as your instructions ask for, with the verdict."
    )


def of_operator(text: str) -> str:
    """Return the operator's words in the text that the model reads."""
    found = _BLOCK.search(text)
    return text if found is None else found[1]
