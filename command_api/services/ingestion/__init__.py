"""Ingestion: providers post what changed in their catalogs; a delivery is accepted when Kafka has all of its items."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from command_api.services.ingestion.controller import WebhookController
from command_api.services.ingestion.deduplication import RedisDeliveries
from command_api.services.ingestion.intake import Intake
from command_api.services.ingestion.signature import keys_of
from runtime.clock import SystemClock
from runtime.connections import redis
from runtime.connections.kafka import EventProducer
from runtime.http.rate_limit import RedisRateLimiter
from runtime.http.service import Resources, ServiceSpec
from runtime.providers import KnownProviders
from runtime.settings import ProviderSettings, Settings, SettingsError

# Below the webhook timeouts of common senders (15 to 30 s), so that they hear 503 instead of nothing.
_PRODUCE_SECONDS = 10.0


def _check_secrets(provider: ProviderSettings) -> None:
    try:
        keys_of(secret.reveal() for secret in provider.secrets)
    except ValueError:
        # `from None`: the cause quotes the secret.
        raise SettingsError(f"provider {provider.name}: secrets must be whsec_ and base64, 24 bytes or more") from None


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    providers = KnownProviders(settings, _check_secrets)
    client = redis.client(settings.redis_url, "mg-ingestion")
    producer = EventProducer(settings.kafka, "mg-ingestion", timeout_seconds=_PRODUCE_SECONDS)
    try:
        intake = Intake(
            providers=providers,
            deliveries=RedisDeliveries(client),
            limiter=RedisRateLimiter(client),
            log=producer,
            clock=SystemClock(),
            topic_prefix=settings.topic_prefix,
        )

        async def redis_answers() -> None:
            await client.ping()

        async def kafka_answers() -> None:
            await asyncio.to_thread(producer.check, 0.9)

        yield Resources({"intake": intake}, {"redis": redis_answers, "kafka": kafka_answers})
    finally:
        await asyncio.to_thread(producer.close)
        await client.aclose()


SPEC = ServiceSpec(
    name="ingestion",
    controllers=(WebhookController,),
    resources=_resources,
    dependencies=("intake",),
    description="Takes providers' webhooks (Standard Webhooks); docs/webhooks.md shows how to sign and post one.",
)
