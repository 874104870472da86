"""The settings of budgets, caps and reserves."""

from __future__ import annotations

from typing import Final

from settings.setting import NEXT_BATCH, Setting

TOKENS_MAX: Final = 1_000_000_000_000

LIMIT_SETTINGS: Final = (
    Setting("budget_batch_usd", "US dollars a batch may spend", "number", 0.01, 1_000_000, optional=True),
    Setting("budget_day_usd", "US dollars a day may cost", "number", 0.01, 1_000_000, optional=True),
    Setting(
        "budget_batch_tokens",
        "tokens of all kinds that a batch may use, also of models without a price",
        "integer",
        1,
        TOKENS_MAX,
        optional=True,
    ),
    Setting(
        "budget_day_tokens",
        "tokens of all kinds that may be used in a day",
        "integer",
        1,
        TOKENS_MAX,
        optional=True,
    ),
    Setting("budget_story_usd", "US dollars a story may cost", "number", 0.01, 1_000_000, optional=True),
    Setting(
        "budget_story_tokens",
        "tokens of all kinds that a story may use",
        "integer",
        1,
        TOKENS_MAX,
        optional=True,
    ),
    Setting(
        "budget_command_usd",
        "US dollars that a command may cost, with all its attempts",
        "number",
        0.01,
        1_000_000,
        optional=True,
    ),
    Setting(
        "budget_command_tokens",
        "tokens of all kinds that a command may use, with all its attempts",
        "integer",
        1,
        TOKENS_MAX,
        optional=True,
    ),
    Setting(
        "no_progress_usd",
        "US dollars after which a batch pauses when no story has moved on",
        "number",
        0.01,
        1_000_000,
        optional=True,
    ),
    Setting(
        "no_progress_commands",
        "commands after which a batch pauses when no story has moved on",
        "integer",
        2,
        10_000,
        optional=True,
    ),
    Setting(
        "reserve_percent",
        "percent of a usage window that is left to people: at the line the run waits for its reset",
        "shares",
        optional=True,
    ),
    Setting(
        "reserve_hours",
        "hours of the day in which the reserve holds, by this machine's clock; none: always",
        "hours",
        optional=True,
    ),
    Setting(
        "budget_needs_prices",
        "refuse a batch whose budget a model without a price would get round",
        "boolean",
        applies=NEXT_BATCH,
    ),
)
