"""The real store passes the suite of the fake."""

from collections.abc import AsyncIterator

import pytest

from command_api.services.ingestion.deduplication import RedisDeliveries
from runtime.connections import redis
from tests.support.backends import Backends
from tests.support.deduplication_suite import DeduplicationSuite

pytestmark = pytest.mark.backends


@pytest.fixture
async def client(backends: Backends) -> AsyncIterator[redis.Redis]:
    found = redis.client(backends.redis_url, "mg-test")
    yield found
    await found.aclose()


class TestRedisDeliveries(DeduplicationSuite):
    @pytest.fixture
    def deliveries(self, client: redis.Redis, random_suffix: str) -> RedisDeliveries:
        return RedisDeliveries(client, prefix=f"test:{random_suffix}:", lease_seconds=60)

    @pytest.fixture
    def short_leases(self, client: redis.Redis, random_suffix: str) -> RedisDeliveries:
        return RedisDeliveries(client, prefix=f"test:{random_suffix}:", lease_seconds=1)

    @pytest.fixture
    def short_memory(self, client: redis.Redis, random_suffix: str) -> RedisDeliveries:
        return RedisDeliveries(client, prefix=f"test:{random_suffix}:", keep_seconds=1)


async def test_ids_are_kept_longer_than_providers_retry(client: redis.Redis, random_suffix: str) -> None:
    store = RedisDeliveries(client, prefix=f"test:{random_suffix}:")
    await store.begin("wikidata", "msg_1", b"hash")
    assert await client.ttl(f"test:{random_suffix}:wikidata:msg_1") > 80 * 3600
    await store.finish("wikidata", "msg_1", b"answer")
    assert await client.ttl(f"test:{random_suffix}:wikidata:msg_1") > 80 * 3600


async def test_a_store_that_is_away_raises_and_does_not_hang() -> None:
    client = redis.client("redis://127.0.0.1:1", "mg-test")
    with pytest.raises(redis.Error):
        await RedisDeliveries(client).begin("wikidata", "msg_1", b"hash")
    await client.aclose()
