"""Reads the view playback_history."""

from datetime import datetime

import msgspec
from msgspec import Struct

from query_api.reading import in_utc, rows
from runtime import sql
from runtime.connections.postgres import AsyncPool
from schemas.read_models.playback_history import SessionRow

_SQL = sql.beside(__file__)


class SessionStart(Struct, frozen=True, array_like=True):
    """The last session of the page before."""

    started_at: datetime
    session_id: str


async def read_sessions(
    pool: AsyncPool, user_id: str, after: SessionStart | None, limit: int, *, is_open: bool | None = None
) -> list[SessionRow]:
    """Newest first, those that follow `after`. Raises Problem (503)."""
    found = await rows(
        pool,
        _SQL["page"],
        {
            "user_id": user_id,
            "open": is_open,
            "started_at": after and after.started_at,
            "session_id": after and after.session_id,
            "limit": limit,
        },
    )
    return msgspec.convert([in_utc(row) for row in found], list[SessionRow])


async def read_session(pool: AsyncPool, user_id: str, session_id: str) -> SessionRow | None:
    """Raises Problem (503)."""
    found = await rows(pool, _SQL["one"], {"user_id": user_id, "session_id": session_id})
    return msgspec.convert(in_utc(found[0]), SessionRow) if found else None
