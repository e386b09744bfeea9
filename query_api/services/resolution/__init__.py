"""resolution: why is a title what it is, and what should a person look at?

Reads the identity registry, which entity_resolution writes: no read model stands between, so nothing waits for one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from query_api.services.resolution.controller import HistoryController, ReviewsController
from query_api.services.resolution.reader import RegistryReader
from runtime.connections import postgres
from runtime.http.auth import operators_of
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-resolution", size=2)
    await pool.open(wait=False)
    try:
        yield Resources({"registry": RegistryReader(pool), "operators": operators_of(settings)})
    finally:
        await pool.close()


SPEC = ServiceSpec(
    name="resolution",
    controllers=(HistoryController, ReviewsController),
    resources=_resources,
    dependencies=("registry", "operators"),
    description="How titles came about; reviews are for operators (bearer token `MG_OPERATOR_TOKEN`).",
)
