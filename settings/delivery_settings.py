"""The settings of where finished work goes."""

from __future__ import annotations

from typing import Final

from settings.setting import Setting

DELIVER: Final = ("commit", "branch", "pull-request")
DELIVER_PER: Final = ("story", "epic")
MERGE_WHEN: Final = ("never", "green", "approved")
# What the name of a delivery's branch may hold, and what the programs of a delivery are called with.
BRANCH_FIELDS: Final = ("name", "key", "epic", "batch")
PROGRAM_FIELDS: Final = (
    *("remote", "branch", "base", "head", "key", "url", "marker"),
    *("title", "body", "title_file", "body_file"),
)

DELIVERY_SETTINGS: Final = (
    Setting(
        "deliver",
        "where finished work goes beside its commit: nowhere, a pushed branch, a branch with a request to take it",
        choices=DELIVER,
        trust="always",
    ),
    Setting("deliver_per", "a branch for each story, or one for all stories of an epic", choices=DELIVER_PER),
    Setting("deliver_branch", "name of a delivery's branch", fields=BRANCH_FIELDS, trust="always"),
    Setting(
        "deliver_base",
        "branch that requests are made for; none: the remote's default branch",
        optional=True,
        trust="always",
    ),
    Setting("remote", "remote that branches are pushed to", editable=False, trust="always"),
    Setting(
        "pull_request_command",
        "command that makes a draft request and prints its URL",
        "command",
        fields=PROGRAM_FIELDS,
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "pull_request_lookup_command",
        "command that prints the URL of a branch's request, or nothing",
        "command",
        fields=PROGRAM_FIELDS,
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "checks_command",
        "command that reports a request's checks and comments",
        "command",
        fields=PROGRAM_FIELDS,
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting("checks_interval_s", "seconds between two looks at a request's checks", "number", 1, 86_400),
    Setting("deliver_rounds", "rounds of development for failed checks and comments of one request", "integer", 0, 20),
    Setting(
        "merge_when",
        "when a request is merged: never, once its checks passed, or once it is approved as well",
        choices=MERGE_WHEN,
        trust="always",
    ),
    Setting(
        "merge_command",
        "command that merges a request",
        "command",
        fields=PROGRAM_FIELDS,
        optional=True,
        editable=False,
        trust="always",
    ),
)
