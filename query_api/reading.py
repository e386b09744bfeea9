"""One statement, or several in one snapshot, with the answer that a database which is away deserves."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

from runtime.connections import postgres
from runtime.connections.postgres import AsyncPool, Row
from runtime.http.problems import UNAVAILABLE, Problem

Read = Callable[[str, Mapping[str, Any]], Awaitable[list[Row]]]
"""Runs a statement and gives all its rows."""


async def rows(pool: AsyncPool, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
    """Raises Problem (503) when the database is away."""
    with away():
        async with pool.connection() as connection:
            return await (await connection.execute(statement, parameters)).fetchall()


@asynccontextmanager
async def snapshot(pool: AsyncPool) -> AsyncIterator[Read]:
    """All statements see the database at the same moment. Raises Problem (503) when it is away."""
    with away():
        async with postgres.snapshot(pool) as connection:

            async def read(statement: str, parameters: Mapping[str, Any]) -> list[Row]:
                return await (await connection.execute(statement, parameters)).fetchall()

            yield read


@contextmanager
def away() -> Iterator[None]:
    try:
        yield
    except postgres.Error as error:
        if postgres.is_transient(error):
            raise Problem(UNAVAILABLE, "The database does not answer.", retry_after_seconds=2) from error
        raise


def in_utc(row: Row) -> Row:
    """The server tells times in its own zone."""
    return {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in row.items()}
