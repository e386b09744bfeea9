"""A migrated database, rows through SQL, and the pool that services read with."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from runtime.connections import postgres
from runtime.connections.postgres import AsyncPool
from tests.support import user_rows
from tests.support.backends import PostgresDatabase
from tests.support.migrated import migrated

__all__ = ["migrated"]


@pytest.fixture
def written(migrated: PostgresDatabase) -> Iterator[psycopg.Connection[Any]]:
    with user_rows.connect(migrated.dsn) as connection:
        yield connection


@pytest.fixture
async def pool(migrated: PostgresDatabase) -> AsyncIterator[AsyncPool]:
    found = postgres.reader_pool(migrated.reader_dsn, "mg-test", size=2)
    await found.open()
    yield found
    await found.close()
