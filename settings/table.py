"""The table of all settings with effect and range, for the Settings tab and for the validation."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Trust = Literal["never", "always", "outside"]  # outside: only where it names a place outside of the project

COMMIT_BY: Final = ("runner", "agent")
COMMIT_PER: Final = ("story", "cycle")
GATES: Final = ("plan", "commit", "done")
DELIVER: Final = ("commit", "branch", "pull-request")
DELIVER_PER: Final = ("story", "epic")
MERGE_WHEN: Final = ("never", "green", "approved")
# What the name of a delivery's branch may hold, and what the programs of a delivery are called with.
BRANCH_FIELDS: Final = ("name", "key", "epic", "batch")
PROGRAM_FIELDS: Final = (
    *("remote", "branch", "base", "head", "key", "url", "marker"),
    *("title", "body", "title_file", "body_file"),
)
TOKENS_MAX: Final = 1_000_000_000_000
BATCH_MAX: Final = 1000  # cycles of one batch; more is "all"


class Setting(msgspec.Struct, frozen=True):
    """The description of one setting. `low` and `high` are inclusive."""

    name: str
    effect: str
    kind: str = "text"  # a name of ARTICLES
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()  # the placeholders that the text may hold, as `{name}`
    optional: bool = False
    editable: bool = True
    secret: bool = False  # never shown, not even to the operator
    environment_only: bool = False  # a credential that no file of a project may hold
    trust: Trust = "never"  # whether the file's value counts only when the operator has trusted it
    applies: str = "at once"  # when a change in the page takes effect; one made elsewhere waits for a restart

    @property
    def allowed(self) -> str:
        """The range as text, for messages and the page."""
        if self.choices and self.kind == "list":
            return "a list of " + ", ".join(self.choices)
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.low is not None:
            low, high = _plain(self.low), None if self.high is None else _plain(self.high)
            bound = f"at least {low}" if high is None else f"from {low} to {high}"
            return f"{ARTICLES[self.kind]} {bound}"
        return ARTICLES[self.kind]


def _plain(number: float) -> str:
    """Return a number without an exponent: 1000000, 0.01."""
    return f"{number:.0f}" if number == int(number) else f"{number:g}"


ARTICLES: Final = {
    "text": "text",
    "command": "a command line",
    "hours": 'times such as "22:00-07:00", several joined by commas',
    "agents": "the name of an agent, or a list of different ones",
    "shares": 'a percentage from 1 to 99, or one for each window, such as "5 h: 30, week: 10"',
    "url": "a URL that begins with http:// or https://",
    "broker": "an address such as nats://host:4222 or tls://host:4222, without a user in it",
    "name": "1 to 60 letters, digits and hyphens",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list of texts",
    "mapping": "a mapping",
}

NEXT_BATCH: Final = "with the next batch"
NEXT_COMMAND: Final = "with the next command"
NEXT_START: Final = "at the next start of the server"

SETTINGS: Final = (
    Setting("host", "address to listen on; any but a loopback address needs a token", editable=False, trust="always"),
    Setting(
        "port",
        "port to listen on, 0 for a free one; unless set, the next free one from the default on",
        "integer",
        0,
        65535,
        editable=False,
        trust="always",
    ),
    Setting(
        "token",
        "secret that every request must carry, of 16 characters or more",
        optional=True,
        editable=False,
        secret=True,
        trust="always",
    ),
    Setting(
        "reader_token",
        "secret of readers, who see everything and change nothing, of 16 characters or more",
        optional=True,
        editable=False,
        secret=True,
        trust="always",
    ),
    Setting(
        "public_url",
        "address under which phones reach the page, for QR codes and for links in messages",
        "url",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting("allowed_hosts", "further names the page may be opened under", "list", editable=False, trust="always"),
    Setting("cors_origin", "which origin may read the data files; none: no other one", editable=False, trust="always"),
    Setting("data_dir", "folder of the database and the transcripts", optional=True, editable=False, trust="always"),
    Setting(
        "tracker",
        "the sprint-status.yaml to use, relative to the project",
        optional=True,
        editable=False,
        trust="outside",
    ),
    Setting(
        "initiative",
        "the initiative of a BMAD 7 project; none: the one chosen in the page, else that of BMAD's configuration",
        optional=True,
        editable=False,
    ),
    Setting(
        "agent",
        "the agent that runs commands; of a list the next one works while those before it wait",
        "agents",
        applies=NEXT_BATCH,
    ),
    Setting("agents", "how agents are called", "mapping", editable=False, trust="always"),
    Setting("commands", "agent and model of single commands", "mapping", editable=False, trust="always"),
    Setting(
        "prices", "US dollars per million tokens, by model, where an agent reports none", "mapping", editable=False
    ),
    Setting("workflow", "the preset of phases: auto, classic, build-auto, or a name of workflows", applies=NEXT_BATCH),
    Setting("workflows", "presets of one's own", "mapping", editable=False, trust="always"),
    Setting(
        "code_review_after_build", "review code once more after an unattended build", "boolean", applies=NEXT_BATCH
    ),
    Setting("verify", "command that must pass before a story is done", "command", optional=True, trust="always"),
    Setting(
        "gates",
        "where the run waits for your decision: before the first line of code, before a commit, before it goes on",
        "list",
        choices=GATES,
        applies=NEXT_BATCH,
    ),
    Setting(
        "commit_by", "who commits finished stories: the runner, exactly what changed, or an agent", choices=COMMIT_BY
    ),
    Setting("commit_per", "a commit for each story, or one for all stories of a cycle", choices=COMMIT_PER),
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
    Setting("default_batch_size", "cycles of a batch when none is given", "integer", 1, BATCH_MAX),
    Setting(
        "story_order",
        "which story comes next: the first in the file, or the one with the lowest number",
        choices=("file", "numeric"),
    ),
    Setting(
        "close_epics",
        "an epic that others wait for: ask before it is closed, or close it when every story was proved done",
        choices=("ask", "auto"),
    ),
    Setting("max_code_review_attempts", "code reviews before a story is blocked", "integer", 1, 100),
    Setting("light_model_after_review", "reviews from this one on use the light model", "integer", 1, 100),
    Setting(
        "project_context_max_age_hours",
        "age at which the context is refreshed",
        "number",
        0.01,
        100_000,
        applies=NEXT_BATCH,
    ),
    Setting(
        "command_timeout_min", "wall-clock limit of a command, minutes", "number", 0.01, 10_000, applies=NEXT_COMMAND
    ),
    Setting(
        "silence_timeout_min", "longest silence of an agent, minutes", "number", 0.01, 10_000, applies=NEXT_COMMAND
    ),
    Setting("retries", "further attempts after a failed command", "integer", 0, 20),
    Setting(
        "question_timeout_min", "minutes until an agent decides an unanswered question; 0: never", "number", 0, 10_000
    ),
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
    Setting(
        "active_hours", "hours of the day in which commands start, by this machine's clock", "hours", optional=True
    ),
    Setting("keep_awake", "keep the machine from sleeping while a batch works or waits for a time", "boolean"),
    Setting("auto_resume", "resume an interrupted batch at start", "boolean", applies=NEXT_START),
    Setting("parallel", "stories of so many epics run side by side, each in a worktree", "integer", 1, 8),
    Setting(
        "worktree_setup",
        "command that makes a new worktree ready",
        "command",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting("retention_days", "days that an agent's raw stream is kept", "integer", 1, 36_500, optional=True),
    Setting("event_retention_days", "days that events of older batches are kept", "integer", 1, 36_500, optional=True),
    Setting("receipt_notes", "write the receipt of each story's commit as a git note beside it", "boolean"),
    Setting("receipt_trailer", "name the receipt in the messages of commits that the runner makes", "boolean"),
    Setting(
        "receipt_key",
        "file of the SSH key that signs receipts; one with a passphrase must be in ssh-agent",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "notify_webhook",
        "URL that is called when the run needs you or has ended",
        "url",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "notify_secret",
        "secret that signs calls of the webhook",
        optional=True,
        editable=False,
        secret=True,
        trust="always",
    ),
    Setting(
        "notify_command",
        "command that is run when the run needs you or has ended",
        "command",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "fleet",
        "address of the NATS server through which a fleet sees this runner",
        "broker",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "fleet_name",
        "name of this runner in the fleet; none: made of the project and the machine",
        "name",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "fleet_machine",
        "name of this machine in the fleet; none: its host name",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting(
        "fleet_accounts",
        "names of accounts whose usage windows the machines of a fleet share, by agent",
        "mapping",
        editable=False,
        trust="always",
    ),
    Setting(
        "fleet_user",
        "user of the NATS server; none: the name in the fleet",
        optional=True,
        editable=False,
        environment_only=True,
    ),
    Setting(
        "fleet_password",
        "password of the user of the NATS server",
        optional=True,
        editable=False,
        secret=True,
        environment_only=True,
    ),
    Setting("heartbeat_s", "seconds between pings to a page", "number", 0.1, 3600, editable=False),
    Setting("pong_timeout_s", "seconds a page has to answer a ping", "number", 0.1, 3600, editable=False),
    Setting("max_clients", "pages that may be connected at once", "integer", 1, 100_000, editable=False),
)
BY_NAME: Final = {setting.name: setting for setting in SETTINGS}
# Settings that the server reads once, at its start; all others that need trust are used as soon as they are trusted.
READ_AT_START: Final = frozenset(
    {
        *(
            "host",
            "port",
            "token",
            "reader_token",
            "public_url",
            "allowed_hosts",
            "cors_origin",
            "data_dir",
            "tracker",
            "initiative",
        ),
        *("notify_webhook", "notify_secret", "notify_command"),
        *("fleet", "fleet_name", "fleet_machine", "fleet_accounts"),
    }
)
