"""Fixtures of tests that need PostgreSQL with our tables: import those you use into a conftest."""

import psycopg
import pytest

from migrations import runner
from runtime import settings as settings_module
from runtime.settings import Settings
from tests.support.backends import PostgresDatabase


@pytest.fixture(scope="module")
def migrated(postgres_database: PostgresDatabase) -> PostgresDatabase:
    """The module's database with all migrations."""
    runner.apply(postgres_database.dsn)
    return postgres_database


@pytest.fixture
def settings(migrated: PostgresDatabase) -> Settings:
    """Only PostgreSQL is real."""
    return settings_module.load(
        {
            "MG_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "MG_POSTGRES_DSN": migrated.dsn,
            "MG_POSTGRES_READER_DSN": migrated.reader_dsn,
            "MG_REDIS_URL": "redis://127.0.0.1:1",
            "MG_QDRANT_URL": "http://127.0.0.1:1",
        }
    )


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()
