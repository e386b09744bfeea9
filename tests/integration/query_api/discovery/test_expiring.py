"""GET /v1/availability/expiring: what leaves soon, soonest first, each once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from query_api.services.discovery import SPEC
from runtime.http.app import build_app
from runtime.settings import Settings
from schemas.types.catalog import Offer, TitleChanged
from streams.engine.spec import StoreContext
from streams.materializers import availability
from tests.support.titles import POSITION, changed
from tests.support.webhooks import serving

Client = httpx.AsyncClient
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def offer(ends: float | None, **given: Any) -> Offer:
    ends_at = None if ends is None else NOW + ends * DAY
    return Offer(**({"provider": "netflix", "region": "DE", "type": "subscription", "ends_at": ends_at} | given))


CATALOG = [
    changed("heat", offers=(offer(2.5), offer(6, provider="hulu"), offer(None, provider="max"))),
    changed("wave", offers=(offer(0.5, region="US"), offer(40, type="rent", price="3.99", currency="EUR"))),
    changed("over", offers=(offer(-1),)),
    changed("later", offers=(offer(3, starts_at=NOW + DAY),)),
    changed("goes-on", offers=(offer(1), offer(30, starts_at=NOW + DAY))),
    changed("has-a-gap", offers=(offer(1), offer(30, starts_at=NOW + 2 * DAY))),
]


@pytest.fixture
async def client(catalog: Settings) -> AsyncIterator[Client]:
    fill(catalog, CATALOG)
    async with serving(build_app("discovery", [SPEC], catalog)) as found:
        yield found


def fill(settings: Settings, events: list[TitleChanged]) -> None:
    with psycopg.connect(settings.postgres_dsn) as connection:
        connection.execute("DELETE FROM availability_v1")
        connection.execute("DELETE FROM availability_titles_v1")
    store = availability.SPEC.store(StoreContext(settings, availability.SPEC.name))
    store.positions([("titles", 0)])
    store.apply([write for event in events for write in availability.SPEC.transform(event, POSITION)], ())
    store.close()


async def get(client: Client, **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/availability/expiring", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["wave", "has-a-gap", "heat", "heat"]),
        ({"days": 1}, ["wave", "has-a-gap"]),
        ({"days": 90}, ["wave", "has-a-gap", "heat", "heat", "goes-on", "wave"]),
        ({"region": "US"}, ["wave"]),
        ({"provider": "hulu"}, ["heat"]),
        ({"provider": "nobody"}, []),
    ],
)
async def test_what_holds_now_and_ends_in_time(client: Client, query: dict[str, Any], expected: list[str]) -> None:
    found = await get(client, **query)
    assert [each["titleId"] for each in found["items"]] == expected
    ends = [each["endsAt"] for each in found["items"]]
    assert ends == sorted(ends)


async def test_an_item_shows_the_offer_and_its_title(client: Client) -> None:
    item = (await get(client, provider="netflix", region="DE"))["items"][1]
    assert (item["titleId"], item["title"]["name"], item["titleKnown"]) == ("heat", "Heat", True)
    assert (item["provider"], item["type"], item["daysLeft"]) == ("netflix", "subscription", 2)
    unknown = (await get(client, region="US"))["items"][0]
    assert unknown["daysLeft"] == 0


async def test_pages(client: Client) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"days": 90, "limit": 1}
    while True:
        page = await get(client, **query)
        seen += [each["titleId"] for each in page["items"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == ["wave", "has-a-gap", "heat", "heat", "goes-on", "wave"]


@pytest.mark.parametrize(
    "query", [{"days": "0"}, {"days": "91"}, {"limit": "101"}, {"cursor": "rubbish"}, {"region": "Germany"}, {"q": "x"}]
)
async def test_bad_questions(client: Client, query: dict[str, str]) -> None:
    assert (await client.get("/v1/availability/expiring", params=query)).status_code == 400
