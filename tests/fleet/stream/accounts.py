"""The accounts of a runner, without agents: windows, a wait, and a reserve, and what others have made known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from store.quota import AccountWait, QuotaWindow


class Accounts:
    """One account `team`, unless `shared` is taken away."""

    def __init__(self) -> None:
        self.on_wait: Callable[[str], None] = lambda name: None
        self.shared: list[str] = []
        self.known: dict[str, tuple[float, int | None]] = {}
        self.waiting: AccountWait | None = None
        self.shares: dict[str, float] = {}
        self.reserves: Sequence[tuple[Mapping[str, float], float | None]] = ()

    def names(self) -> list[str]:
        return self.shared

    def windows(self, name: str) -> list[QuotaWindow]:
        return [
            QuotaWindow(account="claude", window=window, used_fraction=used, resets_at=resets_at, at=1)
            for window, (used, resets_at) in self.known.items()
        ]

    def wait(self, name: str) -> AccountWait | None:
        return self.waiting

    def reserve(self) -> tuple[Mapping[str, float], float | None]:
        return self.shares, None

    async def adopt_windows(self, name: str, windows: Mapping[str, tuple[float, int | None]]) -> None:
        self.known.update(windows)

    async def adopt_wait(self, name: str, reason: str, until: int | None) -> None:
        self.waiting = None if until is None else AccountWait(account="claude", reason=reason, until=until, at=1)

    def adopt_reserves(self, name: str, reserves: Sequence[tuple[Mapping[str, float], float | None]]) -> None:
        self.reserves = reserves

    def let_wait(self, until: int | None) -> None:
        """As a usage limit, or the operator's Resume."""
        self.waiting = None if until is None else AccountWait(account="claude", reason="usage-limit", until=until, at=1)
        self.on_wait("team")
