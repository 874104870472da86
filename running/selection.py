"""What the operator has chosen of a batch while it runs: the stories that are skipped, and those that run first.

The rows are in the database; this is their copy, which every choice of the next cycle and every start of
a command looks at without waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from db import Database
from running.story import StoryRun
from store.run_queue import RunQueue, get_run_queue
from store.skips import get_skips


class Selection:
    """The operator's choices, for all batches of one server."""

    def __init__(self) -> None:
        self.skipped: set[str] = set()
        self.queue = RunQueue()
        self._loaded = False
        self._running: dict[str, StoryRun] = {}  # of the cycles that run

    async def load(self, database: Database) -> None:
        """Read what was chosen before, the first time that it is asked for."""
        if self._loaded:
            return
        skips, queue = await database.read(get_skips), await database.read(get_run_queue)
        if not self._loaded:  # another call may have been faster, and what it found may have been changed since
            self._loaded, self.skipped, self.queue = True, set(skips), queue

    def end_batch(self) -> None:
        self._running.clear()
        self.queue = self.queue.between_batches

    @property
    def running(self) -> set[str]:
        """The keys of the cycles that run."""
        return set(self._running)

    def is_running(self, key: str) -> bool:
        return key in self._running

    def has_passed(self, key: str) -> bool:
        """Whether the work on a story in a cycle is done, and is perhaps not committed yet."""
        story = self._running.get(key)
        return story is not None and story.passed

    def skip(self, key: str) -> None:
        """Start no further command for a story; the one that runs ends by itself."""
        self.skipped.add(key)
        if (story := self._running.get(key)) is not None:
            story.skipped = True

    def bring_back(self, key: str) -> None:
        self.skipped.discard(key)
        if (story := self._running.get(key)) is not None:
            story.skipped = False

    def follow(self, stories: Iterable[StoryRun]) -> None:
        """Apply what is chosen, now and later, to the stories of a cycle that begins."""
        for story in stories:
            story.skipped = story.key in self.skipped
            self._running[story.key] = story

    def leave(self, stories: Iterable[StoryRun]) -> set[str]:
        """The cycle of these stories has ended; return those that were left as they are, and can be taken again."""
        for story in stories:
            self._running.pop(story.key, None)
        return {story.key for story in stories if story.skipped and not story.passed}

    def allowed(self, only: Sequence[str] | None) -> Sequence[str] | None:
        """Return the keys that may run, None for any: `only` are those that the batch was started with."""
        if self.queue.only:
            return self.queue.stories
        if only is None:
            return None
        return [*only, *(key for key in self.queue.stories if key not in only)]
