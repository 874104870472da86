"""The names of the work of a fleet at its NATS server, and their limits. `PROJECT` is the coordinator's fleet name."""

from __future__ import annotations

from typing import Final

from fleet.stream.names import DAY_S, MIB, PRESENCE_S, ObjectLimits, StreamSpec, bucket_of

WORK_VERSION: Final = "1"  # of every message about work; one of another version is refused with a sentence
WRITER_HEADER: Final = "Sprint-Runner-Writer"  # of a message of a lane: the worker, its job and its token
BODY_HEADER: Final = "Sprint-Runner-Object"  # the message is this object of the project's bucket

WORKERS: Final = "fleet-workers"  # the bucket of presences of workers, a key each
CONSUMER: Final = "workers"  # of the work queue
JOB_STREAM: Final = "fleet-work-"  # before the project's name
LANE_STREAM: Final = "fleet-lanes-"
JOBS: Final = "fleet.work.*.lanes.>"

LEASE_S: Final = 10.0  # without a sign of its worker a lane is given to another one
NOT_MINE_S: Final = 0.5  # until a job is offered again that a worker cannot do
INLINE_BYTES: Final = 512 << 10  # of a message; a larger one is an object
OBJECTS: Final = ObjectLimits(max_bytes=4096 * MIB, max_age_s=DAY_S)


def jobs_stream(project: str) -> StreamSpec:
    """Return the stream of a project's work queue, which has one job per lane."""
    subjects = (f"fleet.work.{project}.lanes.*",)
    return StreamSpec(
        name=f"{JOB_STREAM}{project}", subjects=subjects, max_bytes=64 * MIB, max_age_s=30 * DAY_S, queue=True
    )


def lanes_stream(project: str) -> StreamSpec:
    """Return the stream of what coordinator and workers say about lanes, which loses nothing: a full one refuses."""
    return StreamSpec(
        name=f"{LANE_STREAM}{project}",
        subjects=(f"fleet.work.{project}.lane.*.*",),
        max_bytes=1024 * MIB,
        max_age_s=30 * DAY_S,
        whole=True,
    )


def workers_bucket() -> StreamSpec:
    return bucket_of(WORKERS, 16 * MIB, PRESENCE_S)


def job_subject(project: str, lane: str) -> str:
    return f"fleet.work.{project}.lanes.{lane}"


def do_subject(project: str, lane: str) -> str:
    """Return the subject by which a coordinator speaks to the worker of a lane."""
    return f"fleet.work.{project}.lane.{lane}.do"


def said_subject(project: str, lane: str) -> str:
    """Return the subject by which the worker of a lane speaks to the coordinator."""
    return f"fleet.work.{project}.lane.{lane}.said"


def bundles_bucket(project: str) -> str:
    return f"fleet-bundles-{project}"
