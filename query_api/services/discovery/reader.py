"""What discovery reads: titles, offers and positions from PostgreSQL, candidates from Qdrant.

A store that is away is a Problem (503, unavailable): callers need not know which driver said so.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from qdrant_client import models

from query_api.reading import rows
from query_api.services.discovery.ranking import Facets, Scored, ordered_counts
from query_api.title_cards.reader import CatalogEntry, read_cards
from runtime.connections import qdrant
from runtime.connections.postgres import AsyncPool, Row
from runtime.http.problems import UNAVAILABLE, Problem
from runtime.sql import beside
from schemas.read_models import title_search
from schemas.read_models.text import SparseTerms
from schemas.read_models.title_catalog import TitleDocument
from schemas.read_models.title_search import ALIAS, DENSE, FACET_FIELDS, SPARSE, TitleCard
from schemas.types.catalog import Offer

DEPTH = 100
"""Candidates a leg. Fixed, so that total, facets and order do not depend on the page."""
DENSE_FLOOR = 0.25
"""Cosine below which a title has nothing to do with the query. Measured: nonsense stays below, topics are above."""
_MOST_FACET_VALUES = 100
_SLACK = 8
_MOST_NAMED = 50
_SHOWN = ["card"]
_SQL = beside(__file__)


class Filters(Struct, frozen=True):
    """Empty means no condition. Kinds and providers: any of them; genres: all of them."""

    kinds: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    region: str | None = None
    year_from: int | None = None
    year_to: int | None = None


class Candidates(Struct, frozen=True):
    """What the legs found: every title once, and the scored legs by name."""

    titles: tuple[TitleCard, ...]
    legs: Mapping[str, Sequence[Scored]]


class Browsed(Struct, frozen=True):
    titles: tuple[TitleCard, ...]
    more: bool


class Overview(Struct, frozen=True):
    """Exact, over all titles that pass the filters."""

    total: int
    facets: Facets


class TitleSnapshot(Struct, frozen=True):
    title_id: str
    state: str
    successor_id: str | None
    document: TitleDocument | None
    written_at: datetime


class Searcher(Protocol):
    """What `search.py` needs of the engine."""

    async def candidates(
        self, key: str, terms: SparseTerms, vector: Sequence[float] | None, filters: Filters
    ) -> Candidates: ...
    async def browse(self, filters: Filters, after: tuple[int, str] | None, limit: int) -> Browsed: ...
    async def overview(self, filters: Filters) -> Overview: ...
    async def similar(self, title_id: str, limit: int) -> list[tuple[TitleCard, float]] | None: ...


class CatalogReader:
    """PostgreSQL, by the read-only role."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool

    async def titles(self, title_ids: Sequence[str]) -> dict[str, TitleSnapshot]:
        found = await rows(self._pool, _SQL["titles_by_id"], {"title_ids": list(title_ids)})
        return {row["title_id"]: _snapshot(row) for row in found}

    async def cards(self, title_ids: Sequence[str]) -> Mapping[str, CatalogEntry]:
        return await read_cards(self._pool, title_ids)

    async def by_external_id(self, source: str, value: str) -> list[TitleSnapshot]:
        found = await rows(self._pool, _SQL["titles_by_external_id"], {"source": source, "value": value})
        return [_snapshot(row) for row in found]

    async def offers(self, title_id: str, region: str | None, now: datetime) -> list[Offer]:
        found = await rows(self._pool, _SQL["offers_of_title"], {"title_id": title_id, "region": region, "now": now})
        return [Offer(**{**row, "price": None if row["price"] is None else str(row["price"])}) for row in found]


def _snapshot(row: Row) -> TitleSnapshot:
    text = row["document"]
    document = None if text is None else msgspec.json.decode(text, type=TitleDocument)
    return TitleSnapshot(
        row["title_id"], row["state"], row["successor_id"], document, row["written_at"].astimezone(UTC)
    )


