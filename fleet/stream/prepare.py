"""Makes the streams and buckets of a fleet, as an administrator: runners with limited permissions make none."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.stream.broker import Broker
from fleet.stream.login import BrokerLogin
from fleet.stream.names import PRESENCE, QUOTA, STATE, bucket, events_stream, objects_bucket
from fleet.stream.requests import OBJECTS
from fleet.work.names import workers_bucket
from fleet.work.queue import prepare_work


async def prepare(login: BrokerLogin, names: Sequence[str]) -> None:
    """Make what the fleet and the named runners need; what is there stays as it is. Raises `BrokerProblem`."""
    broker = await Broker.log_in(login, "fleet preparation")
    try:
        for shared in (PRESENCE, STATE, QUOTA):
            await broker.make(bucket(shared))
        await broker.make(workers_bucket())
        for name in names:
            await prepare_work(broker, name)
            await broker.make(events_stream(name))
            await broker.objects.make(objects_bucket(name), OBJECTS)
    finally:
        await broker.close()
