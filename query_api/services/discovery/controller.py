"""GET /v1/search, /v1/titles and what hangs on a title."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.params import JSONBody, PathParameter, QueryParameter

from query_api.answering import After, answered
from query_api.freshness import Freshness
from query_api.services.discovery.examples import SEARCH_EXAMPLE, TITLE_EXAMPLE
from query_api.services.discovery.reader import CatalogReader, Filters, TitleSnapshot
from query_api.services.discovery.responses import (
    AvailabilityResponse,
    BatchRequest,
    BatchResponse,
    HitResponse,
    SearchResponse,
    SimilarResponse,
    TitleList,
    TitleResponse,
)
from query_api.services.discovery.search import Request as SearchRequest
from query_api.services.discovery.search import Search
from runtime.clock import Clock
from runtime.http import problems
from runtime.http.paging import checked_limit
from runtime.http.problems import GONE, NOT_FOUND, Problem, parameter_error
from runtime.http.service import Injected
from schemas.types.catalog import Kind

TitleId = Annotated[str, PathParameter(description="Id of a title.", max_length=200)]
Region = Annotated[str | None, QueryParameter(description="ISO 3166-1 alpha-2.", pattern="^[A-Z]{2}$")]
# Sequences, because the framework documents an annotated `tuple[X, ...]` as a list of X or anything.
Terms = Annotated[Sequence[str], QueryParameter(description="May be given several times.", max_items=20)]
Limit = Annotated[int, QueryParameter(description="Items a page, 1 to 100.")]
Year = Annotated[int, QueryParameter(ge=0, le=9999)]
_MOST = 100
_MOST_SIMILAR = 50
_READ_PROBLEMS = (problems.INVALID_REQUEST, problems.UNKNOWN_PARAMETER, problems.INVALID_POSITION,
                  problems.UNAVAILABLE, problems.READ_MODEL_BEHIND)  # fmt: skip
_MOVED = ResponseHeader(name="Location", description="Of a merged title: its successor.", documentation_only=True)
_ETAG = ResponseHeader(name="ETag", description="Send it as If-None-Match.", documentation_only=True)


class SearchController(Controller):
    path = "/v1/search"
    tags = ("search",)

    @get(
        operation_id="SearchTitles",
        summary="Find titles by name, words or sense; browse without a query",
        responses=answered(SearchResponse, SEARCH_EXAMPLE, *_READ_PROBLEMS, problems.INVALID_CURSOR),
    )
    async def search(
        self,
        search: Injected[Search],
        freshness: Injected[Freshness],
        q: Annotated[str, QueryParameter(description="What to look for.", max_length=1000)] = "",
        kind: Annotated[Sequence[Kind], QueryParameter(description="Any of these.", max_items=20)] = (),
        genre: Terms = (),
        provider: Terms = (),
        region: Region = None,
        year_from: Annotated[int | None, QueryParameter(name="yearFrom", ge=0, le=9999)] = None,
        year_to: Annotated[int | None, QueryParameter(name="yearTo", ge=0, le=9999)] = None,
        limit: Limit = 20,
        cursor: Annotated[str | None, QueryParameter(description="nextCursor of the page before.")] = None,
        explain: Annotated[bool, QueryParameter(description="Show legs, ranks, scores and times.")] = False,
        after: After = None,
    ) -> SearchResponse:
        if year_from is not None and year_to is not None and year_from > year_to:
            raise parameter_error("yearFrom", "must not be after yearTo")
        filters = Filters(
            kinds=_set(kind),
            genres=_set(genre),
            providers=_set(provider),
            region=region,
            year_from=year_from,
            year_to=year_to,
        )
        checked_limit(limit, _MOST)
        fresh = await freshness.wait(after, "title_search")
        page = await search.find(SearchRequest(q, filters, limit, cursor, fresh))
        return SearchResponse.of(q, page, await freshness.as_of("title_search"), explain=explain)


class TitleController(Controller):
    path = "/v1"
    tags = ("titles",)

    @get(
        "/titles/{title_id:str}",
        operation_id="GetTitle",
        summary="One title",
        responses=answered(TitleResponse, TITLE_EXAMPLE, NOT_FOUND, GONE, *_READ_PROBLEMS),
        response_headers=[_MOVED, _ETAG],
    )
    async def title(
        self,
        request: Request[Any, Any, Any],
        title_id: TitleId,
        titles: Injected[CatalogReader],
        freshness: Injected[Freshness],
        after: After = None,
    ) -> Response[TitleResponse | None]:
        await freshness.wait(after, "title_catalog")
        snapshot = await _found(titles, title_id)
        if snapshot.document is None:
            return _moved(snapshot)
        headers = {"ETag": f'"{snapshot.document.version}-{snapshot.written_at.timestamp():.6f}"'}
        if _matches(request.headers.get("if-none-match"), headers["ETag"]):
            return Response(None, status_code=304, headers=headers)
        return Response(TitleResponse.of(snapshot.document, snapshot.written_at), headers=headers)

    @get(
        "/titles",
        operation_id="FindTitlesByExternalId",
        summary="Titles that carry an id of another issuer",
        responses=problems.documented(*_READ_PROBLEMS),
    )
    async def by_external_id(
        self,
        titles: Injected[CatalogReader],
        freshness: Injected[Freshness],
        external_id: Annotated[
            str,
            QueryParameter(
                name="externalId", description="issuer:id, as imdb:tt0000001", pattern="^[a-z0-9_]+:.+$", max_length=300
            ),
        ],
        after: After = None,
    ) -> TitleList:
        await freshness.wait(after, "title_catalog")
        source, _, value = external_id.partition(":")
        found = await titles.by_external_id(source, value)
        items = tuple(TitleResponse.of(each.document, each.written_at) for each in found if each.document is not None)
        return TitleList(items=items, as_of=await freshness.as_of("title_catalog"))

    @post(
        "/titles:batchGet",
        status_code=200,
        operation_id="BatchGetTitles",
        summary="Up to 100 titles at once",
        responses=problems.documented(*_READ_PROBLEMS),
    )
    async def batch_get(
        self,
        data: JSONBody[BatchRequest],
        titles: Injected[CatalogReader],
        freshness: Injected[Freshness],
        after: After = None,
    ) -> BatchResponse:
        if any("\x00" in title_id for title_id in data.title_ids):
            raise parameter_error("titleIds", "must not contain NUL characters")
        await freshness.wait(after, "title_catalog")
        found = await titles.titles(data.title_ids)
        return BatchResponse.of(data.title_ids, found, await freshness.as_of("title_catalog"))

    @get(
        "/titles/{title_id:str}/availability",
        operation_id="GetAvailability",
        summary="Where a title can be watched",
        responses=problems.documented(NOT_FOUND, GONE, *_READ_PROBLEMS),
        response_headers=[_MOVED],
    )
    async def availability(
        self,
        title_id: TitleId,
        titles: Injected[CatalogReader],
        freshness: Injected[Freshness],
        clock: Injected[Clock],
        region: Region = None,
        after: After = None,
    ) -> Response[AvailabilityResponse | None]:
        await freshness.wait(after, "availability")
        snapshot = await _found(titles, title_id)
        if snapshot.document is None:
            return _moved(snapshot, "/availability" + (f"?region={region}" if region else ""))
        offers = await titles.offers(title_id, region, clock.now())
        return Response(AvailabilityResponse.of(title_id, region, offers, await freshness.as_of("availability")))

    @get(
        "/titles/{title_id:str}/similar",
        operation_id="GetSimilarTitles",
        summary="Titles of like sense",
        responses=problems.documented(NOT_FOUND, GONE, *_READ_PROBLEMS),
        response_headers=[_MOVED],
    )
    async def similar(
        self,
        title_id: TitleId,
        titles: Injected[CatalogReader],
        search: Injected[Search],
        freshness: Injected[Freshness],
        limit: Annotated[int, QueryParameter(description="Titles, 1 to 50.")] = 10,
        after: After = None,
    ) -> Response[SimilarResponse | None]:
        checked_limit(limit, _MOST_SIMILAR)
        await freshness.wait(after, "title_search")
        snapshot = await _found(titles, title_id)
        if snapshot.document is None:
            return _moved(snapshot, "/similar")
        found = await search.similar(title_id, limit)
        items = tuple(HitResponse.with_similarity(title, score) for title, score in found or ())
        as_of = await freshness.as_of("title_search")
        return Response(SimilarResponse(title_id=title_id, embedded=found is not None, items=items, as_of=as_of))


def _set(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


async def _found(titles: CatalogReader, title_id: str) -> TitleSnapshot:
    """A live or merged title. Raises Problem: 404 for one nobody knows, 410 for a retired one."""
    snapshot = (await titles.titles([title_id])).get(title_id)
    if snapshot is None:
        raise Problem(NOT_FOUND, "No title has this id.")
    if snapshot.state == "retired":
        raise Problem(GONE, "No provider lists this title any more.")
    return snapshot


def _moved(snapshot: TitleSnapshot, rest: str = "") -> Response[Any]:
    return Response(None, status_code=301, headers={"Location": f"/v1/titles/{snapshot.successor_id}{rest}"})


def _matches(header: str | None, etag: str) -> bool:
    """RFC 9110, section 13.1.2: a list of tags compared weakly, or any."""
    tags = [tag.strip().removeprefix("W/") for tag in (header or "").split(",")]
    return "*" in tags or etag in tags
