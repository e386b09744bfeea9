"""Rate limits as a token bucket in Redis (GCRA, the generic cell rate algorithm of ITU-T I.371).

One key holds one number: the theoretical arrival time of the next request that fits exactly. The script runs inside
Redis with Redis' clock, so every process sees one bucket and their clocks do not matter.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import msgspec

from runtime.connections import redis
from runtime.http.problems import RATE_LIMITED, Problem

TAKE = """
local function take(key, interval, burst)
  local now = redis.call('TIME')
  local now_us = now[1] * 1000000 + now[2]
  local tolerance = interval * burst
  local arrival = math.max(tonumber(redis.call('GET', key) or now_us), now_us)
  local wanted = arrival + interval
  local early = wanted - tolerance - now_us
  if early > 0 then
    return {0, 0, math.ceil(early), math.ceil(arrival - now_us)}
  end
  redis.call('SET', key, string.format('%.0f', wanted), 'PX', math.ceil((wanted - now_us) / 1000) + 1)
  return {1, math.floor((now_us + tolerance - wanted) / interval), 0, math.ceil(wanted - now_us)}
end
"""
"""The Lua function that takes one request out of a bucket, for scripts that do more in the same round trip: its reply
is for `decision_of`."""
_SCRIPT = TAKE + "return take(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))"


class Quota(msgspec.Struct, frozen=True):
    """`rate_per_second` for ever, `burst` at once."""

    rate_per_second: float
    burst: int

    @property
    def interval_us(self) -> float:
        return 1_000_000 / self.rate_per_second


class Decision(msgspec.Struct, frozen=True):
    """Whether a request fits, what is left at once, seconds until the next one fits and until the bucket is full."""

    allowed: bool
    remaining: int
    retry_after: float
    full_after: float


class RateLimiter(Protocol):
    async def take(self, key: str, quota: Quota) -> Decision:
        """Takes one request out of the bucket `key`. Raises `runtime.connections.redis.Error` when Redis is away."""
        ...


class RedisRateLimiter:
    def __init__(self, client: redis.Redis, prefix: str = "rate_limit:v1:") -> None:
        self._prefix = prefix
        self._script = client.register_script(_SCRIPT)

    async def take(self, key: str, quota: Quota) -> Decision:
        return decision_of(await self._script(keys=[self._prefix + key], args=[quota.interval_us, quota.burst]))


def decision_of(reply: Sequence[int]) -> Decision:
    allowed, remaining, retry, full = reply
    return Decision(bool(allowed), int(remaining), int(retry) / 1e6, int(full) / 1e6)


def headers(name: str, quota: Quota, decision: Decision) -> dict[str, str]:
    """RateLimit and RateLimit-Policy as in draft-ietf-httpapi-ratelimit-headers-10."""
    window = max(1, math.ceil(quota.burst / quota.rate_per_second))
    return {
        "RateLimit-Policy": f'"{name}";q={quota.burst};w={window}',
        "RateLimit": f'"{name}";r={decision.remaining};t={math.ceil(decision.full_after)}',
    }


def require(name: str, quota: Quota, decision: Decision) -> dict[str, str]:
    """The headers of an allowed request. Raises Problem (429) with them and Retry-After otherwise."""
    found = headers(name, quota, decision)
    if not decision.allowed:
        raise Problem(RATE_LIMITED, headers=found, retry_after_seconds=max(1, math.ceil(decision.retry_after)))
    return found
