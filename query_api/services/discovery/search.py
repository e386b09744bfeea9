"""One search, from text to a page: embed, ask all legs at once, rank, count, cut.

Without the embedding model the dense leg is left out and the answer says so (`degraded`); without Qdrant there is no
search (503).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from query_api.services.discovery.ranking import Facets, Ranked, count_facets, rank
from query_api.services.discovery.reader import Filters, Overview, Searcher
from runtime import logging, metrics
from runtime.embedding import EmbeddingUnavailable
from runtime.http.paging import decode_cursor, encode_cursor
from runtime.http.problems import UNAVAILABLE, Problem
from schemas.read_models.text import name_key, query_terms, well_formed
from schemas.read_models.title_search import DENSE, TitleCard

_OVERVIEW_SECONDS = 2.0
"""Totals and facets of browsing are exact and costly (five counts): this long they may be as old."""
_MOST_OVERVIEWS = 256
_MOST_RUNNING = 100
"""At 10 ms of one core each, the last of them has waited for a second."""
_LOG = logging.get(__name__)


class QueryModel(Protocol):
    def query(self, text: str) -> tuple[float, ...]: ...


class Request(Struct, frozen=True):
    """`text` may be blank: then the catalog is browsed."""

    text: str
    filters: Filters
    limit: int
    cursor: str | None = None
    fresh: bool = False
    """The caller waits for its own write: nothing may come from a cache."""

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything that decides the result but cursor and limit."""
        return {"q": well_formed(self.text), **msgspec.to_builtins(self.filters)}


class Page(Struct, frozen=True):
    items: tuple[Ranked, ...]
    total: int
    facets: Facets
    next_cursor: str | None
    searched: bool
    degraded: tuple[str, ...] = ()
    milliseconds: Mapping[str, float] = {}


class Search:
    def __init__(self, searcher: Searcher, model: QueryModel) -> None:
        self._searcher = searcher
        self._model = model
        self._overviews: dict[Filters, tuple[float, Overview]] = {}
        self._running = 0

    async def find(self, request: Request) -> Page:
        """Raises Problem (503) at once when too many searches are running: a queue would make all of them late."""
        if self._running >= _MOST_RUNNING:
            raise Problem(UNAVAILABLE, f"{self._running} searches are running.", retry_after_seconds=1)
        self._running += 1
        try:
            return await self._find(request)
        finally:
            self._running -= 1

    async def _find(self, request: Request) -> Page:
        text = " ".join(well_formed(request.text).split())
        key = name_key(text)
        return await self._by_text(request, text, key) if key else await self._by_popularity(request)

    async def _by_text(self, request: Request, text: str, key: str) -> Page:
        start = decode_cursor(request.identity, request.cursor, int) if request.cursor else 0
        began = time.perf_counter()
        vector = await self._embed(text)
        embedded = time.perf_counter()
        found = await self._searcher.candidates(key, query_terms(text), vector, request.filters)
        answered = time.perf_counter()
        metrics.SEARCH_SECONDS.labels("embedding").observe(embedded - began)
        metrics.SEARCH_SECONDS.labels("engine").observe(answered - embedded)
        ranked = rank(key, found.titles, found.legs)
        end = start + request.limit
        return Page(
            items=tuple(ranked[start:end]),
            total=len(ranked),
            facets=count_facets(candidate.title for candidate in ranked),
            next_cursor=encode_cursor(request.identity, end) if end < len(ranked) else None,
            searched=True,
            degraded=() if vector is not None else (DENSE,),
            milliseconds={
                "embedding": round((embedded - began) * 1000, 2),
                "engine": round((answered - embedded) * 1000, 2),
                "ranking": round((time.perf_counter() - answered) * 1000, 2),
            },
        )

    async def _by_popularity(self, request: Request) -> Page:
        after = decode_cursor(request.identity, request.cursor, tuple[int, str]) if request.cursor else None
        began = time.perf_counter()
        browsed = await self._searcher.browse(request.filters, after, request.limit)
        overview = await self._overview(request.filters, fresh=request.fresh)
        last = browsed.titles[-1] if browsed.titles else None
        more = encode_cursor(request.identity, (last.browse_rank, last.title_id)) if last and browsed.more else None
        return Page(
            items=tuple(Ranked(title, "text", 0.0, ()) for title in browsed.titles),
            total=overview.total,
            facets=overview.facets,
            next_cursor=more,
            searched=False,
            milliseconds={"engine": round((time.perf_counter() - began) * 1000, 2)},
        )

    async def _embed(self, text: str) -> tuple[float, ...] | None:
        try:
            return await asyncio.to_thread(self._model.query, text)
        except EmbeddingUnavailable as error:
            _LOG.warning("search_degraded", leg=DENSE, reason=str(error))
            metrics.SEARCH_DEGRADED.labels(DENSE).inc()
            return None

    async def _overview(self, filters: Filters, *, fresh: bool) -> Overview:
        now = time.monotonic()
        at, known = self._overviews.get(filters, (0.0, None))
        if known is not None and not fresh and now - at < _OVERVIEW_SECONDS:
            return known
        found = await self._searcher.overview(filters)
        if len(self._overviews) >= _MOST_OVERVIEWS:
            self._overviews.clear()
        self._overviews[filters] = (now, found)
        return found

    async def similar(self, title_id: str, limit: int) -> Sequence[tuple[TitleCard, float]] | None:
        return await self._searcher.similar(title_id, limit)
