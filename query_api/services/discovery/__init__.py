"""discovery: what is there, what is it, where can it be watched, what is watched most?

Reads title_catalog, availability, availability_changes, title_search and trending.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from query_api.freshness import Freshness, Sources
from query_api.freshness.reader import PostgresStates
from query_api.services.discovery.availability_changes import AvailabilityChangesController
from query_api.services.discovery.availability_feed import AvailabilityFeed
from query_api.services.discovery.controller import SearchController, TitleController
from query_api.services.discovery.expiring import ExpiringController, ExpiringReader
from query_api.services.discovery.reader import CatalogReader, QdrantSearcher
from query_api.services.discovery.search import Search
from query_api.services.discovery.trending import TrendingController
from query_api.services.discovery.trends import DiscoveryStates, RedisTrends
from runtime import logging
from runtime.clock import SystemClock
from runtime.connections import postgres, qdrant, redis
from runtime.embedding import Embedder, EmbeddingUnavailable
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings
from schemas.read_models import availability_changes, trending

SOURCES: Final = {
    "title_catalog": Sources(frozenset({"titles"})),
    "availability": Sources(frozenset({"titles"})),
    availability_changes.READ_MODEL: Sources(availability_changes.TOPICS, indirectly=frozenset({"titles"})),
    "title_search": Sources(frozenset({"titles", "title-embeddings"})),
    trending.READ_MODEL: Sources(trending.TOPICS),
}
_LOG = logging.get(__name__)


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-service-discovery")
    client = qdrant.connect_async(settings.qdrant_url)
    trends_client = redis.client(settings.redis_url, "mg-service-discovery")
    embedder = Embedder(settings.embedding)
    warming = asyncio.create_task(asyncio.to_thread(_warm, embedder))
    await pool.open()
    catalog, searcher = CatalogReader(pool), QdrantSearcher(client)
    states, trends = PostgresStates(pool), RedisTrends(trends_client)
    try:
        yield Resources(
            dependencies={
                "titles": catalog,
                "availability_feed": AvailabilityFeed(pool),
                "expiring_offers": ExpiringReader(pool),
                "search": Search(searcher, embedder),
                "freshness": Freshness(DiscoveryStates(states, trends), settings.query_wait_seconds, SOURCES),
                "trends": trends,
                "clock": SystemClock(),
            },
            ready={"postgres": states.check, "qdrant": searcher.check},
        )
    finally:
        await warming
        await client.close()
        await trends_client.aclose()
        await pool.close()


def _warm(embedder: Embedder) -> None:
    """Loads the model before the first query needs it. Without one, search does without the dense leg and says so."""
    try:
        embedder.query("warm up")
    except EmbeddingUnavailable as error:
        _LOG.warning("embedding_unavailable", reason=str(error))


SPEC = ServiceSpec(
    name="discovery",
    controllers=(
        SearchController,
        TitleController,
        AvailabilityChangesController,
        ExpiringController,
        TrendingController,
    ),
    resources=_resources,
    dependencies=("titles", "availability_feed", "expiring_offers", "search", "freshness", "trends", "clock"),
    description="Search the catalog, read titles, see where they can be watched.",
)
