"""The text of an event as it is searched: a sentence such as the page's log has, then every word of its payload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from store.search_text import clean_entry

SENTENCES: Final[Mapping[str, str]] = {
    "batch:start": "Batch {batch_id} started: {max_cycles}",
    "batch:end": "Batch {batch_id} {status}: {reason}",
    "batch:pause": "Batch paused: {reason}",
    "batch:resume": "Batch continues: {reason}",
    "cycle:start": "Group {cycle_number} started: {story_keys}",
    "cycle:end": "Group {cycle_number} ended: {completed_stories} done",
    "command:start": "{command} started, by {agent} {model}",
    "command:end": "{command} ended: {verdict} {reason} {status}",
    "story:status": "{old_status} → {new_status} ({reason})",
    "prompt:change": "The prompt of {command} was changed",
    "agent:switch": "{reason}",
    "run:queue": "These run first: {stories}",
}
CHARS_MAX: Final = 8_000  # of one event; a longer one is of a client of its own


def event_text(type: str, payload: Mapping[str, Any]) -> str:
    """Return the searched text: its first line is the sentence, the others have what else the payload says."""
    template = SENTENCES.get(type, "{message}")
    first = " ".join(template.format_map(_Words(payload)).replace("()", "").split()) or type
    named = [str(payload[key]) for key in ("batch_id", "cycle_number") if key in payload]
    words = dict.fromkeys(" ".join(word.split()) for word in (type, *_texts(payload), *named))
    rest = " ".join(word for word in words if word and word not in first)
    return clean_entry(f"{first}\n{rest}"[:CHARS_MAX])


def _texts(value: Any) -> Iterator[str]:
    """Yield every text within a value; no numbers, of which only those are searched that people name."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


class _Words(dict[str, Any]):
    """The values of a payload as words; what it does not have is nothing."""

    def __missing__(self, key: str) -> str:
        return ""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if isinstance(value, list):
            return ", ".join(map(str, value))
        return "all stories" if key == "max_cycles" and value == "all" else value
