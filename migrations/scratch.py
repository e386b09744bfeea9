"""A database of our own on somebody's server: migrated from nothing, dropped afterwards."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql
from psycopg.conninfo import make_conninfo

from migrations import runner
from runtime.connections import postgres


@contextmanager
def migrated_database(dsn: str) -> Iterator[str]:
    """The address of a fresh, migrated database beside the one of `dsn`, whose role must be allowed to make it.

    What is generated from it depends on the migrations alone, and not on what was rebuilt or tried in a living one.
    """
    name = f"mg_scratch_{secrets.token_hex(4)}"
    with postgres.connect_plain(dsn, "mg-scratch") as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            address = make_conninfo(dsn, dbname=name)
            runner.apply(address)
            yield address
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
