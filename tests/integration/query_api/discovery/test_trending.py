"""GET /v1/trending: what the materializer left in Redis, with titles from the catalog."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from query_api.services.discovery import SPEC
from runtime.connections import redis
from runtime.http.app import build_app
from runtime.settings import Settings
from schemas.read_models import trending
from schemas.read_models.trending import Trend, TrendingTitle
from tests.support.backends import Backends
from tests.support.redis_database import own_database
from tests.support.webhooks import serving

END = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Client = httpx.AsyncClient


@pytest.fixture
def own(backends: Backends) -> Iterator[tuple[str, redis.Blocking]]:
    with own_database(backends.redis_url) as found:
        yield found


@pytest.fixture
async def client(catalog: Settings, own: tuple[str, redis.Blocking]) -> AsyncIterator[Client]:
    ready = msgspec.structs.replace(catalog, redis_url=own[0])
    async with serving(build_app("discovery", [SPEC], ready)) as found:
        yield found


def put(store: redis.Blocking, *titles: str, region: str = "001", window: str = "24h", version: int = 1) -> None:
    shown = tuple(TrendingTitle(title, 10.0 - place / 3, 20 - place) for place, title in enumerate(titles))
    value = msgspec.json.encode(Trend(region, window, END, shown))
    store.set(trending.key(version, region, window), value)


async def get(client: Client, query: str = "", **headers: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/trending{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_best_first_with_titles(client: Client, own: tuple[str, redis.Blocking]) -> None:
    put(own[1], "twin", "nobody", "gone", "heat")
    found = await get(client)
    assert (found["region"], found["window"], found["asOf"]) == ("001", "24h", "2026-03-01T12:00:00Z")
    twin, nobody, gone, heat = found["items"]
    assert [each["rank"] for each in found["items"]] == [1, 2, 3, 4]
    assert (twin["titleId"], twin["title"]["name"], twin["successorId"]) == ("twin", "Heat", "heat")
    assert (nobody["titleKnown"], nobody["title"]) == (False, None)
    assert (gone["titleKnown"], gone["title"]) == (True, None)
    assert (heat["titleKnown"], heat["plays"], heat["score"]) == (True, 17, 9.0)
    assert [each["titleId"] for each in (await get(client, "?limit=2"))["items"]] == ["twin", "nobody"]


async def test_regions_and_windows_are_apart(client: Client, own: tuple[str, redis.Blocking]) -> None:
    put(own[1], "heat", region="DE", window="1h")
    assert [each["titleId"] for each in (await get(client, "?region=DE&window=1h"))["items"]] == ["heat"]
    for query in ("", "?region=DE", "?window=1h", "?region=FR&window=7d"):
        found = await get(client, query)
        assert (found["items"], found["asOf"]) == ([], None)


async def test_the_version_that_serves(client: Client, own: tuple[str, redis.Blocking]) -> None:
    put(own[1], "heat")
    put(own[1], "wave", version=2)
    assert [each["titleId"] for each in (await get(client))["items"]] == ["heat"]
    own[1].set(trending.SERVING_KEY, 2)
    assert [each["titleId"] for each in (await get(client))["items"]] == ["wave"]


@pytest.mark.parametrize(
    ("after", "status"),
    [("title-trends:1:7", 200), ("title-trends:1:8", 503), ("title-trends:2:0", 503), ("titles:0:0", 400), ("x", 400)],
)
async def test_read_your_writes(client: Client, own: tuple[str, redis.Blocking], after: str, status: int) -> None:
    own[1].hset(trending.positions_key(1), "title-trends:1", "8")
    answer = await client.get("/v1/trending", headers={"MG-After": after})
    assert answer.status_code == status, answer.text


async def test_without_redis_there_are_no_trends_but_titles(catalog: Settings) -> None:
    without = msgspec.structs.replace(catalog, redis_url="redis://127.0.0.1:1")
    async with serving(build_app("discovery", [SPEC], without)) as client:
        for headers in ({}, {"MG-After": "title-trends:0:0"}):
            answer = await client.get("/v1/trending", headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
        assert (await client.get("/v1/titles/heat")).status_code == 200


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("?window=2h", "invalid-request"),
        ("?region=de", "invalid-request"),
        ("?region=002", "invalid-request"),
        ("?limit=0", "invalid-request"),
        ("?limit=101", "invalid-request"),
        ("?country=DE", "unknown-parameter"),
    ],
)
async def test_bad_requests(client: Client, query: str, slug: str) -> None:
    answer = await client.get(f"/v1/trending{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, f"/problems/{slug}")
