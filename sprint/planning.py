"""A sprint from epics: the text of a 6.x tracker, made of the headings of the planned epics.

Pure: the caller shows the text before anything is written.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date

from sprint.epics import EpicDoc
from sprint.keys import natural

# Of a title in a key, as BMAD's own planning cuts it.
SLUG_CHARS = 60

_HEAD = """\
# generated: {day}
# project: {name}
# project_key: NOKEY
# tracking_system: file-system
# story_location: {stories}

# STATUS DEFINITIONS:
# Epic: backlog, in-progress, done
# Story: backlog, ready-for-dev, in-progress, review, done
# Retrospective: optional, done

generated: {day}
last_updated: {day}
project: {quoted}
project_key: NOKEY
tracking_system: file-system
story_location: {stories}

development_status:
"""


def tracker_text(epics: Mapping[str, EpicDoc], name: str, stories: str, day: date) -> str:
    """The tracker of these epics, in their numeric order, every story in the backlog; "" without a story.

    stories: the folder of the story files, relative to the project, `/` between names.
    """
    planned = {ident: epic for ident, epic in epics.items() if epic.stories}
    if not planned:
        return ""
    shown = day.strftime("%m-%d-%Y 00:00")
    plain = " ".join(name.split())
    head = _HEAD.format(day=shown, name=plain, quoted=_quoted(plain), stories=_quoted(stories))
    blocks = ["\n".join(_lines(ident, planned[ident])) for ident in sorted(planned, key=natural)]
    return head + "\n\n".join(blocks) + "\n"


def _lines(ident: str, epic: EpicDoc) -> Iterator[str]:
    yield f"  epic-{ident}: backlog"
    for number in sorted(epic.stories, key=natural):
        yield f"  {ident}-{number}-{slug(epic.stories[number].title)}: backlog"
    yield f"  epic-{ident}-retrospective: optional"


def slug(title: str) -> str:
    """A title as BMAD writes it into a key: lower case, letters of any script kept."""
    text = re.sub(r"[\W_]+", "-", title.lower()).strip("-")[:SLUG_CHARS].strip("-")
    return text or hashlib.sha256(title.encode("utf-8", "replace")).hexdigest()[:8]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
