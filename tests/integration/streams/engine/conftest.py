"""Settings and topics of the engine tests."""

import pytest

from runtime.settings import Settings
from tests.support.backends import Backends, PostgresDatabase
from tests.support.pipeline import apply_engine_tables, settings_for


@pytest.fixture
def settings(backends: Backends, postgres_database: PostgresDatabase, topic_prefix: str) -> Settings:
    apply_engine_tables(postgres_database.dsn)
    return settings_for(backends, postgres_database, topic_prefix)
