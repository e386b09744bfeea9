"""The real store passes the suite of the fake, shares round trips, and survives a server that forgot its scripts."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from command_api.operation_ids import Claimed, Limited, RedisOperationIds
from runtime.connections import redis
from runtime.connections.redis_batches import RedisBatches
from runtime.http.rate_limit import Quota
from tests.support.backends import Backends
from tests.support.operation_ids_suite import QUOTA, A, B, OperationIdsSuite

pytestmark = pytest.mark.backends


@pytest.fixture
async def client(backends: Backends) -> AsyncIterator[redis.Redis]:
    found = redis.client(backends.redis_url, "mg-test")
    yield found
    await found.aclose()


class TestRedisOperationIds(OperationIdsSuite):
    @pytest.fixture
    def ids(self, client: redis.Redis, random_suffix: str) -> RedisOperationIds:
        return RedisOperationIds(RedisBatches(client), "sync", prefix=f"test:{random_suffix}:", lease_seconds=60)

    @pytest.fixture
    def short_leases(self, client: redis.Redis, random_suffix: str) -> RedisOperationIds:
        return RedisOperationIds(RedisBatches(client), "sync", prefix=f"test:{random_suffix}:", lease_seconds=1)


async def test_ids_are_kept_for_eighty_hours_and_more(client: redis.Redis, random_suffix: str) -> None:
    ids = RedisOperationIds(RedisBatches(client), "sync", prefix=f"test:{random_suffix}:")
    claim = await ids.claim("ann", QUOTA, [A])
    assert isinstance(claim, Claimed)
    ids.settle(claim.receipt, {A: "0:1"})
    await ids.claim("ann", QUOTA, [])
    assert await client.ttl(claim.receipt.decode()) > 4 * 24 * 3600


async def test_ids_of_the_days_before_are_found(client: redis.Redis, random_suffix: str) -> None:
    ids = RedisOperationIds(RedisBatches(client), "sync", prefix=f"test:{random_suffix}:")
    claim = await ids.claim("ann", QUOTA, [A, B])
    assert isinstance(claim, Claimed)
    ids.settle(claim.receipt, {A: "0:1", B: "0:2"})
    await ids.claim("ann", QUOTA, [])
    today = claim.receipt.decode()
    name, _, day = today.rpartition(":")
    await client.rename(today, f"{name}:{int(day) - 4}")
    again = await ids.claim("ann", QUOTA, [A, B])
    assert isinstance(again, Claimed)
    assert again.known == ("0:1", "0:2")


async def test_a_claim_takes_from_the_users_rate_limit(client: redis.Redis, random_suffix: str) -> None:
    ids = RedisOperationIds(RedisBatches(client), "sync", prefix=f"test:{random_suffix}:")
    slow = Quota(rate_per_second=0.01, burst=2)
    assert [type(await ids.claim("ann", slow, [])) for _ in range(3)] == [Claimed, Claimed, Limited]
    assert isinstance(await ids.claim("ann", slow, [A]), Limited)
    await client.delete(f"test:{random_suffix}:rate_limit:v1:sync:{{ann}}")
    assert isinstance(await ids.claim("ann", slow, [A]), Claimed), "a limited request claims nothing"
    assert isinstance(await ids.claim("bob", slow, []), Claimed)


async def test_a_server_that_forgot_its_scripts(client: redis.Redis, random_suffix: str) -> None:
    ids = RedisOperationIds(RedisBatches(client), "sync", prefix=f"test:{random_suffix}:")
    await ids.claim("ann", QUOTA, [A])
    await client.script_flush()
    assert isinstance(await ids.claim("ann", QUOTA, [B]), Claimed)


async def test_callers_share_round_trips_and_each_gets_its_own_reply(client: redis.Redis, random_suffix: str) -> None:
    batches = RedisBatches(client)
    keys = [f"test:{random_suffix}:{number}" for number in range(500)]
    await asyncio.gather(*(batches.run("SET", key, number, "EX", 60) for number, key in enumerate(keys)))
    replies = await asyncio.gather(
        *(batches.run("GET", key) for key in keys), batches.run("NO SUCH COMMAND"), return_exceptions=True
    )
    assert replies[:-1] == [str(number).encode() for number in range(500)]
    assert isinstance(replies[-1], redis.Error)
    await batches.close()


async def test_a_caller_that_goes_away_disturbs_nobody(client: redis.Redis, random_suffix: str) -> None:
    batches = RedisBatches(client)
    key = f"test:{random_suffix}"
    calls = [asyncio.create_task(batches.run("INCR", key)) for _ in range(20)]
    await asyncio.sleep(0)
    calls[3].cancel()
    replies = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(replies[3], asyncio.CancelledError)
    assert [reply for place, reply in enumerate(replies) if place != 3] == [n + 1 for n in range(20) if n != 3]
    await client.delete(key)


async def test_a_store_that_is_away_raises_and_does_not_hang() -> None:
    client = redis.client("redis://127.0.0.1:1", "mg-test")
    ids = RedisOperationIds(RedisBatches(client), "sync")
    found = await asyncio.gather(*(ids.claim("ann", QUOTA, [A]) for _ in range(5)), return_exceptions=True)
    assert [isinstance(error, redis.Error) for error in found] == [True] * 5
    await client.aclose()


async def test_what_nobody_waits_for_is_done_soon_and_in_its_order(client: redis.Redis, random_suffix: str) -> None:
    batches, key = RedisBatches(client), f"test:{random_suffix}"
    batches.soon("SET", key, "first", "EX", 60)
    assert await batches.run("GET", key) == b"first", "before what came later"
    batches.soon("SET", key, "second", "EX", 60)
    async with asyncio.timeout(30):
        while await client.get(key) != b"second":  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.01)
    batches.soon("SET", key, "third", "EX", 60)
    await batches.close()
    assert await client.get(key) == b"third"


async def test_what_nobody_waits_for_fails_without_harm(client: redis.Redis) -> None:
    batches = RedisBatches(client)
    batches.soon("NO SUCH COMMAND")
    assert await batches.run("PING") in (b"PONG", True)
    await batches.close()


async def test_a_connection_that_the_server_closed_is_made_anew(client: redis.Redis) -> None:
    batches = RedisBatches(client)
    own = await batches.run("CLIENT", "ID")
    await client.client_kill_filter(_id=str(own))
    async with asyncio.timeout(30):
        while any(int(each["id"]) == own for each in await client.client_list()):  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # until the end of the connection has reached us
    assert await batches.run("CLIENT", "ID") != own
    await batches.close()


async def test_a_server_that_does_not_answer_is_given_up_on_and_replies_are_not_mixed_up(
    backends: Backends, random_suffix: str
) -> None:
    hasty = redis.client(backends.redis_url, "mg-test", timeout_seconds=0.3)
    batches, key = RedisBatches(hasty), f"test:{random_suffix}"
    with pytest.raises(redis.Error):
        await batches.run("BLPOP", key, 20)
    async with asyncio.timeout(30):
        while True:  # a busy machine may be too slow for this client now and then
            try:
                assert await batches.run("ECHO", "mine") == b"mine"
                break
            except redis.Error:
                continue
    await batches.close()
    await hasty.aclose()
