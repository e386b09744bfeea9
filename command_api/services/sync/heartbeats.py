"""Which devices are online: a key in Redis that ends by itself. No fact, so nothing of it is in the log."""

from datetime import datetime
from typing import Protocol

from runtime.connections import redis
from runtime.connections.redis_batches import RedisBatches
from runtime.http import problems
from runtime.http.problems import Problem
from schemas.read_models.devices import HEARTBEAT_SECONDS, heartbeat_key


class Heartbeats(Protocol):
    async def beat(self, user_id: str, device_id: str, now: datetime) -> None:
        """Raises Problem (503) when the store is away."""
        ...

    async def is_online(self, user_id: str, device_id: str) -> bool:
        """False also when nobody can tell."""
        ...


class RedisHeartbeats:
    """The value is when it was heard, in milliseconds since 1970."""

    def __init__(self, batches: RedisBatches) -> None:
        self._batches = batches

    async def beat(self, user_id: str, device_id: str, now: datetime) -> None:
        key, heard = heartbeat_key(user_id, device_id), int(now.timestamp() * 1000)
        try:
            await self._batches.run("SET", key, heard, "EX", HEARTBEAT_SECONDS)
        except redis.Error:
            raise Problem(problems.UNAVAILABLE, "Redis does not answer.", retry_after_seconds=2) from None

    async def is_online(self, user_id: str, device_id: str) -> bool:
        try:
            return bool(await self._batches.run("EXISTS", heartbeat_key(user_id, device_id)))
        except redis.Error:
            return False
