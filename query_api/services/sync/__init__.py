"""Sync, the reading half: a person's lists, positions and devices, whole or as what changed since.

Reads watch_state, watchlist, ratings, preferences, devices, playback_history and title_catalog, and from Redis which
devices are online.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from query_api.freshness import Freshness, Sources
from query_api.freshness.reader import PostgresStates
from query_api.services.sync.changes_controller import ChangesController
from query_api.services.sync.controller import ListsController
from query_api.services.sync.device_controller import DeviceListController
from query_api.services.sync.reader import StoredSyncReader
from query_api.user_changes import cursor
from runtime.clock import SystemClock
from runtime.connections import postgres, redis
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings
from schemas.read_models import devices, playback_history, preferences, ratings, title_catalog, watch_state, watchlist

SOURCES: Final = {
    watch_state.READ_MODEL: Sources(watch_state.TOPICS),
    watchlist.READ_MODEL: Sources(watchlist.TOPICS),
    ratings.READ_MODEL: Sources(ratings.TOPICS),
    preferences.READ_MODEL: Sources(preferences.TOPICS),
    devices.READ_MODEL: Sources(devices.TOPICS),
    playback_history.READ_MODEL: Sources(playback_history.TOPICS, indirectly=frozenset({"playback-events"})),
    title_catalog.READ_MODEL: Sources(frozenset({"titles"})),
}


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    pool = postgres.reader_pool(settings.postgres_reader_dsn, "mg-sync-queries")
    heartbeats = redis.client(settings.redis_url, "mg-sync-queries")
    # Not waiting: a database that is away shows in readiness and must not keep the commands beside us from starting.
    await pool.open(wait=False)
    states = PostgresStates(pool)
    try:
        yield Resources(
            {
                "user_state": StoredSyncReader(pool, heartbeats),
                "freshness": Freshness(states, settings.query_wait_seconds, SOURCES, carried=cursor.TOPICS),
                "query_clock": SystemClock(),
            },
            {"postgres": states.check},
        )
    finally:
        await heartbeats.aclose()
        await pool.close()


SPEC = ServiceSpec(
    name="sync_queries",
    controllers=(ListsController, DeviceListController, ChangesController),
    resources=_resources,
    dependencies=("user_state", "freshness", "query_clock"),
    description="Shows people's lists, positions and devices, and what changed since a device last asked.",
    authenticated=True,
)
