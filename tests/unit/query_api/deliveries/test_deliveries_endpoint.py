"""GET /v1/providers/{provider}/deliveries over HTTP, with a reader in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from query_api.services.deliveries.controller import DeliveriesController
from query_api.services.deliveries.reader import PageStart
from query_api.services.deliveries.silence import watch
from runtime import metrics
from runtime.clock import FrozenClock
from runtime.http.auth import Bearer
from runtime.http.positions import NextOffsets
from runtime.http.problems import UNAVAILABLE, Problem
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Secret
from schemas.read_models.provider_deliveries import DeliveryRow, RefusedItemRow
from tests.support.apps import app_of
from tests.support.webhooks import NOW, serving, settings

URL = "/v1/providers/wikidata/deliveries"
OPERATOR = {"authorization": "Bearer t0ken"}


class MemoryReader:
    """Seven deliveries, the newest first; the third has a refused item."""

    def __init__(self) -> None:
        self.rows = [
            DeliveryRow(
                delivery_id=f"d{n}",
                accepted_at=NOW - timedelta(minutes=n // 2),  # pairs of the same time
                items=2,
                accepted=0,
                normalized=1,
                withdrawn=0,
                dead_lettered=1,
            )
            for n in range(7)
        ]
        self.next = 8

    async def page(self, provider: str, after: PageStart | None, limit: int) -> Sequence[DeliveryRow]:
        assert provider == "wikidata"
        places = [n for n, row in enumerate(self.rows) if after and row.delivery_id == after.delivery_id]
        start = places[0] + 1 if places else 0
        return self.rows[start : start + limit]

    async def refused(self, provider: str, delivery_ids: Sequence[str]) -> Sequence[RefusedItemRow]:
        assert provider == "wikidata"
        found = RefusedItemRow(
            delivery_id="d2", native_id="Q1", ordinal=1, consumer="normalization", reason="missing_name", detail="none"
        )
        return [found] if "d2" in delivery_ids else []

    async def newest(self, providers: Sequence[str]) -> Mapping[str, datetime]:
        assert "wikidata" in providers
        return {"wikidata": NOW - timedelta(hours=30)}

    async def positions(self) -> NextOffsets:
        return {("catalog-deliveries", 0): self.next}

    async def as_of(self) -> datetime | None:
        return NOW


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def resources(_: Any) -> AsyncIterator[Resources]:
        yield Resources(
            {
                "deliveries_reader": MemoryReader(),
                "operator": Bearer(Secret("t0ken")),
                "known_providers": frozenset({"wikidata", "hulu"}),
                "wait_seconds": 0.05,
                "deliveries_clock": FrozenClock(NOW),
            }
        )

    names = ("deliveries_reader", "operator", "known_providers", "wait_seconds", "deliveries_clock")
    spec = ServiceSpec("deliveries", (DeliveriesController,), resources, names)
    async with serving(app_of("ingestion", [spec], settings(tmp_path))) as found:
        yield found


async def test_pages_follow_each_other(client: httpx.AsyncClient) -> None:
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = (await client.get(URL + "?limit=3" + (f"&cursor={cursor}" if cursor else ""), headers=OPERATOR)).json()
        seen += [each["deliveryId"] for each in page["deliveries"]]
        cursor = page.get("nextCursor")
        if not cursor:
            break
    assert seen == [f"d{n}" for n in range(7)]


async def test_a_delivery_shows_counts_and_reasons(client: httpx.AsyncClient) -> None:
    page = (await client.get(URL, headers=OPERATOR)).json()
    assert page["asOf"] == "2026-03-01T12:00:00Z"
    assert page["deliveries"][2] == {
        "deliveryId": "d2",
        "acceptedAt": "2026-03-01T11:59:00Z",
        "items": 2,
        "accepted": 0,
        "normalized": 1,
        "withdrawn": 0,
        "deadLettered": 1,
        "refused": [
            {"id": "Q1", "ordinal": 1, "consumer": "normalization", "reason": "missing_name", "detail": "none"}
        ],
    }


@pytest.mark.parametrize("given", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic t0ken"}])
@pytest.mark.parametrize("path", [URL, "/v1/providers/nobody/deliveries"])
async def test_it_is_not_public(client: httpx.AsyncClient, given: dict[str, str], path: str) -> None:
    response = await client.get(path, headers=given)
    assert (response.status_code, response.json()["type"]) == (401, "/problems/unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/v1/providers/nobody/deliveries", 404, "not-found"),
        (f"{URL}?limit=101", 400, "invalid-request"),
        (f"{URL}?limit=0", 400, "invalid-request"),
        (f"{URL}?cursor=nonsense", 400, "invalid-cursor"),
        (f"{URL}?page=2", 400, "unknown-parameter"),
    ],
)
async def test_bad_requests(client: httpx.AsyncClient, path: str, status: int, slug: str) -> None:
    response = await client.get(path, headers=OPERATOR)
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ("catalog-deliveries:0:7", 200),
        ("catalog-deliveries:0:8", 503),
        ("titles:0:1", 400),
        ("nonsense", 400),
    ],
)
async def test_read_your_writes(client: httpx.AsyncClient, after: str, status: int) -> None:
    assert (await client.get(URL, headers={**OPERATOR, "MG-After": after})).status_code == status


@pytest.mark.parametrize(("hours", "stale"), [("24", True), ("30", False), ("0.5", True)])
async def test_providers_and_their_silence(client: httpx.AsyncClient, hours: str, stale: bool) -> None:
    answer = await client.get("/v1/providers", params={"staleAfterHours": hours}, headers=OPERATOR)
    assert answer.json() == {
        "providers": [
            {"provider": "hulu", "lastDeliveryAt": None, "silentSeconds": None, "stale": True},
            {
                "provider": "wikidata",
                "lastDeliveryAt": "2026-02-28T06:00:00Z",
                "silentSeconds": 108000.0,
                "stale": stale,
            },
        ],
        "asOf": "2026-03-01T12:00:00Z",
    }


async def test_providers_are_for_operators(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/providers")).status_code == 401
    assert (await client.get("/v1/providers?staleAfterHours=0", headers=OPERATOR)).status_code == 400


async def test_silence_is_a_metric_and_outlives_a_database_that_is_away() -> None:
    class Away(MemoryReader):
        calls = 0

        async def newest(self, providers: Sequence[str]) -> Mapping[str, datetime]:
            self.calls += 1
            if self.calls == 1:
                raise Problem(UNAVAILABLE, "away")
            return await super().newest(providers)

    reader = Away()
    watching = asyncio.create_task(watch(reader, ("wikidata",), 0.01))
    try:
        for _ in range(500):
            if reader.calls > 2:
                break
            await asyncio.sleep(0.01)
    finally:
        watching.cancel()
    found = metrics.PROVIDER_LAST_DELIVERY.labels("wikidata")._value.get()
    assert found == (NOW - timedelta(hours=30)).timestamp()
