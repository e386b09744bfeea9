"""Histories and reviews over real PostgreSQL, of what entity resolution itself decided."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from query_api.services.resolution import SPEC
from runtime.http.app import build_app
from runtime.settings import Secret, Settings
from schemas.envelope import Position
from schemas.types.catalog import CanonicalItem, ProviderItemNormalized
from streams.engine.spec import Received
from streams.processors.entity_resolution.lookup import EntityResolution
from tests.support.backends import PostgresDatabase
from tests.support.canonical_items import an_item, ids
from tests.support.migrated import migrated, settings
from tests.support.webhooks import serving

__all__ = ["migrated", "settings"]
Client = httpx.AsyncClient
OPERATOR = {"authorization": "Bearer t0ken"}
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ITEMS = [
    ("alpha:1", an_item("Amber Road by the Sea", 1999)),
    ("beta:1", an_item("Amber Road by the Sea", 1999)),
    ("gamma:1", an_item("Cedar", 2000)),
    ("beta:2", an_item("Cedar", 2001)),
    ("gamma:2", an_item("Birch", 1980, external_ids=ids("imdb:tt1"))),
    ("beta:3", an_item("Oak", 1990, external_ids=ids("tmdb:1"))),
    ("delta:1", an_item("Birch", 1980, external_ids=ids("imdb:tt1", "tmdb:1"))),
]


@pytest.fixture(scope="module")
def decided(migrated: PostgresDatabase) -> dict[str, str]:
    """Titles by item."""
    lookup = EntityResolution()
    with psycopg.connect(migrated.dsn) as connection:
        for offset, (name, item) in enumerate(ITEMS):
            with connection.transaction(), connection.cursor() as cursor:
                lookup.decide(cursor, [_received(name, item, offset)])
        rows = connection.execute("SELECT provider || ':' || native_id, title_id::text FROM provider_items").fetchall()
    return dict(rows)


def _received(name: str, item: CanonicalItem, offset: int) -> Received:
    provider, _, native = name.partition(":")
    event = ProviderItemNormalized(
        event_id=f"018f0000-0000-7000-8000-{offset:012}",
        occurred_at=AT + timedelta(seconds=offset),
        provider=provider,
        native_id=native,
        delivery_id="d",
        source_time=AT,
        item=item,
    )
    return Received(event, Position("provider-items", 0, offset), None, AT)


@pytest.fixture
async def client(settings: Settings, decided: dict[str, str]) -> AsyncIterator[Client]:
    ready = msgspec.structs.replace(settings, operator_token=Secret("t0ken"))
    async with serving(build_app("discovery", [SPEC], ready)) as found:
        yield found


async def got(client: Client, path: str, **headers: str) -> dict[str, Any]:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_who_joined_and_why(client: Client, decided: dict[str, str]) -> None:
    found = await got(client, f"/v1/titles/{decided['alpha:1']}/history")
    assert [(one["provider"], one["action"], one["reason"]) for one in found["entries"]] == [
        ("alpha", "founded", "new"),
        ("beta", "joined", "match"),
    ]
    assert (found["status"], found["successorId"]) == ("active", None)
    joined = found["entries"][1]
    assert joined["score"] > 0.9
    assert {one["field"] for one in joined["evidence"]} == {"name", "year"}


async def test_pages_of_a_history(client: Client, decided: dict[str, str]) -> None:
    path = f"/v1/titles/{decided['alpha:1']}/history?limit=1"
    first = await got(client, path)
    second = await got(client, f"{path}&cursor={first['nextCursor']}")
    assert [page["entries"][0]["action"] for page in (first, second)] == ["founded", "joined"]
    assert second["nextCursor"] is None
    wrong = await client.get(f"/v1/titles/{decided['gamma:1']}/history?cursor={first['nextCursor']}")
    assert (wrong.status_code, wrong.json()["type"]) == (400, "/problems/invalid-cursor")


async def test_a_merged_title_names_its_successor(client: Client, decided: dict[str, str], migrated: Any) -> None:
    with psycopg.connect(migrated.dsn) as connection:
        (row,) = connection.execute("SELECT title_id::text, successor_id::text FROM title_redirects").fetchall()
    found = await got(client, f"/v1/titles/{row[0]}/history")
    assert (found["status"], found["successorId"]) == ("merged", row[1])
    assert found["entries"][-1]["action"] == "merged"
    assert decided["delta:1"] == row[1]


@pytest.mark.parametrize("title_id", ["nobody", "00000000-0000-0000-0000-000000000000", "%00", "a" * 100])
async def test_no_such_title(client: Client, title_id: str) -> None:
    answer = await client.get(f"/v1/titles/{title_id}/history")
    assert answer.status_code in {400, 404}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_reviews_are_for_operators_and_show_both_sides(client: Client, decided: dict[str, str]) -> None:
    assert (await client.get("/v1/resolution/reviews")).status_code == 401
    found = await got(client, "/v1/resolution/reviews", **OPERATOR)
    (review,) = found["reviews"]
    assert (review["provider"], review["item"], review["reason"]) == ("beta", "2", "band")
    assert (review["title"]["titleId"], review["candidate"]["titleId"]) == (decided["beta:2"], decided["gamma:1"])
    assert review["title"]["name"] is None, "no catalog in this test"
    assert 0.5 <= review["score"] < 0.8
    assert found["nextCursor"] is None
