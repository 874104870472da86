"""The names of a fleet at its NATS server: subjects, streams, buckets, headers; and their limits.

`NAME` is a runner's name. A change of what a message holds is a new `VERSION`. Those of work are in `fleet.work.names`.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

VERSION: Final = "1"  # of every message; one of another version is refused with a sentence
VERSION_HEADER: Final = "Sprint-Runner-Version"
KEY_HEADER: Final = "Sprint-Runner-Key"  # of a command: the same key is carried out once
SENT_HEADER: Final = "Sprint-Runner-Sent"  # of a command: when, by the runner's own clock, in ms
REQUEST_HEADER: Final = "Sprint-Runner-Request"  # method and path
STATUS_HEADER: Final = "Sprint-Runner-Status"  # of the first piece of a response
MORE_HEADER: Final = "Sprint-Runner-More"  # of each piece but the last
OBJECT_HEADER: Final = "Sprint-Runner-Object"  # the body is this object of the runner's bucket
LARGE_HEADER: Final = "Sprint-Runner-Large"  # of an event that is too large for a message: ask the runner for it
HTTP_PREFIX: Final = "Http-"  # of the headers of HTTP within those of a message
ID_HEADER: Final = "Nats-Msg-Id"
EXPECTED_HEADER: Final = "Nats-Expected-Last-Subject-Sequence"

PRESENCE: Final = "fleet-presence"  # buckets, each with one key per runner
STATE: Final = "fleet-state"
QUOTA: Final = "fleet-quota"  # one key per account

MIB: Final = 1 << 20
DAY_S: Final = 86_400.0
PRESENCE_S: Final = 3.0  # the lifetime of a presence
BEAT_S: Final = 0.8  # between two of them
GONE_S: Final = 2.6  # without one a reader takes the runner for gone
PIECE_BYTES: Final = 256 << 10  # of a response in one message
OBJECT_BYTES: Final = MIB  # a larger response goes through the object store
OBJECT_S: Final = 600.0  # how long it is kept there


class StreamSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as it is made if there is none: limits in bytes and seconds, `per_subject` messages are kept of each.

    `queue`: its messages are jobs, one for each subject until it is done. `whole`: a full one refuses what is new.
    """

    name: str
    subjects: tuple[str, ...]
    max_bytes: int
    max_age_s: float
    per_subject: int = -1
    rollup: bool = False
    queue: bool = False
    whole: bool = False


class ObjectLimits(msgspec.Struct, frozen=True):
    """The limits of a bucket of objects."""

    max_bytes: int
    max_age_s: float


def events_stream(name: str) -> StreamSpec:
    """Return the stream of a runner's events, which forgets the oldest."""
    return StreamSpec(
        name=f"fleet-events-{name}", subjects=(f"fleet.events.{name}.*",), max_bytes=256 * MIB, max_age_s=7 * DAY_S
    )


def events_subject(name: str, epoch: str) -> str:
    return f"fleet.events.{name}.{epoch}"


def commands_subject(name: str) -> str:
    """Return the subject on which operators ask."""
    return f"fleet.command.{name}"


def reads_subject(name: str) -> str:
    """Return the subject on which viewers ask."""
    return f"fleet.read.{name}"


def bucket(name: str) -> StreamSpec:
    """Return the stream of one of the buckets that all runners share."""
    max_age_s = {PRESENCE: PRESENCE_S, STATE: 90 * DAY_S, QUOTA: 30 * DAY_S}[name]
    return bucket_of(name, 64 * MIB, max_age_s)


def bucket_of(name: str, max_bytes: int, max_age_s: float) -> StreamSpec:
    """Return the stream of a bucket, which keeps the newest value of each key."""
    return StreamSpec(
        name=f"KV_{name}",
        subjects=(f"$KV.{name}.>",),
        max_bytes=max_bytes,
        max_age_s=max_age_s,
        per_subject=1,
        rollup=True,
    )


def key_subject(bucket: str, key: str) -> str:
    return f"$KV.{bucket}.{key}"


def objects_bucket(name: str) -> str:
    return f"fleet-objects-{name}"


def name_of(project: str, machine: str) -> str:
    """Return the name of a runner without one in the settings: letters, digits and hyphens."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"{project}-{machine.partition('.')[0]}").strip("-")
    return words[:60].rstrip("-") or "runner"
