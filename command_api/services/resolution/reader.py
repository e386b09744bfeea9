"""What has to be known before a decision is appended: the identity registry, by the read-only role."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from runtime import sql
from runtime.connections import postgres
from runtime.http import problems
from runtime.http.problems import Problem
from schemas.types.catalog import ItemRef

MOST_TITLE_ITEMS: Final = 500
"""Of a title that a decision may be about: they all stand in its event."""

_SQL = sql.beside(__file__)
_RETRY_SECONDS = 2


class KnownTitle(msgspec.Struct, frozen=True):
    """Where a title leads, and the items there; the first stands for it."""

    title_id: str
    items: tuple[ItemRef, ...]


class KnownDecision(msgspec.Struct, frozen=True):
    """`request` is the JSON of its event."""

    kind: str
    title_id: str
    request: str
    log_position: str


class Registry(Protocol):
    """Every method raises Problem (503) when the store is away."""

    async def titles(self, title_ids: Sequence[str]) -> Mapping[str, KnownTitle]:
        """By the id asked for; with one item more than MOST_TITLE_ITEMS where there are more."""
        ...

    async def has_title(self, item: ItemRef) -> bool: ...

    async def decision(self, decision_id: str) -> KnownDecision | None: ...


class PostgresRegistry:
    def __init__(self, pool: postgres.AsyncPool) -> None:
        self._pool = pool

    async def titles(self, title_ids: Sequence[str]) -> Mapping[str, KnownTitle]:
        found: dict[str, KnownTitle] = {}
        parameters = {"title_ids": list(title_ids), "most": MOST_TITLE_ITEMS + 1}
        for row in await self._rows("items_of_titles", parameters):
            item = ItemRef(provider=row["provider"], native_id=row["native_id"])
            known = found.get(row["asked"], KnownTitle(row["title_id"], ()))
            found[row["asked"]] = KnownTitle(known.title_id, (*known.items, item))
        return found

    async def has_title(self, item: ItemRef) -> bool:
        return bool(await self._rows("item_has_title", {"provider": item.provider, "native_id": item.native_id}))

    async def decision(self, decision_id: str) -> KnownDecision | None:
        rows = await self._rows("decision", {"decision_id": decision_id})
        return msgspec.convert(rows[0], KnownDecision) if rows else None

    async def _rows(self, statement: str, parameters: Mapping[str, Any]) -> list[postgres.Row]:
        try:
            async with self._pool.connection() as connection:
                return await (await connection.execute(_SQL[statement], parameters)).fetchall()
        except postgres.Error as error:
            if not postgres.is_transient(error):
                raise
            raise Problem(
                problems.UNAVAILABLE, "PostgreSQL does not answer.", retry_after_seconds=_RETRY_SECONDS
            ) from None
