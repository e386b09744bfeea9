"""quality: how much is known of a title, and how lately was it heard of?

Computed when asked, from title_catalog: a score that decays is no column.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from query_api.services.quality.controller import QualityReportController, TitleQualityController
from query_api.services.quality.reader import QualityReader
from runtime.clock import SystemClock
from runtime.connections import postgres
from runtime.http.auth import operators_of
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-quality", size=2)
    await pool.open(wait=False)
    try:
        dependencies = {
            "quality": QualityReader(pool),
            "quality_clock": SystemClock(),
            "quality_operators": operators_of(settings),
        }
        yield Resources(dependencies)
    finally:
        await pool.close()


SPEC = ServiceSpec(
    name="quality",
    controllers=(TitleQualityController, QualityReportController),
    resources=_resources,
    dependencies=("quality", "quality_clock", "quality_operators"),
    description="How complete and how fresh titles are; the report is for operators.",
)
