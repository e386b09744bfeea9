"""Paging, degradation and caching of searches, over an engine of a few titles in memory."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from query_api.services.discovery.ranking import Scored, count_facets
from query_api.services.discovery.reader import Browsed, Candidates, Filters, Overview, browse_order
from query_api.services.discovery.search import Page, Request, Search
from runtime.embedding import EmbeddingUnavailable
from runtime.http.problems import INVALID_CURSOR, Problem
from schemas.read_models.text import SparseTerms, name_key
from schemas.read_models.title_search import TitleCard, browse_rank

TITLES = [
    TitleCard(
        title_id=f"t{i:02}",
        name=f"night {i}",
        name_key=name_key(f"night {i}"),
        kind="movie",
        popularity=(i % 5) / 5,
        browse_rank=browse_rank((i % 5) / 5, "same" if i < 6 else f"t{i:02}"),
    )
    for i in range(23)
]


class MemoryEngine:
    """Every title is a candidate; the legs score by place."""

    def __init__(self) -> None:
        self.overviews = 0
        self.vectors: list[Sequence[float] | None] = []

    async def candidates(
        self, key: str, terms: SparseTerms, vector: Sequence[float] | None, filters: Filters
    ) -> Candidates:
        self.vectors.append(vector)
        legs = {"bm25": [Scored(title.title_id, 1.0) for title in TITLES]}
        if vector is not None:
            legs["dense"] = [Scored(title.title_id, i / 100) for i, title in enumerate(TITLES)]
        return Candidates(tuple(TITLES), legs)

    async def browse(self, filters: Filters, after: tuple[int, str] | None, limit: int) -> Browsed:
        ordered = sorted(TITLES, key=browse_order)
        if after is not None:
            ordered = [title for title in ordered if browse_order(title) > (-after[0], after[1])]
        return Browsed(tuple(ordered[:limit]), len(ordered) > limit)

    async def overview(self, filters: Filters) -> Overview:
        self.overviews += 1
        return Overview(len(TITLES), count_facets(TITLES))

    async def similar(self, title_id: str, limit: int) -> list[tuple[TitleCard, float]] | None:
        return None


class Model:
    def __init__(self, *, away: bool = False) -> None:
        self.away = away

    def query(self, text: str) -> tuple[float, ...]:
        if self.away:
            raise EmbeddingUnavailable("no folder")
        return (1.0, 0.0)


async def all_pages(search: Search, text: str, limit: int) -> list[Page]:
    pages = [await search.find(Request(text, Filters(), limit))]
    while pages[-1].next_cursor:
        pages.append(await search.find(Request(text, Filters(), limit, pages[-1].next_cursor)))
    return pages


@pytest.mark.parametrize("text", ["night", "", "  ", "night 1"])
@pytest.mark.parametrize("limit", [1, 4, 23, 100])
async def test_pages_partition_the_result(text: str, limit: int) -> None:
    pages = await all_pages(Search(MemoryEngine(), Model()), text, limit)
    ids = [item.title.title_id for page in pages for item in page.items]
    assert sorted(ids) == sorted(title.title_id for title in TITLES)
    assert {page.total for page in pages} == {len(TITLES)}
    assert all(page.facets == pages[0].facets for page in pages)
    assert len(pages) == -(-len(TITLES) // limit)


async def test_a_cursor_belongs_to_its_query() -> None:
    search = Search(MemoryEngine(), Model())
    cursor = (await search.find(Request("night", Filters(), 4))).next_cursor
    for foreign in (Request("day", Filters(), 4, cursor), Request("night", Filters(region="US"), 4, cursor),
                    Request("", Filters(), 4, cursor)):  # fmt: skip
        with pytest.raises(Problem) as caught:
            await search.find(foreign)
        assert caught.value.type is INVALID_CURSOR


async def test_without_the_model_words_still_find() -> None:
    engine = MemoryEngine()
    page = await Search(engine, Model(away=True)).find(Request("night", Filters(), 5))
    assert page.degraded == ("dense",)
    assert engine.vectors == [None]
    assert len(page.items) == 5


async def test_totals_of_browsing_are_kept_for_a_moment_unless_the_caller_waits_for_a_write() -> None:
    engine = MemoryEngine()
    search = Search(engine, Model())
    for fresh in (False, False, True):
        await search.find(Request("", Filters(), 5, fresh=fresh))
    assert engine.overviews == 2
    await search.find(Request("", Filters(kinds=("movie",)), 5))
    assert engine.overviews == 3


@pytest.mark.parametrize(
    "text", ["💩", "'; DROP TABLE titles; --", "name:(a OR b)~2^4 *", "\u202eשלום", "\ud800", "x" * 1000]
)
async def test_odd_queries_are_just_queries(text: str) -> None:
    page = await Search(MemoryEngine(), Model()).find(Request(text, Filters(), 5))
    assert len(page.items) == 5


async def test_too_many_searches_at_once_are_turned_away_and_later_ones_are_not() -> None:
    engine, hold = MemoryEngine(), asyncio.Event()
    answer = engine.candidates

    async def slow(*words: Any, **named: Any) -> Any:
        await hold.wait()
        return await answer(*words, **named)

    engine.candidates = slow  # type: ignore[method-assign]  # only this engine, only here
    search = Search(engine, Model())
    running = [asyncio.create_task(search.find(Request("night", Filters(), 5))) for _ in range(100)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await search.find(Request("night", Filters(), 5))
    assert refused.value.type.status == 503
    hold.set()
    assert len(await asyncio.gather(*running)) == 100
    assert (await search.find(Request("night", Filters(), 5))).searched
