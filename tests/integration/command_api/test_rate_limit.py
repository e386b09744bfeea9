"""The token bucket in Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from runtime.connections import redis
from runtime.http.rate_limit import Quota, RedisRateLimiter
from tests.support.backends import Backends

pytestmark = pytest.mark.backends


@pytest.fixture
async def client(backends: Backends) -> AsyncIterator[redis.Redis]:
    found = redis.client(backends.redis_url, "mg-test")
    yield found
    await found.aclose()


@pytest.fixture
def limiter(client: redis.Redis, random_suffix: str) -> RedisRateLimiter:
    return RedisRateLimiter(client, f"test:{random_suffix}:")


async def test_a_burst_then_the_rate(limiter: RedisRateLimiter) -> None:
    quota = Quota(rate_per_second=10, burst=3)
    first = [await limiter.take("a", quota) for _ in range(3)]
    assert [decision.allowed for decision in first] == [True, True, True]
    assert first[0].remaining == 2
    refused = await limiter.take("a", quota)
    assert not refused.allowed
    assert 0 < refused.retry_after <= 0.1
    assert 0.2 < refused.full_after <= 0.3
    await asyncio.sleep(refused.retry_after + 0.01)
    assert (await limiter.take("a", quota)).allowed


async def test_requests_at_once_do_not_share_a_token(limiter: RedisRateLimiter) -> None:
    quota = Quota(rate_per_second=0.1, burst=5)
    found = await asyncio.gather(*(limiter.take("a", quota) for _ in range(20)))
    assert sum(decision.allowed for decision in found) == 5


async def test_buckets_are_apart_and_forgotten_when_full(
    limiter: RedisRateLimiter, client: redis.Redis, random_suffix: str
) -> None:
    quota = Quota(rate_per_second=10, burst=1)
    assert (await limiter.take("a", quota)).allowed
    assert (await limiter.take("b", quota)).allowed
    await asyncio.sleep(0.2)
    assert await client.exists(f"test:{random_suffix}:a") == 0
