"""GET /v1/availability/expiring: what to watch before it is gone."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from litestar import Controller, get
from litestar.params import QueryParameter
from msgspec import Struct

from query_api.answering import After, answered
from query_api.freshness import Freshness
from query_api.reading import in_utc, rows
from query_api.services.discovery.controller import Region
from query_api.services.discovery.examples import EXPIRING_OFFER
from query_api.services.discovery.reader import CatalogReader
from query_api.services.discovery.responses import AsOf, ExpiringOffer
from runtime.clock import Clock
from runtime.connections.postgres import AsyncPool, Row
from runtime.http import problems
from runtime.http.paging import checked_limit, decode_cursor, encode_cursor
from runtime.http.service import Injected
from runtime.sql import beside
from schemas.read_models.availability import READ_MODEL

_SQL = beside(__file__)
_MOST: Final = 100


class ExpiringStart(Struct, frozen=True, array_like=True):
    """The last offer of the page before, and the moment that all pages are as of."""

    now: datetime
    ends_at: datetime
    title_id: str
    ordinal: int


class ExpiringResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """Soonest first."""

    items: tuple[ExpiringOffer, ...]
    next_cursor: str | None = None
    as_of: AsOf = None


class ExpiringReader:
    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool

    async def page(
        self, until: datetime, filters: Mapping[str, str | None], start: ExpiringStart | None, limit: int, now: datetime
    ) -> Sequence[Row]:
        after = {
            "after_end": start and start.ends_at,
            "after_title": start and start.title_id,
            "after_ordinal": start and start.ordinal,
        }
        wanted = {**filters, **after, "now": now, "until": until, "limit": limit}
        return [in_utc(row) for row in await rows(self._pool, _SQL["offers_that_end"], wanted)]


class ExpiringController(Controller):
    path = "/v1/availability/expiring"
    tags = ("availability",)

    @get(
        operation_id="ListExpiringOffers",
        summary="Offers that end soon",
        description="Those that hold now and end within so many days, soonest first; not where another offer of the "
        "same provider, type and quality goes on without a gap. To be told instead: `/v1/availability/changes`.",
        responses=answered(
            ExpiringResponse,
            ExpiringResponse(items=(EXPIRING_OFFER,)),
            problems.INVALID_REQUEST,
            problems.UNKNOWN_PARAMETER,
            problems.INVALID_CURSOR,
            problems.INVALID_POSITION,
            problems.UNAVAILABLE,
            problems.READ_MODEL_BEHIND,
        ),
    )
    async def expiring(
        self,
        expiring_offers: Injected[ExpiringReader],
        titles: Injected[CatalogReader],
        freshness: Injected[Freshness],
        clock: Injected[Clock],
        days: Annotated[int, QueryParameter(ge=1, le=90, description="Ends within so many days.")] = 7,
        region: Region = None,
        provider: Annotated[str | None, QueryParameter(description="Who offers it.", max_length=200)] = None,
        limit: Annotated[int, QueryParameter(description="Offers a page, 1 to 100.")] = 20,
        cursor: Annotated[
            str | None, QueryParameter(description="`nextCursor` of the page before.", max_length=2048)
        ] = None,
        after: After = None,
    ) -> ExpiringResponse:
        checked_limit(limit, _MOST)
        filters = {"region": region, "provider": provider}
        query = {"operation": "expiring", "days": days, **filters}
        start = decode_cursor(query, cursor, ExpiringStart) if cursor else None
        await freshness.wait(after, READ_MODEL)
        now = start.now if start else clock.now()
        found = await expiring_offers.page(now + timedelta(days=days), filters, start, limit + 1, now)
        shown = found[:limit]
        cards = await titles.cards([row["title_id"] for row in shown])
        last = shown[-1] if len(found) > limit else None
        return ExpiringResponse(
            items=tuple(ExpiringOffer.of(row, cards.get(row["title_id"]), now) for row in shown),
            next_cursor=encode_cursor(query, ExpiringStart(now, last["ends_at"], last["title_id"], last["ordinal"]))
            if last
            else None,
            as_of=await freshness.as_of(READ_MODEL),
        )
