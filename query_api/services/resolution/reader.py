"""What the registry says of titles, and what it would like a person to decide."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from query_api.reading import rows
from runtime.connections.postgres import AsyncPool
from runtime.sql import beside

_SQL = beside(__file__)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class HistoryStart(msgspec.Struct, frozen=True, array_like=True):
    """The last entry of the page before."""

    id: int


class ReviewStart(msgspec.Struct, frozen=True, array_like=True):
    """The last review of the page before."""

    occurred_at: datetime
    provider: str
    native_id: str
    candidate_id: str


class DecisionStart(msgspec.Struct, frozen=True, array_like=True):
    """The last decision of the page before."""

    id: int


class RegistryReader:
    """PostgreSQL, by the read-only role. A store that is away is a Problem (503)."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool

    async def status(self, title_id: str) -> tuple[str, str | None] | None:
        """`active`, `retired` or `merged`, and where to; None for a title that never was."""
        if not _UUID.fullmatch(title_id):
            return None
        found = await rows(self._pool, _SQL["title_status"], {"title_id": title_id})
        return (found[0]["status"], found[0]["successor_id"]) if found else None

    async def history(self, title_id: str, after: HistoryStart | None, limit: int) -> Sequence[dict[str, Any]]:
        parameters = {"title_id": title_id, "after": after.id if after else 0, "limit": limit}
        return await rows(self._pool, _SQL["history_of_title"], parameters)

    async def reviews(self, after: ReviewStart | None, limit: int) -> Sequence[dict[str, Any]]:
        parameters = {
            "occurred_at": after and after.occurred_at,
            "provider": after and after.provider,
            "native_id": after and after.native_id,
            "candidate_id": after and after.candidate_id,
            "limit": limit,
        }
        return await rows(self._pool, _SQL["open_reviews"], parameters)

    async def decision(self, decision_id: str) -> dict[str, Any] | None:
        found = await rows(self._pool, _SQL["decision"], {"decision_id": decision_id})
        return found[0] if found else None

    async def decisions(self, after: DecisionStart | None, limit: int) -> Sequence[dict[str, Any]]:
        return await rows(self._pool, _SQL["decisions"], {"before": after and after.id, "limit": limit})
