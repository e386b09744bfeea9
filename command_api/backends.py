"""Kafka and Redis behind a service that takes people's commands."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from command_api.intake import Intake
from command_api.operation_ids import RedisOperationIds
from runtime.connections import redis
from runtime.connections.kafka import EventProducer
from runtime.connections.redis_batches import RedisBatches
from runtime.http.rate_limit import Quota
from runtime.http.service import Check
from runtime.settings import Settings

# Below the time-outs of common HTTP clients, so that they hear 503 instead of nothing; below the lease of an operation.
_PRODUCE_SECONDS = 10.0


class Backends(NamedTuple):
    intake: Intake
    redis: RedisBatches
    ready: Mapping[str, Check]


@asynccontextmanager
async def opened(settings: Settings, service: str, quota: Quota) -> AsyncIterator[Backends]:
    client = redis.client(settings.redis_url, f"mg-{service}")
    batches = RedisBatches(client)
    producer = EventProducer(settings.kafka, f"mg-{service}", timeout_seconds=_PRODUCE_SECONDS)
    try:
        intake = Intake(
            service,
            ids=RedisOperationIds(batches, service),
            log=producer,
            quota=quota,
            topic_prefix=settings.topic_prefix,
        )

        async def redis_answers() -> None:
            await client.ping()

        async def kafka_answers() -> None:
            await asyncio.to_thread(producer.check, 0.9)

        yield Backends(intake, batches, {"redis": redis_answers, "kafka": kafka_answers})
    finally:
        await asyncio.to_thread(producer.close)
        await batches.close()
        await client.aclose()
