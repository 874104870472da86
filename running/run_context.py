"""The context that all parts of a batch share, as one value."""

from __future__ import annotations

from dataclasses import dataclass, replace

from running.background import Background
from running.command import Commander
from running.gate import Gate
from running.journal import Journal
from running.workspace import Workspace
from workflow import Preset


@dataclass(frozen=True, slots=True)
class RunContext:
    """The context of a batch, or of one of its cycles, which has its own commander; in a lane, its own workspace."""

    workspace: Workspace
    commander: Commander
    background: Background
    gate: Gate
    preset: Preset

    @property
    def batch_id(self) -> int:
        return self.gate.batch_id

    def for_cycle(self, number: int, journal: Journal, branch: str | None = None) -> RunContext:
        """The context of one cycle; the commands in its journal are behind it. `branch`: of its lane's worktree."""
        return replace(self, commander=self.commander.for_cycle(self.workspace, number, journal, branch))

    def in_lane(self, lane: Workspace) -> RunContext:
        """The context of the lane with this workspace: its background work can be waited for by itself."""
        return replace(self, workspace=lane, background=Background(self.workspace, self.background))
