"""GET /v1/availability/changes."""

from typing import Annotated, Final

from litestar import Controller, get
from litestar.params import QueryParameter
from msgspec import Struct

from query_api.answering import After, answered
from query_api.freshness import Freshness
from query_api.services.discovery.availability_feed import (
    MOST_DAYS,
    AvailabilityFeed,
    FeedCursor,
    FeedFilters,
)
from query_api.services.discovery.controller import Region
from query_api.services.discovery.examples import AVAILABILITY_CHANGE
from runtime.clock import Clock
from runtime.http import problems
from runtime.http.paging import checked_limit, decode_cursor, encode_cursor
from runtime.http.problems import CURSOR_TOO_OLD
from runtime.http.service import Injected
from schemas.read_models.availability_changes import READ_MODEL, AvailabilityChange, Change

LATEST: Final = "latest"
_MOST: Final = 1_000


class AvailabilityChangesResponse(Struct, frozen=True, rename="camel"):
    """Oldest first, each once. `more`: there are more already; go on with `cursor` in any case."""

    changes: tuple[AvailabilityChange, ...]
    cursor: str
    more: bool


class AvailabilityChangesController(Controller):
    path = "/v1/availability/changes"
    tags = ("availability",)

    @get(
        operation_id="GetAvailabilityChanges",
        summary="Offers that began, ended, changed or are about to end, since a cursor",
        description="Without `since` from the oldest that is kept; `since=latest` tells none and gives the cursor to "
        "go on with, which is how to begin after reading titles. Changes of one title come in their order, of several "
        "by time as far as that allows. `expiring` comes 7, 3 and 1 days before an end, once each. A cursor is good "
        f"for {MOST_DAYS} days and for the filters that it was made with; after that (410) read the titles anew.",
        responses=answered(
            AvailabilityChangesResponse,
            AvailabilityChangesResponse((AVAILABILITY_CHANGE,), "k84AAAEAbx9d", more=False),
            problems.INVALID_REQUEST,
            problems.UNKNOWN_PARAMETER,
            problems.INVALID_CURSOR,
            problems.INVALID_POSITION,
            problems.UNAVAILABLE,
            problems.READ_MODEL_BEHIND,
            CURSOR_TOO_OLD,
        ),
    )
    async def changes(
        self,
        availability_feed: Injected[AvailabilityFeed],
        freshness: Injected[Freshness],
        clock: Injected[Clock],
        since: Annotated[
            str | None, QueryParameter(description="`cursor` of the answer before, or `latest`.", max_length=2048)
        ] = None,
        region: Region = None,
        provider: Annotated[str | None, QueryParameter(description="Who offers it.", max_length=200)] = None,
        title_id: Annotated[str | None, QueryParameter(name="titleId", max_length=200)] = None,
        change: Annotated[Change | None, QueryParameter(description="Only these.")] = None,
        limit: Annotated[int, QueryParameter(description="Changes an answer, 1 to 1000.")] = 100,
        after: After = None,
    ) -> AvailabilityChangesResponse:
        checked_limit(limit, _MOST)
        query = {
            "operation": "availability-changes",
            "region": region,
            "provider": provider,
            "titleId": title_id,
            "change": change,
        }
        start: FeedCursor | None = FeedCursor()
        if since is not None:
            start = None if since == LATEST else decode_cursor(query, since, FeedCursor, "since")
        await freshness.wait(after, READ_MODEL)
        page = await availability_feed.page(start, FeedFilters(region, provider, title_id, change), limit, clock.now())
        return AvailabilityChangesResponse(page.changes, encode_cursor(query, page.cursor), page.more)
