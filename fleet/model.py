"""The runners of a fleet as a fold over their news: what each does, whether it can be reached, when it was last heard.

Promises: an event is folded once, whatever is delivered twice; a gap raises `Gap` and changes nothing, so that the
source asks again; the state of a runner that cannot be reached stays as it was last known.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import singledispatchmethod
from typing import Final

import msgspec

from fleet.source import (
    Committed,
    Facts,
    Heard,
    Listed,
    Lost,
    News,
    Removed,
    RunnerId,
    RunnerInfo,
    RunnerRequest,
    RunnerResponse,
    RunnerSource,
    Snapshot,
    SourceProblem,
)
from runstate.fold import RunState
from runstate.server_state import ServerState
from runstate.views import FoldedRun, Run, run_view

NOT_YET: Final = "It was not heard yet."


class Gap(Exception):
    """Events are missing before those that were delivered."""


class RunnerState(msgspec.Struct, frozen=True, kw_only=True):
    """A runner as the fleet's page shows it. `heard_at` in ms since the epoch, 0: never.

    `lost` is the reason why it cannot be reached, null while it can; `run` is what is known of its run, without its
    stories, null before the first snapshot.
    """

    id: str
    info: RunnerInfo
    heard_at: int
    lost: str | None
    epoch: str
    run: Run | None


class Contact(msgspec.Struct, frozen=True):
    """Who a runner is and whether it is reached, without its run."""

    info: RunnerInfo
    heard_at: int
    lost: str | None


class _Runner:
    """One runner; `run` is None before its first snapshot."""

    def __init__(self, info: RunnerInfo) -> None:
        self.info = info
        self.heard_at = 0
        self.lost: str | None = NOT_YET
        self.epoch = ""
        self.run: RunState | None = None
        self.facts = ServerState()


class Fleet:
    """All runners. `apply` folds one piece of news and returns whose state it has changed, None for none."""

    def __init__(self) -> None:
        self._runners: dict[RunnerId, _Runner] = {}

    def ids(self) -> Collection[RunnerId]:
        return self._runners.keys()

    def apply(self, news: News) -> RunnerId | None:
        """Fold one piece of news. Raises `Gap`."""
        if isinstance(news, SourceProblem):  # of no runner
            return None
        if isinstance(news, Listed):
            return self._list(news)
        if isinstance(news, Removed):
            return news.runner if self._runners.pop(news.runner, None) is not None else None
        runner = self._runners.get(news.runner)
        return news.runner if runner is not None and self._fold(news, runner) else None

    def state(self, id: RunnerId) -> RunnerState | None:
        """Return a runner as it is shown; None for one that is not in the fleet."""
        runner = self._runners.get(id)
        if runner is None:
            return None
        return RunnerState(
            id=str(id),
            info=runner.info,
            heard_at=runner.heard_at,
            lost=runner.lost,
            epoch=runner.epoch,
            run=None if runner.run is None else _shown(runner.run, runner.facts),
        )

    def contact(self, id: RunnerId) -> Contact | None:
        """Return who a runner is; None for one that is not in the fleet."""
        runner = self._runners.get(id)
        return None if runner is None else Contact(runner.info, runner.heard_at, runner.lost)

    def states(self) -> list[RunnerState]:
        """Return all runners, in the order of their projects."""
        states = [state for id in self._runners if (state := self.state(id)) is not None]
        return sorted(states, key=lambda state: (state.info.project.lower(), state.id))

    def position(self, id: RunnerId) -> tuple[str, int] | None:
        """Return the epoch and the seq up to which a runner's events are folded; None before a snapshot."""
        runner = self._runners.get(id)
        return None if runner is None or runner.run is None else (runner.epoch, runner.run.run.seq)

    def _list(self, news: Listed) -> RunnerId | None:
        runner = self._runners.get(news.runner)
        if runner is None:
            self._runners[news.runner] = _Runner(news.info)
        elif runner.info == news.info:
            return None
        else:
            runner.info = news.info
        return news.runner

    @singledispatchmethod
    def _fold(self, news: object, runner: _Runner) -> bool:
        raise TypeError(f"{type(news).__name__} is no news of a runner")

    @_fold.register
    def _heard(self, news: Heard, runner: _Runner) -> bool:
        changed = runner.lost is not None
        runner.heard_at, runner.lost = max(runner.heard_at, news.at), None
        return changed

    @_fold.register
    def _lost(self, news: Lost, runner: _Runner) -> bool:
        changed = runner.lost != news.reason
        runner.lost = news.reason
        return changed

    @_fold.register
    def _snapshot(self, news: Snapshot, runner: _Runner) -> bool:
        runner.run = RunState()
        runner.run.run = msgspec.json.decode(news.run, type=FoldedRun)
        runner.run.run.seq = news.seq
        runner.facts = msgspec.json.decode(news.run, type=ServerState)
        runner.epoch = news.epoch
        runner.heard_at, runner.lost = max(runner.heard_at, news.at), None
        return True

    @_fold.register
    def _committed(self, news: Committed, runner: _Runner) -> bool:
        if runner.run is None or news.epoch != runner.epoch:
            raise Gap(f"events of {news.epoch or 'an unknown database'} came before its snapshot")
        runner.heard_at, runner.lost = max(runner.heard_at, news.at), None
        new = [event for event in news.events if event.seq > runner.run.run.seq]
        if new and (new[0].seq != runner.run.run.seq + 1 or new[-1].seq != new[0].seq + len(new) - 1):
            raise Gap(f"after event {runner.run.run.seq} came event {new[0].seq}")
        runner.run.apply(new)
        return bool(new)

    @_fold.register
    def _facts(self, news: Facts, runner: _Runner) -> bool:
        changed = runner.facts != news.facts
        runner.facts = news.facts
        return changed


def _shown(state: RunState, facts: ServerState) -> Run:
    """Return the run without its stories, which grow with the batch: a row shows none of them."""
    return msgspec.structs.replace(run_view(state.run, facts, state.run.state), stories=())


__all__ = [
    "Contact",
    "Fleet",
    "Gap",
    "RunnerId",
    "RunnerInfo",
    "RunnerRequest",
    "RunnerResponse",
    "RunnerSource",
    "RunnerState",
]
