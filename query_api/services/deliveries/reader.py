"""Reads the views of provider_deliveries."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from runtime import sql
from runtime.connections import postgres
from runtime.http import problems
from runtime.http.positions import NextOffsets
from runtime.http.problems import Problem
from schemas.read_models.provider_deliveries import DeliveryRow, RefusedItemRow

_SQL = sql.beside(__file__)
_REFUSED_A_DELIVERY = 20


class PageStart(msgspec.Struct, frozen=True, array_like=True):
    """The last delivery of the page before."""

    accepted_at: datetime
    delivery_id: str


class DeliveriesReader(Protocol):
    """Every method raises Problem (503) when the store is away."""

    async def page(self, provider: str, after: PageStart | None, limit: int) -> Sequence[DeliveryRow]:
        """Newest first, those that follow `after`."""
        ...

    async def refused(self, provider: str, delivery_ids: Sequence[str]) -> Sequence[RefusedItemRow]:
        """The first 20 dead-lettered items of each delivery, in their order."""
        ...

    async def newest(self, providers: Sequence[str]) -> Mapping[str, datetime]:
        """When the newest delivery of each was accepted; those that never delivered are left out."""
        ...

    async def positions(self) -> NextOffsets: ...

    async def as_of(self) -> datetime | None: ...


class PostgresDeliveriesReader:
    def __init__(self, pool: postgres.AsyncPool) -> None:
        self._pool = pool

    async def ping(self) -> None:
        await self._rows("ping", {})

    async def page(self, provider: str, after: PageStart | None, limit: int) -> Sequence[DeliveryRow]:
        rows = await self._rows(
            "page",
            {
                "provider": provider,
                "accepted_at": after and after.accepted_at,
                "delivery_id": after and after.delivery_id,
                "limit": limit,
            },
        )
        return msgspec.convert(rows, list[DeliveryRow])

    async def refused(self, provider: str, delivery_ids: Sequence[str]) -> Sequence[RefusedItemRow]:
        parameters = {"provider": provider, "delivery_ids": list(delivery_ids), "most": _REFUSED_A_DELIVERY}
        return msgspec.convert(await self._rows("refused", parameters), list[RefusedItemRow])

    async def newest(self, providers: Sequence[str]) -> Mapping[str, datetime]:
        found = await self._rows("newest", {"providers": list(providers)})
        return {row["provider"]: row["accepted_at"].astimezone(UTC) for row in found}

    async def positions(self) -> NextOffsets:
        return {(row["topic"], row["partition"]): row["next"] for row in await self._rows("positions", {})}

    async def as_of(self) -> datetime | None:
        (row,) = await self._rows("as_of", {})
        found: datetime | None = row["as_of"]
        return found

    async def _rows(self, statement: str, parameters: Mapping[str, Any]) -> list[postgres.Row]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL[statement], parameters)
                return await cursor.fetchall()
        except postgres.Error as error:
            if not postgres.is_transient(error):
                raise
            raise Problem(problems.UNAVAILABLE, "PostgreSQL does not answer.", retry_after_seconds=2) from None
