"""Scores titles where they lie."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from query_api.reading import rows
from query_api.services.quality.scoring import parameters
from runtime.connections.postgres import AsyncPool
from runtime.sql import beside
from schemas.types.catalog import Kind

_SQL = beside(__file__)
_EVERY_SCORE = 2.0


class ReportStart(Struct, frozen=True, array_like=True):
    """The last title of the page before, and the moment that all pages of one report are as of."""

    score: float
    title_id: str
    now: datetime


class ScoredTitle(Struct, frozen=True):
    title_id: str
    name: str
    kind: str
    event_at: datetime
    missing: tuple[str, ...]
    completeness: float
    freshness: float
    score: float


class Report(Struct, frozen=True):
    """`buckets` by number from 1; `missing` by field; `low` lowest first."""

    titles: int
    mean: float | None
    buckets: Mapping[int, int]
    missing: Mapping[str, int]
    low: Sequence[ScoredTitle]


class QualityReader:
    """PostgreSQL, by the read-only role. A store that is away is a Problem (503)."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool

    async def title(self, title_id: str, now: datetime) -> ScoredTitle | None:
        """None for one that is not live."""
        found = await self._report({"title_id": title_id, "threshold": _EVERY_SCORE, "limit": 1, "now": now})
        return found.low[0] if found.low else None

    async def report(
        self, threshold: float, kind: Kind | None, start: ReportStart | None, limit: int, now: datetime
    ) -> Report:
        """Sums over all titles, and those below the threshold that follow `start`."""
        wanted = {"threshold": threshold, "kind": kind, "limit": limit, "now": now}
        after = {"after_score": start.score, "after_id": start.title_id} if start else {}
        return await self._report(wanted | after)

    async def _report(self, wanted: dict[str, Any]) -> Report:
        nothing = dict.fromkeys(("title_id", "kind", "after_score", "after_id"))
        (row,) = await rows(self._pool, _SQL["quality"], {**nothing, **parameters(), **wanted})
        return msgspec.convert(row, Report, strict=False)
