"""Sync: devices send their queues and tell of themselves; accepted when Kafka has all of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from command_api.backends import opened
from command_api.services.sync.controller import MutationsController
from command_api.services.sync.device_controller import DevicesController
from command_api.services.sync.heartbeats import RedisHeartbeats
from command_api.services.sync.queues import Queues
from command_api.services.sync.reader import PostgresSyncReader
from runtime.clock import SystemClock
from runtime.connections import postgres
from runtime.http.rate_limit import Quota
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings

_QUOTA = Quota(rate_per_second=100, burst=500)
"""Of each user, all devices together: a few a minute are usual, a queue after days offline comes in requests of 500."""


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-sync-commands", size=4)
    # Not waiting: a database that is away shows in readiness, and all but additions goes on without it.
    await pool.open(wait=False)
    try:
        reader = PostgresSyncReader(pool)
        async with opened(settings, "sync", _QUOTA) as backends:
            clock = SystemClock()
            yield Resources(
                {
                    "queues": Queues(backends.intake, reader, clock),
                    "intake": backends.intake,
                    "heartbeats": RedisHeartbeats(backends.redis),
                    "sync_reader": reader,
                    "clock": clock,
                    "wait_seconds": settings.query_wait_seconds,
                },
                {**backends.ready, "postgres": reader.ping},
            )
    finally:
        await pool.close()


SPEC = ServiceSpec(
    name="sync",
    controllers=(MutationsController, DevicesController),
    resources=_resources,
    dependencies=("queues", "intake", "heartbeats", "sync_reader", "clock", "wait_seconds"),
    description="Takes the queues of people's devices, and what devices say of themselves and ask of each other.",
    authenticated=True,
)
