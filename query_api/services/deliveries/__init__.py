"""Deliveries: what became of what a provider sent? For operators, not for the public."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from query_api.services.deliveries.controller import DeliveriesController
from query_api.services.deliveries.reader import PostgresDeliveriesReader
from query_api.services.deliveries.silence import watch
from runtime.clock import SystemClock
from runtime.connections import postgres
from runtime.http.auth import Bearer
from runtime.http.service import Resources, ServiceSpec
from runtime.providers import KnownProviders
from runtime.settings import Settings


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-deliveries", size=2)
    # Not waiting: a database that is away shows in readiness and must not keep the webhooks beside us from starting.
    await pool.open(wait=False)
    try:
        reader = PostgresDeliveriesReader(pool)
        providers = KnownProviders(settings)
        watching = asyncio.create_task(watch(reader, providers))
        try:
            yield Resources(
                {
                    "deliveries_reader": reader,
                    "operator": Bearer(settings.operator_token),
                    "known_providers": providers,
                    "wait_seconds": settings.query_wait_seconds,
                    "deliveries_clock": SystemClock(),
                },
                {"postgres": reader.ping},
            )
        finally:
            watching.cancel()
            await asyncio.wait([watching])
    finally:
        await pool.close()


SPEC = ServiceSpec(
    name="deliveries",
    controllers=(DeliveriesController,),
    resources=_resources,
    dependencies=("deliveries_reader", "operator", "known_providers", "wait_seconds", "deliveries_clock"),
    description="Shows operators what became of providers' deliveries (bearer token `MG_OPERATOR_TOKEN`).",
)
