"""discovery: what is there, what is it, where can it be watched? Reads title_catalog, availability and title_search."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from query_api.services.discovery.controller import SearchController, TitleController
from query_api.services.discovery.freshness import Freshness
from query_api.services.discovery.reader import CatalogReader, QdrantSearcher
from query_api.services.discovery.search import Search
from runtime import logging
from runtime.clock import SystemClock
from runtime.connections import postgres, qdrant
from runtime.embedding import Embedder, EmbeddingUnavailable
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings

_LOG = logging.get(__name__)


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-service-discovery")
    client = qdrant.connect_async(settings.qdrant_url)
    embedder = Embedder(settings.embedding)
    warming = asyncio.create_task(asyncio.to_thread(_warm, embedder))
    await pool.open()
    catalog, searcher = CatalogReader(pool), QdrantSearcher(client)
    try:
        yield Resources(
            dependencies={
                "titles": catalog,
                "search": Search(searcher, embedder),
                "freshness": Freshness(catalog, settings.query_wait_seconds),
                "clock": SystemClock(),
            },
            ready={"postgres": catalog.check, "qdrant": searcher.check},
        )
    finally:
        await warming
        await client.close()
        await pool.close()


def _warm(embedder: Embedder) -> None:
    """Loads the model before the first query needs it. Without one, search does without the dense leg and says so."""
    try:
        embedder.query("warm up")
    except EmbeddingUnavailable as error:
        _LOG.warning("embedding_unavailable", reason=str(error))


SPEC = ServiceSpec(
    name="discovery",
    controllers=(SearchController, TitleController),
    resources=_resources,
    dependencies=("titles", "search", "freshness", "clock"),
    description="Search the catalog, read titles, see where they can be watched.",
)
