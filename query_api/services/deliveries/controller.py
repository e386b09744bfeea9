"""GET /v1/providers and /v1/providers/{provider}/deliveries."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated

from litestar import Controller, get
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from query_api.services.deliveries.reader import DeliveriesReader, PageStart
from query_api.services.deliveries.responses import DeliveryPage, ProviderList
from runtime.clock import Clock
from runtime.http import problems
from runtime.http.auth import Bearer
from runtime.http.paging import decode_cursor, encode_cursor
from runtime.http.positions import AFTER_HEADER, parse_positions, wait_until
from runtime.http.problems import Problem
from runtime.http.service import Injected
from schemas.read_models.provider_deliveries import TOPICS

Provider = Annotated[str, PathParameter(description="A configured provider.", pattern="^[a-z0-9_-]{1,64}$")]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Deliveries a page.")]
Cursor = Annotated[str | None, QueryParameter(description="`nextCursor` of the page before.", max_length=2048)]
Authorization = Annotated[
    str | None, HeaderParameter(name="Authorization", description="`Bearer` and the operator token.")
]
After = Annotated[
    str | None, HeaderParameter(name=AFTER_HEADER, description="Answer only once this log position is in.")
]


class DeliveriesController(Controller):
    path = "/v1/providers"
    tags = ("webhooks",)

    @get(
        operation_id="ListProviders",
        summary="Every provider, and since when it has been silent",
        description="Needs the operator token. The metric `mg_provider_last_delivery_timestamp_seconds` says the same.",
        responses=problems.documented(
            problems.INVALID_REQUEST,
            problems.UNKNOWN_PARAMETER,
            problems.UNAUTHENTICATED,
            problems.UNAVAILABLE,
        ),
    )
    async def list_providers(
        self,
        deliveries_reader: Injected[DeliveriesReader],
        operator: Injected[Bearer],
        known_providers: Injected[Collection[str]],
        deliveries_clock: Injected[Clock],
        stale_after_hours: Annotated[
            float, QueryParameter(name="staleAfterHours", gt=0, le=8760, description="`stale` from so much silence on.")
        ] = 24.0,
        authorization: Authorization = None,
    ) -> ProviderList:
        operator.require(authorization)
        names = tuple(known_providers)
        newest = await deliveries_reader.newest(names)
        return ProviderList.of(
            names,
            newest,
            deliveries_clock.now(),
            timedelta(hours=stale_after_hours),
            await deliveries_reader.as_of(),
        )

    @get(
        "/{provider:str}/deliveries",
        operation_id="ListProviderDeliveries",
        summary="Recent deliveries and what became of them",
        description="Newest first. Needs the operator token.",
        responses=problems.documented(
            problems.INVALID_REQUEST,
            problems.UNKNOWN_PARAMETER,
            problems.INVALID_CURSOR,
            problems.INVALID_POSITION,
            problems.UNAUTHENTICATED,
            problems.NOT_FOUND,
            problems.UNAVAILABLE,
            problems.READ_MODEL_BEHIND,
        ),
    )
    async def list_deliveries(
        self,
        provider: Provider,
        deliveries_reader: Injected[DeliveriesReader],
        operator: Injected[Bearer],
        known_providers: Injected[Collection[str]],
        wait_seconds: Injected[float],
        limit: Limit = 20,
        cursor: Cursor = None,
        authorization: Authorization = None,
        after: After = None,
    ) -> DeliveryPage:
        operator.require(authorization)
        if provider not in known_providers:
            raise Problem(problems.NOT_FOUND, "no such provider")
        query = {"operation": "deliveries", "provider": provider}
        start = decode_cursor(query, cursor, PageStart) if cursor else None
        await wait_until(deliveries_reader.positions, parse_positions(after), wait_seconds, topics=TOPICS)
        rows = await deliveries_reader.page(provider, start, limit + 1)
        shown = rows[:limit]
        refused = await deliveries_reader.refused(provider, [row.delivery_id for row in shown])
        last = shown[-1] if len(rows) > limit else None
        return DeliveryPage.of(
            shown,
            refused,
            as_of=await deliveries_reader.as_of(),
            next_cursor=encode_cursor(query, PageStart(last.accepted_at, last.delivery_id)) if last else None,
        )
