"""One `webhook-id`, one delivery: who works on it, with which body, and what was answered.

    begin ──► Started ──► finish ──► Done (the same answer for 96 h)
                │   └──► release (Kafka failed) ──► begin by a retry ──► Started
                └──── crashed: the lease ends ────► begin by a retry ──► Started

The body's hash is kept from the first `begin` on, also after a release: some items may be in the log already, so
another body under the same id would make two facts with one event id.
"""

from typing import Protocol

import msgspec

from runtime.connections import redis

KEEP_SECONDS = 96 * 3600
"""Longer than any provider retries (Standard Webhooks suggests about 75 h; the contract says at least 80)."""

LEASE_SECONDS = 30
"""How long a delivery may be in the works; longer than the producer tries, so that a lease ends only by a crash."""


class Started(msgspec.Struct, frozen=True):
    """The caller owns the delivery and must call `finish` or `release`."""


class InProgress(msgspec.Struct, frozen=True):
    """Another request with the same body owns it."""


class Done(msgspec.Struct, frozen=True):
    """It was accepted before; `answer` is what `finish` kept."""

    answer: bytes


class OtherBody(msgspec.Struct, frozen=True):
    """The id came with another body."""


Claim = Started | InProgress | Done | OtherBody


class Deliveries(Protocol):
    """Every method raises `runtime.connections.redis.Error` when the store is away."""

    async def begin(self, provider: str, delivery_id: str, body_hash: bytes) -> Claim: ...

    async def finish(self, provider: str, delivery_id: str, answer: bytes) -> None:
        """The first answer stays."""
        ...

    async def release(self, provider: str, delivery_id: str) -> None:
        """Lets a retry with the same body begin at once; changes nothing once there is an answer."""
        ...


_BEGIN = """
local now = tonumber(redis.call('TIME')[1])
local found = redis.call('HMGET', KEYS[1], 'body', 'answer', 'lease')
if found[1] and found[1] ~= ARGV[1] then return {'other'} end
if found[2] then return {'done', found[2]} end
if found[3] and tonumber(found[3]) > now then return {'busy'} end
redis.call('HSET', KEYS[1], 'body', ARGV[1], 'lease', now + ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {'started'}
"""
_FINISH = """
redis.call('HSETNX', KEYS[1], 'answer', ARGV[1])
redis.call('HDEL', KEYS[1], 'lease')
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = "redis.call('HDEL', KEYS[1], 'lease')"


class RedisDeliveries:
    """A hash a delivery: `body` (hash), then `lease` (epoch seconds, Redis' clock) or `answer`."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        prefix: str = "webhook_delivery:v1:",
        keep_seconds: int = KEEP_SECONDS,
        lease_seconds: int = LEASE_SECONDS,
    ) -> None:
        self._prefix = prefix
        self._keep = keep_seconds
        self._lease = lease_seconds
        self._begin = client.register_script(_BEGIN)
        self._finish = client.register_script(_FINISH)
        self._release = client.register_script(_RELEASE)

    async def begin(self, provider: str, delivery_id: str, body_hash: bytes) -> Claim:
        keys = [self._key(provider, delivery_id)]
        state, *rest = await self._begin(keys=keys, args=[body_hash, self._lease, self._keep])
        match state:
            case b"started":
                return Started()
            case b"busy":
                return InProgress()
            case b"done":
                return Done(rest[0])
            case _:
                return OtherBody()

    async def finish(self, provider: str, delivery_id: str, answer: bytes) -> None:
        await self._finish(keys=[self._key(provider, delivery_id)], args=[answer, self._keep])

    async def release(self, provider: str, delivery_id: str) -> None:
        await self._release(keys=[self._key(provider, delivery_id)])

    def _key(self, provider: str, delivery_id: str) -> str:
        return f"{self._prefix}{provider}:{delivery_id}"
