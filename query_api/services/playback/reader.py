"""What playback reads: sessions and their titles, from the views in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from query_api.sessions.reader import SessionStart, read_session, read_sessions
from query_api.title_cards.reader import CatalogEntry, read_cards
from runtime.connections.postgres import AsyncPool
from schemas.read_models.playback_history import SessionRow


class SessionsReader(Protocol):
    """Every method raises Problem (503) when the database is away."""

    async def sessions(
        self, user_id: str, after: SessionStart | None, limit: int, *, is_open: bool | None
    ) -> Sequence[SessionRow]: ...
    async def session(self, user_id: str, session_id: str) -> SessionRow | None: ...
    async def cards(self, title_ids: Iterable[str]) -> Mapping[str, CatalogEntry]: ...


class PostgresSessionsReader:
    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool

    async def sessions(
        self, user_id: str, after: SessionStart | None, limit: int, *, is_open: bool | None
    ) -> Sequence[SessionRow]:
        return await read_sessions(self._pool, user_id, after, limit, is_open=is_open)

    async def session(self, user_id: str, session_id: str) -> SessionRow | None:
        return await read_session(self._pool, user_id, session_id)

    async def cards(self, title_ids: Iterable[str]) -> Mapping[str, CatalogEntry]:
        return await read_cards(self._pool, title_ids)
