"""GET /v1/availability/changes: everything since the cursor, once, whatever the filters and pages."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from query_api.services.discovery import SPEC
from query_api.services.discovery.availability_feed import MOST_DAYS, AvailabilityFeed, FeedCursor, FeedFilters
from runtime.clock import SystemClock
from runtime.connections import postgres
from runtime.http.app import build_app
from runtime.http.problems import Problem
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.types.catalog import AvailabilityChanged, OfferExpiring
from streams.engine.spec import Advance, StoreContext
from streams.materializers import availability_changes
from tests.support.offers import offer_changed, offer_expiring
from tests.support.webhooks import serving

Client = httpx.AsyncClient
TOPIC = "availability-changes"


@pytest.fixture
async def client(catalog: Settings) -> AsyncIterator[Client]:
    async with serving(build_app("discovery", [SPEC], catalog)) as found:
        yield found


@pytest.fixture(autouse=True)
def empty(settings: Settings) -> None:
    with psycopg.connect(settings.postgres_dsn) as connection:
        connection.execute("DELETE FROM availability_changes_v1")
        connection.execute("DELETE FROM consumer_positions WHERE topic = %s", (TOPIC,))


def log(
    settings: Settings, partition: int, events: Sequence[AvailabilityChanged | OfferExpiring], first: int = 0
) -> None:
    """Events at the end of a partition, one batch."""
    store = availability_changes.SPEC.store(StoreContext(settings, availability_changes.SPEC.name))
    store.positions([(TOPIC, partition)])
    writes = [
        write
        for offset, event in enumerate(events, first)
        for write in availability_changes.SPEC.transform(event, Position(TOPIC, partition, offset))
    ]
    store.apply(writes, [Advance(TOPIC, partition, first, first + len(events))])
    store.close()


async def get(client: Client, **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/availability/changes", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [each["eventId"] for each in page["changes"]]


async def test_pages_tell_everything_once_by_time(client: Client, settings: Settings) -> None:
    log(settings, 0, [offer_changed(number, "a") for number in (0, 2, 4, 6)])
    log(settings, 3, [offer_changed(number, "b") for number in (1, 3, 5)])
    page = await get(client, limit=3)
    told = page["changes"]
    while page["more"]:
        page = await get(client, limit=3, since=page["cursor"])
        told += page["changes"]
    times = [each["occurredAt"] for each in told]
    assert len(told) == len({each["eventId"] for each in told}) == 7
    assert times == sorted(times)
    assert (await get(client, since=page["cursor"]))["changes"] == []
    log(settings, 3, [offer_expiring(7, "b")], first=3)
    (new,) = (await get(client, since=page["cursor"]))["changes"]
    assert (new["change"], new["days"], new["titleName"], new["after"]["endsAt"]) == (
        "expiring", 3, "Title b", "2026-03-04T12:00:00Z",
    )  # fmt: skip


async def test_latest_is_where_to_begin(client: Client, settings: Settings) -> None:
    log(settings, 1, [offer_changed(0), offer_changed(1)])
    page = await get(client, since="latest")
    assert (page["changes"], page["more"]) == ([], False)
    log(settings, 1, [offer_changed(2)], first=2)
    log(settings, 2, [offer_changed(3, "first of its partition")])
    assert len((await get(client, since=page["cursor"]))["changes"]) == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"region": "US"}, [1]),
        ({"provider": "hulu"}, [2]),
        ({"titleId": "other"}, [3]),
        ({"change": "ended"}, [4]),
        ({"region": "DE", "change": "started"}, [0, 2, 3]),
        ({"provider": "nobody"}, []),
    ],
)
async def test_filters(client: Client, settings: Settings, query: dict[str, str], expected: list[int]) -> None:
    events = [
        offer_changed(0),
        offer_changed(1, region="US"),
        offer_changed(2, provider="hulu"),
        offer_changed(3, title_id="other"),
        offer_changed(4, change="ended"),
    ]
    log(settings, 0, events)
    found: list[str] = []
    page = await get(client, limit=1, **query)
    found += ids(page)
    while page["more"]:
        page = await get(client, limit=1, since=page["cursor"], **query)
        found += ids(page)
    assert found == [events[number].event_id for number in expected]
    assert (await get(client, since=page["cursor"], **query))["changes"] == []


async def test_an_event_that_the_log_has_twice_is_told_once(client: Client, settings: Settings) -> None:
    log(settings, 0, [offer_changed(0), offer_changed(0)])
    log(settings, 0, [offer_changed(0), offer_changed(1)], first=2)
    assert len((await get(client))["changes"]) == 2


async def test_bad_questions(client: Client, settings: Settings) -> None:
    log(settings, 0, [offer_changed(0)])
    cursor = (await get(client, region="DE"))["cursor"]
    for query, status, code in (
        ({"since": "rubbish"}, 400, "invalid-cursor"),
        ({"since": cursor}, 400, "invalid-cursor"),  # of another filter
        ({"since": cursor[:-2], "region": "DE"}, 400, "invalid-cursor"),
        ({"region": "Germany"}, 400, "invalid-request"),
        ({"change": "vanished"}, 400, "invalid-request"),
        ({"limit": "0"}, 400, "invalid-request"),
        ({"limit": "1001"}, 400, "invalid-request"),
        ({"page": "2"}, 400, "unknown-parameter"),
    ):
        answer = await client.get("/v1/availability/changes", params=query)
        assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (status, code), query


async def test_a_cursor_that_is_too_old_or_of_another_database(settings: Settings) -> None:
    log(settings, 0, [offer_changed(0)])
    now = SystemClock().now()
    pool = postgres.reader_pool(settings.postgres_dsn, "test")
    await pool.open()
    try:
        feed = AvailabilityFeed(pool)
        page = await feed.page(FeedCursor(), FeedFilters(), 10, now)
        assert page.cursor.offsets == {0: 1}
        later = now + timedelta(days=MOST_DAYS, seconds=2)
        for cursor, moment in ((page.cursor, later), (msgspec.structs.replace(page.cursor, offsets={0: 2}), now)):
            with pytest.raises(Problem) as refused:
                await feed.page(cursor, FeedFilters(), 10, moment)
            assert refused.value.type.status == 410
    finally:
        await pool.close()


async def test_rows_of_more_than_a_month_go(client: Client, settings: Settings) -> None:
    log(settings, 0, [offer_changed(number) for number in range(4)])
    with psycopg.connect(settings.postgres_dsn) as connection:
        connection.execute(
            "UPDATE availability_changes_v1 SET written_at = now() - interval '32 days' WHERE log_offset < 3"
        )
    log(settings, 0, [offer_changed(4)], first=4)
    assert len((await get(client))["changes"]) == 3, "two may go for one that comes"
    log(settings, 0, [offer_changed(5)], first=5)
    assert len((await get(client))["changes"]) == 3
