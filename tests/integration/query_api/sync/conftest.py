"""The reading half of sync over real PostgreSQL and Redis, rows through SQL, titles through their materializer."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from query_api.services.sync import SPEC
from runtime.http.app import build_app
from runtime.settings import Settings
from schemas.types import AnyEvent
from schemas.types.catalog import Image
from streams.engine.spec import Advance, StoreContext
from streams.materializers import title_catalog
from tests.support import tokens, user_rows
from tests.support.backends import Backends, PostgresDatabase
from tests.support.migrated import migrated
from tests.support.migrated import settings as postgres_settings
from tests.support.titles import POSITION, changed, merged, retired
from tests.support.webhooks import serving

__all__ = ["migrated", "postgres_settings"]


def episode(title_id: str, season: int | None, number: int, series: str = "Tide Tables") -> AnyEvent:
    return changed(title_id, kind="episode", series_name=series, season_number=season, episode_number=number)


POSTER = Image(kind="poster", url="https://images.example/heat.jpg")
CATALOG: list[AnyEvent] = [
    changed("heat", name="Heat", year=1995, images=(Image(kind="backdrop", url="https://images.example/b"), POSTER)),
    changed("ran", name="Ran", year=1985),
    changed("twin", name="Heat twin"),
    merged("twin", 2, "between"),
    changed("between", name="Between"),
    merged("between", 2, "heat"),
    changed("orphan", name="Orphan"),
    merged("orphan", 2, "not-yet"),
    changed("gone", name="Gone"),
    retired("gone", 2),
    *(episode(f"tide-1-{number}", 1, number) for number in range(1, 4)),
    episode("tide-2-1", 2, 1),
    episode("tide-0-1", 0, 1),
    *(episode(f"plain-{number}", None, number, "Plain Numbers") for number in range(1, 3)),
    changed("tide", kind="series", name="TIDE TABLES"),
    changed("old-1-2", kind="episode"),
    merged("old-1-2", 2, "tide-1-2"),
]


@pytest.fixture
def settings(postgres_settings: Settings, backends: Backends) -> Settings:
    ready = msgspec.structs.replace(
        postgres_settings, redis_url=backends.redis_url, identity=tokens.IDENTITY, query_wait_seconds=0.3
    )
    store = title_catalog.SPEC.store(StoreContext(ready, "title_catalog"))
    if not store.positions([("titles", 0)]):
        writes = [write for event in CATALOG for write in title_catalog.SPEC.transform(event, POSITION)]
        store.apply(writes, [Advance("titles", 0, 0, len(CATALOG))])
    store.close()
    return ready


@pytest.fixture
def written(migrated: PostgresDatabase) -> Iterator[psycopg.Connection[Any]]:
    with user_rows.connect(migrated.dsn) as connection:
        yield connection


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(build_app("sync", [SPEC], settings)) as found:
        yield found
