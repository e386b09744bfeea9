"""Playback, the reading half: sessions of a person, open and ended. Reads playback_history and title_catalog."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from query_api.freshness import Freshness, Sources
from query_api.freshness.reader import PostgresStates
from query_api.services.playback.controller import SessionsController
from query_api.services.playback.reader import PostgresSessionsReader
from runtime.connections import postgres
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings
from schemas.read_models import playback_history, ratings, title_catalog

SOURCES: Final = {
    playback_history.READ_MODEL: Sources(playback_history.TOPICS, indirectly=frozenset({"playback-events"})),
    title_catalog.READ_MODEL: Sources(frozenset({"titles"})),
}


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-playback-queries", size=4)
    # Not waiting: a database that is away shows in readiness and must not keep the commands beside us from starting.
    await pool.open(wait=False)
    states = PostgresStates(pool)
    try:
        yield Resources(
            {
                "sessions_reader": PostgresSessionsReader(pool),
                "freshness": Freshness(states, settings.query_wait_seconds, SOURCES, carried=ratings.TOPICS),
            },
            {"postgres": states.check},
        )
    finally:
        await pool.close()


SPEC = ServiceSpec(
    name="playback_queries",
    controllers=(SessionsController,),
    resources=_resources,
    dependencies=("sessions_reader", "freshness"),
    description="Looks up sessions.",
    authenticated=True,
)
