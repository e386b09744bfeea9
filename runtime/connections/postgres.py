"""PostgreSQL connections and pools with the time-outs every owner of a lock here must have."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.rows import TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from runtime.settings import SettingsError

Cursor = psycopg.Cursor[TupleRow]
Connection = psycopg.Connection[TupleRow]
Row = dict[str, Any]
AsyncPool = AsyncConnectionPool[psycopg.AsyncConnection[Row]]
Pool = ConnectionPool[Connection]
Error = psycopg.Error

# A frozen owner (SIGSTOP, a long pause) must not hold rows past the Kafka session time-out of 10 s: the server ends
# its idle transaction first, so that the successor's write goes through and the sleeper wakes up fenced.
WRITER_OPTIONS = "-c idle_in_transaction_session_timeout=8000 -c lock_timeout=6000 -c statement_timeout=60000"
READER_OPTIONS = "-c default_transaction_read_only=on -c statement_timeout=5000"
_KEEPALIVE: dict[str, Any] = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}


def is_transient(error: BaseException) -> bool:
    """True when trying the same thing again may work: connection trouble, time-outs, deadlocks, resources, shutdowns.

    PostgreSQL error classes 08, 25P03, 40, 53, 55P03, 57 and 58 (Appendix A of its manual).
    """
    if not isinstance(error, psycopg.Error):
        return isinstance(error, OSError)
    state = error.sqlstate or ""
    if not state:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in {"08", "40", "53", "57", "58"} or state in {"25P03", "55P03"}


def readable(dsn: str) -> str:
    """The address itself. Raises SettingsError when libpq cannot read it: its own message quotes parts of it, and a
    password may be among them."""
    try:
        conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise SettingsError(
            "the PostgreSQL address is neither postgresql://user:password@host:port/name nor keyword=value pairs; "
            "see MG_POSTGRES_DSN and MG_POSTGRES_READER_DSN"
        ) from None
    return dsn


def connect_writer(dsn: str, application: str) -> Connection:
    """A connection with writer time-outs. Raises psycopg.OperationalError when the server is away."""
    return psycopg.connect(
        readable(dsn), application_name=application, options=WRITER_OPTIONS, connect_timeout=5, **_KEEPALIVE
    )


def connect_plain(dsn: str, application: str) -> Connection:
    """A connection without our time-outs, in autocommit: for migrations and operators' commands."""
    return psycopg.connect(
        readable(dsn), application_name=application, autocommit=True, connect_timeout=5, **_KEEPALIVE
    )


def reader_pool(dsn: str, application: str, *, size: int = 8, wait_seconds: float = 2.0) -> AsyncPool:
    """A closed pool of read-only connections returning rows as dicts; open it in the app's lifespan."""
    return AsyncConnectionPool(
        readable(dsn),
        min_size=1,
        max_size=size,
        timeout=wait_seconds,
        open=False,
        check=AsyncConnectionPool.check_connection,
        kwargs={
            "application_name": application,
            "options": READER_OPTIONS,
            "row_factory": dict_row,
            "autocommit": True,
            "connect_timeout": 5,
            **_KEEPALIVE,
        },
        connection_class=psycopg.AsyncConnection[Row],
    )


@asynccontextmanager
async def snapshot(pool: AsyncPool) -> AsyncIterator[psycopg.AsyncConnection[Row]]:
    """One REPEATABLE READ transaction: every statement in it sees the database at the same moment."""
    async with pool.connection() as connection:
        # Only transactions that are opened explicitly look at it; in autocommit the pool's other users open none.
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        async with connection.transaction():
            yield connection
