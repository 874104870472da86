"""The object store of a NATS server: bodies that are too large for messages."""

from __future__ import annotations

from typing import IO, Any

from fleet.stream.names import ObjectLimits
from fleet.stream.problems import problem_of


class Objects:
    """The buckets of objects of one server; `store` is the package's own access to JetStream."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def make(self, bucket: str, limits: ObjectLimits) -> None:
        """Make a bucket of objects; one that is there stays as it is."""
        from nats.js.api import ObjectStoreConfig

        config = ObjectStoreConfig(bucket=bucket, ttl=limits.max_age_s, max_bytes=limits.max_bytes)
        try:
            try:
                await self._store.object_store(bucket)
            except Exception:  # of any kind: making it says what is wrong
                await self._store.create_object_store(bucket, config)
        except Exception as error:
            raise problem_of(error) from None

    async def put(self, bucket: str, name: str, body: IO[bytes], limits: ObjectLimits) -> None:
        """Store an object in a bucket, which is made if there is none."""
        await self.make(bucket, limits)
        try:
            await (await self._store.object_store(bucket)).put(name, body)
        except Exception as error:
            raise problem_of(error) from None

    async def get(self, bucket: str, name: str, into: IO[bytes]) -> None:
        """Write an object to `into`, checked by its digest."""
        try:
            store = await self._store.object_store(bucket)
            await store.get(name, writeinto=into)
        except Exception as error:
            raise problem_of(error) from None
