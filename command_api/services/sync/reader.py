"""What has to be known before something is appended: read from the views, by the read-only role."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from runtime import sql
from runtime.connections import postgres
from runtime.http import problems
from runtime.http.positions import NextOffsets
from runtime.http.problems import Problem

_SQL = sql.beside(__file__)
_RETRY_SECONDS = 2


class Listed(msgspec.Struct, frozen=True):
    """How many titles are on a list, and which of those asked for."""

    titles: int
    known: frozenset[str]


class KnownDevice(msgspec.Struct, frozen=True):
    """The newest registration of a device."""

    name: str
    kind: str
    removed: bool
    hlc: int


class SyncReader(Protocol):
    """Every method raises Problem (503) when the store is away."""

    async def listed(self, user_id: str, title_ids: Sequence[str]) -> Listed: ...

    async def device(self, user_id: str, device_id: str) -> KnownDevice | None: ...

    async def device_positions(self) -> NextOffsets: ...


class PostgresSyncReader:
    def __init__(self, pool: postgres.AsyncPool) -> None:
        self._pool = pool

    async def ping(self) -> None:
        await self._rows("ping", {})

    async def listed(self, user_id: str, title_ids: Sequence[str]) -> Listed:
        (row,) = await self._rows("listed", {"user_id": user_id, "title_ids": list(title_ids)})
        return Listed(row["titles"], frozenset(row["known"]))

    async def device(self, user_id: str, device_id: str) -> KnownDevice | None:
        rows = await self._rows("device", {"user_id": user_id, "device_id": device_id})
        return msgspec.convert(rows[0], KnownDevice) if rows else None

    async def device_positions(self) -> NextOffsets:
        return {(row["topic"], row["partition"]): row["next"] for row in await self._rows("device_positions", {})}

    async def _rows(self, statement: str, parameters: Mapping[str, Any]) -> list[postgres.Row]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL[statement], parameters)
                return await cursor.fetchall()
        except postgres.Error as error:
            if not postgres.is_transient(error):
                raise
            raise Problem(
                problems.UNAVAILABLE, "PostgreSQL does not answer.", retry_after_seconds=_RETRY_SECONDS
            ) from None
