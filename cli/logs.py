"""The format of log records on standard error: text lines, or one JSON object per line.

Promise: one record is one line. A name or an agent's output that contains a line end or a control character can neither
forge a second record nor control the terminal.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Final

FORMATS: Final = ("text", "json")
TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# C0 and C1 control characters except the tab, the two Unicode line separators, and those for the text direction.
_CONTROLS: Final = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x09},
    0x0A: "\\n",
    0x0D: "\\r",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
    **{code: f"\\u{code:04x}" for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}


class _Formatter(logging.Formatter):
    """Masks secrets before a record is encoded; `mask` is set once the secrets are known."""

    mask: Callable[[str], str] = staticmethod(str)

    def formatException(self, ei: object) -> str:
        return self.mask(super().formatException(ei))  # type: ignore[arg-type]


class TextFormatter(_Formatter):
    """Time, level, logger and message on one line; a traceback follows, indented."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def formatMessage(self, record: logging.LogRecord) -> str:
        return self.mask(super().formatMessage(record)).translate(_CONTROLS)

    def formatException(self, ei: object) -> str:
        text = super().formatException(ei)
        return "\n".join("    " + line.translate(_CONTROLS) for line in text.splitlines())


class JsonFormatter(_Formatter):
    """`{"time", "level", "logger", "message"}` and, after a failure, `"exception"`; time is UTC with milliseconds."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.mask(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)  # ASCII with escapes, so it contains no control character


def mask(text: Callable[[str], str]) -> None:
    """Pass every record through `text` from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _Formatter):
            handler.formatter.mask = text


def set_up(level: str, style: str) -> None:
    """Send every logger of the process to standard error, from `level` up, as `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])
