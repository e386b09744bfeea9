"""Scores of titles in a real catalog: what lacks counts by weight, and what nobody renewed decays to a half."""

import math
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from query_api.services.quality import SPEC
from query_api.services.quality.scoring import BUCKETS, NOT_OF_MUSIC, WEIGHTS
from runtime.http.app import build_app
from runtime.settings import Secret, Settings
from schemas.types import AnyEvent
from schemas.types.catalog import ExternalId, Image, TitleChanged
from streams.engine.spec import Advance, StoreContext
from streams.materializers import title_catalog
from tests.support.migrated import migrated, settings
from tests.support.titles import POSITION, changed, retired
from tests.support.webhooks import serving

__all__ = ["migrated", "settings"]
Client = httpx.AsyncClient
OPERATOR = {"authorization": "Bearer t0ken"}
NOW = datetime.now(UTC)
FULL: Mapping[str, Any] = {
    "overview": "A pilot finds a ship.",
    "images": (Image(kind="poster", url="https://e.example/p"), Image(kind="backdrop", url="https://e.example/b")),
    "year": 1990,
    "runtime_minutes": 90,
    "genres": ("drama",),
    "popularity": 0.5,
    "external_ids": (ExternalId(source="imdb", value="tt1"),),
}
BARE: Mapping[str, Any] = {"external_ids": ()}


def title(title_id: str, days: float = 0, **fields: Any) -> TitleChanged:
    return changed(title_id, occurred_at=NOW - timedelta(days=days, minutes=1), **fields)


CATALOG = [
    title("full", **FULL),
    title("month", 30, **FULL),
    title("old", 70, **FULL),
    title("ancient", 4000, **FULL),
    title("bare", **BARE),
    title("no-poster", **{**FULL, "images": (Image(kind="backdrop", url="https://e.example/b"),)}),
    title("song", **{**FULL, "kind": "track", "overview": None, "images": (Image(kind="cover", url="https://e/c"),)}),
    title("gone", **FULL),
]


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    with psycopg.connect(settings.postgres_dsn) as connection:
        connection.execute("DELETE FROM title_catalog_v1")
        connection.execute("DELETE FROM consumer_positions")
    spec = title_catalog.SPEC
    store = spec.store(StoreContext(settings, spec.name))
    store.positions([("titles", 0)])
    events: list[AnyEvent] = [*CATALOG, retired("gone", 2)]
    store.apply(
        [write for event in events for write in spec.transform(event, POSITION)],
        [Advance("titles", 0, 0, len(events))],
    )
    store.close()
    ready = msgspec.structs.replace(settings, operator_token=Secret("t0ken"))
    async with serving(build_app("discovery", [SPEC], ready)) as found:
        yield found


async def quality(client: Client, title_id: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/titles/{title_id}/quality")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("title_id", "score"), [("full", 1.0), ("month", math.exp(-0.3)), ("old", 0.5), ("ancient", 0.5)]
)
async def test_a_full_title_decays_to_a_half(client: Client, title_id: str, score: float) -> None:
    found = await quality(client, title_id)
    assert found["score"] == pytest.approx(score, abs=1e-6)
    assert (found["completeness"], found["missing"]) == (1.0, [])


async def test_what_lacks_counts_by_its_weight(client: Client) -> None:
    poster = await quality(client, "no-poster")
    assert poster["missing"] == ["poster"]
    assert poster["score"] == pytest.approx(1 - WEIGHTS["poster"] / sum(WEIGHTS.values()), abs=1e-6)
    bare = await quality(client, "bare")
    assert (bare["score"], set(bare["missing"])) == (0.0, set(WEIGHTS))


async def test_a_song_needs_no_plot(client: Client) -> None:
    assert {"overview", "backdrop"} == NOT_OF_MUSIC
    assert (await quality(client, "song"))["score"] == 1.0


@pytest.mark.parametrize("title_id", ["gone", "nobody"])
async def test_a_title_that_is_not_live_has_none(client: Client, title_id: str) -> None:
    assert (await client.get(f"/v1/titles/{title_id}/quality")).status_code == 404


async def test_the_report_adds_up(client: Client) -> None:
    answer = await client.get("/v1/quality/report", params={"threshold": 0.6}, headers=OPERATOR)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["titles"] == 7
    assert [each["titleId"] for each in report["low"]] == ["bare", "ancient", "old"]
    assert [bucket["upTo"] for bucket in report["buckets"]] == list(BUCKETS)
    assert [bucket["titles"] for bucket in report["buckets"]] == [1, 0, 2, 1, 3]
    assert {each["field"]: each["titles"] for each in report["missing"]} == dict.fromkeys(WEIGHTS, 1) | {"poster": 2}
    scores = [
        (await quality(client, each))["score"]
        for each in ("full", "month", "old", "ancient", "bare", "no-poster", "song")
    ]
    assert report["mean"] == pytest.approx(sum(scores) / 7)


async def test_pages_and_kinds(client: Client) -> None:
    query: dict[str, Any] = {"threshold": 1, "limit": 2}
    seen: list[str] = []
    while True:
        page = (await client.get("/v1/quality/report", params=query, headers=OPERATOR)).json()
        seen += [each["titleId"] for each in page["low"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == ["bare", "ancient", "old", "month", "no-poster"]
    music = (await client.get("/v1/quality/report", params={"kind": "track"}, headers=OPERATOR)).json()
    assert (music["titles"], music["low"]) == (1, [])


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ({}, {}, 401),
        ({}, {"authorization": "Bearer wrong"}, 401),
        ({"threshold": "2"}, OPERATOR, 400),
        ({"threshold": "nan"}, OPERATOR, 400),
        ({"limit": "0"}, OPERATOR, 400),
        ({"kind": "poem"}, OPERATOR, 400),
        ({"cursor": "rubbish"}, OPERATOR, 400),
    ],
)
async def test_bad_questions(client: Client, query: dict[str, str], headers: dict[str, str], status: int) -> None:
    assert (await client.get("/v1/quality/report", params=query, headers=headers)).status_code == status
