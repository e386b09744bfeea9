"""Resolution: operators decide which items are one work; a decision is accepted when Kafka has it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from command_api.backends import opened
from command_api.services.resolution.controller import DecisionsController
from command_api.services.resolution.decisions import Decisions
from command_api.services.resolution.reader import PostgresRegistry
from runtime.clock import SystemClock
from runtime.connections import postgres
from runtime.http.auth import operators_of
from runtime.http.rate_limit import Quota
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings

_QUOTA = Quota(rate_per_second=20, burst=200)
"""Of all operators together: people, or a script that works through their list."""


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-resolution-commands", size=2)
    await pool.open(wait=False)
    try:
        async with opened(settings, "resolution", _QUOTA) as backends:
            decisions = Decisions(backends.intake, PostgresRegistry(pool), SystemClock())
            # No readiness of its own: the service answers everybody's questions while Kafka is away.
            yield Resources({"decisions": decisions, "operators": operators_of(settings)})
    finally:
        await pool.close()


SPEC = ServiceSpec(
    name="resolution-commands",
    controllers=(DecisionsController,),
    resources=_resources,
    dependencies=("decisions", "operators"),
    description="Takes operators' decisions about which items are one work.",
)
