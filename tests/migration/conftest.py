"""Fresh, empty databases: one a test."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.backends import Backends, in_database


@pytest.fixture
def empty(backends: Backends) -> Iterator[str]:
    """Address of a database without anything in it."""
    name = f"mg_test_{secrets.token_hex(6)}"
    with psycopg.connect(backends.postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    yield in_database(backends.postgres_dsn, name)
    with psycopg.connect(backends.postgres_dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