class QdrantSearcher:
    """The collection behind the alias."""

    def __init__(self, client: qdrant.AsyncClient) -> None:
        self._client = client

    async def candidates(
        self, key: str, terms: SparseTerms, vector: Sequence[float] | None, filters: Filters
    ) -> Candidates:
        """All legs in one request, with the filters inside each."""
        must = _conditions(filters)
        requests = [_exact(key, must), _prefix(key, must)]
        names: list[str] = []
        if vector is not None:
            names.append(DENSE)
            requests.append(_leg(list(vector), DENSE, must, DENSE_FLOOR))
        if terms.indices:
            names.append(SPARSE)
            sparse = models.SparseVector(indices=list(terms.indices), values=list(terms.values))
            requests.append(_leg(sparse, SPARSE, must, None))
        with _away():
            answers = await self._batch(requests)
        cards = {point.id: _card(point.payload) for answer in answers for point in answer.points}
        legs = {
            name: [Scored(cards[point.id].title_id, point.score) for point in answer.points]
            for name, answer in zip(names, answers[2:], strict=True)
        }
        return Candidates(tuple(cards.values()), legs)

    async def _batch(self, requests: list[models.QueryRequest]) -> list[models.QueryResponse]:
        """The client's own `query_batch_points` copies every vector deeply first, 1 ms a search."""
        batch = models.QueryRequestBatch(searches=requests)
        answer = await self._client.http.search_api.query_batch_points(ALIAS, query_request_batch=batch)
        return answer.result or []

    async def browse(self, filters: Filters, after: tuple[int, str] | None, limit: int) -> Browsed:
        """By popularity, going on behind `after` (rank and id). A few more are asked for, in case ranks coincide."""
        must = _conditions(filters)
        if after is not None:
            must.append(models.FieldCondition(key="browse_rank", range=models.Range(lte=after[0])))
        with _away():
            answer = await self._client.query_points(
                ALIAS,
                query=_BY_RANK,
                query_filter=models.Filter(must=must),
                limit=limit + 1 + _SLACK,
                with_payload=_SHOWN,
            )
        titles = sorted(map(_card, (point.payload for point in answer.points)), key=browse_order)
        if after is not None:
            titles = [title for title in titles if browse_order(title) > (-after[0], after[1])]
        return Browsed(tuple(titles[:limit]), len(titles) > limit)

    async def overview(self, filters: Filters) -> Overview:
        condition = models.Filter(must=_conditions(filters))
        with _away():
            total, found = await asyncio.gather(
                self._client.count(ALIAS, count_filter=condition, exact=True),
                asyncio.gather(
                    *(
                        self._client.facet(ALIAS, field, facet_filter=condition, limit=_MOST_FACET_VALUES, exact=True)
                        for field in FACET_FIELDS.values()
                    )
                ),
            )
        facets = {
            facet: ordered_counts({str(hit.value): hit.count for hit in answer.hits})
            for facet, answer in zip(FACET_FIELDS, found, strict=True)
        }
        return Overview(total.count, facets)

    async def similar(self, title_id: str, limit: int) -> list[tuple[TitleCard, float]] | None:
        """Nearest titles by sense, best first, without itself; None when the title has no vector yet."""
        point = title_search.point_id(title_id)
        with _away():
            found = await self._client.retrieve(ALIAS, [point], with_payload=False, with_vectors=[DENSE])
            vectors = found[0].vector if found else None
            if not isinstance(vectors, dict) or DENSE not in vectors:
                return None
            answer = await self._client.query_points(
                ALIAS,
                query=vectors[DENSE],
                using=DENSE,
                query_filter=models.Filter(
                    must=_conditions(Filters()), must_not=[models.HasIdCondition(has_id=[point])]
                ),
                limit=limit,
                with_payload=_SHOWN,
            )
        pairs = ((_card(found_point.payload), found_point.score) for found_point in answer.points)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0].title_id))

    async def check(self) -> None:
        await self._client.get_collection(ALIAS)


def browse_order(title: TitleCard) -> tuple[int, str]:
    return -(title.browse_rank), title.title_id


@contextmanager
def _away() -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    except qdrant.Error as error:
        if qdrant.is_transient(error) or qdrant.is_missing(error):
            raise Problem(
                UNAVAILABLE,
                f"The search engine does not answer ({time.perf_counter() - started:.1f} s).",
                retry_after_seconds=2,
            ) from error
        raise


_BY_RANK = models.OrderByQuery(order_by=models.OrderBy(key="browse_rank", direction=models.Direction.DESC))


def _conditions(filters: Filters) -> list[Any]:
    must: list[Any] = [models.FieldCondition(key="live", match=models.MatchValue(value=True))]
    if filters.kinds:
        must.append(_any("kind", filters.kinds))
    must.extend(models.FieldCondition(key="genres", match=models.MatchValue(value=genre)) for genre in filters.genres)
    if filters.providers and filters.region:  # the same offer must have both
        pairs = [title_search.offer_key(provider, filters.region) for provider in filters.providers]
        must.append(_any("offers", pairs))
    elif filters.providers:
        must.append(_any("providers", filters.providers))
    elif filters.region:
        must.append(_any("regions", [filters.region]))
    if filters.year_from is not None or filters.year_to is not None:
        must.append(models.FieldCondition(key="year", range=models.Range(gte=filters.year_from, lte=filters.year_to)))
    return must


def _any(field: str, values: Iterable[str]) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))


def _exact(key: str, must: list[Any]) -> models.QueryRequest:
    same = models.MatchValue(value=key)
    should: list[Any] = [models.FieldCondition(key=field, match=same) for field in ("name_key", "other_keys")]
    return models.QueryRequest(filter=models.Filter(must=must, should=should), limit=_MOST_NAMED, with_payload=_SHOWN)


def _prefix(key: str, must: list[Any]) -> models.QueryRequest:
    begins = models.FieldCondition(key="name_key", match=models.MatchPrefix(prefix=key))
    return models.QueryRequest(
        query=_BY_RANK, filter=models.Filter(must=[*must, begins]), limit=_MOST_NAMED, with_payload=_SHOWN
    )


def _leg(query: Any, using: str, must: list[Any], floor: float | None) -> models.QueryRequest:
    return models.QueryRequest(
        query=query,
        using=using,
        filter=models.Filter(must=must),
        limit=DEPTH,
        score_threshold=floor,
        with_payload=_SHOWN,
    )


def _card(payload: dict[str, Any] | None) -> TitleCard:
    return msgspec.json.decode((payload or {})["card"], type=TitleCard)
