"""The reading half of playback over real PostgreSQL, rows through SQL."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from query_api.services.playback import SPEC
from runtime.http.app import build_app
from runtime.settings import Settings
from tests.support import tokens, user_rows
from tests.support.backends import PostgresDatabase
from tests.support.migrated import migrated, settings
from tests.support.webhooks import serving

__all__ = ["migrated", "settings"]


@pytest.fixture
def written(migrated: PostgresDatabase) -> Iterator[psycopg.Connection[Any]]:
    with user_rows.connect(migrated.dsn) as connection:
        yield connection


@pytest.fixture
async def client(settings: Settings, written: psycopg.Connection[Any]) -> AsyncIterator[httpx.AsyncClient]:
    ready = msgspec.structs.replace(settings, identity=tokens.IDENTITY, query_wait_seconds=0.2)
    async with serving(build_app("playback", [SPEC], ready)) as found:
        yield found
