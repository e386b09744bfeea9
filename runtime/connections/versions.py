"""Physical versions of a read model in PostgreSQL: `<table>_v<n>` behind a view with the plain name (ADR 0003).

A rebuild makes the next version, fills it beside the serving one, switches the views to it and drops the old one.
Readers only ever name the views. Writers share-lock the read model's row in `read_model_versions` in every transaction,
so no transaction of theirs straddles a switch.
"""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from psycopg import errors, sql

from runtime.connections import positions, postgres
from runtime.connections.postgres import Connection, Cursor
from runtime.sql import Statements

_SQL = Statements(Path(__file__).with_name("versions.sql"))
_APPLICATION = "mg-versions"
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
_WRITERS_WAIT_MS = 5000
# Readers queue behind us while we wait for a view, so the wait is short and repeated. It is also shorter than
# PostgreSQL's deadlock_timeout (1 s): a reader of two views can never be the victim of a deadlock with us.
_READERS_WAIT_MS = 200


class VersionError(Exception):
    """A version cannot be made, served or dropped as asked; the message says why. Nothing has changed."""


class VersionNotCompleteError(VersionError):
    """It does not have all of the log yet."""


def until_complete(switch: Callable[[], None]) -> None:
    """Tries to switch again for 30 s while the version is not complete or readers keep it busy."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            switch()
        except (errors.LockNotAvailable, errors.DeadlockDetected, VersionNotCompleteError):
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def serving_version(cursor: Cursor, read_model: str) -> int:
    """The version that the views show; 1 until something else is said."""
    cursor.execute(_SQL["serving_version"], {"read_model": read_model})
    row = cursor.fetchone()
    return int(row[0]) if row else 1


def create_version(dsn: str, read_model: str, tables: Sequence[str], version: int) -> None:
    """Empty tables of `version`, shaped, indexed and partitioned like the serving ones; what an earlier try left is
    dropped. A partitioned one has no partitions yet: its writer makes those it needs.

    Raises VersionError when `version` is the serving one, psycopg.Error when the database is away or busy.
    """
    with _connect(dsn) as connection, connection.transaction(), connection.cursor() as cursor:
        serving = _locked_serving(cursor, read_model)
        if version == serving:
            raise VersionError(f"{read_model}: version {version} is the one being served")
        for table in tables:
            new, old = physical(table, version), physical(table, serving)
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(new)))
            statement = sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                sql.Identifier(new), sql.Identifier(old)
            )
            cursor.execute(statement.as_bytes(cursor) + _partitioning(cursor, old))
        positions.forget(cursor, consumer(read_model, version))


def switch_version(
    dsn: str, read_model: str, tables: Sequence[str], version: int, complete: Callable[[], bool] = lambda: True
) -> None:
    """All views of the read model show `version` from one moment on; its writers are fenced and follow.

    `complete` is asked while the writer of the serving version is held back: whether `version` has all of the log by
    now. Only then nobody who saw the newest row of the one misses it in the other.

    Waits for transactions under way and tries again while readers keep a view busy or the version is not complete, up
    to 30 s in all. Raises VersionError when the version does not exist or was never complete,
    psycopg.errors.LockNotAvailable when the time was not enough.
    """
    with _connect(dsn) as connection:
        _require(connection, tables, version)
        for table in tables:  # fresh statistics: the first query after the switch must not get a plan for empty tables
            connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(physical(table, version))))

        def switch() -> None:
            with connection.transaction(), connection.cursor() as cursor:
                _switch(cursor, read_model, tables, version, complete)

        until_complete(switch)


def drop_version(dsn: str, read_model: str, tables: Sequence[str], version: int) -> None:
    """Raises VersionError when `version` is the serving one. Dropping what is not there is fine."""
    with _connect(dsn) as connection, connection.transaction(), connection.cursor() as cursor:
        if _locked_serving(cursor, read_model) == version:
            raise VersionError(f"{read_model}: version {version} is the one being served")
        cursor.execute(_SQL["limit_lock_wait"], {"milliseconds": str(_WRITERS_WAIT_MS)})
        for table in tables:
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(physical(table, version))))
        positions.forget(cursor, consumer(read_model, version))


def physical(table: str, version: int) -> str:
    """The table behind the view `table` at `version`."""
    return f"{table}_v{version}"


def consumer(read_model: str, version: int) -> str:
    """The name under which the writer of `version` keeps its positions."""
    return f"{read_model}_v{version}"


def _connect(dsn: str) -> Connection:
    return postgres.connect_plain(dsn, _APPLICATION)


def _locked_serving(cursor: Cursor, read_model: str) -> int:
    cursor.execute(_SQL["lock_versions"], {"read_model": read_model})
    return serving_version(cursor, read_model)


def _require(connection: Connection, tables: Sequence[str], version: int) -> None:
    for table in tables:
        row = connection.execute(_SQL["table_exists"], {"name": physical(table, version)}).fetchone()
        if row is None or not row[0]:
            raise VersionError(f"there is no {physical(table, version)}: make the version first")


def _partitioning(cursor: Cursor, table: str) -> bytes:
    """` PARTITION BY …` as the server wrote it down, which LIKE leaves out; nothing for a plain table."""
    cursor.execute(_SQL["partition_key"], {"name": table})
    row = cursor.fetchone()
    return f" PARTITION BY {row[0]}".encode() if row is not None else b""


def _switch(cursor: Cursor, read_model: str, tables: Sequence[str], version: int, complete: Callable[[], bool]) -> None:
    """Row first, views second: writers hold the row and want no view, readers hold views and want no row."""
    old = _locked_serving(cursor, read_model)
    cursor.execute(_SQL["limit_lock_wait"], {"milliseconds": str(_WRITERS_WAIT_MS)})
    cursor.execute(_SQL["switch_version"], {"read_model": read_model, "version": version})
    if not complete():
        raise VersionNotCompleteError(f"{read_model}: version {version} does not come up with the log")
    cursor.execute(_SQL["limit_lock_wait"], {"milliseconds": str(_READERS_WAIT_MS)})
    for table in sorted(tables):
        cursor.execute(_SQL["view_definition"], {"name": table})
        row = cursor.fetchone()
        if row is None:
            raise VersionError(f"there is no view {table}: run `mg migrate`")
        definition = _at_version(str(row[0]), tables, old, version)
        # The server's own text of the view, so that columns it computes come along.
        statement = sql.SQL("CREATE OR REPLACE VIEW {} AS ").format(sql.Identifier(table))
        cursor.execute(statement.as_bytes(cursor) + definition.encode())


def _at_version(definition: str, tables: Sequence[str], old: int, new: int) -> str:
    for table in tables:
        definition = re.sub(rf"\b{re.escape(physical(table, old))}\b", physical(table, new), definition)
    return definition
