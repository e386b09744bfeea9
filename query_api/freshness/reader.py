"""How far the read models in PostgreSQL are."""

from collections.abc import Collection, Mapping
from datetime import UTC

from query_api.freshness import ReadModelState
from query_api.reading import rows
from runtime import sql
from runtime.connections.postgres import AsyncPool, Row

_SQL = sql.beside(__file__)


class PostgresStates:
    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool

    async def states(self, read_models: Collection[str]) -> Mapping[str, ReadModelState]:
        found = await rows(self._pool, _SQL["positions_of_read_models"], {"read_models": list(read_models)})
        by_model: dict[str, list[Row]] = {}
        for row in found:
            by_model.setdefault(row["read_model"], []).append(row)
        return {read_model: _state(group) for read_model, group in by_model.items()}

    async def check(self) -> None:
        await self.states([])


def _state(group: list[Row]) -> ReadModelState:
    return ReadModelState(
        {(row["topic"], row["partition"]): row["next"] for row in group},
        max(row["updated_at"] for row in group).astimezone(UTC),
    )
