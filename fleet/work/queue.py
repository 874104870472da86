"""The work queue of a project: one job per lane, held by a worker as a lease, offered again when its worker is silent.

The token of a lease is how often the broker has delivered the job: it only grows, and no clock is needed to compare it.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from fleet.stream.broker import Broker, BrokerLost, Message, WrongSequence
from fleet.stream.names import EXPECTED_HEADER, VERSION_HEADER
from fleet.work.messages import LaneOffer
from fleet.work.names import (
    CONSUMER,
    JOB_STREAM,
    JOBS,
    LEASE_S,
    OBJECTS,
    WORK_VERSION,
    bundles_bucket,
    job_subject,
    jobs_stream,
    lanes_stream,
)

ACK_PARTS = 9  # of the subject by which a job is acknowledged; with a domain it has two more in front


@dataclass(frozen=True, slots=True)
class JobLease:
    """A job that was delivered: its message, its place in the queue, the token, and the subject of signs of life."""

    message: Message
    job: int
    token: int
    ack: str


async def prepare_work(broker: Broker, project: str, lease_s: float = LEASE_S) -> None:
    """Make what the work of a project needs; what is there stays as it is. Raises `BrokerProblem`."""
    await broker.make(jobs_stream(project))
    await broker.make(lanes_stream(project))
    await broker.objects.make(bundles_bucket(project), OBJECTS)
    config = {
        "durable_name": CONSUMER,
        "name": CONSUMER,
        "ack_policy": "explicit",
        "ack_wait": int(lease_s * 1e9),
        "deliver_policy": "all",
        "replay_policy": "instant",
        "max_deliver": -1,
        "max_ack_pending": 1000,
    }
    stream = jobs_stream(project).name
    await broker.api(f"CONSUMER.CREATE.{stream}.{CONSUMER}", {"stream_name": stream, "config": config})


async def offer(broker: Broker, job: LaneOffer) -> int:
    """Put a job into the queue and return its place, also where it is there already."""
    headers = {VERSION_HEADER: WORK_VERSION, EXPECTED_HEADER: "0"}
    try:
        sent = await broker.store(job_subject(job.project, job.lane), msgspec.json.encode(job), headers)
        return await broker.stored(sent)
    except WrongSequence:  # it was stored, and the answer was lost
        found = await find_job(broker, job.project, job.lane)
        return 0 if found is None else found.seq


async def find_job(broker: Broker, project: str, lane: str) -> Message | None:
    """Return the job of a lane that is in the queue, held by a worker or not."""
    return await broker.last(jobs_stream(project).name, job_subject(project, lane))


async def remove_job(broker: Broker, project: str, lane: str) -> None:
    """Take the job of a lane out of the queue, whether or not a worker holds it."""
    await purge(broker, jobs_stream(project).name, job_subject(project, lane))


async def purge(broker: Broker, stream: str, subject: str, keep: int = 0) -> None:
    """Remove the messages of a subject but for the newest `keep`."""
    await broker.api(f"STREAM.PURGE.{stream}", {"filter": subject, **({"keep": keep} if keep else {})})


async def projects(broker: Broker) -> list[str]:
    """Return the projects that have a work queue."""
    found = await broker.api("STREAM.NAMES", {"subject": JOBS})
    return [name.removeprefix(JOB_STREAM) for name in found.get("streams") or () if name.startswith(JOB_STREAM)]


async def pull(broker: Broker, project: str, within_s: float) -> JobLease | None:
    """Return the next job, None where there is none within the time. Raises `BrokerProblem`."""
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{jobs_stream(project).name}.{CONSUMER}"
    asked = {"batch": 1, "expires": int(within_s * 1e9)}
    answers = broker.answers(subject, msgspec.json.encode(asked), {}, within_s + 2)
    try:
        async for message in answers:
            if message.status:  # nothing came, or there is no such consumer
                return None
            return _lease(message)
    finally:
        await answers.aclose()
    raise BrokerLost("the broker does not answer")


async def extend(broker: Broker, lease: JobLease) -> None:
    """Give a sign of life."""
    await broker.send(lease.ack, b"+WPI", {})


async def refuse(broker: Broker, lease: JobLease, after_s: float) -> None:
    """Give a job back, to be offered again after a while."""
    await broker.send(lease.ack, b"-NAK " + msgspec.json.encode({"delay": int(after_s * 1e9)}), {})


async def acknowledge(broker: Broker, lease: JobLease) -> None:
    """Report that a job is done."""
    await broker.send(lease.ack, b"+ACK", {})


def _lease(message: Message) -> JobLease:
    parts = message.reply.split(".")
    delivered, place = parts[4:6] if len(parts) == ACK_PARTS else parts[6:8]
    return JobLease(message, int(place), int(delivered), message.reply)
