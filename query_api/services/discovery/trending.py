"""GET /v1/trending."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from query_api.answering import After, answered
from query_api.freshness import Freshness
from query_api.services.discovery.examples import TRENDING_EXAMPLE
from query_api.services.discovery.reader import CatalogReader
from query_api.services.discovery.responses import TrendingResponse, Window
from query_api.services.discovery.trends import RedisTrends
from runtime.http import problems
from runtime.http.paging import checked_limit
from runtime.http.service import Injected
from schemas.read_models.trending import EVERYWHERE, READ_MODEL

_MOST = 100


class TrendingController(Controller):
    path = "/v1/trending"
    tags = ("trending",)

    @get(
        operation_id="GetTrending",
        summary="What is watched most, by region and window",
        description="Best first. Titles that the catalog does not know yet are listed with `titleKnown` false.",
        responses=answered(
            TrendingResponse,
            TRENDING_EXAMPLE,
            problems.INVALID_REQUEST,
            problems.UNKNOWN_PARAMETER,
            problems.INVALID_POSITION,
            problems.UNAVAILABLE,
            problems.READ_MODEL_BEHIND,
        ),
    )
    async def trending(
        self,
        trends: Injected[RedisTrends],
        titles: Injected[CatalogReader],
        freshness: Injected[Freshness],
        region: Annotated[
            str,
            QueryParameter(description="ISO 3166-1 alpha-2; 001 for everywhere.", pattern="^([A-Z]{2}|001)$"),
        ] = EVERYWHERE,
        window: Annotated[Window, QueryParameter(description="How far back plays count.")] = "24h",
        limit: Annotated[int, QueryParameter(description="Titles, 1 to 100.")] = 20,
        after: After = None,
    ) -> TrendingResponse:
        checked_limit(limit, _MOST)
        await freshness.wait(after, READ_MODEL)
        trend = await trends.trend(region, window)
        shown = trend.titles[:limit] if trend else ()
        entries = await titles.cards([title.title_id for title in shown])
        return TrendingResponse.of(region, window, trend, shown, entries)
