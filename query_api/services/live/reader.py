"""What the channel reads when notices do not do: how far the read models are, and who has news above what they know."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from query_api.services.live.chains import Standing
from query_api.user_changes.cursor import READ_MODEL_OF, Cursor, Mark
from query_api.user_changes.reader import Changes, read_changes
from runtime import sql
from runtime.connections import postgres
from runtime.http import problems
from runtime.http.problems import Problem

READ_MODELS: Final = tuple(sorted(set(READ_MODEL_OF.values())))

_SQL = sql.beside(__file__)


class LiveReader(Protocol):
    """Every method raises Problem (503) when the store is away."""

    async def standing(self) -> Standing: ...

    async def now(self, user_id: str, at: datetime) -> Cursor:
        """Past everything there is of one person."""
        ...

    async def above(self, told: Sequence[tuple[str, Cursor]], versions: Mapping[str, int], at: datetime) -> set[int]:
        """Places of those of `told` (user id, what they were told) for whom there is more."""
        ...

    async def changes(self, user_id: str, since: Cursor, limit: int, at: datetime) -> Changes:
        """Raises Problem (410) when the cursor is too old."""
        ...


class PostgresLiveReader:
    def __init__(self, pool: postgres.AsyncPool) -> None:
        self._pool = pool

    async def ping(self) -> None:
        await self.standing()

    async def standing(self) -> Standing:
        rows = await self._rows("standing", {"read_models": list(READ_MODELS)})
        return Standing(
            {row["read_model"]: row["version"] for row in rows},
            {
                (row["read_model"], row["topic"], row["partition"]): row["next"]
                for row in rows
                if row["topic"] is not None
            },
        )

    async def now(self, user_id: str, at: datetime) -> Cursor:
        rows = await self._rows("now", {"user_id": user_id})
        return Cursor(int(at.timestamp()), {row["kind"]: Mark(row["version"], row["revision"]) for row in rows})

    async def above(self, told: Sequence[tuple[str, Cursor]], versions: Mapping[str, int], at: datetime) -> set[int]:
        parameters: dict[str, Any] = {
            kind: [cursor.seen(kind, versions.get(read_model, 0)) for _, cursor in told]
            for kind, read_model in READ_MODEL_OF.items()
        }
        parameters |= {"places": list(range(len(told))), "user_ids": [user_id for user_id, _ in told], "now": at}
        return {row["place"] for row in await self._rows("above", parameters)}

    async def changes(self, user_id: str, since: Cursor, limit: int, at: datetime) -> Changes:
        return await read_changes(self._pool, user_id, since, limit, at)

    async def _rows(self, statement: str, parameters: Mapping[str, Any]) -> list[postgres.Row]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_SQL[statement], parameters)
                return await cursor.fetchall()
        except postgres.Error as error:
            if not postgres.is_transient(error):
                raise
            raise Problem(problems.UNAVAILABLE, "PostgreSQL does not answer.", retry_after_seconds=2) from None
